package caddyfile

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/rahgir/caddy-payments/app"
	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// ParseGlobal sets up the app from the global option. Syntax:
//
//	payments {
//		storage     <module> [<args...>] { ... }
//		provider    <type> [<name>] { ... }
//		affiliate   <type> [<name>] { ... }
//		webhook     <url> { ... }
//		notify      <name> { ... }
//		signing_key <secret> [<kid>]
//		ledger_key  off
//		public_url  <url>
//	}
//
// A provider's or affiliate's name defaults to its type; there may be as many
// of both as needed, and several keys, of which the first signs and all verify.
// Several blocks, of an imported file for instance, add up to one.
func ParseGlobal(d *caddyfile.Dispenser, existing any) (any, error) {
	config := new(app.App)
	if earlier, ok := existing.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(earlier.Value, config); err != nil {
			return nil, d.Errf("reading the earlier payments block: %w", err)
		}
	}
	d.Next() // the option's own name
	if d.NextArg() {
		return nil, d.Err("the global payments block has no argument: its options go between { and }")
	}
	if err := block.Parse(d, "payments", globalLines(config)); err != nil {
		return nil, err
	}
	value, err := json.Marshal(config)
	if err != nil {
		return nil, d.WrapErr(err)
	}
	return httpcaddyfile.App{Name: handlers.AppName, Value: value}, nil
}

// globalLines returns the options of the global block. Those of a site's block, which people
// also write here by mistake, are told where they belong.
func globalLines(a *app.App) []block.Option {
	url := publicURL(&a.PublicURL)
	options := []block.Option{
		{Name: "storage", Many: true, Block: true, Read: func(d *caddyfile.Dispenser) error { return parseStorage(a, d) }},
		{Name: "provider", Many: true, Block: true, Read: func(d *caddyfile.Dispenser) error { return parseNamed(d, "provider", &a.ProvidersRaw) }},
		{Name: "affiliate", Many: true, Block: true, Read: func(d *caddyfile.Dispenser) error { return parseNamed(d, "affiliate", &a.AffiliatesRaw) }},
		{Name: "webhook", Many: true, Block: true, Read: func(d *caddyfile.Dispenser) error { return parseWebhook(a, d) }},
		{Name: "notify", Many: true, Block: true, Read: func(d *caddyfile.Dispenser) error { return parseNotify(a, d) }},
		{Name: "signing_key", Many: true, Read: func(d *caddyfile.Dispenser) error { return readSigningKey(d, &a.SigningKeys) }},
		{Name: "ledger_key", Read: func(d *caddyfile.Dispenser) error {
			if !d.NextArg() || d.Val() != "off" || d.NextArg() {
				return d.Err("ledger_key takes only `off`: without the line, what the ledger's own key has signed still counts")
			}
			a.IgnoreLedgerKey = true
			return nil
		}},
		// An earlier block may have specified it.
		{Name: "public_url", Many: true, Read: func(d *caddyfile.Dispenser) error {
			if a.PublicURL != "" {
				return d.Err("public_url is already specified")
			}
			return url.Read(d)
		}},
	}
	for _, name := range []string{"track", "checkout", "verify", "require", "observe", "relay", "announce", "errors", "formerly"} {
		options = append(options, block.Option{Name: name, Hidden: true, Read: func(d *caddyfile.Dispenser) error {
			return d.Errf("%s belongs in the `payments` block of a site, not in the global options", name)
		}})
	}
	return options
}

func parseStorage(a *app.App, d *caddyfile.Dispenser) error {
	if len(a.StorageRaw) > 0 {
		return d.Err("storage is already specified")
	}
	if !d.NextArg() {
		return d.Errf("storage needs a module: %s", strings.Join(guests("storage"), " or "))
	}
	kind := d.Val()
	raw, err := parseGuest(d, "storage", kind, "module")
	a.StorageRaw = raw
	return err
}

// nameForm limits the names of providers, affiliates and keys, because they are written
// into headers and into what a shop signs.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// parseNamed reads `provider <type> [<name>] { … }`. The module gets its block without
// the name, which it doesn't need.
func parseNamed(d *caddyfile.Dispenser, line string, to *map[string]json.RawMessage) error {
	if !d.NextArg() {
		return d.Errf("%s needs a type: %s", line, strings.Join(guests(line+"s"), ", "))
	}
	kind := d.Val()
	guest := d.NewFromNextSegment()
	guest.Next()
	name := kind
	if guest.NextArg() {
		name = guest.Val()
		if !nameForm.MatchString(name) {
			return guest.Errf("the name of a %s is up to 64 letters, digits and any of '._-'; its options go into a block", line)
		}
		if guest.NextArg() {
			return guest.Errf("a %s has a type and at most a name; its options go into a block", line)
		}
		guest = caddyfile.NewDispenser(guest.Delete())
		guest.Next()
	}
	if _, ok := (*to)[name]; ok {
		return guest.Errf("%s is already defined; give this one a name of its own: %s <type> <name>", quote.Called(line, name), line)
	}
	raw, err := parseGuest(guest, line+"s", kind, "type")
	if err != nil {
		return err
	}
	if *to == nil {
		*to = make(map[string]json.RawMessage)
	}
	(*to)[name] = raw
	return nil
}

// parseGuest lets a module of the namespace `payments.<scope>` read its
// segment, which begins at the current token.
func parseGuest(d *caddyfile.Dispenser, scope, kind, key string) (json.RawMessage, error) {
	kinds := guests(scope)
	if !slices.Contains(kinds, kind) {
		return nil, d.Errf("%s; %s", noType(scope, kind, kinds), block.Suggest(kind, kinds))
	}
	mod, err := caddyfile.UnmarshalModule(d, "payments."+scope+"."+kind)
	if err != nil {
		return nil, err
	}
	var warnings []caddyconfig.Warning
	raw := caddyconfig.JSONModuleObject(mod, key, kind, &warnings)
	if len(warnings) > 0 {
		return nil, d.Errf("%s %s: %s", scope, kind, warnings[0].Message)
	}
	return raw, nil
}

// noType begins the error about a type that no module has. An address that stands in its
// place may hold a password.
func noType(scope, kind string, kinds []string) string {
	what := strings.TrimSuffix(scope, "s")
	switch {
	case quote.Known(kind, kinds...):
		return "there is no " + what + " of type '" + kind + "' in this build of Caddy"
	case strings.ContainsAny(kind, "=:/ "):
		return "the type of a " + what + " is a word of its own, before everything else: " + what + " <type>"
	}
	return "there is no " + what + " of this type in this build of Caddy"
}

// guests returns the modules of the namespace `payments.<scope>`.
func guests(scope string) []string {
	var kinds []string
	for _, m := range caddy.GetModules("payments." + scope) {
		kinds = append(kinds, m.ID.Name())
	}
	return kinds
}
