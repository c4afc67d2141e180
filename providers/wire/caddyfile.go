package wire

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

// Option is one line of a block: its name, and how to read what follows it.
type Option struct {
	Name string
	Read func(d *caddyfile.Dispenser) error
}

// ParseBlock reads the block of a provider or affiliate:
//
//	<type> [<name>] {
//		<option> <value>
//	}
//
// The name is the host module's business and is skipped. Unknown options are
// refused with the nearest right name, repeated ones too.
func ParseBlock(d *caddyfile.Dispenser, options ...Option) error {
	d.Next() // the type
	d.NextArg()
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := parseOption(d, options, seen); err != nil {
			return err
		}
	}
	return nil
}

func parseOption(d *caddyfile.Dispenser, options []Option, seen map[string]bool) error {
	name := d.Val()
	known := make([]string, 0, len(options))
	for _, o := range options {
		if o.Name != name {
			known = append(known, o.Name)
			continue
		}
		if seen[name] {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = true
		if err := o.Read(d); err != nil {
			return err
		}
		// Whatever is left on the line is one argument too many. It is not shown, as
		// Caddy's own error would: it may be the second half of a secret.
		if d.NextArg() {
			return d.Errf("wrong argument count: too much follows %s", name)
		}
		return nil
	}
	if near := nearest.Nearest(name, known); near != "" {
		return d.Errf("unrecognised option '%s': did you mean '%s'?", name, near)
	}
	return d.Errf("unrecognised option '%s'", name)
}

// Options are the lines of [Config].
func (c *Config) Options() []Option {
	return []Option{
		String("base_url", &c.BaseURL),
		{"timeout", func(d *caddyfile.Dispenser) error {
			if !d.NextArg() {
				return d.ArgErr()
			}
			t, err := caddy.ParseDuration(d.Val())
			if err != nil || t <= 0 || t > maxTimeout {
				return d.Errf("timeout must be a duration up to %s, such as %s", maxTimeout, DefaultTimeout)
			}
			c.Timeout = caddy.Duration(t)
			return nil
		}},
		String("proxy_url", &c.ProxyURL),
		Switch("insecure_http", func(on bool) { c.InsecureHTTP = on }),
	}
}

// Options are the lines of [ProviderConfig].
func (c *ProviderConfig) Options() []Option {
	return append(c.Config.Options(), String("pay_url", &c.PayURL))
}

// String is an option with one text, which must not be empty.
func String(name string, to *string) Option {
	return Option{name, func(d *caddyfile.Dispenser) error {
		if !d.NextArg() || d.Val() == "" {
			return d.Errf("wrong argument count: %s needs a value", name)
		}
		*to = d.Val()
		return nil
	}}
}

// Word is an option with one word of a closed set.
func Word(name string, to *string, words ...string) Option {
	return Option{name, func(d *caddyfile.Dispenser) error {
		if !d.NextArg() {
			return d.ArgErr()
		}
		if err := OneOf(name, d.Val(), words...); err != nil {
			if near := nearest.Nearest(d.Val(), words); near != "" {
				return d.Errf("%v: did you mean '%s'?", err, near)
			}
			return d.WrapErr(err)
		}
		*to = d.Val()
		return nil
	}}
}

// Switch is an option that is on, off, or written alone, which means on.
func Switch(name string, set func(on bool)) Option {
	return Option{name, func(d *caddyfile.Dispenser) error {
		if !d.NextArg() {
			set(true)
			return nil
		}
		switch d.Val() {
		case "on", "off":
			set(d.Val() == "on")
			return nil
		}
		return d.Errf("%s must be on or off, not '%s'", name, d.Val())
	}}
}
