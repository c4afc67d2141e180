// Package payping speaks PayPing's API v3: create, the pay page, the return, verify
// and the report. Its amounts are toman.
package payping
