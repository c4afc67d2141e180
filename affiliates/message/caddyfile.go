package message

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/block"
)

// Lines returns the lines `report`, `header` and `body` of a request.
func Lines(r *Request) []block.Option {
	return []block.Option{
		{Name: "report", Read: func(d *caddyfile.Dispenser) error { return r.Read(d, false) }},
		{Name: "header", Many: true, Read: r.readHeader},
		{Name: "body", Read: r.readBody},
	}
}

// Read reads `<name> <GET|POST> <url template>`, and with body what may follow on the
// line: `json|form <template>`.
func (r *Request) Read(d *caddyfile.Dispenser, body bool) error {
	name := d.Val()
	if err := block.OneOf(d, name, &r.Method, "GET", "POST"); err != nil {
		return err
	}
	if !d.NextArg() {
		return d.Errf("%s needs a method and an address: %s %s https://network.example/…", name, name, r.Method)
	}
	r.URL = d.Val()
	if body && d.CountRemainingArgs() > 0 {
		return r.readBody(d)
	}
	return nil
}

func (r *Request) readHeader(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() != 2 {
		return d.Err("header needs a field and a value: header X-Token {env.TOKEN}")
	}
	d.NextArg()
	field := d.Val()
	d.NextArg()
	if r.Header == nil {
		r.Header = make(map[string]string)
	}
	r.Header[field] = d.Val()
	return nil
}

func (r *Request) readBody(d *caddyfile.Dispenser) error {
	if err := block.OneOf(d, "body", &r.Kind, "json", "form"); err != nil {
		return err
	}
	if !d.NextArg() {
		return d.Errf("body %s needs a template; put one with spaces between backticks", r.Kind)
	}
	r.Body = d.Val()
	return nil
}
