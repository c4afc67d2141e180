package gates_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const gated = `	payments {
		checkout /buy idpay {
			item book 8900000rial
			return /thanks
		}
		verify /thanks idpay {
			expect intent
		}
		require /members/* /m/home.html {
			item book
		}
	}
`

// What no gate can see is named at start and by doctor, and nothing else is.
func TestDoctorNamesWhatNoGateSees(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, c := range map[string]struct{ site, second, want string }{
		"nothing":                  {"\troot ROOT\n\tfile_server", "\troot OTHER\n\tfile_server", ""},
		"a proxy's own rewrite":    {"\treverse_proxy SHOP {\n\t\trewrite /members/x\n\t}", "", "gate_rewrite"},
		"a proxy's rewrite of all": {"\treverse_proxy SHOP {\n\t\trewrite /x{uri}\n\t}", "", "gate_rewrite"},
		"a harmless rewrite":       {"\treverse_proxy SHOP {\n\t\trewrite /health\n\t}", "", ""},
		"forward_auth":             {"\tforward_auth SHOP {\n\t\turi /auth\n\t}\n\tfile_server", "", ""},
		"forward_auth to members":  {"\tforward_auth SHOP {\n\t\turi /members/auth\n\t}\n\tfile_server", "", "gate_rewrite"},
		"PHP":                      {"\troot ROOT\n\tphp_fastcgi 127.0.0.1:9", "", "gate_front_controller"},
		"the same root":            {"\troot ROOT\n\tfile_server", "\troot ROOT\n\tfile_server", "gate_root"},
		"a root below":             {"\troot ROOT\n\tfile_server", "\tfile_server {\n\t\troot ROOT/members\n\t}", "gate_root"},
		"the same root, gated":     {"\troot ROOT\n\tfile_server", "\tpayments {\n\t\trequire /members/* {\n\t\t\titem book\n\t\t}\n\t}\n\troot ROOT\n\tfile_server", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, boxURL := harness.Sandbox(t, sandbox.Options{})
			text := harness.Global(boxURL) + harness.Site(t) + " {\n" + gated + c.site + "\n}\n"
			if c.second != "" {
				text += harness.Site(t) + " {\n" + c.second + "\n}\n"
			}
			text = strings.NewReplacer("ROOT", root, "OTHER", t.TempDir(), "SHOP", harness.NewShop(t).URL).Replace(text)
			w := harness.Start(t, text, harness.Environment()...)
			out, err := w.Run("payments", "doctor", "--address", w.Admin)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, code := range []string{"gate_rewrite", "gate_front_controller", "gate_root"} {
				if said := strings.Contains(out, `"code": "`+code+`"`); said != (code == c.want) {
					t.Errorf("doctor says %s: %v\n%s", code, said, out)
				}
				if said := strings.Contains(w.Log(), `"code":"`+code+`"`); said != (code == c.want) {
					t.Errorf("at start it is said %s: %v", code, said)
				}
			}
		})
	}
}

// Caddy drops all handlers but the first of a named route in which no directive
// has a matcher: such a route is refused with the way round it.
func TestANamedRouteThatLostItsProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ route, site, refused string }{
		"money alone":    {gated + "\treverse_proxy SHOP", "invoke shop", "route { … }"},
		"in a route":     {"\troute {\n" + gated + "\treverse_proxy SHOP\n\t}", "invoke shop", ""},
		"with a matcher": {gated + "\treverse_proxy /* SHOP", "invoke shop", ""},
		"a guard":        {"\tpayments", "invoke shop\n\treverse_proxy SHOP", ""},
		"error routes":   {"\troute {\n" + gated + "\treverse_proxy SHOP\n\t}", "invoke shop\n\thandle_errors {\n\t\trespond x\n\t}", "empty `payments` block"},
		"guarded errors": {"\troute {\n" + gated + "\treverse_proxy SHOP\n\t}", "payments\n\tinvoke shop\n\thandle_errors {\n\t\trespond x\n\t}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, boxURL := harness.Sandbox(t, sandbox.Options{})
			text := harness.Global(boxURL) + "&(shop) {\n" + c.route + "\n}\n" + harness.Site(t) + " {\n\t" + c.site + "\n}\n"
			w := harness.New(t, strings.ReplaceAll(text, "SHOP", harness.NewShop(t).URL), harness.Environment()...)
			err := w.TryStart()
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("it did not start: %v\n%s", err, w.Log())
			case c.refused != "" && (err == nil || !strings.Contains(w.Log(), c.refused)):
				t.Errorf("started: %v\n%s", err == nil, w.Log())
			}
		})
	}
}

// A directory is served by the names that the site says.
func TestIndexNamesOfTheSite(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "m"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "m", "home.html"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	_, boxURL := harness.Sandbox(t, sandbox.Options{})
	for name, site := range map[string]string{
		"file_server": "\tfile_server {\n\t\troot ROOT\n\t\tindex home.html\n\t}",
		"further":     "\tfile_server {\n\t\troot ROOT\n\t\tindex m/home.html home.html\n\t\tdisable_canonical_uris\n\t}",
		"try_files":   "\troot ROOT\n\ttry_files {path}/home.html\n\tfile_server",
	} {
		at := harness.Site(t)
		harness.Start(t, harness.Global(boxURL)+at+" {\n"+gated+strings.ReplaceAll(site, "ROOT", root)+"\n}\n", harness.Environment()...)
		paths := []string{"/m/", "/m", "/m/home.html", "/m/home", "/m/x/.."}
		if name == "further" {
			paths = append(paths, "/", "/x/..")
		}
		for _, path := range paths {
			if p := harness.NewBrowser(t).Get(at + path); strings.Contains(p.Body, secret) || p.Status != 402 {
				t.Errorf("%s: %s: %d %.40q", name, path, p.Status, p.Body)
			}
		}
	}
}
