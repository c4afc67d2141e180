package flow_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A checkout of ours without a page to come back to ends all the same: the payment is
// delivered, its customer thanked by us, and its owner told.
func TestCheckoutWithoutAPage(t *testing.T) {
	t.Parallel()
	const sale = "payments {\ncheckout /buy idpay {\nitem mug 120000toman \"A mug\"\nreturn /thanks\n}\nverify /thanks idpay\n}\n"
	for name, c := range map[string]struct {
		site string
		ours bool
	}{
		"no file":            {"root ROOT\n" + sale + "file_server", true},
		"nothing behind it":  {sale, true},
		"a folder, unlisted": {"root ROOT\n" + strings.ReplaceAll(sale, "/thanks", "/empty") + "file_server", true},
		"a file":             {"root ROOT\n" + strings.ReplaceAll(sale, "/thanks", "/there.html") + "file_server", false},
		"an answer":          {sale + "respond \"paid {http.payments.item}\"", false},
	} {
		for _, method := range []string{"get", "post"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				root := t.TempDir()
				if err := os.Mkdir(filepath.Join(root, "empty"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, "there.html"), []byte("paid mug"), 0o600); err != nil {
					t.Fatal(err)
				}
				_, boxURL := harness.Sandbox(t, sandbox.Options{Return: method})
				site := harness.Site(t)
				caddy := harness.Start(t, harness.Global(boxURL)+site+" {\n"+strings.ReplaceAll(c.site, "ROOT", root)+"\n}\n", harness.Environment()...)
				b := harness.NewBrowser(t)
				back := b.Post(b.Post(site+"/buy/mug", nil).Location(t), url.Values{"action": {"pay"}})
				var again string
				if method == "get" {
					again = back.Location(t)
				} else {
					action, fields := back.Form(t)
					again = b.Post(action, fields).Location(t)
				}
				page := b.Get(again, "Accept-Language", "en")
				if page.Status == http.StatusSeeOther {
					again = page.Location(t)
					if strings.Contains(again, "order_id") {
						t.Errorf("the address is %s", again)
					}
					page = b.Get(again, "Accept-Language", "en")
				}
				thanked := strings.Contains(page.Body, "Thank you, your payment is complete")
				if page.Status != http.StatusOK || thanked != c.ours || c.ours && !strings.Contains(page.Body, "A mug") || !c.ours && page.Body != "paid mug" {
					t.Fatalf("%d\n%s", page.Status, page.Body)
				}
				list, err := caddy.Run("payments", "list", "--state", "delivered", "--address", caddy.Admin)
				if err != nil || strings.Count(list, `"ref"`) != 1 {
					t.Errorf("%v\n%s", err, list)
				}
				for _, where := range []string{"checkout_without_page", `"code":"no_page"`} {
					if said := strings.Contains(caddy.Log(), where); said != c.ours {
						t.Errorf("%s: %v", where, said)
					}
				}
				doctor, _ := caddy.Run("payments", "doctor", "--address", caddy.Admin)
				if said := strings.Contains(doctor, "no page at /"); said != c.ours {
					t.Errorf("doctor says: %v\n%s", said, doctor)
				}
				if page := b.Get(again, "Accept-Language", "en"); c.ours && (page.Status != http.StatusOK || !strings.Contains(page.Body, "Thank you")) {
					t.Errorf("when it is opened again: %d", page.Status)
				}
			})
		}
	}
}

// A checkout below a path has the page that is below the path, and no other.
func TestCheckoutBelowAPathHasItsPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		site, page, said string
	}{
		"handle_path":                 {"handle_path /s1/* {\nPUBLIC\nBLOCK\n}", "thanks.html", ""},
		"handle_path, no public_url":  {"handle_path /s1/* {\nBLOCK\n}", "thanks.html", ""},
		"handle_path within":          {"handle_path /s1/* {\nhandle_path /s2/* {\nBLOCK\n}\n}", "thanks.html", ""},
		"handle_path, none":           {"handle_path /s1/* {\nPUBLIC\nBLOCK\n}", "else.html", "/s1/thanks.html"},
		"uri strip_prefix":            {"route /s1/* {\nuri strip_prefix /s1\nBLOCK\n}", "thanks.html", ""},
		"handle":                      {"handle /s1/* {\nPUBLIC\nUNDER\n}", "s1/thanks.html", ""},
		"public_url, a proxy's path":  {"PUBLIC\nBLOCK", "thanks.html", ""},
		"the whole host, page beside": {"BLOCK", "s1/thanks.html", "/thanks.html"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			file := filepath.Join(root, filepath.FromSlash(c.page))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte("paid mug"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, boxURL := harness.Sandbox(t, sandbox.Options{Return: "get"})
			site := harness.Site(t)
			block := func(path string) string {
				return "root " + root + "\npayments {\nPUBLIC\ncheckout " + path + "/buy idpay {\nitem mug 120000toman\nreturn " + path + "/thanks.html\n}\nverify " + path + "/thanks.html idpay\n}\nfile_server"
			}
			public := ""
			if strings.Contains(c.site, "PUBLIC\n") {
				public = "public_url " + site + "/s1"
			}
			text := strings.NewReplacer("PUBLIC\n", "", "BLOCK", block(""), "UNDER", block("/s1")).Replace(c.site)
			caddy := harness.Start(t, harness.Global(boxURL)+site+" {\n"+strings.ReplaceAll(text, "PUBLIC", public)+"\n}\n", harness.Environment()...)
			doctor, _ := caddy.Run("payments", "doctor", "--address", caddy.Admin)
			for where, text := range map[string]string{"doctor": doctor, "the log at start": caddy.Log()} {
				if said := strings.Contains(text, "no page at /"); said != (c.said != "") || said && !strings.Contains(text, "no page at "+c.said+",") {
					t.Errorf("%s says so: %v\n%s", where, said, text)
				}
			}
		})
	}
}

// Nobody comes back: the worker delivers what no page will thank for.
func TestCheckoutWithoutAPageOrACustomer(t *testing.T) {
	t.Parallel()
	box, boxURL := harness.Sandbox(t, sandbox.Options{Return: "get"})
	site := harness.Site(t)
	caddy := harness.Start(t, harness.Global(boxURL)+site+" {\nroot "+t.TempDir()+"\npayments {\ncheckout /buy idpay {\nitem mug 120000toman\nreturn /thanks\n}\nverify /thanks idpay\n}\nfile_server\n}\n", harness.Environment()...)
	b := harness.NewBrowser(t)
	back := b.Post(b.Post(site+"/buy/mug", nil).Location(t), url.Values{"action": {"pay"}})
	b.Get(back.Location(t), "Accept", "application/xml") // no browser: the worker hands it over after a minute
	harness.Wait(t, "the worker delivers", 90*time.Second, func() bool {
		list, _ := caddy.Run("payments", "list", "--state", "delivered", "--address", caddy.Admin)
		return strings.Count(list, `"ref"`) == 1
	})
	if n := box.Ledger("", "", "").Payments[0].Verify.Calls; n != 1 {
		t.Errorf("verify was called %d times", n)
	}
}
