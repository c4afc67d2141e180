// Package nextpay speaks NextPay's web service (nextpay.org/nx): create, the pay
// page, the return and verify. Its amounts are toman unless the block says rial.
package nextpay
