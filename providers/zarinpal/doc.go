// Package zarinpal is the payment provider Zarinpal, payment gateway v4.
package zarinpal
