// Package sama speaks Sama's payment API v2 (app.sama.ir): verify as
// documented, create and return as far as they can be inferred. Amounts are
// rials.
package sama
