package php_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// believe sets what the shop of testdata/www/receipt.php has on its books.
func (w *world) believe(what map[string]any) {
	w.t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "belief"), text, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// TestReceiptHelper: A36–A38, A05, A16. The helper believes a receipt of Caddy's
// for the order and the amount that the shop has on its books, and nothing else,
// whatever way into PHP there is.
func TestReceiptHelper(t *testing.T) {
	t.Parallel()
	bare := harness.Site(t)
	w := newWorld(t, setup{
		php: helperEnv(t), payments: "verify /receipt.php idpay {\n\t\t\tack header\n\t\t}",
		// Another way into the same PHP, without the guard.
		bare: bare,
	})
	b := harness.NewBrowser(t)
	id, ret := w.pay("idpay", "101", 50000, "/receipt.php")
	p := b.Get(ret.URL)
	if p.Status != http.StatusOK || p.Body != "thank you" || p.Header.Get("X-Payment-Ack") != "" {
		t.Fatalf("status %d, %v\n%s", p.Status, p.Header, p.Body)
	}
	same(t, "credits", w.credits(), []string{"idpay " + id + " 101 50000"})
	if w.state(id) != "delivered" {
		t.Errorf("the payment is %s", w.state(id))
	}
	jws := harness.ReadFile(t, filepath.Join(w.dir, "receipt"))

	// A second receipt on a POST-less path: the shop has another price, or looks
	// for another order: parked, because the helper gives no ack.
	for what, c := range map[string]map[string]any{
		"another amount": {"amount": 60000}, "another order": {"order": "9999"}, "another shop": {"audience": "https://other.example"},
		"another key": {"secret": strings.Repeat("x", 32)}, "a polite 200": {"amount": 60000, "polite": true},
	} {
		w.believe(c)
		id, ret := w.pay("idpay", "order "+what, 50000, "/receipt.php")
		p := b.Get(ret.URL)
		if want := http.StatusForbidden; p.Status != want && c["polite"] == nil || !strings.HasPrefix(p.Body, "X-Payment-Receipt: ") {
			t.Errorf("%s: %d %s", what, p.Status, p.Body)
		}
		w.waitState(id, "parked")
	}

	// Around Caddy, or around the guard: with every header that one can make up.
	parts := strings.Split(jws, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	dearer := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"amount":50000`, `"amount":60000`, 1)))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"payment-receipt+jwt"}`))
	for what, c := range map[string]struct {
		header string
		belief map[string]any
		ok     bool
	}{
		"nothing":          {},
		"rubbish":          {header: "a.b.c"},
		"the genuine one":  {header: jws, belief: map[string]any{"order": "101"}, ok: true}, // replayed at once: (provider, id) is the shop's to check
		"for 102":          {header: jws, belief: map[string]any{"order": "102"}},
		"for 60000":        {header: jws, belief: map[string]any{"order": "101", "amount": 60000}},
		"made dearer":      {header: parts[0] + "." + dearer + "." + parts[2], belief: map[string]any{"order": "101", "amount": 60000}},
		"without a MAC":    {header: none + "." + parts[1] + ".", belief: map[string]any{"order": "101"}},
		"MAC cut":          {header: strings.TrimSuffix(jws, jws[len(jws)-8:]), belief: map[string]any{"order": "101"}},
		"signature twice":  {header: jws + "." + parts[2], belief: map[string]any{"order": "101"}},
		"for another shop": {header: jws, belief: map[string]any{"order": "101", "audience": "https://other.example"}},
	} {
		before := len(w.credits())
		w.believe(c.belief)
		header := []string{"X-Payment-Status", "verified", "X-Payment-Order", "101", "X-Payment-Id", id, "X-Payment-Amount", "50000", "X-Payment-Provider", "idpay"}
		if c.header != "" {
			header = append(header, "X-Payment-Receipt", c.header)
		}
		p := b.Get(bare+"/receipt.php", header...)
		if c.ok != (p.Status == http.StatusOK) || c.ok != (len(w.credits()) > before) {
			t.Errorf("%s: %d %s", what, p.Status, p.Body)
		}
		// Through the guard not even the genuine one arrives.
		if p := b.Get(w.site+"/index.php/receipt.php", header...); p.Status == http.StatusOK {
			if s := w.last(); len(s.payment()) > 0 {
				t.Errorf("%s, through the guard: %v", what, s.payment())
			}
		}
	}
}

// TestAckHeader: A39, F43. With `ack header` the shop's word counts, and nothing
// else; it never reaches the browser.
func TestAckHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{php: helperEnv(t), payments: `verify /receipt.php idpay {
			ack header
		}
		verify /callback.php idpay {
			ack header
		}`})
	b := harness.NewBrowser(t)
	// Credited, but not said.
	w.believe(map[string]any{"silent": true})
	id, ret := w.pay("idpay", "1", 50000, "/receipt.php")
	if p := b.Get(ret.URL); p.Status != http.StatusOK || p.Body != "thank you" {
		t.Errorf("what the shop says is the customer's: %d %s", p.Status, p.Body)
	}
	w.waitState(id, "parked")
	if p := b.Get(ret.URL); p.Status != http.StatusOK || !strings.Contains(p.Body, "<main") || p.Body == "thank you" {
		t.Errorf("a refresh of a parked payment: %d %s", p.Status, p.Body)
	}
	same(t, "credits", len(w.credits()), 1)

	// Said.
	w.believe(map[string]any{})
	id, ret = w.pay("idpay", "2", 50000, "/receipt.php")
	p := b.Get(ret.URL)
	if p.Status != http.StatusOK || p.Header.Get("X-Payment-Ack") != "" {
		t.Errorf("%d %v", p.Status, p.Header)
	}
	same(t, "state", w.state(id), "delivered")

	// Said wrongly, with a redirect, or with an error: only the id counts.
	for what, c := range map[string]struct {
		how   map[string]any
		state string
	}{
		"another id":      {map[string]any{"headers": []string{"X-Payment-Ack: " + strings.Repeat("0", 32)}}, "parked"},
		"empty":           {map[string]any{"headers": []string{"X-Payment-Ack:"}}, "parked"},
		"only a redirect": {map[string]any{"location": "/thanks"}, "parked"},
		"with a redirect": {map[string]any{"ack": true, "location": "/thanks"}, "delivered"},
		"with a 500":      {map[string]any{"ack": true, "status": 500}, "delivered"},
		"twice":           {map[string]any{"ack": true, "headers": []string{"X-Payment-Status: verified", "X-Payment-Receipt: x", "X_Payment_Ack: 1"}}, "delivered"},
	} {
		w.behave(c.how)
		id, ret := w.pay("idpay", "order "+what, 50000, "/callback.php")
		p := b.Get(ret.URL)
		for name := range p.Header {
			if strings.HasPrefix(harness.Fold(name), "X_PAYMENT") {
				t.Errorf("%s: %s reached the browser", what, name)
			}
		}
		if s := w.state(id); s != c.state {
			t.Errorf("%s: the payment is %s, want %s", what, s, c.state)
		}
	}
}
