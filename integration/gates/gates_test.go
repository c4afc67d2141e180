package gates_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// ways are addresses that lead to paid content when nobody looks twice.
var ways = []string{
	"/book.pdf", "/book.pdf/track_id=abcdefgh", "/book.pdf/track_id=abcdefgh/", "/track_id=abcdefgh/book.pdf", "/book.pdf%2ftrack_id=abcdefgh", "/book.pdf/track_id%3Dabcdefgh?track_id=other123",
	"/book.pdf/", "/book.pdf%2f", "/BOOK.PDF", "//book.pdf", "/./book.pdf", "/x/../book.pdf", "/%62ook.pdf", "/book.pdf.gz", "/book.pdf?x=1",
	"/lesson.html", "/lesson", "/lesson/", "/lesson.html/track_id=abcdefgh", "/lesson/track_id=abcdefgh", "/lesson.html.gz",
	"/members", "/members/", "/members/secret.txt", "/members/a", "/members/a.html", "/members%2fsecret.txt", "/track_id=abcdefgh/members/secret.txt", "/members/track_id=abcdefgh/secret.txt",
	"/a/", "/a", "/a/index.html", "/a/index", "/a/track_id=abcdefgh",
	"/deep/one.zip", "/deep/one.zip/track_id=abcdefgh", "/deep/one.zip/",
	"/r1", "/strip/book.pdf", "/strip/members/secret.txt", "/alias/secret.txt", "/hp/book.pdf", "/hp/members/secret.txt", "/hp/a/", "/err", "/no/such/file", "/accel", "/fwd/x", "/inter",
}

func TestNothingIsServedUnpaid(t *testing.T) {
	t.Parallel()
	w := start(t)
	stranger := harness.NewBrowser(t)
	for _, path := range ways {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, "PROPFIND"} {
			for _, encoding := range []string{"identity", "gzip"} {
				p, err := stranger.Try(method, w.static+path, "", "Accept-Encoding", encoding, "Range", "bytes=0-3")
				if err != nil {
					t.Fatalf("%s %s: %v", method, path, err)
				}
				if strings.Contains(p.Body, secret) || strings.Contains(p.Body, "SECR") || p.Status == http.StatusOK && path != "/inter" || p.Status == http.StatusPartialContent || p.Status == http.StatusNotModified {
					t.Errorf("%s %s (%s): %d %.40q", method, path, encoding, p.Status, p.Body)
				}
				if p.Header.Get("Etag") != "" || p.Header.Get("Last-Modified") != "" || strings.HasPrefix(p.Header.Get("Content-Encoding"), "gzip") && p.Status == http.StatusPaymentRequired && method == http.MethodHead {
					t.Errorf("%s %s: validators of what was withheld: %v", method, path, p.Header)
				}
			}
		}
	}
	// A method that Caddy refuses before any route meets no guard.
	wire := harness.NewWire(t, strings.TrimPrefix(w.static, "http://"))
	if _, body := wire.Send(strings.Repeat("M", 34)+" /free/x.txt", []string{"Connection: close"}, ""); strings.Contains(body, secret) {
		t.Errorf("by a bad method: %.80q", body)
	}
	for path, want := range map[string]string{"/": free, "/free/x.txt": free, "/a/b.txt": free, "/deep/": free, "/free/track_id=abcdefgh/x.txt": free} {
		if p := stranger.Get(w.static + path); p.Status != http.StatusOK || !strings.Contains(p.Body, want) {
			t.Errorf("%s: %d %.40q", path, p.Status, p.Body)
		}
	}
	if p := stranger.Get(w.static + "/boom"); !strings.Contains(p.Body, free) {
		t.Errorf("an error page that is free: %d %.40q", p.Status, p.Body)
	}
}

// Gates add up: what one purchase opens, another may still keep.
func TestGatesAddUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.buy("book")
	for _, path := range []string{"/book.pdf", "/lesson", "/members/secret.txt", "/a/", "/deep/one.zip", "/r1", "/strip/book.pdf", "/accel"} {
		p := b.Get(w.static+path, "Accept-Encoding", "identity")
		if p.Status != http.StatusOK || !strings.HasPrefix(p.Body, secret) {
			t.Errorf("%s: %d %.40q", path, p.Status, p.Body)
		}
		if cc := p.Header.Get("Cache-Control"); cc != "private, no-store" {
			t.Errorf("%s: Cache-Control %q", path, cc)
		}
	}
	if p := b.Get(w.static + "/err"); p.Status != http.StatusNotFound || !strings.HasPrefix(p.Body, secret) || p.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("an error page that is paid content: %d %.40q, Cache-Control %q", p.Status, p.Body, p.Header.Get("Cache-Control"))
	}
	for _, path := range []string{"/members/pro/x.html", "/members/pro/x", "/strip/members/pro/x.html", "/hp/members/pro/x.html", "/alias/pro/x.html"} {
		if p := b.Get(w.static + path); strings.Contains(p.Body, pro) || p.Status != http.StatusPaymentRequired {
			t.Errorf("%s: %d %.40q", path, p.Status, p.Body)
		}
	}
	if p := w.buy("pro").Get(w.static + "/members/pro/x.html"); !strings.Contains(p.Body, pro) {
		t.Errorf("the dear one: %d %.40q", p.Status, p.Body)
	}
}

// However many devices the cookie of a purchase was copied to, the browser that
// pressed Pay opens what it has bought.
func TestTheBuyersBrowserHasItsPlace(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.buy("book")
	site, err := url.Parse(w.static)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for range 8 { // more than the five that are let in by default
		other := harness.NewBrowser(t)
		for _, c := range b.Client.Jar.Cookies(site) {
			if strings.HasPrefix(c.Name, "payment_paid_") {
				other.Client.Jar.SetCookies(site, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
			}
		}
		switch p := other.Get(w.static+"/book.pdf", "Accept-Encoding", "identity"); p.Status {
		case http.StatusOK:
			opened++
		case http.StatusForbidden:
		default:
			t.Errorf("a copy of the cookie: %d", p.Status)
		}
	}
	if opened != 4 {
		t.Errorf("opened on %d devices beside the buyer's, want 4 of `devices 5`", opened)
	}
	if p := b.Get(w.static+"/book.pdf", "Accept-Encoding", "identity"); p.Status != http.StatusOK {
		t.Errorf("the browser that pressed Pay: %d", p.Status)
	}
}

// Nothing that looks like a return reaches the shop without a verdict, however
// its path is spelt.
func TestNoReturnPassesByItsPath(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := harness.NewBrowser(t)
	const form = "application/x-www-form-urlencoded"
	query := "status=10&track_id=1234&order_id=777&id=" + strings.Repeat("89abcdef", 4)
	for _, path := range []string{
		"/callback.php", "/callback.php/", "/callback.php/x", "/callback.php%2f", "/callback.php%2fx", "/CALLBACK.php", "//callback.php", "/./callback.php", "/x/../callback.php", "/callback.php/track_id=abcdefgh", "/callback.php/track_id=abcdefgh/",
		"/track_id=abcdefgh/callback.php", "/callback.php.", "/callback.php;x", "/pay/callback", "/pay/callback/", "/pay/callback/x", "/pay/callback%2f", "/pay//callback", "/Pay/Callback", "/pay/callback/track_id=abcdefgh", "/index.php/pay/callback", "/pay+cb", "/pay%2bcb/", "/p%61y+cb",
	} {
		if p := b.Get(w.back + path + "?" + query); p.Status != http.StatusBadRequest {
			t.Errorf("GET %s: %d", path, p.Status)
		}
		if p := b.Post(w.back+path, mustQuery(t, query)); p.Status != http.StatusBadRequest {
			t.Errorf("POST %s: %d", path, p.Status)
		}
	}
	for _, name := range []string{"payment_bounce", "payment_ref", "payment_signature"} {
		// What we have made ourselves is a return, whatever else is missing.
		if p := b.Post(w.back+"/pay/callback/x", url.Values{name: {"x"}}); p.Status < 400 {
			t.Errorf("POST of %s: %d", name, p.Status)
		}
	}
	// It may be torn over address and body, and be sent with any method and type.
	first, second, _ := strings.Cut(query, "&order_id")
	second = "order_id" + second
	parts := func(form string) string {
		var b strings.Builder
		for name, values := range mustQuery(t, form) {
			fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, values[0])
		}
		return b.String() + "--x--\r\n"
	}
	type request struct{ address, kind, body string }
	for _, path := range []string{"/callback.php", "/callback.php/x", "/pay/callback", "/pay/callback/x", "/PAY/callback%2fx"} {
		for _, q := range []request{
			{"?" + first, form, second}, {"?" + second, form, first}, {"", form, query},
			{"?" + first, "multipart/form-data; boundary=x", parts(second)}, {"?" + second, "application/json", `{"\u0074rack_id":"1234","\u0073tatus":10}`},
		} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "BREW"} {
				p, err := b.Try(method, w.back+path+q.address, q.body, "Content-Type", q.kind)
				if err != nil || p.Status != http.StatusBadRequest && p.Status != http.StatusMethodNotAllowed {
					t.Errorf("%s %s%.20s, %s: %d, %v", method, path, q.address, q.kind, p.Status, err)
				}
			}
		}
	}
	if n := len(w.shop.Seen()); n != 0 {
		t.Errorf("the shop saw %d of them: %s", n, w.shop.Seen()[0].URI)
	}
	// What carries nothing of a return is none.
	for _, path := range []string{"/callback.php", "/callback.php/x", "/pay/callback/x?id=5", "/pay"} {
		if p := b.Get(w.back + path); p.Status != http.StatusOK {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
	// Where no route takes it, somebody is told.
	seen := len(w.shop.Seen())
	if p := b.Get(w.back + "/elsewhere.php?" + query); p.Status != http.StatusOK || len(w.shop.Seen()) != seen+1 {
		t.Errorf("elsewhere: %d", p.Status)
	}
	alerts := func() (n int) {
		for line := range strings.Lines(w.Log()) {
			if strings.Contains(line, `"return_unrouted"`) && strings.Contains(line, `"level":"warn"`) {
				n++
			}
		}
		return n
	}
	harness.Wait(t, "somebody is told", 10*time.Second, func() bool { return alerts() == 1 })
	for i, q := range []request{{"?" + first, form, second}, {"?" + first, "multipart/form-data; boundary=x", parts(second)}, {"?" + second, "application/json", `{"track_id":"1234","status":10}`}} {
		before := strings.Count(w.Log(), `"return_unrouted"`)
		if _, err := b.Try([]string{"POST", "PUT", "GET"}[i], w.back+"/elsewhere.php"+q.address, q.body, "Content-Type", q.kind); err != nil {
			t.Error(err)
		}
		harness.Wait(t, "a torn one is an event, too", 10*time.Second, func() bool { return strings.Count(w.Log(), `"return_unrouted"`) > before })
	}
	b.Post(w.back+"/elsewhere.php", mustQuery(t, query))
	for range 20 {
		b.Get(w.back + "/elsewhere.php?" + query)
	}
	harness.Wait(t, "each is an event", 10*time.Second, func() bool { return strings.Count(w.Log(), `"return_unrouted"`) >= 20 })
	if n := alerts(); n != 1 {
		t.Errorf("return_unrouted was an alert %d times in a second", n)
	}
}

// A payment whose return lies behind a gate is handed over if it opens the gate;
// else a person is told, and the shop is not.
func TestADeliveryMeetsTheGates(t *testing.T) {
	t.Parallel()
	w := start(t)
	for item, want := range map[string]struct {
		told        int
		state, says string
	}{"cheap": {0, "parked", `"amount_rials":100000,"reason":"gated"`}, "book": {1, "delivered", `"state":"delivered","amount_rials":8900000`}} {
		b := harness.NewBrowser(t)
		pay := b.Post(w.back+"/buy/"+item, nil).Location(t)
		b.Get(b.Post(pay, url.Values{"action": {"pay"}}).Location(t))
		told := 0
		for _, seen := range w.shop.Told() {
			if seen.Header.Get("X-Payment-Item") == item {
				told++
			}
		}
		if told != want.told {
			t.Errorf("%s: the shop was told %d times", item, told)
		}
		harness.Wait(t, item+" is "+want.state, 10*time.Second, func() bool { return strings.Contains(w.Log(), want.says) })
	}
}

// A return that is not delivered goes on to the shop through the gates of its
// path.
func TestAPassMeetsTheGates(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := harness.NewBrowser(t)
	pay := b.Post(w.back+"/buy/cheap", nil).Location(t)
	p := b.Get(b.Post(pay, url.Values{"action": {"decline"}}).Location(t))
	if seen := w.shop.Seen(); p.Status != http.StatusPaymentRequired || len(seen) != 0 {
		t.Errorf("%d, and the shop saw %d requests", p.Status, len(seen))
	}
}

// A cookie must not say what the request does not.
func TestCookiesDoNotMakeAReturn(t *testing.T) {
	t.Parallel()
	w := start(t)
	harness.NewBrowser(t).Get(w.back+"/callback.php", "Cookie", "status=10; a=1; order_id=777; order.id=8; id="+strings.Repeat("0", 32))
	seen := w.shop.Seen()
	if len(seen) != 1 || seen[0].Header.Get("Cookie") != "a=1" {
		t.Errorf("the shop saw %v", seen)
	}
}

// The network's form of a link reaches the shop as the plain page, and headers
// by which some frameworks route do not.
func TestTheShopSeesThePlainPath(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := harness.NewBrowser(t)
	for path, want := range map[string]string{
		"/product-2/track_id=abcdefgh": "/product-2", "/product-2/track_id=abcdefgh/?a=1": "/product-2?a=1", "/p%2Fq/track_id=abcdefgh/r": "/p%2Fq/r",
	} {
		p := b.Get(w.back+path, "X-Original-URL", "/admin", "X_Rewrite.Url", "/admin")
		seen := w.shop.Seen()
		last := seen[len(seen)-1]
		if last.URI != want {
			t.Errorf("%s: the shop sees %s", path, last.URI)
		}
		if last.Header.Get("X-Original-Url") != "" || last.Header.Get("X_rewrite.url") != "" {
			t.Errorf("%s: routing headers passed: %v", path, last.Header)
		}
		if !strings.Contains(p.Header.Get("Set-Cookie"), "payment_track") || !strings.HasPrefix(p.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %v", path, p.Header)
		}
	}
}

// A gateway's return is no visit, on any page, of any gateway.
func TestAReturnIsNoVisit(t *testing.T) {
	t.Parallel()
	w := start(t)
	for query, want := range map[string]bool{
		"track_id=8963685786": true, "a=1?track_id=8963685786": true, "a=1&amp;track_id=8963685786": true, "track_id=8963685786&track_id=8963685786": true,
		"status=10&track_id=8963685786&order_id=1&id=" + strings.Repeat("0", 32): false, "Status=OK&Authority=A1&track_id=8963685786": false, "track_id=8963685786&track_id=896368578": false,
	} {
		p := harness.NewBrowser(t).Get(w.back + "/any/page?" + query)
		if got := strings.Contains(p.Header.Get("Set-Cookie"), "payment_track"); got != want {
			t.Errorf("%s: captured %v", query, got)
		}
	}
	// Nor is the page one to which gateways send customers back.
	for path, want := range map[string]bool{
		"/page/track_id=8963685786": true, "/pay/callback/track_id=8963685786": false, "/Pay//Callback/track_id=8963685786/": false, "/track_id=8963685786/callback.php": false,
		"/callback.php/x/track_id=8963685786": false, "/pay/callback2/track_id=8963685786": true,
		"/page/track_id=8963685786&x=1": true, "/page/track_id=8963685786.html": true, "/page/track_id=8963685786&status=10&order_id=1&id=" + strings.Repeat("0", 32): false,
		"/page/track_id=8963685786&status=10?order_id=1": false, "/page/track_id=8963685786;Authority=A1;Status=OK": false,
	} {
		p := harness.NewBrowser(t).Get(w.back + path)
		if got := strings.Contains(p.Header.Get("Set-Cookie"), "payment_track"); got != want {
			t.Errorf("%s: captured %v", path, got)
		}
	}
}

// A link in the network's form, opened at any name of a shop, is a visit at the name at which
// the visitor ends.
func TestAVisitFollowsTheShopsRedirects(t *testing.T) {
	t.Parallel()
	shop := harness.NewShop(t)
	_, boxURL := harness.Sandbox(t, sandbox.Options{})
	port := strconv.Itoa(harness.Port(t))
	caddyfile := strings.NewReplacer("PORT", port, "SHOP", shop.URL).Replace(`http://shop.localhost:PORT, http://www.shop.localhost:PORT {
	@www host www.shop.localhost
	redir @www http://shop.localhost:PORT{uri} 301
	payments {
		track
	}
	reverse_proxy SHOP
}
http://www.apart.localhost:PORT, http://old.localhost:PORT {
	payments {
		track
	}
	redir http://apart.localhost:PORT{uri}
}
http://apart.localhost:PORT {
	payments {
		track
	}
	redir /away http://elsewhere.localhost:PORT{uri}
	reverse_proxy SHOP
}
`)
	harness.Start(t, harness.Global(boxURL)+caddyfile, harness.Environment()...)
	named := func() *harness.Browser {
		b := harness.NewBrowser(t)
		b.Client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		}}
		return b
	}
	for _, c := range []struct{ from, at, seen string }{
		{"www.shop", "shop", "/p?track_id=abcdefgh"}, {"shop", "shop", ""}, {"www.apart", "apart", "/p?track_id=abcdefgh"}, {"old", "apart", "/p?track_id=abcdefgh"},
	} {
		for _, form := range []string{"/p/track_id=abcdefgh", "/p/track_id=abcdefgh/", "/track_id=abcdefgh/p"} {
			b := named()
			p := b.Get("http://" + c.from + ".localhost:" + port + form)
			if p.Status == http.StatusMovedPermanently || p.Status == http.StatusFound {
				p = b.Get(p.Location(t))
			}
			if host := p.URL.Hostname(); p.Status != http.StatusOK || host != c.at+".localhost" || c.seen != "" && p.URL.RequestURI() != c.seen || !strings.HasPrefix(p.Header.Get("Set-Cookie"), "payment_track=") {
				t.Errorf("%s%s ends at %s: %d %v", c.from, form, p.URL, p.Status, p.Header)
			}
		}
	}
	if p := named().Get("http://apart.localhost:" + port + "/away/track_id=abcdefgh"); p.Location(t) != "http://elsewhere.localhost:"+port+"/away" {
		t.Errorf("a stranger's host is told %s", p.Location(t))
	}
}

// What a shop says to caches about a page that is somebody's is gone in every
// dialect, and no-store stays.
func TestCachesForgetAVisitorsPage(t *testing.T) {
	t.Parallel()
	w := start(t)
	for said, want := range map[string]string{
		"no-store": "private, no-store", "public, max-age=600, s-maxage=600, stale-while-revalidate=60": "private", "no-cache": "private, no-cache", "": "private",
	} {
		w.shop.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) {
			h := rw.Header()
			if said != "" {
				h.Set("Cache-Control", said)
			}
			for _, name := range []string{"Expires", "Surrogate-Control", "CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "X-Accel-Expires", "Edge-Control", "Vercel-CDN-Cache-Control"} {
				h.Set(name, "max-age=600")
			}
			h.Set("Surrogate-Key", "product-2")
			fmt.Fprint(rw, "page")
		})
		p := harness.NewBrowser(t).Get(w.back + "/product-2?track_id=abcdefgh")
		if got := p.Header.Get("Cache-Control"); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
		for _, name := range []string{"Expires", "Surrogate-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "X-Accel-Expires", "Edge-Control", "Vercel-Cdn-Cache-Control"} {
			if p.Header.Get(name) != "" {
				t.Errorf("%s: %s stays", said, name)
			}
		}
		if p.Header.Get("Surrogate-Key") == "" {
			t.Error("a tag by which caches purge is gone")
		}
	}
}

// However a path is put together, nothing paid-for comes back to a stranger.
func TestRandomPathsServeNothingUnpaid(t *testing.T) {
	t.Parallel()
	w := start(t)
	rnd := rand.New(rand.NewPCG(1, uint64(len(ways))))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	wire := harness.NewWire(t, strings.TrimPrefix(w.static, "http://"))
	for range 3000 {
		path := pick("", "", "/strip", "/hp", "/alias", "/x/..", "//", "/.", "/track_id=abcdefgh", "/index.php", "/%2e")
		path += pick("/book.pdf", "/lesson.html", "/lesson", "/members/secret.txt", "/members", "/a", "/a/index", "/deep/one.zip", "/c++", "/c++/x", "/c%2B%2b/x.html", "/secret.txt", "/pro/x.html", "/err", "/r1", "/nothing")
		path += pick("", "", "/", "%2f", "/track_id=abcdefgh", "/track_id=abcdefgh/", ".html", ".gz", "//", "/.", "/x", "%20", ".", ";x", "/..", "/x/..", "/x/../", "/x/%2e%2e", "/x/..;", "/track_id=", "%00", "\\", "%5c", "/index.html")
		path = pick(path, path, strings.ToUpper(path), strings.ReplaceAll(path, "o", "%6f"), strings.ReplaceAll(path, "/", "//"), strings.ReplaceAll(path, "/", "%2f"))
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		method := pick("GET", "GET", "GET", "POST", "HEAD", strings.Repeat("X", 34))
		_, body := wire.Send(method+" "+path+pick("", "?x=1", "?track_id=abcdefgh"), []string{"Connection: close", "Accept-Encoding: identity"}, "")
		if strings.Contains(body, secret) {
			t.Errorf("%s %s: %.60q", method, path, body)
		}
	}
}

func mustQuery(t *testing.T, query string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
