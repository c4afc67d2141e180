package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// A callback of a name that this Caddy does nothing with but redirect is the shop's to which it
// redirects. What a shop, or anything else, might answer is not followed, and neither is a
// redirect to nobody.
func TestACallbackIsFollowedThroughRedirects(t *testing.T) {
	t.Setenv("IDPAY_KEY", harness.APIKey)
	const global = "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\nsigning_key 0123456789abcdef0123456789abcdef\n}\n}\n"
	const shop = "a.test {\npayments {\nobserve /cb idpay\nobserve /new/cb idpay\n}\nrespond ok\n}\n"
	for name, c := range map[string]struct{ blocks, callback, site, uri string }{
		"another name":               {"old.test {\nredir https://a.test{uri}\n}", "https://old.test/cb?o=1", "a.test", "/cb?o=1"},
		"by http":                    {"old.test {\nredir https://a.test{uri}\n}", "http://old.test/cb?o=1", "a.test", "/cb?o=1"},
		"http only":                  {"http://old.test {\nredir https://a.test{uri} permanent\n}", "http://old.test/cb?o=1", "a.test", "/cb?o=1"},
		"to the www twin":            {"old.test {\nredir https://www.a.test{uri}\n}", "https://old.test/cb?o=1", "a.test", "/cb?o=1"},
		"a wildcard":                 {"*.old.test {\nredir https://a.test{uri} 308\n}", "https://x.old.test/cb?o=1", "a.test", "/cb?o=1"},
		"to another path":            {"old.test {\nredir https://a.test/new{uri}\n}", "https://old.test/cb?o=1", "a.test", "/new/cb?o=1"},
		"by way of a third":          {"old.test {\nredir https://older.test{uri}\n}\nolder.test {\nredir https://a.test{uri}\n}", "https://old.test/cb?o=1", "a.test", "/cb?o=1"},
		"a port":                     {"http://old.test:8081 {\nredir https://a.test{uri}\n}", "http://old.test:8081/cb", "a.test", "/cb"},
		"a port that is mapped":      {"http://old.test:8081 {\nredir https://a.test{uri}\n}", "http://old.test/cb", "a.test", "/cb"},
		"only what matches":          {"old.test {\nredir /cb* https://a.test{uri}\nrespond shop\n}", "https://old.test/cb", "a.test", "/cb"},
		"in a handle":                {"old.test {\nencode gzip\nheader X-Old 1\nhandle /cb* {\nredir https://a.test{uri}\n}\nhandle {\nrespond shop\n}\n}", "https://old.test/cb", "a.test", "/cb"},
		"a page without a route":     {"old.test {\nredir https://a.test{uri}\n}", "https://old.test/cart", "a.test", ""},
		"what doesn't match":         {"old.test {\nredir /blog* https://a.test{uri}\nreverse_proxy 127.0.0.1:9\n}", "https://old.test/cb", "", ""},
		"another handle":             {"old.test {\nhandle /cb* {\nreverse_proxy 127.0.0.1:9\n}\nhandle {\nredir https://a.test{uri}\n}\n}", "https://old.test/cb", "", ""},
		"a shop":                     {"old.test {\nreverse_proxy 127.0.0.1:9\n}", "https://old.test/cb", "", ""},
		"a shop that may redirect":   {"old.test {\nroute {\nforward_auth 127.0.0.1:9 {\nuri /\n}\nredir https://a.test{uri}\n}\n}", "https://old.test/cb", "", ""},
		"a rewritten address":        {"old.test {\nroute {\nrewrite * /cb\nredir https://a.test{uri}\n}\n}", "https://old.test/elsewhere", "", ""},
		"a page instead":             {"old.test {\nrespond moved 200\n}", "https://old.test/cb", "", ""},
		"to nobody":                  {"old.test {\nredir https://b.test{uri}\n}", "https://old.test/cb", "", ""},
		"to itself":                  {"old.test {\nredir https://old.test{uri}\n}", "https://old.test/cb", "", ""},
		"in a circle":                {"old.test {\nredir https://older.test{uri}\n}\nolder.test {\nredir https://old.test{uri}\n}", "https://old.test/cb", "", ""},
		"by what nobody knows":       {"old.test {\nredir https://{http.nothing}{uri}\n}", "https://old.test/cb", "", ""},
		"another scheme":             {"old.test {\nredir ftp://a.test{uri}\n}", "https://old.test/cb", "", ""},
		"farther than we follow":     {chain(4), "https://old4.test/cb", "", ""},
		"as far as we follow":        {chain(3), "https://old3.test/cb", "a.test", "/cb"},
		"a name that nobody serves":  {"", "https://old.test/cb", "", ""},
		"beside a shop of that name": {"http://old.test:8081 {\nredir https://a.test{uri}\n}\nhttp://old.test:8082 {\nreverse_proxy 127.0.0.1:9\n}", "http://old.test:8082/cb", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ours, app := provisioned(t, global+shop+c.blocks+"\n")
			if _, err := ours.Sites().Place(app); err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(c.callback)
			if err != nil {
				t.Fatal(err)
			}
			at, ok := ours.Callback(t.Context(), u, "idpay")
			uri := ""
			if at.Return != nil {
				uri = at.Return.URI
			}
			if ok != (c.site != "") || at.ID != c.site || uri != c.uri {
				t.Errorf("%v, %q, %q; want %q, %q", ok, at.ID, uri, c.site, c.uri)
			}
		})
	}
}

// chain is n names, each of which redirects to the next one, the last to the shop.
func chain(n int) string {
	text := "old1.test {\nredir https://a.test{uri}\n}\n"
	for i := 2; i <= n; i++ {
		text += fmt.Sprintf("old%d.test {\nredir https://old%d.test{uri}\n}\n", i, i-1)
	}
	return text
}

// A plugin that still writes an old name into its creates, through a relay that several shops
// share: its customers come back by the redirect, and their return is their own shop's.
func TestAReturnByARedirectIsItsShops(t *testing.T) {
	for _, to := range []string{"{uri}", "/moved{uri}"} {
		t.Run(to, func(t *testing.T) {
			w := newBrought(t)
			old, port := "http://old.localhost:"+strconv.Itoa(harness.Port(t)), strconv.Itoa(harness.Port(t))
			w.text = strings.Replace(w.text, "observe /plugin zarinpal", "observe /plugin /moved/plugin zarinpal", 1)
			w.text += "http://127.0.0.1:" + port + " {\n\tpayment_relay\n}\n" + old + " {\n\tredir " + w.site + to + "\n}\n"
			w.must(w.load())
			w.shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(rw, "shop ", r.URL.Path) })
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, strings.Replace(addr, "old.localhost", "127.0.0.1", 1))
			}}}
			id := w.paidThrough("http://127.0.0.1:"+port, old+"/plugin?o=1")
			for order, want := range map[string]int{"1": http.StatusOK, "2": http.StatusBadRequest} {
				res, err := client.Get(old + "/plugin?o=" + order + "&Status=OK&Authority=" + id)
				w.must(err)
				_ = res.Body.Close()
				if res.StatusCode != want {
					t.Errorf("order %s: %d at %s, want %d", order, res.StatusCode, res.Request.URL.Path, want)
				}
			}
		})
	}
}

// A shop below a path, which a proxy in front takes off: its plugin writes the address that
// browsers see into the create, and the return comes to us without the path.
func TestAReturnBehindAProxyThatTakesThePathOff(t *testing.T) {
	w := newBrought(t)
	port := strconv.Itoa(harness.Port(t))
	w.text = strings.Replace(w.text, "payments {\n\t\trelay", "payments {\n\t\tpublic_url "+w.site+"/shop\n\t\trelay", 1) +
		"http://127.0.0.1:" + port + " {\n\tpayment_relay\n}\n"
	w.must(w.load())
	for _, relay := range []string{"http://127.0.0.1:" + port, w.site + "/-/pay/secret"} {
		id := w.paidThrough(relay, w.site+"/shop/plugin?o=1")
		for at, want := range map[string]int{
			"/plugin?o=1": http.StatusOK, "/plugin?o=2": http.StatusBadRequest, "/explained?o=1": http.StatusBadRequest, "/shop2/plugin?o=1": http.StatusBadRequest,
		} {
			res, err := http.Get(w.site + at + "&Status=OK&Authority=" + id)
			w.must(err)
			_ = res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s, created through %s: %d, want %d", at, strings.Replace(relay, w.site, "", 1), res.StatusCode, want)
			}
		}
		// The return of a customer who stays away is made as this server gets it.
		u, err := url.Parse(w.site + "/shop/plugin?o=1")
		w.must(err)
		if at, ok := w.app().Callback(t.Context(), u, "zarinpal"); !ok || at.Return == nil || at.Return.URI != "/plugin?o=1" {
			t.Errorf("%v, %+v", ok, at.Return)
		}
	}
}
