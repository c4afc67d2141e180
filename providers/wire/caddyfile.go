package wire

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

// Option is one line of a block: its name, and how to read what follows it.
type Option struct {
	Name string
	Read func(d *caddyfile.Dispenser) error
	// Check judges the value once the whole block is read, because what a line
	// may say can depend on a later one (insecure_http). It is asked about lines
	// that are not there, too: some are required. May be nil.
	Check func() error
}

// ParseBlock reads the block of a provider or affiliate:
//
//	<type> [<name>] {
//		<option> <value>
//	}
//
// The name is the host module's business and is skipped. Unknown options are
// refused with the nearest right name, repeated ones too. What is wrong with a
// value is told with the option's line, what is missing with the block's first.
func ParseBlock(d *caddyfile.Dispenser, options ...Option) error {
	d.Next() // the type
	first := markOf(d)
	d.NextArg()
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := map[string]*caddyfile.Dispenser{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := parseOption(d, options, seen); err != nil {
			return err
		}
	}
	for _, o := range options {
		if o.Check == nil {
			continue
		}
		if err := o.Check(); err != nil {
			if mark, written := seen[o.Name]; written {
				return mark.WrapErr(err)
			}
			return first.WrapErr(err)
		}
	}
	return nil
}

// markOf remembers where d stands, for errors that come later.
func markOf(d *caddyfile.Dispenser) *caddyfile.Dispenser {
	m := caddyfile.NewDispenser([]caddyfile.Token{d.Token()})
	m.Next()
	return m
}

func parseOption(d *caddyfile.Dispenser, options []Option, seen map[string]*caddyfile.Dispenser) error {
	name := d.Val()
	known := make([]string, 0, len(options))
	for _, o := range options {
		if o.Name != name {
			known = append(known, o.Name)
			continue
		}
		if seen[name] != nil {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = markOf(d)
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

// Options are the lines of [Config]. fallback is that of [Config.Base].
func (c *Config) Options(fallback string) []Option {
	return []Option{
		String("base_url", &c.BaseURL).Checked(&c.BaseURL, func() error {
			_, err := c.Base(fallback)
			return err
		}),
		{Name: "timeout", Read: func(d *caddyfile.Dispenser) error {
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
		String("proxy_url", &c.ProxyURL).Checked(&c.ProxyURL, func() error {
			_, err := c.proxy()
			return err
		}),
		Switch("insecure_http", func(on bool) { c.InsecureHTTP = on }),
	}
}

// Options are the lines of [ProviderConfig]. api and page are the fallbacks of
// [Config.Base] and [ProviderConfig.PayBase].
func (c *ProviderConfig) Options(api, page string) []Option {
	return append(c.Config.Options(api), String("pay_url", &c.PayURL).Checked(&c.PayURL, func() error {
		if c.PayURL == "" {
			return nil // base_url or the document's: judged there
		}
		_, err := c.PayBase(page)
		return err
	}))
}

// Checked adds a check to an option with one text. A text with a placeholder is
// left to Provision: what it stands for is known when the config is loaded,
// perhaps on another machine than the one that adapts it. marks are no
// placeholders of Caddy's, but the option's own.
func (o Option) Checked(text *string, check func() error, marks ...string) Option {
	o.Check = func() error {
		rest := *text
		for _, m := range marks {
			rest = strings.ReplaceAll(rest, m, "")
		}
		if strings.Contains(rest, "{") {
			return nil
		}
		return check()
	}
	return o
}

// Credential is a required secret.
func Credential(name string, to *string) Option {
	return String(name, to).Checked(to, func() error {
		_, _, err := ResolveSecret(name, *to)
		return err
	})
}

// String is an option with one text, which must not be empty.
func String(name string, to *string) Option {
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error {
		if !d.NextArg() || d.Val() == "" {
			return d.Errf("wrong argument count: %s needs a value", name)
		}
		*to = d.Val()
		return nil
	}}
}

// Word is an option with one word of a closed set.
func Word(name string, to *string, words ...string) Option {
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error {
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
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error {
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
