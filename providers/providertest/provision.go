package providertest

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
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
