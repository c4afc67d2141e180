package php_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// TestDeliverOnce: rule 7, A1. PHP that was called is not called again, whatever
// becomes of its answer: the payment waits for a person.
func TestDeliverOnce(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{payments: "verify /callback.php idpay", sandbox: sandbox.Options{Return: method}})
			b := harness.NewBrowser(t)
			b.Get(w.site + "/") // a kept-alive connection
			w.forget()
			ids := make(map[string]string)
			rets := make(map[string]*sandbox.Return)
			for what, how := range map[string]map[string]any{
				"killed before it credits": {"die": "before"},
				"killed after":             {"die": "after"},
				"a fatal error":            {"die": "exit"},
				"an error page":            {"status": 503},
				"not found":                {"status": 404},
			} {
				w.behave(how)
				id, ret := w.pay("idpay", "order "+what, 50000, "/callback.php")
				p := w.come(b, ret)
				if p.Status == http.StatusBadGateway || how["die"] != nil && how["die"] != "exit" && (p.Status != http.StatusOK || !strings.Contains(p.Body, "<main")) {
					t.Errorf("%s: status %d\n%s", what, p.Status, p.Body)
				}
				w.last() // ran once
				ids[what], rets[what] = id, ret
			}
			w.behave(nil)
			time.Sleep(1200 * time.Millisecond) // the worker looks every second
			for what, id := range ids {
				if s := w.state(id); s != "parked" {
					t.Errorf("%s: the payment is %s", what, s)
				}
				if p := w.first(b, rets[what]); p.Status != http.StatusOK || !strings.Contains(p.Body, "<main") {
					t.Errorf("%s, a refresh: %d", what, p.Status)
				}
			}
			if n := len(w.seen()); n != 0 {
				t.Errorf("PHP was called %d times more", n)
			}
			same(t, "credits", len(w.credits()), 4)
		})
	}
}

// TestDeliverOnceBrowserLeaves: A7. The delivery runs to its end without its
// browser.
func TestDeliverOnceBrowserLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay"})
	w.behave(map[string]any{"slow": 2500})
	id, ret := w.pay("idpay", "101", 50000, "/callback.php")
	u, _ := url.Parse(ret.URL)
	b := harness.NewBrowser(t)
	b.Client.Timeout = 1500 * time.Millisecond // enough to arrive on a busy machine
	if _, err := b.Try(http.MethodGet, u.String(), ""); err == nil {
		t.Fatal("it answered")
	}
	w.waitState(id, "delivered")
	w.last()
}

// TestConcurrentReturns: A68. Many browsers, or one with a nervous finger: PHP
// is told once.
func TestConcurrentReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay", crowd: true})
	w.behave(map[string]any{"slow": 200, "location": "/thanks"})
	id, ret := w.pay("idpay", "101", 50000, "/callback.php")
	done := make(chan int)
	for range 24 {
		go func() {
			b := harness.NewBrowser(t)
			p, err := b.Try(http.MethodGet, ret.URL, "")
			if err != nil {
				t.Error(err)
			}
			done <- p.Status
		}()
	}
	told := 0
	for range 24 {
		switch status := <-done; status {
		case http.StatusSeeOther:
			told++
		case http.StatusOK:
		default:
			t.Errorf("status %d", status)
		}
	}
	if told != 1 {
		t.Errorf("%d browsers were sent on by the shop", told)
	}
	w.last()
	same(t, "credits", w.credits(), []string{"idpay " + id + " 1"})
	if v := w.truth(id).Verify; v.Calls != 1 {
		t.Errorf("verify: %+v", v)
	}
}

// TestFPMDown: rule 7. Where no connection to php-fpm was had, nothing was sent:
// the customer waits, and the payment is delivered once when PHP is back, even
// if that takes longer than the worker's first look.
func TestFPMDown(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
		for name, options := range map[string]string{"once": "", "idempotent": "deliver idempotent"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				own, err := harness.NewFPM(harness.FPMProgram(t), t.TempDir(), 2)
				if err == nil {
					err = own.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(own.Stop)
				w := newWorld(t, setup{fpm: own, payments: "verify /callback.php idpay {\n" + options + "\n}", sandbox: sandbox.Options{Return: method}})
				b := harness.NewBrowser(t)
				if p := b.Get(w.site + "/"); p.Status != http.StatusOK {
					t.Fatal(p.Status)
				}
				w.forget()
				own.Stop()
				id, ret := w.pay("idpay", "101", 50000, "/callback.php?x=1")
				p := w.come(b, ret)
				if p.Status != http.StatusAccepted {
					t.Fatalf("status %d\n%s", p.Status, p.Body)
				}
				refresh := p.Header.Get("Refresh")
				_, refresh, _ = strings.Cut(refresh, "url=")
				if refresh == "" {
					refresh = metaRefresh(t, p)
				}
				if name == "once" {
					time.Sleep(7 * time.Second) // a restart that takes its time
				}
				if err := own.Start(); err != nil {
					t.Fatal(err)
				}
				if name == "once" {
					p = b.Get(w.site + refresh)
					if method == sandbox.ReturnPost && strings.Contains(p.Body, "payment_bounce") {
						p = w.bounce(b, p) // the shop expects its POST
					}
					if p.Status != http.StatusOK || p.Body != "PHP answers /callback.php" {
						t.Errorf("the refresh: status %d, payment %s\n%s", p.Status, w.state(id), p.Body)
					}
				}
				w.waitState(id, "delivered")
				s := w.last()
				same(t, "the method", s.text("REQUEST_METHOD"), ret.Method)
				same(t, "x", s.Get.(map[string]any)["x"], "1")
				same(t, "the order", s.text("HTTP_X_PAYMENT_ORDER"), "101")
				same(t, "credits", len(w.credits()), 1)
				b.Get(w.site + refresh)
				same(t, "credits after one more refresh", len(w.credits()), 1)
			})
		}
	}
}

func metaRefresh(t *testing.T, p harness.Page) string {
	t.Helper()
	_, rest, ok := strings.Cut(p.Body, `http-equiv="refresh" content="`)
	_, rest, ok2 := strings.Cut(rest, "url=")
	to, _, ok3 := strings.Cut(rest, `"`)
	if !ok || !ok2 || !ok3 {
		t.Fatalf("no refresh in the page:\n%s", p.Body)
	}
	return strings.ReplaceAll(strings.Trim(to, "'"), "&amp;", "&")
}

// TestDeliverIdempotent: rule 7. The same payment comes again, numbered, until
// there is an ack.
func TestDeliverIdempotent(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{sandbox: sandbox.Options{Return: method}, payments: `verify /callback.php idpay {
			deliver idempotent
			ack header
		}`})
			b := harness.NewBrowser(t)
			w.behave(map[string]any{"die": "after"})
			id, ret := w.pay("idpay", "101", 50000, "/callback.php?a[]=1&a[]=2")
			p := w.come(b, ret)
			if p.Status == http.StatusBadGateway {
				t.Errorf("status %d", p.Status)
			}
			first := w.last()
			w.behave(map[string]any{"ack": true})
			w.waitState(id, "delivered")
			s := w.last()
			for name, value := range map[string]string{
				"HTTP_X_PAYMENT_STATUS": "verified", "HTTP_X_PAYMENT_DELIVERY": "2", "HTTP_X_PAYMENT_VIA": "worker",
				"QUERY_STRING": first.text("QUERY_STRING"), "REQUEST_URI": first.text("REQUEST_URI"), "REQUEST_METHOD": ret.Method,
				"CONTENT_TYPE": first.text("CONTENT_TYPE"), "CONTENT_LENGTH": first.text("CONTENT_LENGTH"),
				"HTTP_X_PAYMENT_ID": id, "HTTP_HOST": first.text("HTTP_HOST"), "PAYMENT_ID": id,
			} {
				same(t, name, s.text(name), value)
			}
			same(t, "php://input", s.Input, first.Input)
			same(t, "$_POST", s.Post, first.Post)
			same(t, "credits", w.credits(), []string{"idpay " + id + " 1", "idpay " + id + " 2"})
		})
	}
}

const staticSite = `{{site}} {
	root {{www}}
	{{before}}
	payments {
		{{payments}}
	}
	file_server
}
`

// TestStaticPage: a file server's 2xx is an ack where nothing else could have
// answered.
func TestStaticPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /page.html idpay", site: staticSite})
	id, ret := w.pay("idpay", "101", 50000, "/page.html")
	if p := harness.NewBrowser(t).Get(ret.URL); p.Status != http.StatusOK || strings.TrimSpace(p.Body) != "<h1>Thank you</h1>" {
		t.Errorf("status %d\n%s", p.Status, p.Body)
	}
	same(t, "state", w.state(id), "delivered")
}

// TestCaddysOwnAnswers: A6. Redirects and pages that Caddy makes itself are no
// ack: the shop was not called.
func TestCaddysOwnAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setup  setup
		path   string
		status int
	}{
		// php_fastcgi's canonical redirect to /dir/.
		"canonical": {setup{payments: "verify /dir idpay"}, "/dir", http.StatusPermanentRedirect},
		"redir":     {setup{payments: "verify /callback.php idpay", before: "redir /callback.php /login 302"}, "/callback.php", http.StatusFound},
		"respond":   {setup{payments: "verify /callback.php idpay", before: "route {\n\t\tpayments\n\t\trespond /callback.php 200\n\t}"}, "/callback.php", http.StatusOK},
		"basic auth": {setup{payments: "verify /callback.php idpay", before: "basic_auth {\n\t\tbob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t}"},
			"/callback.php", http.StatusUnauthorized},
		// Without any upstream only a page that is there counts.
		"no such page": {setup{payments: "verify /thanks.html idpay", site: staticSite}, "/thanks.html", http.StatusNotFound},
		"static, behind basic auth": {setup{payments: "verify /page.html idpay", site: staticSite,
			before: "basic_auth {\n\t\tbob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t}"}, "/page.html", http.StatusUnauthorized},
		// A login server, which sends to its page; in the same PHP, and elsewhere.
		"forward_auth": {setup{
			payments: "verify /callback.php idpay",
			before:   "forward_auth unix/{{fpm}} {\n\t\turi /login.php\n\t\ttransport fastcgi {\n\t\t\troot {{www}}\n\t\t\tsplit .php\n\t\t}\n\t}",
		}, "/callback.php", http.StatusFound},
		"forward_auth elsewhere": {setup{
			payments: "verify /callback.php idpay",
			before:   "forward_auth " + login(t) + " {\n\t\turi /check\n\t}",
		}, "/callback.php", http.StatusFound},
		"forward_auth lets through, to nowhere": {setup{
			payments: "verify /callback.php idpay",
			before:   "forward_auth " + login(t) + " {\n\t\turi /yes\n\t}\n\thandle /callback.php {\n\t\trespond 200\n\t}",
		}, "/callback.php", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.setup)
			b := harness.NewBrowser(t)
			id, ret := w.pay("idpay", "101", 50000, c.path)
			p := b.Get(ret.URL)
			if p.Status != c.status && p.Status != http.StatusAccepted {
				t.Errorf("status %d\n%s", p.Status, p.Body)
			}
			if s := w.state(id); s == "delivered" {
				t.Errorf("the payment is %s, PHP ran %d times", s, len(w.seen()))
			}
			for _, s := range w.seen() {
				if len(s.payment()) > 0 {
					t.Errorf("PHP was told: %v", s.payment())
				}
			}
		})
	}
}

// login is a server that sends everybody to its login page, but from /yes.
func login(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/yes" {
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// TestShopBehindALogin: where the login server lets through, the shop's own
// answer is the ack, whatever address it has.
func TestShopBehindALogin(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{
		"elsewhere":     "forward_auth " + login(t) + " {\n\t\turi /yes\n\t}",
		"the same PHP":  "forward_auth unix/{{fpm}} {\n\t\turi /yes.php\n\t\ttransport fastcgi {\n\t\t\troot {{www}}\n\t\t\tsplit .php\n\t\t}\n\t}",
		"with redirect": "forward_auth " + login(t) + " {\n\t\turi /yes\n\t}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{before: before, payments: "verify /callback.php idpay"})
			want := http.StatusOK
			if name == "with redirect" {
				w.behave(map[string]any{"location": "/thanks"})
				want = http.StatusSeeOther
			}
			id, ret := w.pay("idpay", "101", 50000, "/callback.php")
			if p := harness.NewBrowser(t).Get(ret.URL); p.Status != want {
				t.Errorf("status %d\n%s", p.Status, p.Body)
			}
			same(t, "state", w.state(id), "delivered")
			w.last()
		})
	}
}
