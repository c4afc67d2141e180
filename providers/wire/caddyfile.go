package wire

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/block"
)

// Option is one line of a provider's or affiliate's block: its name, how to read what
// follows it, and how to judge it once the block is read.
type Option = block.Option

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
	kind := d.Val()
	d.NextArg()
	if d.NextArg() {
		return block.TooMuch(d, kind)
	}
	return block.Parse(d, kind, options)
}

// Options returns the lines of [Config]. fallback is that of [Config.Base].
func (c *Config) Options(fallback string) []Option {
	return []Option{
		String("base_url", &c.BaseURL).Checked(&c.BaseURL, func() error {
			_, err := c.Base(fallback)
			return err
		}),
		block.Duration("timeout", &c.Timeout, maxTimeout, DefaultTimeout.String()),
		String("proxy_url", &c.ProxyURL).Checked(&c.ProxyURL, func() error {
			_, err := c.proxy()
			return err
		}),
		String("resolver", &c.Resolver).Checked(&c.Resolver, func() error {
			if c.Resolver == "" {
				return nil
			}
			_, err := parseResolver(c.Resolver)
			return err
		}),
		Switch("insecure_http", func(on bool) { c.InsecureHTTP = on }),
	}
}

// Options returns the lines of [ProviderConfig]. api and page are the fallbacks of
// [Config.Base] and [ProviderConfig.PayBase].
func (c *ProviderConfig) Options(api, page string) []Option {
	return append(c.Config.Options(api), block.Strings("formerly", &c.Formerly), String("pay_url", &c.PayURL).Checked(&c.PayURL, func() error {
		if c.PayURL == "" {
			return nil // base_url or the document's: judged there
		}
		_, err := c.PayBase(page)
		return err
	}))
}

// Credential returns a required secret.
func Credential(name string, to *string) Option {
	return String(name, to).Checked(to, func() error {
		_, _, err := ResolveSecret(name, *to)
		return err
	})
}

// String returns an option with one text, which must not be empty.
func String(name string, to *string) Option { return block.String(name, to) }

// Word returns an option with one word of a closed set.
func Word(name string, to *string, words ...string) Option { return block.Word(name, to, words...) }

// OnOff returns an option that is a [Switch], and kept as the word "on" or "off": the default
// may be either.
func OnOff(name string, to *string) Option {
	return Switch(name, func(on bool) {
		if *to = Off; on {
			*to = On
		}
	})
}

// The words of [OnOff].
const (
	On  = "on"
	Off = "off"
)

// Switch returns an option that is on, off, or written alone, which means on.
func Switch(name string, set func(on bool)) Option { return block.Switch(name, set) }
