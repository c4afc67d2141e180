package returns_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

var href = regexp.MustCompile(`href="([^"]*)"`)

// The pages of a shop that lives under a path lead back to that shop, and to its
// own checkout, whoever takes the path off.
func TestPagesOfAShopUnderAPath(t *testing.T) {
	t.Parallel()
	const block = "payments {\nPUBLIC\ncheckout PATH/buy idpay {\nitem mug 120000toman\nreturn PATH/thanks\n}\nverify PATH/thanks idpay\nrequire PATH/course {\nitem mug\n}\n}\n"
	for name, c := range map[string]struct {
		around, path string
		// asked is what the browser's path begins with, at what Caddy is asked with.
		asked, at, home string
	}{
		"the host to itself":     {"BLOCK", "", "", "", "/"},
		"handle":                 {"handle /mall/* {\nBLOCK\n}", "/mall", "/mall", "/mall", "/mall/"},
		"handle_path":            {"handle_path /mall/* {\nBLOCK\n}", "", "/mall", "/mall", "/mall/"},
		"a proxy in front":       {"BLOCK", "", "/mall", "", "/mall/"},
		"two segments of a path": {"handle_path /a/b/* {\nBLOCK\n}", "", "/a/b", "/a/b", "/a/b/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			public := "public_url SITE" + c.asked
			site, _ := w.site(strings.Replace(c.around, "BLOCK", strings.NewReplacer("PUBLIC", public, "PATH", c.path).Replace(block)+"reverse_proxy SHOP", 1))
			w.start()
			b := harness.NewBrowser(t)
			leads := func(what string, p harness.Page, code int, to ...string) {
				t.Helper()
				status(t, p, code)
				var all []string
				for _, m := range href.FindAllStringSubmatch(p.Body, -1) {
					all = append(all, m[1])
				}
				for _, want := range to {
					if !slices.Contains(all, want) {
						t.Errorf("%s: no link to %s: %q", what, want, all)
					}
				}
				if c.home != "/" && slices.Contains(all, "/") {
					t.Errorf("%s: it leads to another shop: %q", what, all)
				}
			}
			leads("paid content", b.Get(site+c.at+"/course"), http.StatusPaymentRequired, c.home, c.asked+"/buy/mug")
			status(t, b.Get(site+c.at+"/buy/mug"), http.StatusOK)
			link := b.Post(site+c.at+"/buy/mug", nil).Location(t)
			ret := w.act(link[strings.LastIndexByte(link, '/')+1:], "decline")
			if !strings.HasPrefix(ret.URL, site+c.asked+"/thanks") {
				t.Fatalf("the return address: %s", ret.URL)
			}
			// The proxy in front takes its path off.
			ret.URL = strings.Replace(ret.URL, site+c.asked, site+c.at, 1)
			leads("declined", come(b, ret), http.StatusPaymentRequired, c.home, c.asked+"/buy/mug")
		})
	}
}
