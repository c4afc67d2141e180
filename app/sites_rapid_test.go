package app_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"pgregory.net/rapid"

	payments "github.com/rahgir/caddy-payments/app"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// A drawn configuration: blocks with addresses, and in each of them shops.
type (
	drawnBlock struct {
		schemes []string
		names   []string
		port    string
		shops   []drawnShop
	}
	drawnShop struct {
		prefix, public string
		money          bool
		how            string
	}
)

const sitesKey = "0123456789abcdef0123456789abcdef"

func (b drawnBlock) text(number int) string {
	var at []string
	named := ""
	for _, scheme := range b.schemes {
		for _, name := range b.names {
			if b.port != "" {
				name += ":" + b.port
			}
			at = append(at, scheme+"://"+name)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s {\n", strings.Join(at, ", "))
	for i, s := range b.shops {
		in := "payments {\ntrack\n"
		if s.money {
			in += "verify /cb idpay {\nexpect intent\n}\n"
		}
		if s.public != "" {
			in += "public_url " + s.public + "\n"
		}
		in += "}\nrespond ok\n"
		if s.how == "invoke" {
			name := fmt.Sprintf("n%d-%d", number, i)
			named += "&(" + name + ") {\nroute {\n" + in + "}\n}\n"
			in = "invoke " + name + "\n"
		}
		switch {
		case s.prefix != "":
			in = "handle_path " + s.prefix + "/* {\n" + in + "}\n"
		case s.how == "handle":
			in = "handle {\n" + in + "}\n"
		case s.how == "route":
			in = "route /* {\nroute {\n" + in + "}\n}\n"
		}
		text.WriteString(in)
	}
	return named + text.String() + "}\n"
}

func (b drawnBlock) wild() bool {
	return slices.ContainsFunc(b.names, func(s string) bool { return s == "" || strings.Contains(s, "*") })
}

// plain are the names that a person would count: www.X is X.
func (b drawnBlock) plain() (all []string) {
	for _, n := range b.names {
		if base, www := strings.CutPrefix(n, "www."); n == "" || strings.Contains(n, "*") || www && slices.Contains(b.names, base) {
			continue
		}
		all = append(all, n)
	}
	return all
}

// shop is what a person calls the shop that a visitor of this name is at.
func (b drawnBlock) shop(s drawnShop, visited string) string {
	if s.public != "" {
		_, rest, _ := strings.Cut(s.public, "://")
		return rest
	}
	name := visited
	if base, www := strings.CutPrefix(visited, "www."); www && slices.Contains(b.names, base) {
		name = base
	} else if plain := b.plain(); !b.wild() && len(plain) == 1 {
		name = punycode(plain[0])
	}
	if b.port != "" {
		name += ":" + b.port
	}
	return name
}

func punycode(name string) string {
	return strings.ReplaceAll(name, "فروشگاه", "xn--mgbtj4c7ad63e")
}

// doubtful is whether a person would ask whose a payment is.
func doubtful(blocks []drawnBlock) bool {
	for i, b := range blocks {
		bare := 0
		for _, s := range b.shops {
			if !s.money || s.public != "" {
				continue
			}
			bare++
			if slices.Contains(b.names, "") || len(b.plain()) > 1 {
				return true
			}
		}
		if bare > 1 {
			return true
		}
		for _, c := range blocks[:i] {
			other := slices.ContainsFunc(c.shops, func(s drawnShop) bool { return s.money && s.public == "" })
			if bare > 0 && other && b.port != c.port && !b.wild() && !c.wild() && slices.Equal(b.plain(), c.plain()) {
				return true
			}
		}
	}
	return false
}

func drawBlocks(t *rapid.T) []drawnBlock {
	var blocks []drawnBlock
	taken := make(map[string]bool)
	number := 0
	for range rapid.IntRange(1, 3).Draw(t, "blocks") {
		b := drawnBlock{
			schemes: rapid.SampledFrom([][]string{{"http"}, {"https"}, {"http", "https"}}).Draw(t, "schemes"),
			names: rapid.SampledFrom([][]string{
				{"a.test"}, {"a.test", "www.a.test"}, {"www.b.test", "b.test"}, {"c.test"}, {"127.0.0.1"}, {"[::1]"}, {"فروشگاه.test"},
				{"*.w.test"}, {"*.v.test"}, {"d.test", "e.test"}, {""},
			}).Draw(t, "names"),
			port: rapid.SampledFrom([]string{"", "", "8080", "8081"}).Draw(t, "port"),
		}
		if len(b.schemes) > 1 {
			b.port = ""
		}
		clash := false
		for _, scheme := range b.schemes {
			for _, n := range b.names {
				for _, other := range []string{"http", "https"} {
					// A port speaks either TLS or not.
					clash = clash || taken[scheme+n+b.port] || b.port != "" && other != scheme && taken[other+b.port]
				}
			}
		}
		if clash {
			continue
		}
		for _, scheme := range b.schemes {
			taken[scheme+b.port] = true
			for _, n := range b.names {
				taken[scheme+n+b.port] = true
			}
		}
		for _, prefix := range rapid.SampledFrom([][]string{{""}, {""}, {"/s1"}, {"/s1", "/s2"}, {"/s1", ""}}).Draw(t, "prefixes") {
			s := drawnShop{
				prefix: prefix, money: rapid.IntRange(0, 3).Draw(t, "money") > 0,
				how: rapid.SampledFrom([]string{"", "handle", "route", "invoke"}).Draw(t, "how"),
			}
			if prefix == "" && len(b.shops) > 0 {
				s.how = "handle"
			}
			if rapid.Bool().Draw(t, "public") {
				number++
				s.public = rapid.SampledFrom([]string{
					fmt.Sprintf("https://mall.test/p%d", number), fmt.Sprintf("https://p%d.test", number), fmt.Sprintf("http://p%d.test:9000/x", number),
				}).Draw(t, "url")
			}
			b.shops = append(b.shops, s)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// visitName is how a browser may write a name, and the name.
func visitName(t *rapid.T, b drawnBlock) (host, name string) {
	name = rapid.SampledFrom(b.names).Draw(t, "name")
	if name == "" {
		name = rapid.SampledFrom([]string{"x.test", "10.0.0.9", "shop.w.test.test"}).Draw(t, "any")
	}
	name = punycode(strings.Replace(name, "*", rapid.SampledFrom([]string{"one", "two", "www"}).Draw(t, "label"), 1))
	host = name
	if rapid.Bool().Draw(t, "capitals") {
		host = strings.ToUpper(host)
	}
	return host + rapid.SampledFrom([]string{"", ":80", ":443", ":8080", ":1"}).Draw(t, "written port"), name
}

// Two requests have one site if and only if a person would say that they are at
// one shop, and what one shop has made is nothing at another.
func TestSitesAreWhatBrowsersName(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	secret, err := payment.NewSigningKey([]byte(sitesKey), "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		blocks := drawBlocks(t)
		text := "{\nauto_https disable_redirects\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\naffiliate hamekar {\nstore_token x\n}\nsigning_key " + sitesKey + "\n}\n}\n"
		for i, b := range blocks {
			text += b.text(i)
		}
		out, err := adapt(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		cfg := new(caddy.Config)
		if err := caddy.StrictUnmarshalJSON(out, cfg); err != nil {
			t.Fatal(err)
		}
		ctx, err := caddy.ProvisionContext(cfg)
		named := strings.Contains(text, "invoke")
		if (err != nil) != doubtful(blocks) && !(named && err == nil) {
			t.Fatalf("doubtful: %t, error: %v\n%s", doubtful(blocks), err, text)
		}
		if err != nil {
			return
		}
		app, err := ctx.App("http")
		if err != nil {
			t.Fatal(err)
		}
		ours, err := ctx.App("payments")
		if err != nil {
			t.Fatal(err)
		}
		_, err = ours.(*payments.App).Sites().Place(app.(*caddyhttp.App)) //nolint:forcetypeassert // the apps of these names
		switch {
		case err != nil && !named:
			t.Fatalf("what could be provisioned cannot be started: %v\n%s", err, text)
		case (err != nil) != doubtful(blocks):
			t.Fatalf("doubtful: %t, error: %v\n%s", doubtful(blocks), err, text)
		case err != nil:
			return // a named route's names are known when it is started
		}
		shops := make(map[string]bool)
		type made struct{ shop, cookie string }
		var all []made
		for range 6 {
			b := rapid.SampledFrom(blocks).Draw(t, "block")
			s := rapid.SampledFrom(b.shops).Draw(t, "shop")
			host, name := visitName(t, b)
			scheme := rapid.SampledFrom(b.schemes).Draw(t, "scheme")
			srv := serverOf(t, app.(*caddyhttp.App), scheme, b.port) //nolint:forcetypeassert // as above
			r := httptest.NewRequest(http.MethodGet, s.prefix+"/page?track_id=abcdefgh", nil)
			r.Host, r.TLS = host, nil
			r.Header.Set("X-Forwarded-Host", "elsewhere.test")
			if scheme == "https" {
				r.TLS = &tls.ConnectionState{HandshakeComplete: true}
			}
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, r)
			cookies := w.Result().Cookies()
			if len(cookies) != 1 {
				t.Fatalf("%s://%s%s: %d, %v\n%s", scheme, host, r.URL, w.Code, cookies, text)
			}
			c, want := cookies[0], b.shop(s, name)
			checkScope(t, c, want)
			shops[want] = true
			all = append(all, made{want, c.Value})
		}
		for _, m := range all {
			for shop := range shops {
				_, err := keys.OpenTrack(m.cookie, []string{shop}, time.Now())
				if (err == nil) != (m.shop == shop) {
					t.Fatalf("a cookie of %s at %s: %v\n%s", m.shop, shop, err, text)
				}
			}
		}
	})
}

// checkScope: a shop with a path has its cookies for that path, under a name that
// is no other's.
func checkScope(t *rapid.T, c *http.Cookie, shop string) {
	path := "/"
	if i := strings.IndexByte(shop, '/'); i >= 0 {
		path = shop[i:]
	}
	view := token.View{Secure: c.Secure}
	if path != "/" {
		view.Path = path
	}
	if c.Path != path || c.Name != token.CookieName("track", view) {
		t.Fatalf("%s has the cookie %s", shop, c)
	}
}

func serverOf(t *rapid.T, app *caddyhttp.App, scheme, port string) *caddyhttp.Server {
	listen := ":" + port
	if port == "" {
		listen = map[string]string{"http": ":80", "https": ":443"}[scheme]
	}
	for _, srv := range app.Servers {
		if slices.Contains(srv.Listen, listen) {
			return srv
		}
	}
	t.Fatalf("nobody listens on %s", listen)
	return nil
}
