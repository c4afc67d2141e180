// Package idpay speaks IDPay v1.1 (idpay.ir): create, return by GET or POST,
// verify and inquiry. Amounts are rials.
package idpay
