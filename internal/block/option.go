package block

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// Arg reads one argument, which must not be empty.
func Arg(d *caddyfile.Dispenser, to *string) error {
	name := d.Val()
	if !d.NextArg() {
		return d.Errf("wrong argument count: %s needs a value", name)
	}
	if d.Val() == "" {
		return d.Err("the argument must not be empty")
	}
	*to = d.Val()
	return nil
}

// Args reads all arguments of the line, at least one.
func Args(d *caddyfile.Dispenser) ([]string, error) {
	var args []string
	for {
		if len(args) > 0 && d.CountRemainingArgs() == 0 {
			return args, nil
		}
		var arg string
		if err := Arg(d, &arg); err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
}

// OneOf reads one word of a closed set.
func OneOf(d *caddyfile.Dispenser, name string, to *string, words ...string) error {
	if !d.NextArg() {
		return d.Errf("%s needs one of: %s", name, Join(words, "or"))
	}
	if slices.Contains(words, d.Val()) {
		*to = d.Val()
		return nil
	}
	near := ""
	if n := nearest.Nearest(d.Val(), words); n != "" && len(words) > 1 {
		near = "; did you mean '" + n + "'?"
	}
	return d.Errf("%s must be %s%s%s", name, Join(words, "or"), quote.Not(d.Val(), words...), near)
}

// one returns an option with one text, which must not be empty.
func one(name string, use func(d *caddyfile.Dispenser, text string) error) Option {
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error {
		var text string
		if err := Arg(d, &text); err != nil {
			return err
		}
		return use(d, text)
	}}
}

// String returns an option with one text, which must not be empty.
func String(name string, to *string) Option {
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error { return Arg(d, to) }}
}

// Text returns an option with one text, which must not be empty and which check judges.
// Its error says where.
func Text(name string, to *string, check func(d *caddyfile.Dispenser, text string) error) Option {
	return one(name, func(d *caddyfile.Dispenser, text string) error {
		*to = text
		return check(d, text)
	})
}

// Each returns an option with one text or more, which may be repeated with others. check
// judges each; its error says where.
func Each(name string, to *[]string, check func(d *caddyfile.Dispenser, text string) error) Option {
	return Option{Name: name, Many: true, Read: func(d *caddyfile.Dispenser) error {
		args, err := Args(d)
		if err != nil {
			return err
		}
		for _, arg := range args {
			if err := check(d, arg); err != nil {
				return err
			}
			if slices.Contains(*to, arg) {
				if quote.Name(arg) {
					return d.Errf("%s %s is already specified", name, arg)
				}
				return d.Errf("%s has the same value already", name)
			}
			*to = append(*to, arg)
		}
		return nil
	}}
}

// Strings returns an option with one text or more, which may be repeated.
func Strings(name string, to *[]string) Option {
	return Option{Name: name, Many: true, Read: func(d *caddyfile.Dispenser) error {
		args, err := Args(d)
		*to = append(*to, args...)
		return err
	}}
}

// ErrTwice is what a set function of [Value] returns where the line before the block
// has the value already.
var ErrTwice = errors.New("already specified")

// Value returns an option with one text that set reads. Its error needs no name.
func Value(name string, set func(string) error) Option {
	return one(name, func(d *caddyfile.Dispenser, text string) error {
		switch err := set(text); {
		case errors.Is(err, ErrTwice):
			return d.Errf("%s is already specified", name)
		case err != nil:
			return d.Errf("%s: %v", name, err)
		}
		return nil
	})
}

// Checked adds a check to an option with one text. A text with a placeholder is left
// to Provision: what it stands for is known when the config is loaded, perhaps on
// another machine than the one that adapts it. marks are no placeholders of Caddy's,
// but the option's own.
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

// Word returns an option with one word of a closed set.
func Word(name string, to *string, words ...string) Option {
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error { return OneOf(d, name, to, words...) }}
}

// Switch returns an option that is on, off, or written alone, which means on.
func Switch(name string, set func(on bool)) Option {
	return Option{Name: name, Read: func(d *caddyfile.Dispenser) error {
		word := "on"
		if d.CountRemainingArgs() > 0 {
			if err := OneOf(d, name, &word, "on", "off"); err != nil {
				return err
			}
		}
		set(word == "on")
		return nil
	}}
}

// Flag returns an option that is written alone.
func Flag(name string, to *bool) Option {
	return Option{Name: name, Read: func(*caddyfile.Dispenser) error { *to = true; return nil }}
}

// Duration returns an option with a duration above zero, and up to most unless that is
// zero.
func Duration(name string, to *caddy.Duration, most time.Duration, example string) Option {
	return one(name, func(d *caddyfile.Dispenser, arg string) error {
		t, err := caddy.ParseDuration(arg)
		if err != nil || t <= 0 || most > 0 && t > most {
			bound := "above zero"
			if most > 0 {
				bound = "up to " + most.String()
			}
			return d.Errf("%s must be a duration %s such as %s%s", name, bound, example, quote.Not(arg))
		}
		*to = caddy.Duration(t)
		return nil
	})
}

// Number returns an option with a whole number from least to most.
func Number(name string, to *int, least, most int) Option {
	return one(name, func(d *caddyfile.Dispenser, arg string) error {
		n, err := strconv.Atoi(arg)
		if err != nil || n < least || n > most {
			return d.Errf("%s must be a number from %d to %d%s", name, least, most, quote.Not(arg))
		}
		*to = n
		return nil
	})
}
