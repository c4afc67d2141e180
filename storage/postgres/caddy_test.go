package postgres

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

func TestCaddyfile(t *testing.T) {
	for in, want := range map[string]string{
		"postgres {env.DSN}":                            `{"dsn":"{env.DSN}"}`,
		"postgres {\n dsn x\n}":                         `{"dsn":"x"}`,
		"postgres x {\n password {file./p}\n}":          `{"dsn":"x","password":"{file./p}"}`,
		"postgres x {\n max_conns 40\n max_tracks 5\n}": `{"dsn":"x","max_conns":40,"max_tracks":5}`,
		"postgres x {\n timeout 3s\n generation g\n}":   `{"dsn":"x","timeout":3000000000,"generation":"g"}`,
		"postgres":                                        "error needs a dsn",
		"postgres {\n max_conns 4\n}":                     "error needs a dsn",
		"postgres a b":                                    "error wrong argument count",
		"postgres a {\n dsn b\n}":                         "error dsn is already specified",
		"postgres a {\n timeout 1s\n timeout 2s\n}":       "error timeout is already specified",
		"postgres a {\n schema s\n}":                      "error unrecognised option of storage postgres",
		"postgres a {\n max_conns none\n}":                "error max_conns must be a number",
		"postgres a {\n timeout soon\n}":                  "error timeout must be a duration",
		"postgres a {\n password\n}":                      "error wrong argument count",
		"postgres a {\n max_tracks 3\n generation a b\n}": "error wrong argument count",
	} {
		m := new(Module)
		err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(in))
		if text, bad := strings.CutPrefix(want, "error "); bad {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v, want %q", in, err, text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := string(caddyconfig.JSON(m, nil)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

const canary = "Ca:na/ry'@\\?42"

// A password is in no error, whatever form the dsn has and whatever is wrong
// with it, and in no dump of the configuration.
func TestPasswordIsNotShown(t *testing.T) {
	t.Setenv("CANARY", canary)
	t.Setenv("DSN", "postgres://u:"+url.QueryEscape(canary)+"@127.0.0.1:1/db?sslmode=disable")
	t.Setenv("KEYWORDS", "host=127.0.0.1 port=1 user=u dbname=db sslmode=disable")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	for name, m := range map[string]*Module{
		"in a url":           {DSN: "{env.DSN}", Timeout: 1e8},
		"beside a url":       {DSN: "postgres://u@127.0.0.1:1/db?sslmode=disable", Password: "{env.CANARY}", Timeout: 1e8},
		"beside a bare url":  {DSN: "postgres://u@127.0.0.1:1/db", Password: "{env.CANARY}", Timeout: 1e8},
		"beside keywords":    {DSN: "{env.KEYWORDS}", Password: "{env.CANARY}", Timeout: 1e8},
		"a port of letters":  {DSN: "postgres://u:{env.CANARY}@host:port/db"},
		"a bad option":       {DSN: "postgres://u:{env.CANARY}@host/db?sslmode=perhaps"},
		"keywords cut short": {DSN: "host=x password='{env.CANARY} user"},
		"not a dsn":          {DSN: "{env.CANARY}"},
	} {
		err := m.Provision(ctx)
		if err == nil {
			if pc, perr := parse(m.dsn.Reveal()); perr != nil || pc.ConnConfig.Password != canary {
				t.Errorf("%s: the password does not arrive", name)
			}
			store, release, oerr := m.Open(ctx, zap.NewNop())
			if oerr != nil {
				t.Fatalf("%s: a database that is down must not keep Caddy from starting: %v", name, oerr)
			}
			if err = store.Ready(); err == nil {
				t.Errorf("%s: ready without a database", name)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		} else if !strings.HasPrefix(name, "a ") && !strings.HasPrefix(name, "not") && !strings.HasPrefix(name, "keywords") {
			t.Errorf("%s: %v", name, err)
		}
		dump, _ := json.Marshal(m)
		for _, secret := range []string{canary, url.QueryEscape(canary), "Ca:na", "ry'"} {
			if strings.Contains(err.Error(), secret) || strings.Contains(string(dump), secret) {
				t.Errorf("%s shows it: %v, %s", name, err, dump)
			}
		}
	}
}

// Configurations of one process share an opening, and the last one closes it.
func TestModuleShares(t *testing.T) {
	l := newLedger(t)
	t.Setenv("DSN", l.dsn)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	a, b := &Module{DSN: "{env.DSN}"}, &Module{DSN: "{env.DSN}", MaxTracks: 7}
	for _, m := range []*Module{a, b} {
		if err := m.Provision(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first, releaseFirst, err := a.Open(ctx, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	second, releaseSecond, err := b.Open(ctx, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("a reload opens it anew")
	}
	for _, release := range []func() error{releaseFirst, releaseFirst, releaseSecond} {
		if err := first.Ready(); err != nil {
			t.Error(err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	if err := first.Ready(); err == nil {
		t.Error("the last release does not close it")
	}
}
