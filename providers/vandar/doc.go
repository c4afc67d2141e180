// Package vandar is the payment provider Vandar, payment gateway v4. Its amounts are
// rials, some of them written as decimal texts.
package vandar
