package sandbox

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/block"
)

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

// UnmarshalCaddyfile reads the directive. Every option is optional:
//
//	payment_sandbox {
//		window       10m
//		return       get|post|bare [<provider>...]
//		store_token  <token>...
//		api_key      <key>...
//		merchant_id  <id>...
//		public_url   <url>
//		name         <name>
//		allow_remote
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's own name
	if d.NextArg() {
		return d.Err("payment_sandbox takes no other word: its options go between { and }")
	}
	if err := block.Parse(d, "payment_sandbox", []block.Option{
		block.Duration("window", &h.Window, 0, "10m"),
		{Name: "return", Many: true, Read: h.readReturn},
		block.Strings("store_token", &h.StoreTokens),
		block.Strings("api_key", &h.APIKeys),
		block.Strings("merchant_id", &h.MerchantIDs),
		block.String("public_url", &h.PublicURL),
		block.String("name", &h.Name),
		block.Flag("allow_remote", &h.AllowRemote),
	}); err != nil {
		return err
	}
	// Mistakes show when the config is adapted, with file and line.
	opts := Options{Window: timeOf(h.Window), Return: h.Return, Returns: h.Returns, PublicURL: h.PublicURL}
	if err := opts.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// readReturn reads how returns are made: everywhere, or by some gateways.
func (h *Handler) readReturn(d *caddyfile.Dispenser) error {
	args, err := block.Args(d)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		h.Return = args[0]
		return nil
	}
	if h.Returns == nil {
		h.Returns = make(map[string]string)
	}
	for _, provider := range args[1:] {
		h.Returns[provider] = args[0]
	}
	return nil
}

func timeOf(d caddy.Duration) time.Duration { return time.Duration(d) }
