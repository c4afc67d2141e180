package caddyfile

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// globalBlock is the part of the `payments` global option that a site's block is
// checked against, so that adapting the file finds a wrong name.
type globalBlock struct {
	Providers map[string]struct {
		Type    string `json:"type"`
		UsedIDs string `json:"used_ids"`
	} `json:"providers"`
	Affiliates  map[string]json.RawMessage `json:"affiliates"`
	SigningKeys []handlers.SigningKey      `json:"signing_keys"`
}

// readGlobal returns nil if there is no such block.
func readGlobal(h httpcaddyfile.Helper) (*globalBlock, error) {
	app, ok := h.Option(handlers.AppName).(httpcaddyfile.App)
	if !ok {
		return nil, nil //nolint:nilnil // no block is no error: a guard alone needs none
	}
	g := new(globalBlock)
	if err := json.Unmarshal(app.Value, g); err != nil {
		return nil, h.Errf("reading the global payments block: %w", err)
	}
	return g, nil
}

// needGlobal refuses a route where there is no global block.
func (s *siteBlock) needGlobal(d *caddyfile.Dispenser, route string) error {
	if s.global == nil {
		return d.Errf("%s needs a `payments` block in the global options, first in the file, with the provider in it: `{`, `payments {`, `provider <type> { … }`, `}`, `}`, each on a line of its own", route)
	}
	return nil
}

// provider checks a provider's name.
func (s *siteBlock) provider(d *caddyfile.Dispenser, route, name string) error {
	if err := s.needGlobal(d, route); err != nil {
		return err
	}
	if _, ok := s.global.Providers[name]; ok {
		return nil
	}
	names := slices.Sorted(maps.Keys(s.global.Providers))
	if len(names) == 0 {
		return d.Errf("%s is not defined: the global payments block has no provider", undefined("a provider", name, nil))
	}
	// Another common slip is to write the type instead of the name.
	for _, n := range names {
		if s.global.Providers[n].Type == name && nearest.Nearest(name, names) == "" {
			return d.Errf("%s is not defined; did you mean %s, which is of that type?", quote.Called("provider", name), quote.This(n))
		}
	}
	return d.Errf("%s is not defined; %s", undefined("a provider", name, names), block.Suggest(name, quote.Names(names)))
}

// affiliate checks the name of a track's affiliate; "" stands for the only one.
func (s *siteBlock) affiliate(d *caddyfile.Dispenser, name string) error {
	if err := s.needGlobal(d, "track"); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(s.global.Affiliates))
	switch {
	case len(names) == 0:
		return d.Err("track needs an affiliate in the global payments block")
	case name == "" && len(names) > 1:
		return d.Errf("track must say which affiliate it is for: affiliate %s", block.Join(quote.Names(names), "or"))
	case name == "" || slices.Contains(names, name):
		return nil
	}
	return d.Errf("%s is not defined; %s", undefined("an affiliate", name, names), block.Suggest(name, quote.Names(names)))
}

// undefined names a provider or affiliate that is none. What stands there in its place may be
// anything, so that only what is nearly one of names is shown.
func undefined(what, name string, names []string) string {
	if !quote.Known(name, names...) {
		return what + " of this line"
	}
	_, what, _ = strings.Cut(what, " ")
	return quote.Called(what, name)
}
