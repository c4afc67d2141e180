package returns_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A body of which the end isn't seen may carry a return: on a verify route it is
// refused, whatever its size, and never reaches the shop.
func TestALargeBodyIsNoWayRoundTheRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.site("@ret query wc-api=gate\npayments {\nverify /cb.php idpay {\nexpect intent\n}\nverify @ret idpay {\nexpect intent\n}\n}\nreverse_proxy SHOP")
	w.start()
	tail := "&id=" + strings.Repeat("a", 32) + "&status=10&order_id=99&track_id=5"
	for _, size := range []int{0, 1000, params.MaxBytes - len(tail) - 2, params.MaxBytes - len(tail), params.MaxBytes, params.MaxBytes + 1, 1 << 20} {
		for _, path := range []string{"/cb.php", "/cb.php/", "/cb.php/x", "/?wc-api=gate"} {
			form := "x=" + strings.Repeat("y", size) + tail
			send(t, site+path, "application/x-www-form-urlencoded", strings.NewReader(form), http.StatusBadRequest, size)
			var b bytes.Buffer
			m := multipart.NewWriter(&b)
			_ = m.WriteField("x", strings.Repeat("y", size))
			for name, values := range must(url.ParseQuery(tail[1:])) {
				_ = m.WriteField(name, values[0])
			}
			_ = m.Close()
			send(t, site+path, m.FormDataContentType(), &b, http.StatusBadRequest, size)
		}
	}
	for _, s := range shop.Seen() {
		t.Errorf("the shop saw %s %s", s.Method, s.URI)
	}
	// An upload elsewhere is the shop's own affair.
	send(t, site+"/upload", "application/octet-stream", strings.NewReader(strings.Repeat("z", 1<<20)), http.StatusOK, 1<<20)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func send(t *testing.T, to, kind string, body io.Reader, want, size int) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, to, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		// A server that refuses a body may close before all of it was sent.
		if size > params.MaxBytes && want == http.StatusBadRequest {
			return
		}
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != want {
		t.Errorf("%s, %s, %d bytes: status %d, want %d", to, kind, size, res.StatusCode, want)
	}
}

// Where no route takes it, a return in a form is told of, however large the form
// is that could be one.
func TestALargeFormElsewhereIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.site("payments {\nverify /cb.php idpay {\nexpect intent\n}\n}\nreverse_proxy SHOP")
	w.start()
	for _, size := range []int{0, 4000, 4097, 60_000} {
		id := randomID()
		form := "x=" + strings.Repeat("y", size) + "&id=" + id + "&status=10&order_id=99&track_id=5"
		send(t, site+"/elsewhere", "application/x-www-form-urlencoded", strings.NewReader(form), http.StatusOK, size)
		if !w.said("return_unrouted", id) {
			t.Errorf("%d bytes: nobody is told", size)
		}
	}
}

// What a request near a verify route does not carry, its cookies must not say in
// its place: a PHP without php.ini reads them as parameters.
func TestCookiesMakeNoReturnAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.site("@ret {\npath /cb.php\nquery route=pay\n}\npayments {\nverify /r.php idpay {\nexpect intent\n}\nverify @ret idpay {\nexpect intent\n}\n}\nreverse_proxy SHOP")
	w.start()
	all := "id=" + strings.Repeat("a", 32) + "; status=10; order_id=99; track_id=5; mine=7"
	for _, path := range []string{"/r.php", "/r.php/", "/r.php/x", "/r.php/x?foo=1", "/cb.php?route=pay", "/cb.php/x?route=pay", "/cb.php/?route=pay", "/cb.php?%20route=pay", "/"} {
		before := len(shop.Seen())
		p := harness.NewBrowser(t).Get(site+path, "Cookie", all)
		seen := shop.Seen()[before:]
		if len(seen) != 1 {
			t.Errorf("%s: status %d, the shop saw %d requests", path, p.Status, len(seen))
			continue
		}
		if got := seen[0].Header.Get("Cookie"); got != "mine=7" {
			t.Errorf("%s: the shop got the cookies %q", path, got)
		}
	}
}

// A status that a script sent before it died is no proof that it has credited; its
// word is.
func TestABrokenOffAnswerIsNoProof(t *testing.T) {
	t.Parallel()
	for _, word := range []bool{false, true} {
		w := newWorld(t, sandbox.Options{}, "")
		site, shop := w.site("payments {\nverify /back idpay {\nexpect none\n}\n}\nreverse_proxy SHOP")
		shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
			if word {
				rw.Header().Set("X-Payment-Ack", r.Header.Get("X-Payment-Id"))
			}
			rw.Header().Set("Content-Length", "100")
			_, _ = rw.Write([]byte("abc"))
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		})
		w.start()
		bill, ret := w.paid("idpay", "1", 50_000, site+"/back")
		if res, err := http.Get(ret.URL); err == nil { //nolint:gosec // of the sandbox
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		want := "parked"
		if word {
			want = "delivered"
		}
		if r := w.record(bill.ID); r.State != want {
			t.Errorf("with its word %t: %s, want %s", word, r.State, want)
		}
	}
}

// A declined return whose bound parameter names another order is not passed on.
func TestADeclinedPassIsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.site("payments {\nverify /back idpay {\nexpect none\nbind inv\ndeclined pass\n}\n}\nreverse_proxy SHOP")
	w.start()
	for i, inv := range []string{"mine0", "VICTIM"} {
		bill := w.made("idpay", fmt.Sprint("mine", i), 50_000, site+"/back?inv="+inv)
		before := len(shop.Seen())
		come(harness.NewBrowser(t), w.act(bill.ID, "decline"))
		if got := len(shop.Seen()) - before; got != 1-i {
			t.Errorf("inv=%s: the shop saw %d requests, want %d", inv, got, 1-i)
		}
	}
}

// A declined return that claims to be paid is passed on without that claim: a shop that
// believes the browser must not be fooled. What is the shop's own stays.
func TestADeclinedPassClaimsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.site("payments {\nverify /back idpay {\nexpect none\ndeclined pass\n}\n}\nreverse_proxy SHOP")
	w.start()
	bill := w.made("idpay", "mine", 50_000, site+"/back?inv=7")
	ret := w.act(bill.ID, "decline")
	u, err := url.Parse(ret.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("status", "10")
	q.Set("amount", "50000")
	u.RawQuery = q.Encode()
	ret.URL = u.String()
	before := len(shop.Seen())
	come(harness.NewBrowser(t), ret)
	all := shop.Seen()[before:]
	if len(all) != 1 {
		t.Fatalf("the shop saw %d requests", len(all))
	}
	passed, err := url.Parse(all[0].URI)
	if err != nil {
		t.Fatal(err)
	}
	if q := passed.Query(); q.Get("status") != "2" || q.Has("amount") || q.Get("id") != bill.ID || q.Get("inv") != "7" {
		t.Errorf("the shop got %s", all[0].URI)
	}
}

// A shop that knows its pages by a parameter: a return in which that comes twice would be one page
// to Caddy's matcher and another one to PHP. It is refused, and the bank's own return is delivered.
func TestADoubledParameterIsAnotherPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.site("@ret {\npath /index.php\nquery route=pay\n}\npayments {\nverify @ret idpay {\nexpect none\n}\n}\nreverse_proxy SHOP")
	w.start()
	for i, more := range []string{"&route=home", "&route[]=home", "&%72oute=home", "&+route=home"} {
		bill, ret := w.paid("idpay", fmt.Sprint("twice", i), 50_000, site+"/index.php?route=pay")
		moved := *ret
		moved.URL += more
		if p := come(harness.NewBrowser(t), &moved); p.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d", more, p.Status)
		}
		if n := len(shop.Told()); n != i {
			t.Errorf("%s: the shop was told %d times, not %d", more, n, i)
		}
		status(t, come(harness.NewBrowser(t), ret), http.StatusOK)
		if r := w.record(bill.ID); r.State != "delivered" {
			t.Errorf("%s: %s", more, r.State)
		}
	}
}
