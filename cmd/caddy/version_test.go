package main

import (
	"regexp"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestVersionNamesThisModuleAndCaddy(t *testing.T) {
	old := caddy.CustomVersion
	t.Cleanup(func() { caddy.CustomVersion = old })
	caddy.CustomVersion = version()
	simple, full := caddy.Version()
	if !regexp.MustCompile(`^caddy-payments \S+, Caddy \S`).MatchString(full) {
		t.Errorf("caddy version prints %q", full)
	}
	if simple == caddy.CustomVersion {
		t.Errorf("Caddy calls itself %q towards others", simple)
	}
}
