// Package affiliates holds one package per affiliate network. Each package registers a
// Caddy module payments.affiliates.<type> that implements payment.Reporter.
package affiliates
