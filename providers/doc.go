// Package providers holds one package per payment gateway. Each registers a Caddy module
// payments.providers.<type> that implements payment.Provider, and is written from the
// gateway's document alone.
package providers
