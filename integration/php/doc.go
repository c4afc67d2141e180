// Package php holds the tests that need a real php-fpm: what PHP sees of a
// verified return, and what it must never see.
package php
