package sandbox

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

var optionNames = []string{
	"window", "return", "store_token", "api_key", "merchant_id", "allow_remote", "public_url", "name",
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
		return d.ArgErr()
	}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		option := d.Val()
		args := d.RemainingArgs()
		switch option {
		case "window", "public_url", "name", "allow_remote":
			if seen[option] {
				return d.Errf("%s is written twice", option)
			}
			seen[option] = true
		}
		if err := h.option(d, option, args); err != nil {
			return err
		}
		if d.NextBlock(1) {
			return d.Errf("%s takes no block", option)
		}
	}
	// Mistakes show when the config is adapted, with file and line.
	opts := Options{Window: timeOf(h.Window), Return: h.Return, Returns: h.Returns, PublicURL: h.PublicURL}
	if err := opts.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) option(d *caddyfile.Dispenser, option string, args []string) error {
	switch option {
	case "window":
		if len(args) != 1 {
			return d.ArgErr()
		}
		window, err := caddy.ParseDuration(args[0])
		if err != nil || window <= 0 {
			return d.Errf("window %q is not a duration such as 10m", args[0])
		}
		h.Window = caddy.Duration(window)
	case "return":
		if len(args) == 0 {
			return d.ArgErr()
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
	case "store_token":
		return appendArgs(d, &h.StoreTokens, args)
	case "api_key":
		return appendArgs(d, &h.APIKeys, args)
	case "merchant_id":
		return appendArgs(d, &h.MerchantIDs, args)
	case "allow_remote":
		if len(args) > 0 {
			return d.ArgErr()
		}
		h.AllowRemote = true
	case "public_url":
		return setArg(d, &h.PublicURL, args)
	case "name":
		return setArg(d, &h.Name, args)
	default:
		return d.Errf("payment_sandbox has no option %q; did you mean %q?", option, nearest(option, optionNames))
	}
	return nil
}

func appendArgs(d *caddyfile.Dispenser, to *[]string, args []string) error {
	if len(args) == 0 {
		return d.ArgErr()
	}
	*to = append(*to, args...)
	return nil
}

func setArg(d *caddyfile.Dispenser, to *string, args []string) error {
	if len(args) != 1 {
		return d.ArgErr()
	}
	*to = args[0]
	return nil
}

func timeOf(d caddy.Duration) time.Duration { return time.Duration(d) }

// nearest is the name with the fewest edits from what was written.
func nearest(written string, names []string) string {
	best, fewest := "", -1
	for _, name := range names {
		if n := edits(written, name); fewest < 0 || n < fewest {
			best, fewest = name, n
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
