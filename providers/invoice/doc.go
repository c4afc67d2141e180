// Package invoice speaks the "invoice script" that several Iranian gateways
// run under their own names: 24pal and others. Amounts are rials.
package invoice
