// Package zarinpal speaks Zarinpal's payment gateway v4. Amounts are rials unless the
// block says toman.
package zarinpal
