package pages

import (
	"crypto/sha256"
	_ "embed" // style and script
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

//go:embed assets/page.css
var styleText string

//go:embed assets/submit.js
var scriptText string

//go:embed assets/clean.js
var cleanText string

// What the pages carry, and its hashes: made once, of exactly these bytes.
var (
	style      = strings.TrimSpace(styleText)
	script     = template.JS(strings.TrimSpace(scriptText)) //nolint:gosec // our own file
	scriptHash = hash(string(script))
	clean      = template.JS(strings.TrimSpace(cleanText)) //nolint:gosec // our own file
	cleanHash  = hash(string(clean))
)

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy returns the Content-Security-Policy of a page.
//
// Chromium applies form-action to the redirects behind a form too, and those
// lead to the bank, or to wherever the shop sends its customers: "'self'" alone
// leaves them on our page. Hence other hosts are allowed for forms, over https
// unless the page itself came without.
func policy(r *http.Request, v *view) string {
	var b strings.Builder
	b.WriteString("default-src 'none'; font-src 'self'; img-src 'self'")
	if v.pictureOrigin != "" {
		b.WriteString(" " + v.pictureOrigin)
	}
	b.WriteString("; style-src ")
	b.WriteString(v.styleHash)
	if v.Script != "" {
		b.WriteString("; script-src ")
		b.WriteString(v.scriptHash)
	}
	switch {
	case v.Form == nil:
		b.WriteString("; form-action 'none'")
	case r.TLS == nil:
		b.WriteString("; form-action 'self' https: http:")
	default:
		b.WriteString("; form-action 'self' https:")
	}
	b.WriteString("; frame-ancestors 'none'; base-uri 'none'")
	return b.String()
}

// referrer returns the Referrer-Policy of a page. Addresses of returns name
// payments, so nobody learns them. But a form without any referrer is sent
// with "Origin: null", which shops take for forgery, and there are gateways
// that refuse a browser that comes without the shop's domain in Referer.
func referrer(v *view) string {
	switch {
	case v.kind == Checkout, v.kind == ToBank:
		return "strict-origin"
	case v.Form != nil:
		return "same-origin"
	}
	return "no-referrer"
}
