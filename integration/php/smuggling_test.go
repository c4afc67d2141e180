package php_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// attack is the value that PHP must never see under a name of ours.
const attack = "smuggled-value"

func (w *world) wire() *harness.Wire {
	u, err := url.Parse(w.site)
	if err != nil {
		w.t.Fatal(err)
	}
	return harness.NewWire(w.t, u.Host)
}

// clean fails where PHP saw the attacker's value under a name of ours, by
// $_SERVER or getallheaders(), and returns how often PHP ran.
func clean(t *testing.T, w *world, what string) int {
	t.Helper()
	all := w.seen()
	w.forget()
	for _, s := range all {
		for name, value := range s.payment() {
			if strings.Contains(value, attack) {
				t.Errorf("%s: PHP has %s=%q", what, name, value)
			}
		}
		for name, value := range s.Headers {
			if strings.HasPrefix(harness.Fold(name)+"_", "X_PAYMENT_") && strings.Contains(value, attack) {
				t.Errorf("%s: getallheaders() has %s: %q", what, name, value)
			}
		}
		if strings.Contains(s.text("PAYMENT_STATUS")+s.text("PAYMENT_ID"), attack) {
			t.Errorf("%s: a placeholder has it", what)
		}
	}
	return len(all)
}

// TestHeaderSmuggling: A31–A33. Every byte in the place of every separator, on
// a page like any other, on a return that is passed on as declined, on one that
// is passed on as a duplicate, and on verified ones; with Caddy's own filter and
// with that filter opened.
func TestHeaderSmuggling(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string]string{"caddy's filter": "", "filter opened": harness.OpenFilter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bare := harness.Site(t)
			w := newWorld(t, setup{servers: servers, payments: `verify /callback.php idpay {
			declined pass
			duplicate pass
			bounce off
		}`, bare: bare})
			control(t, w, bare, servers != "")
			b := harness.NewBrowser(t)
			id, ret := w.pay("idpay", "101", 50000, "/callback.php")
			if p := w.come(b, ret); p.Status != http.StatusOK {
				t.Fatalf("%d\n%s", p.Status, p.Body)
			}
			w.forget()
			delivered, _ := url.Parse(ret.URL)
			starts := map[string]string{
				"page":      "GET /index.php",
				"declined":  "GET /callback.php?status=2&track_id=1&id=" + strings.Repeat("a", 32) + "&order_id=7",
				"duplicate": "GET " + delivered.RequestURI(),
			}
			legal := harness.HeaderBytes()
			for what, start := range starts {
				conn := w.wire()
				for _, c := range legal {
					var lines []string
					for _, name := range harness.Spellings(c) {
						lines = append(lines, name+": "+attack)
					}
					if status, body := conn.Send(start, lines, ""); status != http.StatusOK || !strings.HasPrefix(body, "PHP answers") {
						t.Fatalf("%s, byte %q: %d\n%s", what, c, status, body)
					}
				}
				all := w.seen()
				if len(all) != len(legal) {
					t.Errorf("%s: PHP ran %d times for %d requests", what, len(all), len(legal))
				}
				want := map[string]string{"page": "", "declined": "declined", "duplicate": "duplicate"}[what]
				for _, s := range all {
					if got := s.text("HTTP_X_PAYMENT_STATUS"); got != want {
						t.Errorf("%s: status %q", what, got)
					}
					if what == "duplicate" {
						same(t, "the duplicate's id", s.text("HTTP_X_PAYMENT_ID"), id)
					}
				}
				clean(t, w, what)
			}

			// Names that are none: Go refuses them, or drops the line.
			conn := w.wire()
			for c := range 256 {
				if strings.IndexByte(string(legal), byte(c)) >= 0 || c == ':' || c == '\n' {
					continue
				}
				for _, name := range harness.Spellings(byte(c))[:3] {
					if status, _ := conn.Send("GET /index.php", []string{name + ": " + attack}, ""); status == http.StatusOK {
						t.Logf("byte %q passes", byte(c))
					}
				}
			}
			clean(t, w, "illegal bytes")

			// Verified ones, each with all spellings of one byte.
			for i, c := range []byte("-_.~!#$%&'*+^`|") {
				order := fmt.Sprint(200 + i)
				id, ret := w.pay("idpay", order, 50000, "/callback.php")
				u, _ := url.Parse(ret.URL)
				var lines []string
				for _, name := range harness.Spellings(c) {
					lines = append(lines, name+": "+attack)
				}
				if status, body := w.wire().Send("GET "+u.RequestURI(), append(lines, "Connection: close"), ""); status != http.StatusOK {
					t.Fatalf("%d\n%s", status, body)
				}
				s := w.seen()
				if len(s) != 1 {
					t.Fatalf("byte %q: PHP ran %d times", c, len(s))
				}
				sameHeaders(t, s[0], expected(w, id), w.site)
				clean(t, w, "verified")
			}
		})
	}
}

// control shows that the attack is one: the same PHP behind a site without the
// guard believes it.
func control(t *testing.T, w *world, bare string, opened bool) {
	t.Helper()
	u, _ := url.Parse(bare)
	for _, sep := range "-_." {
		conn := harness.NewWire(t, u.Host)
		conn.Send("GET /index.php", []string{strings.ReplaceAll("X-Payment-Status", "-", string(sep)) + ": " + attack}, "")
		// Caddy drops the hyphenated name where it lets another through.
		if got, want := w.last().text("HTTP_X_PAYMENT_STATUS") == attack, opened != (sep == '-'); got != want {
			t.Errorf("without the guard %q gets through: %v", sep, got)
		}
	}
}

// TestHopByHopGames: A34, A35. Connection lists, trailers, repeated and folded
// lines: ours stay, theirs do not.
func TestHopByHopGames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: `verify /callback.php idpay {
			bounce off
		}`})
	forged := "X-Payment-Status: " + attack
	cases := map[string][]string{
		"Connection":      {"Connection: X-Payment-Status, X-Payment-Receipt, x-payment-id, keep-alive", "Connection: X-Payment-Order"},
		"Connection all":  {"Connection: close, Content-Type, Content-Length, Cookie, X-Payment-Amount"},
		"Proxy":           {"Proxy-Connection: X-Payment-Status", "Keep-Alive: X-Payment-Status", "Te: trailers", "Upgrade: X-Payment-Status", "Proxy: http://" + attack},
		"twice":           {forged, forged, "x-payment-status: verified", "X-PAYMENT-STATUS: " + attack + ", verified"},
		"folded":          {"X-Filler: a", " X-Payment-Status: " + attack, "X-Payment-Id:\r\n " + attack},
		"folded first":    {"X-Payment-Status:\r\n\t" + attack + "\r\n X-Payment-Id: " + attack},
		"blank before":    {"X-Payment-Status : " + attack},
		"NUL":             {"X-Payment-Status\x00: " + attack},
		"lone CR":         {"X-Filler: a\rX-Payment-Status: " + attack},
		"lone LF":         {"X-Filler: a\nX-Payment-Status: " + attack},
		"empty name":      {": X-Payment-Status: " + attack},
		"hidden in value": {"X-Filler: a, X-Payment-Status: " + attack},
	}
	i := 0
	for what, lines := range cases {
		i++
		id, ret := w.pay("idpay", fmt.Sprint(i), 50000, "/callback.php")
		u, _ := url.Parse(ret.URL)
		status, body := w.wire().Send("GET "+u.RequestURI(), lines, "")
		switch all := w.seen(); {
		case status == http.StatusBadRequest || status == 0:
			if len(all) != 0 {
				t.Errorf("%s: refused, yet PHP ran", what)
			}
		case status != http.StatusOK || len(all) != 1:
			t.Errorf("%s: status %d, PHP ran %d times\n%s", what, status, len(all), body)
		default:
			sameHeaders(t, all[0], expected(w, id), w.site)
			if v, ok := all[0].Server["HTTP_PROXY"]; ok {
				t.Errorf("HTTP_PROXY is %q", v)
			}
		}
		clean(t, w, what)
		w.wire().Send("GET /index.php", lines, "")
		for _, s := range w.seen() {
			same(t, what+" elsewhere", s.payment(), map[string]string{})
		}
		w.forget()
	}

	// Trailers, declared or not, on a POST return and elsewhere.
	for i, declared := range []string{"", "X-Payment-Status, X-Payment-Id", "X-Other"} {
		id := w.create("idpay", fmt.Sprint("t", i), 50000, w.site+"/callback.php")
		w.act(id, "pay")
		form := "status=10&track_id=1&id=" + id + "&order_id=t" + fmt.Sprint(i)
		lines := []string{"Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked"}
		if declared != "" {
			lines = append(lines, "Trailer: "+declared)
		}
		body := fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Payment-Status: %s\r\nX-Payment-Id: %s\r\nX-Other: 1\r\n\r\n", len(form), form, attack, attack)
		if status, text := w.wire().Send("POST /callback.php", lines, body); status != http.StatusOK {
			t.Errorf("trailer %q: %d\n%s", declared, status, text)
		}
		if all := w.seen(); len(all) == 1 {
			sameHeaders(t, all[0], expected(w, id), w.site)
			same(t, "CONTENT_LENGTH", all[0].text("CONTENT_LENGTH"), fmt.Sprint(len(all[0].Input)))
			same(t, "$_POST id", all[0].Post.(map[string]any)["id"], id)
		} else {
			t.Errorf("trailer %q: PHP ran %d times", declared, len(all))
		}
		clean(t, w, "trailer")
		w.wire().Send("POST /index.php", lines, body)
		for _, s := range w.seen() {
			same(t, "trailer elsewhere", s.payment(), map[string]string{})
		}
		clean(t, w, "trailer elsewhere")
	}
}
