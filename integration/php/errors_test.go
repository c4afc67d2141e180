package php_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// errorRoutes hand errors to PHP, with the placeholders that a shop would use.
const errorRoutes = `handle_errors {
		rewrite * /index.php?error={err.status_code}
		php_fastcgi unix/{{fpm}} {
			root {{www}}
			env SHOP_DIR {{dir}}
			env PAYMENT_STATUS {http.payments.status}
			env PAYMENT_ID {http.payments.id}
			env PAYMENT_ORDER {http.payments.order}
			env PAYMENT_RECEIPT {http.payments.receipt}
		}
	}`

// untold fails where PHP's error page was told anything about a payment.
func untold(t *testing.T, what string, s seen) {
	t.Helper()
	same(t, what+": headers", s.payment(), map[string]string{})
	for _, name := range []string{"PAYMENT_STATUS", "PAYMENT_ID", "PAYMENT_ORDER", "PAYMENT_RECEIPT"} {
		if v, ok := s.Server[name]; !ok || v != "" {
			t.Errorf("%s: %s is %v", what, name, v)
		}
	}
}

// TestErrorRoutesBeforeRouting: A3. What Caddy refuses before it routes has met
// no guard, but meets one before the error routes.
func TestErrorRoutesBeforeRouting(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string]string{"": "", "filter opened": harness.OpenFilter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{servers: servers, payments: "verify /callback.php idpay", after: errorRoutes})
			for _, start := range []string{
				strings.Repeat("A", 33) + " /index.php", strings.Repeat("A", 33) + " /callback.php?status=10", "GET /forbidden\x7f",
			} {
				for _, c := range []byte("-_.~") {
					var lines []string
					for _, name := range harness.Spellings(c) {
						lines = append(lines, name+": "+attack)
					}
					lines = append(lines, "Connection: X-Payment-Status, close")
					status, _ := w.wire().Send(start, lines, "")
					all := w.seen()
					if strings.HasPrefix(start, "A") && (len(all) != 1 || status == 0) {
						t.Errorf("%q: status %d, PHP ran %d times", start, status, len(all))
					}
					for _, s := range all {
						untold(t, start, s)
					}
					clean(t, w, start)
				}
			}
		})
	}
}

// TestErrorRoutesAfterVerified: A3. A payment that was verified and could not be
// handed over, or whose page failed, says nothing to the error page; otherwise
// that page would be a second delivery.
func TestErrorRoutesAfterVerified(t *testing.T) {
	t.Parallel()
	dead := t.TempDir() + "/nobody.sock"
	for name, c := range map[string]struct {
		options string
		shop    string // what stands in for the shop
	}{
		"php-fpm is down":      {"", "php_fastcgi unix/" + dead},
		"idempotent":           {"deliver idempotent", "php_fastcgi unix/" + dead},
		"an error of Caddy's":  {"", "error 503"},
		"after a login":        {"", "basic_auth {\n\t\tbob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t}"},
		"declined, passed on":  {"declined pass", "php_fastcgi unix/" + dead},
		"duplicate, passed on": {"duplicate pass", "@again header X-Payment-Status duplicate\n\terror @again 500\n\theader X-Payment-Ack {header.X-Payment-Id}\n\trespond 200\n"},
	} {
		for _, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				site := strings.Replace(plainSite, "payments {", "payments {\n\t\terrors caddy", 1)
				before, _, _ := strings.Cut(site, "\tphp_fastcgi")
				// The error routes are served, the shop is not.
				site = before + "\t" + c.shop + "\n\t{{after}}\n}\n"
				w := newWorld(t, setup{site: site, payments: "verify /callback.php idpay {\n" + c.options + "\n}", after: errorRoutes, sandbox: sandbox.Options{Return: method}})
				b := harness.NewBrowser(t)
				id := w.create("idpay", "101", 50000, w.site+"/callback.php?x=1")
				act := "pay"
				if strings.HasPrefix(name, "declined") {
					act = "decline"
				}
				ret := w.act(id, act)
				p := w.come(b, ret)
				if strings.HasPrefix(name, "duplicate") {
					p = w.come(b, ret)
				}
				for _, s := range w.seen() {
					untold(t, name, s)
				}
				if strings.Contains(name, "passed on") && len(w.seen()) != 1 {
					t.Errorf("the error routes ran %d times, status %d\n%s", len(w.seen()), p.Status, p.Body)
				}
				if s := w.state(id); !strings.Contains(name, "passed on") && (s == "delivered" || p.Status != 200 && p.Status != 202 && p.Status != 401) {
					t.Errorf("the payment is %s, status %d\n%s", s, p.Status, p.Body)
				}
				if len(w.credits()) != 0 {
					t.Errorf("credits: %v", w.credits())
				}
			})
		}
	}
}

// Nothing of a return reaches PHP in an error route of ours, whatever its method, wherever it carries
// its parameters, and whichever of our pages is the error.
func TestErrorRoutesHearNothingOfAReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		site:     strings.Replace(plainSite, "payments {", "payments {\n\t\terrors caddy", 1),
		payments: "checkout /buy idpay {\n\t\titem mug 5000toman\n\t\treturn /callback.php\n\t}\n\tverify /callback.php idpay {\n\t\t\texpect intent\n\t\t}\n\trequire /course/* {\n\t\titem mug\n\t\tcheckout /buy\n\t}",
		after:    errorRoutes,
	})
	const id = "0f71d25b71c98199eb484d8672dd0001"
	carried := url.Values{"status": {"10"}, "track_id": {"5"}, "id": {id}, "order_id": {"101"}}.Encode()
	for _, path := range []string{"/callback.php", "/callback.php/x", "/buy/mug", "/course/a"} {
		for _, method := range []string{"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get"} {
			for _, where := range []string{"query", "body", "cookies"} {
				target, body := path, ""
				lines := []string{"Content-Type: application/x-www-form-urlencoded"}
				switch where {
				case "query":
					target += "?" + carried
				case "body":
					body = carried
				case "cookies":
					target += "?status=10"
					lines = append(lines, "Cookie: a=1; "+strings.ReplaceAll(carried, "&", "; "))
				}
				before := len(w.seen())
				w.wire().Send(method+" "+target, lines, body)
				for _, s := range w.seen()[before:] {
					text, _ := json.Marshal(s)
					if at := strings.Index(string(text), id); at >= 0 {
						t.Errorf("%s %s, by %s: PHP hears …%s", method, path, where, text[max(at-80, 0):at])
					}
				}
			}
		}
	}
}

// TestErrorRoutesOfOurOwn: `errors caddy` gives 4xx of ours to PHP; it learns
// the kind, and nothing that a client made up.
func TestErrorRoutesOfOurOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		site:     strings.Replace(plainSite, "payments {", "payments {\n\t\terrors caddy", 1),
		payments: "verify /callback.php idpay {\n\t\t\texpect intent\n\t\t}",
		after:    strings.Replace(errorRoutes, "env PAYMENT_ID", "env PAYMENT_ANSWER {http.payments.answer}\n\t\t\tenv PAYMENT_ID", 1),
	})
	b := harness.NewBrowser(t)
	for what, c := range map[string]struct{ query, status string }{
		"malformed": {"status=10&id=" + strings.Repeat("a", 32) + "&order_id=1&order.id=2", "400"},
		"declined":  {"status=2&id=" + strings.Repeat("a", 32) + "&order_id=1&track_id=1", "402"},
	} {
		b.Get(w.site+"/callback.php?"+c.query, "X-Payment-Status", attack, "X-Payment-Id", attack)
		s := w.last()
		untold(t, what, s)
		same(t, what, s.text("PAYMENT_ANSWER"), what)
		if q, _ := url.ParseQuery(s.text("QUERY_STRING")); q.Get("error") != c.status {
			t.Errorf("%s: %s", what, s.text("QUERY_STRING"))
		}
		if strings.Contains(s.text("REQUEST_URI"), attack) {
			t.Error("REQUEST_URI")
		}
	}
}
