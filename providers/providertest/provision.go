package providertest

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Provision provisions a module as Caddy does, and cleans it up at the end of
// the test.
func Provision(t testing.TB, m caddy.Provisioner) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	err := m.Provision(ctx)
	if c, ok := m.(caddy.CleanerUpper); ok {
		t.Cleanup(func() { _ = c.Cleanup() })
	}
	return err
}

// RoundTrip checks that what a Caddyfile block becomes is JSON that Caddy's
// strict reader takes back, and returns that JSON.
func RoundTrip(t testing.TB, m caddy.Module, block string) string {
	t.Helper()
	if err := m.(caddyfile.Unmarshaler).UnmarshalCaddyfile(caddyfile.NewTestDispenser(block)); err != nil {
		t.Fatal(err)
	}
	again := m.CaddyModule().New()
	text := encode(t, m)
	if err := caddy.StrictUnmarshalJSON([]byte(text), again); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	if twice := encode(t, again); twice != text {
		t.Errorf("%s became %s", text, twice)
	}
	return text
}
