package app_test

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
)

func adapt(input string) ([]byte, error) {
	out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
	return out, err
}

// adapted is a Caddyfile as Caddy loads it.
func adapted(t *testing.T, input string) *caddy.Config {
	t.Helper()
	out, err := adapt(input)
	if err != nil {
		t.Fatal(err)
	}
	cfg := new(caddy.Config)
	if err := json.Unmarshal(out, cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}
