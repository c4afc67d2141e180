package handlers

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

// blockOption is one kind of line in a block.
type blockOption struct {
	name string
	// many is whether it may be repeated.
	many bool
	// block is whether read takes a block as well.
	block bool
	// hidden options exist to be refused with a better reason.
	hidden bool
	read   func(d *caddyfile.Dispenser) error
}

// parseBlock reads the block that opens behind the current token, if one does.
// what names it in errors.
func parseBlock(d *caddyfile.Dispenser, what string, options []blockOption) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := parseLine(d, what, options, seen); err != nil {
			return err
		}
	}
	return nil
}

func parseLine(d *caddyfile.Dispenser, what string, options []blockOption, seen map[string]bool) error {
	name := d.Val()
	var known []string
	for _, o := range options {
		if o.name != name {
			if !o.hidden {
				known = append(known, o.name)
			}
			continue
		}
		if seen[name] && !o.many {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = true
		if err := o.read(d); err != nil {
			return err
		}
		if o.block {
			return nil
		}
		// Whatever is left on the line is one argument too many.
		if d.NextArg() {
			return d.ArgErr()
		}
		if d.NextBlock(d.Nesting()) {
			return d.Errf("%s takes no block", name)
		}
		return nil
	}
	return d.Errf("unrecognised option '%s' of %s; %s", name, what, suggestWord(name, known))
}

// suggestWord ends an error about a word that is none of known.
func suggestWord(got string, known []string) string {
	if near := nearest.Nearest(got, known); near != "" {
		return "did you mean '" + near + "'?"
	}
	return "there is only " + joinWords(known, "and")
}

// joinWords joins words for people.
func joinWords(words []string, with string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + with + " " + words[last]
}

// readArg reads one argument, which must not be empty.
func readArg(d *caddyfile.Dispenser, to *string) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	if d.Val() == "" {
		return d.Err("an empty argument says nothing")
	}
	*to = d.Val()
	return nil
}

// readArgs reads all arguments of the line, at least one.
func readArgs(d *caddyfile.Dispenser) ([]string, error) {
	var args []string
	for {
		if len(args) > 0 && d.CountRemainingArgs() == 0 {
			return args, nil
		}
		var arg string
		if err := readArg(d, &arg); err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
}

// readWord reads one word of a closed set.
func readWord(d *caddyfile.Dispenser, name string, to *string, words ...string) error {
	if !d.NextArg() {
		return d.Errf("%s needs one of: %s", name, joinWords(words, "or"))
	}
	for _, w := range words {
		if d.Val() == w {
			*to = w
			return nil
		}
	}
	near := ""
	if n := nearest.Nearest(d.Val(), words); n != "" && len(words) > 1 {
		near = "; did you mean '" + n + "'?"
	}
	return d.Errf("%s must be %s, not '%s'%s", name, joinWords(words, "or"), d.Val(), near)
}

// wordOption is an option with one word of a closed set.
func wordOption(name string, to *string, words ...string) blockOption {
	return blockOption{name: name, read: func(d *caddyfile.Dispenser) error {
		return readWord(d, name, to, words...)
	}}
}

// durationOption is an option with a duration above zero.
func durationOption(name string, to *caddy.Duration, example string) blockOption {
	return blockOption{name: name, read: func(d *caddyfile.Dispenser) error {
		var arg string
		if err := readArg(d, &arg); err != nil {
			return err
		}
		t, err := caddy.ParseDuration(arg)
		if err != nil || t <= 0 {
			return d.Errf("%s must be a duration above zero such as %s, not '%s'", name, example, arg)
		}
		*to = caddy.Duration(t)
		return nil
	}}
}

// numberOption is an option with a whole number from 1 to most.
func numberOption(name string, to *int, most int) blockOption {
	return blockOption{name: name, read: func(d *caddyfile.Dispenser) error {
		var arg string
		if err := readArg(d, &arg); err != nil {
			return err
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 || n > most {
			return d.Errf("%s must be a number from 1 to %d, not '%s'", name, most, arg)
		}
		*to = n
		return nil
	}}
}

// checkParameter refuses what no query parameter is called: PHP folds some
// characters to others, and the rest would end the name.
func checkParameter(d *caddyfile.Dispenser, option, name string) error {
	if strings.ContainsAny(name, "=&?#/%+ {}\t\r\n") {
		return d.Errf("%s takes the name of a parameter, such as order_id, not '%s'", option, name)
	}
	return nil
}
