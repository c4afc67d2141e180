package returns_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// local is a browser for which every name is this machine's.
func local(t testing.TB) *harness.Browser {
	t.Helper()
	b := harness.NewBrowser(t)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	b.Client.Transport = transport
	return b
}

// Two shops that one block serves, that two wildcards serve, or that share a
// host: an order, a payment and a purchase of one are nothing at the other.
func TestTwoShopsOfOneCaddy(t *testing.T) {
	t.Parallel()
	const shop = "payments {\nNAME\ncheckout PATH/buy idpay {\nitem course PRICE\nreturn PATH/thanks\n}\nverify PATH/thanks idpay {\nexpect intent\n}\n" +
		"verify PATH/back idpay {\nexpect intent\n}\nrequire PATH/course/* {\nitem course\n}\n}\nreverse_proxy SHOP\n"
	with := func(name, path, price string) string {
		return strings.NewReplacer("NAME\n", name, "PATH", path, "PRICE", price).Replace(shop)
	}
	for name, c := range map[string]struct{ sites, one, two string }{
		"one wildcard":  {"http://*.wild.localhost:PORT {\n" + with("", "", "20000rial") + "}\n", "http://a.wild.localhost:PORT", "http://b.wild.localhost:PORT"},
		"two wildcards": {"http://*.a.localhost:PORT {\n" + with("", "", "20000rial") + "}\nhttp://*.b.localhost:PORT {\n" + with("", "", "500000000rial") + "}\n", "http://shop.a.localhost:PORT", "http://shop.b.localhost:PORT"},
		"two paths": {"http://one.localhost:PORT {\nhandle /a/* {\n" + with("public_url http://one.localhost:PORT/a\n", "/a", "20000rial") + "}\nhandle {\n" +
			with("public_url http://one.localhost:PORT/b\n", "/b", "500000000rial") + "}\n}\n", "http://one.localhost:PORT/a", "http://one.localhost:PORT/b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			site, shop := w.plain("")
			port := site[strings.LastIndexByte(site, ':')+1:]
			// The site of its own only gives a free port away.
			w.text = w.text[:strings.LastIndex(w.text, site+" {")]
			fill := strings.NewReplacer("PORT", port, "SHOP", shop.URL)
			w.text += fill.Replace(c.sites)
			one, two := fill.Replace(c.one), fill.Replace(c.two)
			shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
				base := "http://" + r.Host + strings.TrimSuffix(r.URL.Path, "/pay")
				r.URL.Path = strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(r.URL.Path, "/pay"))
				(&keeper{w: w, provider: "idpay", callback: base + "/back"}).ServeHTTP(rw, r)
			})
			w.start()
			var told int
			credited := func(what, order string) {
				t.Helper()
				all := shop.Told()
				if told++; len(all) != told {
					t.Fatalf("%s: told %d times, want %d", what, len(all), told)
				}
				if got := all[told-1].Header.Get("X-Payment-Order"); got != order {
					t.Errorf("%s: order %s", what, got)
				}
			}
			// Each has an order 7.
			a, b := local(t), local(t)
			first, _ := begin(t, a, one, "7", 50_000)
			second, _ := begin(t, b, two, "7", 50_000)
			status(t, come(a, w.act(first, "pay")), http.StatusOK)
			credited("the first shop's order 7", "7")
			status(t, come(b, w.act(second, "pay")), http.StatusOK)
			credited("the second shop's order 7", "7")
			// What is paid at one is brought to the other.
			third, _ := begin(t, a, one, "8", 50_000)
			ret := w.act(third, "pay")
			stolen := *ret
			stolen.URL = strings.Replace(ret.URL, one, two, 1)
			refused(t, come(local(t), &stolen))
			if n := w.ledger(third).Verify.Calls; n != 0 || len(shop.Told()) != told {
				t.Errorf("brought to the other shop: asked %d times, told %d", n, len(shop.Told()))
			}
			status(t, come(a, ret), http.StatusOK)
			credited("the first shop's order 8", "8")
			// What is bought at one opens nothing at the other.
			pay := a.Post(one+"/buy/course", nil).Location(t)
			status(t, come(a, w.act(pay[strings.LastIndexByte(pay, '/')+1:], "pay")), http.StatusOK)
			status(t, a.Get(one+"/course/1"), http.StatusOK)
			u, _ := url.Parse(one)
			var cookies []string
			for _, c := range a.Client.Jar.Cookies(u) {
				cookies = append(cookies, c.Name+"="+c.Value)
			}
			status(t, local(t).Get(two+"/course/1", "Cookie", strings.Join(cookies, "; ")), http.StatusPaymentRequired)
		})
	}
}

// A signature is for one site: what is paid at the cheap shop is no receipt of
// the dear one's, though both have one key. And the password that the shop is
// asked with signs nothing.
func TestASignatureIsForOneSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	const block = "verify /back idpay {\nexpect signed\n}"
	one, _ := w.plain(block)
	two, shop := w.plain(block)
	var bearer string
	looked, asked := w.plain("verify /back 24pal {\nexpect lookup SHOP/order/{order}\norder {query.order}\n}")
	asked.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		bearer = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"amount":50000,"paid":false}`))
	})
	// Two names on one host are one site's, so each has its own.
	for site, name := range map[string]string{one: "one", two: "two", looked: "looked"} {
		w.text = strings.ReplaceAll(w.text, site, strings.Replace(site, "localhost", name+".localhost", 1))
	}
	one, two, looked = strings.Replace(one, "localhost", "one.localhost", 1), strings.Replace(two, "localhost", "two.localhost", 1), strings.Replace(looked, "localhost", "looked.localhost", 1)
	w.start()
	later := time.Now().Add(time.Hour)
	key := harness.ReturnKey(t, harness.Secret)
	bill, ret := w.paid("idpay", "101", 50_000, one+"/back?"+harness.Sign(key, one, "/back", "idpay", "101", 50_000, later).Encode())
	stolen := *ret
	stolen.URL = strings.Replace(ret.URL, one, two, 1)
	refused(t, come(local(t), &stolen))
	_, ret2 := w.paid("24pal", "5", 50_000, looked+"/back?order=5")
	come(local(t), ret2)
	if bearer == "" {
		t.Fatal("the shop was not asked")
	}
	dear, forged := w.paid("idpay", "dear", 50_000, two+"/back?"+harness.Sign(bearer, two, "/back", "idpay", "dear", 50_000, later).Encode())
	refused(t, come(local(t), forged))
	for _, id := range []string{bill.ID, dear.ID} {
		if n := w.ledger(id).Verify.Calls; n != 0 {
			t.Errorf("asked %d times", n)
		}
	}
	if n := len(shop.Told()); n != 0 {
		t.Errorf("told %d times", n)
	}
	status(t, come(local(t), ret), http.StatusOK)
}
