package doors

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

const gateways = `	auto_https off
	payments {
		GLOBAL
		affiliate hamekar {
			store_token shop-token
		}
		provider idpay {
			api_key ` + keyOne + `
		}
		provider sama {
			merchant_id ` + merchant + `
		}
		provider inv {
			api_key k
		}
	}
`

// What the documentation refuses is refused, and the error says what to write;
// what it allows is loaded.
func TestRefused(t *testing.T) {
	const (
		pays = "payments {\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok"
		shop = "payments {\nPUBLIC\ncheckout /buy idpay {\nitem a 20000rial\nreturn /cb\n}\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok"
	)
	url := func(u string) string { return strings.Replace(shop, "PUBLIC", "public_url "+u, 1) }
	plain := strings.Replace(shop, "PUBLIC\n", "", 1)
	one := func(host, body string) string { return host + " {\n" + body + "\n}\n" }
	for _, c := range []struct {
		name   string
		global string
		sites  string
		want   string // "" where it must load, else what the error must name; "|" separates choices
	}{
		// Which site a shop is.
		{"one host", "", one("http://a.test", plain), ""},
		{"X and www.X", "", one("http://a.test, http://www.a.test", plain), ""},
		{"www.X and X", "", one("http://www.a.test, http://a.test", plain), ""},
		{"several others", "", one("http://a.test, http://b.test", plain), "public_url"},
		{"several others, named", "", one("http://a.test, http://b.test", url("http://a.test")), ""},
		{"a wildcard", "", one("http://*.a.test", plain), ""},
		{"two wildcards", "", one("http://*.a.test", plain) + one("http://*.b.test", plain), ""},
		{"an address", "", one("http://127.0.0.1:8081", plain), ""},
		{"a catch-all that sells", "", one("http://", plain), "public_url"},
		{"a catch-all that verifies", "", one("http://", pays), "public_url"},
		{"a catch-all on a port", "", one(":8081", pays), "public_url"},
		{"a catch-all, named", "", one("http://", url("http://a.test")), ""},
		{"a catch-all that guards", "", one("http://", "payments\nrespond ok"), ""},
		{"two ports of a host", "", one("http://a.test", plain) + one("http://a.test:8081", plain), ""},
		{"two shops of a host", "", one("http://a.test", "handle /1/* {\n"+plain+"\n}\nhandle /2/* {\n"+plain+"\n}"), "public_url"},
		{"two shops of a host, named", "", one("http://a.test", "handle /1/* {\n"+strings.NewReplacer("/buy", "/1/buy", "/cb", "/1/cb").Replace(url("http://a.test/1"))+
			"\n}\nhandle /2/* {\n"+strings.NewReplacer("/buy", "/2/buy", "/cb", "/2/cb").Replace(url("http://a.test/2"))+"\n}"), ""},
		{"two blocks of one site", "", one("http://a.test", url("http://c.test")) + one("http://b.test", strings.Replace(url("http://c.test"), "20000", "30000", 1)), "public_url|two shops"},
		// Named routes.
		{"a named route", "", "&(shop) {\n" + pays + "\n}\n" + one("http://a.test", "invoke shop"), "route"},
		{"a named route, wrapped", "", "&(shop) {\nroute {\n" + pays + "\n}\n}\n" + one("http://a.test", "invoke shop"), ""},
		{"a named route of two sites", "", "&(shop) {\nroute {\n" + pays + "\n}\n}\n" + one("http://a.test", "invoke shop") + one("http://b.test", "invoke shop"), ""},
		// How order and price are known.
		{"expect none", "", one("http://a.test", strings.Replace(pays, "intent", "none", 1)), ""},
		{"expect none of two sites", "", one("http://a.test", strings.Replace(pays, "intent", "none", 1)) + one("http://b.test", pays), "expect"},
		{"expect none of a wildcard", "", one("http://*.a.test", strings.Replace(pays, "intent", "none", 1)), "expect"},
		{"expect none of sama", "", one("http://a.test", "payments {\nverify /cb sama {\nexpect none\n}\n}"), "expect"},
		{"sama without expect", "", one("http://a.test", "payments {\nverify /cb sama\n}"), "expect"},
		{"sama signed", "signing_key " + secret, one("http://a.test", "payments {\nverify /cb sama {\nexpect signed\n}\n}"), "signed"},
		{"invoice signed without used_ids", "signing_key " + secret, one("http://a.test", "payments {\nverify /cb inv {\nexpect signed\n}\n}"), "used_ids"},
		{"signed without a key", "", one("http://a.test", strings.Replace(pays, "intent", "signed", 1)), "signing_key"},
		{"signed", "signing_key " + secret, one("http://a.test", strings.Replace(pays, "intent", "signed", 1)), ""},
		// Slips.
		{"no such provider", "", one("http://a.test", strings.Replace(pays, "idpay", "idpya", 1)), "idpay"},
		{"a misspelt option", "", one("http://a.test", strings.Replace(pays, "expect", "exepct", 1)), "expect"},
		{"a short key", "signing_key short", one("http://a.test", pays), "32"},
		{"verify without a path", "", one("http://a.test", "payments {\nverify idpay {\nexpect intent\n}\n}"), "path"},
		{"require without an item", "", one("http://a.test", "payments {\nrequire /x\n}"), "item"},
		{"two verify of a path", "", one("http://a.test", "payments {\nverify /cb idpay {\nexpect intent\n}\nverify /cb sama {\nexpect intent\n}\n}"), "/cb"},
		{"a return that nothing takes", "", one("http://a.test", strings.Replace(plain, "return /cb", "return /other", 1)), "verify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "{\n" + strings.NewReplacer("GLOBAL", c.global, "provider inv {", "provider invoice inv {\nbase_url https://inv.test").Replace(gateways) + "}\n" + c.sites
			err := load(text, new(clock))
			// Where the refusal comes with the first request, it is no refusal.
			_ = caddy.Stop()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("it is refused: %v\n%s", err, text)
			case c.want != "" && err == nil:
				t.Errorf("it is accepted\n%s", text)
			case c.want != "":
				for _, w := range strings.Split(c.want, "|") {
					if strings.Contains(err.Error(), w) {
						return
					}
				}
				t.Errorf("the error does not name %q: %v", c.want, err)
			}
		})
	}
}
