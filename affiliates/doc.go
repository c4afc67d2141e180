// Package affiliates holds one package per affiliate network. Each registers a
// Caddy module payments.affiliates.<type> that fulfils payment.Affiliate.
package affiliates
