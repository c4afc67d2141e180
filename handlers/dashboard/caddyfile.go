package dashboard

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("payment_dashboard", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("payment_dashboard", httpcaddyfile.Before, "respond")
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

var options = []string{"site", "language", "title", "page_size"}

// UnmarshalCaddyfile reads the directive. Every option is optional:
//
//	payment_dashboard [<matcher>] {
//		site      <name>...
//		language  fa|en
//		title     <text>
//		page_size <number>
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's own name
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		name := d.Val()
		args := d.RemainingArgs()
		if name != "site" && seen[name] {
			return d.Errf("%s is written twice", name)
		}
		seen[name] = true
		if len(args) == 0 || name != "site" && len(args) != 1 {
			if !isOption(name) {
				return unknown(d, name)
			}
			return d.ArgErr()
		}
		switch name {
		case "site":
			h.Sites = append(h.Sites, args...)
		case "language":
			h.Language = args[0]
		case "title":
			h.Title = args[0]
		case "page_size":
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 {
				return d.Errf("page_size %q is not a number from 1 to %d", args[0], maxPageSize)
			}
			h.PageSize = n
		default:
			return unknown(d, name)
		}
		if err := h.validate(); err != nil {
			return d.WrapErr(err)
		}
		if d.NextBlock(1) {
			return d.Errf("%s takes no block", name)
		}
	}
	return nil
}

func isOption(name string) bool {
	for _, o := range options {
		if o == name {
			return true
		}
	}
	return false
}

func unknown(d *caddyfile.Dispenser, name string) error {
	if guess := nearest.Nearest(name, options); guess != "" {
		return d.Errf("unknown option %q; did you mean %s?", name, guess)
	}
	return d.Errf("unknown option %q; there are site, language, title, page_size", name)
}

// Interface guards.
var _ caddyfile.Unmarshaler = (*Handler)(nil)
