// Package zibal is the payment provider Zibal, payment gateway v1.
package zibal
