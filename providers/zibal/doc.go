// Package zibal speaks Zibal's payment gateway v1. Amounts are rials.
package zibal
