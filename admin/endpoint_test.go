package admin

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// answering is an admin endpoint that counts what it is asked beside its
// configuration, whose storage is the text given.
func answering(t *testing.T, storage string) (addr string, asked *atomic.Int64) {
	t.Helper()
	l := operatetest.New(t)
	l.Put(payment.Parked, payment.ReasonNoProof, nil)
	asked = new(atomic.Int64)
	api := endpoint(t, l, nil)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/config/") {
			_, _ = io.WriteString(w, storage)
			return
		}
		asked.Add(1)
		api.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), asked
}

// With --config no other Caddy is asked than the one that it is for.
func TestConfigAsksNoOtherCaddy(t *testing.T) {
	addr, asked := answering(t, "null")
	other, otherAsked := answering(t, `{"module":"badger","dir":"/other"}`)
	byDefault := caddy.DefaultAdminListen
	caddy.DefaultAdminListen = addr
	t.Cleanup(func() { caddy.DefaultAdminListen = byDefault })
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("ADMIN_HERE", addr)
	for name, c := range map[string]struct {
		file, config, want string
		status             int
	}{
		"off":                  {"Caddyfile", "{\nadmin off\n}\n", "has no admin endpoint (`admin off`)", 1},
		"off, JSON":            {"c.json", `{"admin":{"disabled":true}}`, "has no admin endpoint", 1},
		"off, with an address": {"c.json", `{"admin":{"disabled":true,"listen":"` + addr + `"}}`, "has no admin endpoint", 1},
		"nothing said":         {"Caddyfile", ":0 {\n}\n", "parked", 0},
		"said":                 {"Caddyfile", "{\nadmin " + addr + "\n}\n", "parked", 0},
		"by environment":       {"Caddyfile", "{\nadmin {$ADMIN_HERE}\n}\n", "parked", 0},
		"by placeholder":       {"c.json", `{"admin":{"listen":"{env.ADMIN_HERE}"}}`, "parked", 0},
		"unset placeholder":    {"c.json", `{"admin":{"listen":"{env.ADMIN_NOWHERE}"}}`, "cannot be read here", 1},
		"another program's":    {"Caddyfile", "{\nadmin fd/3\n}\n", "another program", 1},
		"nobody there":         {"Caddyfile", "{\nadmin 127.0.0.1:1\n}\n", "no answer from the admin endpoint at 127.0.0.1:1", 1},
		"nobody at the socket": {"Caddyfile", "{\nadmin unix/" + filepath.Join(t.TempDir(), "none") + "\n}\n", "no answer from the admin endpoint at unix/", 1},
		"another ledger":       {"Caddyfile", "{\nadmin " + other + "\n}\n", "keeps another ledger", 1},
		"no configuration":     {"c.json", `[1]`, "no configuration of Caddy's", 1},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			before := asked.Load()
			run(t, "", true, "", "list", "--config", file).has(t, c.status, c.want)
			if c.status != 0 && asked.Load() != before {
				t.Error("another Caddy was asked")
			}
		})
	}
	if otherAsked.Load() != 0 {
		t.Error("a Caddy with another ledger was asked")
	}
}

// Without --config a Caddyfile beside the command is not followed, and the
// command says so where it matters.
func TestTheCaddyfileHereIsMentioned(t *testing.T) {
	addr, _ := answering(t, "null")
	byDefault := caddy.DefaultAdminListen
	caddy.DefaultAdminListen = addr
	t.Cleanup(func() { caddy.DefaultAdminListen = byDefault })
	t.Chdir(t.TempDir())
	for text, want := range map[string]bool{
		"":                               false,
		"{\nadmin off\n}\n":              true,
		"{\nadmin 127.0.0.1:1\n}\n":      true,
		"{\nadmin " + addr + "\n}\n":     false,
		":0 {\n}\n":                      false,
		"this is { no Caddyfile at all ": false,
	} {
		if err := os.WriteFile("Caddyfile", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := run(t, "", true, "", "list")
		r.has(t, 0, "parked")
		if strings.Contains(r.err, "note: this asks the Caddy at "+addr) != want {
			t.Errorf("%q: %q", text, r.err)
		}
	}
}
