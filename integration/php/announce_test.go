package php_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// helperEnv is a shop's environment with the two keys that it needs, and the way to
// the directory of helper.php.
func helperEnv(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../examples/php")
	if err != nil {
		t.Fatal(err)
	}
	return "env HELPERS " + dir + "\n\t\tenv SIGNING_KEY " + harness.Secret + "\n\t\tenv ORIGIN {{site}}"
}

// announce has the shop send the browser to the bank with the helper's headers.
func (w *world) announce(b *harness.Browser, id, order string, amount string, ret string) harness.Page {
	w.t.Helper()
	p := b.Post(w.site+"/announce.php", map[string][]string{
		"order": {order}, "amount": {amount}, "return": {ret}, "link": {w.truth(id).PayLink},
	})
	if to := p.Location(w.t); to != w.truth(id).PayLink {
		w.t.Fatalf("Location: %s", to)
	}
	for name := range p.Header {
		if strings.HasPrefix(harness.Fold(name), "X_PAYMENT") {
			w.t.Errorf("%s reached the browser", name)
		}
	}
	return p
}

// TestAnnouncement: M14. Two headers beside the redirect are an intent; they
// never reach the browser, and the price that counts is the announced one.
func TestAnnouncement(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"idpay", "sama", "24pal", "invoice"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{php: helperEnv(t), payments: "verify /callback.php " + provider + " {\n\t\t\texpect intent\n\t\t}"})
			b := harness.NewBrowser(t)
			for _, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
				order := "order-" + method
				id := w.create(provider, order, 50000, w.site+"/callback.php?o="+order)
				if err := w.box.SetPaymentSettings(id, sandbox.Settings{Return: method}); err != nil {
					t.Fatal(err)
				}
				w.announce(b, id, order, "50000", "")
				if p := w.come(b, w.act(id, "pay")); p.Status != http.StatusOK {
					t.Fatalf("status %d\n%s", p.Status, p.Body)
				}
				s := w.last()
				want := expected(w, id)
				checked := map[string]string{"idpay": "intent", "sama": "sent", "24pal": "intent", "invoice": "intent"}[provider]
				for name, value := range map[string]string{
					"STATUS": "verified", "ID": id, "ORDER": order, "AMOUNT": "50000", "CURRENCY": "IRR", "PROVIDER": provider,
					"AMOUNT_CHECKED": checked, "REFERENCE": want["HTTP_X_PAYMENT_REFERENCE"],
				} {
					same(t, name, s.text("HTTP_X_PAYMENT_"+name), value)
				}
			}

			// Never announced: nobody knows what it pays for.
			id := w.create(provider, "never", 50000, w.site+"/callback.php")
			if p := w.first(b, w.act(id, "pay")); p.Status != http.StatusBadRequest {
				t.Errorf("never announced: status %d", p.Status)
			}
			// Announced dearer than it was paid.
			id = w.create(provider, "dear", 50000, w.site+"/callback.php")
			w.announce(b, id, "dear", "500000", "")
			if p := w.first(b, w.act(id, "pay")); p.Status == http.StatusOK {
				t.Errorf("paid too little: status %d", p.Status)
			}
			// Another order's paid id cannot be taken for one's own.
			if n := len(w.seen()); n != 0 {
				t.Errorf("PHP ran %d times", n)
			}
			same(t, "credits", len(w.credits()), 2)
		})
	}
}

func (w *world) first(b *harness.Browser, ret *sandbox.Return) harness.Page {
	return kind{}.first(b, ret)
}

// TestAnnouncementUnreadable: what cannot be read is no intent, and is kept from
// the browser all the same. The helper itself refuses to say it.
func TestAnnouncementUnreadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{php: helperEnv(t), payments: "verify /callback.php idpay {\n\t\t\texpect intent\n\t\t}"})
	b := harness.NewBrowser(t)
	for _, lines := range [][]string{
		{"X-Payment-Order: 1", "X-Payment-Amount: 50000.0"}, {"X-Payment-Order: 1", "X-Payment-Amount: 5e4"}, {"X-Payment-Order: 1"},
		{"X-Payment-Amount: 50000"}, {"X-Payment-Order: 1", "X-Payment-Amount: ۵۰۰۰۰"}, {"X-Payment-Order: 1", "X-Payment-Amount: -50000"},
		{"X-Payment-Order: " + strings.Repeat("1", 65), "X-Payment-Amount: 50000"}, {"X-Payment-Order: 1", "X-Payment-Amount: "},
		{"X_Payment_Order: 1", "X-Payment-Amount: 50000"},
	} {
		id := w.create("idpay", "1", 50000, w.site+"/callback.php")
		w.behave(map[string]any{"headers": lines, "location": w.truth(id).PayLink})
		p := b.Get(w.site + "/index.php")
		if p.Status != http.StatusServiceUnavailable || p.Header.Get("Location") != "" {
			t.Errorf("%v: status %d, Location %s", lines, p.Status, p.Header.Get("Location"))
		}
		for name := range p.Header {
			if strings.HasPrefix(harness.Fold(name), "X_PAYMENT") {
				t.Errorf("%v: %s reached the browser", lines, name)
			}
		}
		w.forget()
		if p := b.Get(w.act(id, "pay").URL); p.Status != http.StatusBadRequest || len(w.seen()) != 0 {
			t.Errorf("%v was believed: %d", lines, p.Status)
		}
	}
	if p := b.Post(w.site+"/announce.php", map[string][]string{"order": {"1"}, "amount": {"5e4"}, "link": {w.boxURL}}); p.Status != http.StatusInternalServerError {
		t.Errorf("the helper said 5e4: %d", p.Status)
	}
	// Not to a pay page: no intent, whatever the headers say.
	id := w.create("idpay", "1", 50000, w.site+"/callback.php")
	w.behave(map[string]any{"headers": []string{"X-Payment-Order: 1", "X-Payment-Amount: 50000"}, "location": "https://evil.example/idpay/p/ws/" + id})
	b.Get(w.site + "/index.php")
	if p := b.Get(w.act(id, "pay").URL); p.Status != http.StatusBadRequest {
		t.Errorf("a redirect elsewhere was an announcement: %d", p.Status)
	}
}

// TestCustomerWhoNeverReturns: rule 8. With X-Payment-Return the payment can be
// delivered without its customer; an operator's look stands for the worker's
// schedule.
func TestCustomerWhoNeverReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{php: helperEnv(t), payments: `verify /callback.php idpay {
			expect intent
			deliver idempotent
			ack header
		}`})
	w.behave(map[string]any{"ack": true})
	b := harness.NewBrowser(t)
	id := w.create("idpay", "101", 50000, w.site+"/callback.php?wc-api=x&a[]=1")
	w.announce(b, id, "101", "50000", w.site+"/callback.php?wc-api=x&a[]=1")
	w.act(id, "close") // pays and closes the tab
	var ref string
	for _, p := range w.payments() {
		if p.ID == id {
			ref = p.Ref
		}
	}
	out, err := w.caddy.Run("payments", "verify", ref, "--address", w.caddy.Admin)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.waitState(id, "verified")
	w.waitStateFor(id, "delivered", 90*time.Second) // the customer has a minute to come
	s := w.last()
	for name, value := range map[string]string{
		"HTTP_X_PAYMENT_STATUS": "verified", "HTTP_X_PAYMENT_VIA": "worker", "HTTP_X_PAYMENT_DELIVERY": "1", "HTTP_X_PAYMENT_ORDER": "101",
		"QUERY_STRING": "wc-api=x&a[]=1", "REQUEST_URI": "/callback.php?wc-api=x&a[]=1", "REQUEST_METHOD": "GET", "PAYMENT_STATUS": "verified",
	} {
		same(t, name, s.text(name), value)
	}
	if "http://"+s.text("HTTP_HOST") != w.site {
		t.Errorf("HTTP_HOST: %s", s.text("HTTP_HOST"))
	}
	// The customer does come, at last.
	if p := b.Get(w.act(id, "return").URL); p.Status != http.StatusOK || len(w.seen()) != 0 {
		t.Errorf("the late return: %d", p.Status)
	}
	same(t, "credits", w.credits(), []string{"idpay " + id + " 1"})
}
