package dashboard

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/block"
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

// UnmarshalCaddyfile reads the directive. Every option is optional:
//
//	payment_dashboard [<matcher>] {
//		site      <name>...
//		language  fa|en
//		title     <text>
//		page_size <number>
//		role      <placeholder>
//		decide    <user>...
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's own name
	if d.NextArg() {
		return d.Err("payment_dashboard takes a matcher and no other word: its options go between { and }")
	}
	return block.Parse(d, "payment_dashboard", []block.Option{
		block.Strings("site", &h.Sites),
		block.Word("language", &h.Language, "fa", "en"),
		block.String("title", &h.Title),
		block.Number("page_size", &h.PageSize, 1, maxPageSize),
		block.String("role", &h.Role),
		block.Strings("decide", &h.Deciders),
	})
}

// Interface guards.
var _ caddyfile.Unmarshaler = (*Handler)(nil)
