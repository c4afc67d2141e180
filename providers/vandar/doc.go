// Package vandar speaks Vandar's payment gateway v4. Amounts are rials; the gateway
// writes some of them as decimal texts.
package vandar
