package returns_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// visitors counts those who come back in these tests.
var visitors atomic.Int32

// book is a shop's look-up endpoint.
type book struct {
	mu     sync.Mutex
	answer map[string]http.HandlerFunc
	bearer []string
	paths  []string
}

func (k *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/order/") {
		_, _ = w.Write([]byte("the shop answers"))
		return
	}
	k.mu.Lock()
	k.bearer, k.paths = append(k.bearer, r.Header.Get("Authorization")), append(k.paths, r.RequestURI)
	f := k.answer[strings.TrimPrefix(r.URL.Path, "/order/")]
	k.mu.Unlock()
	if f == nil {
		say(http.StatusNotFound, `{"error":"unknown"}`)(w, r)
		return
	}
	f(w, r)
}

func (k *book) set(order string, f http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer[order] = f
}

func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func html(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html><body>Not Found</body></html>"))
	}
}

func TestExpectLookup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain(`verify /idpay idpay {
	expect lookup SHOP/order/{order}
}
verify /sama sama {
	expect lookup SHOP/order/{order}
	order {query.order}
}
verify /script 24pal {
	expect lookup SHOP/order/{order}
	order {query.order}
}`)
	k := &book{answer: make(map[string]http.HandlerFunc)}
	shop.SetAnswer(k.ServeHTTP)
	w.behindProxy()
	w.start()
	for provider, path := range map[string]string{"idpay": "/idpay", "sama": "/sama", "24pal": "/script"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			lookedUp(t, w, site+path, provider, shop, k)
		})
	}
	t.Cleanup(func() {
		want := "Bearer " + harness.LookupKey(t, harness.Secret)
		for _, got := range k.bearer {
			if got != want {
				t.Errorf("a question without the shop's key: %q", got)
				break
			}
		}
	})
}

func lookedUp(t *testing.T, w *world, back, provider string, shop *harness.Shop, k *book) {
	n := 0
	// visit pays an order and comes back with it, the shop answering as f says.
	visit := func(t *testing.T, f func(id string) http.HandlerFunc) (string, *sandbox.Return, harness.Page) {
		n++
		order := fmt.Sprintf("%s-%d", provider, n)
		bill, ret := w.paid(provider, order, 50_000, back+"?order="+order)
		k.set(order, f(bill.ID))
		time.Sleep(350 * time.Millisecond) // three of these at once stay below the pace of strangers
		// Each from an address of its own: who is refused often waits in line.
		return bill.ID, ret, come(harness.NewBrowser(t), ret, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", visitors.Add(1)))
	}
	told := func(id string) (n int) {
		for _, r := range shop.Told() {
			if r.Header.Get("X-Payment-Id") == id {
				n++
			}
		}
		return n
	}
	never := func(t *testing.T, id string, p harness.Page, want int) {
		t.Helper()
		if p.Status != want && !(want == http.StatusPaymentRequired && p.Status == http.StatusBadRequest) {
			t.Errorf("status %d, want %d", p.Status, want)
		}
		if calls := w.ledger(id).Verify.Calls; calls != 0 {
			t.Errorf("%d verify calls before the expectation was known", calls)
		}
		if told(id) != 0 {
			t.Error("delivered")
		}
	}
	answer := func(amount int, more string) func(string) http.HandlerFunc {
		return func(id string) http.HandlerFunc {
			return say(200, fmt.Sprintf(`{"amount":%d%s}`, amount, strings.ReplaceAll(more, "ID", id)))
		}
	}
	t.Run("amount, id, unpaid", func(t *testing.T) {
		id, _, p := visit(t, answer(50_000, `,"id":"ID","paid":false`))
		status(t, p, http.StatusOK)
		if told(id) != 1 {
			t.Error("not delivered")
		}
	})
	t.Run("M5 a cheap receipt for a dear order", func(t *testing.T) {
		id, _, p := visit(t, answer(9_000_000, `,"id":"`+strings.Repeat("0", 32)+`","paid":false`))
		never(t, id, p, http.StatusPaymentRequired)
	})
	t.Run("no id", func(t *testing.T) {
		id, _, p := visit(t, answer(50_000, `,"paid":false`))
		switch provider {
		case "sama": // nothing else binds its receipts
			never(t, id, p, http.StatusAccepted)
		case "24pal": // nothing else says that it was not spent before
			status(t, p, http.StatusConflict)
		default:
			status(t, p, http.StatusOK)
		}
	})
	t.Run("paid already", func(t *testing.T) {
		id, _, p := visit(t, answer(50_000, `,"id":"ID","paid":true`))
		never(t, id, p, http.StatusPaymentRequired)
	})
	t.Run("who holds the payment that paid is not told to pay again", func(t *testing.T) {
		_, _, p := visit(t, answer(50_000, `,"id":"ID","paid":true`))
		if strings.Contains(p.Body, "You may pay again") {
			t.Errorf("status %d:\n%s", p.Status, clip(p.Body))
		}
		_, _, p = visit(t, answer(50_000, `,"id":"`+strings.Repeat("0", 32)+`","paid":true`))
		if strings.Contains(p.Body, "already") {
			t.Errorf("a stranger learns that there is such an order:\n%s", clip(p.Body))
		}
	})
	t.Run("a JSON 404 is an unknown order", func(t *testing.T) {
		id, _, p := visit(t, func(string) http.HandlerFunc { return say(404, `{"error":"no such order"}`) })
		never(t, id, p, http.StatusPaymentRequired)
	})
	for name, f := range map[string]http.HandlerFunc{
		"an HTML 404": html(404), "500": html(500), "a JSON 500": say(500, `{}`), "HTML": html(200),
		"half a JSON": say(200, `{"amount":50`), "a page of 8 KiB": say(200, `{"x":"`+strings.Repeat("y", 8<<10)+`","amount":50000}`),
		"an amount as text": say(200, `{"amount":"50,000","id":"x"}`), "a fraction": say(200, `{"amount":50000.5}`),
		"zero": say(200, `{"amount":0}`), "a redirect": http.RedirectHandler("/order/free", http.StatusFound).ServeHTTP,
	} {
		t.Run(name+" is no answer yet", func(t *testing.T) {
			id, _, p := visit(t, func(string) http.HandlerFunc { return f })
			never(t, id, p, http.StatusAccepted)
			if r := w.record(id); r.State != "created" {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("slow, then back", func(t *testing.T) {
		id, ret, p := visit(t, func(string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(4 * time.Second):
				case <-r.Context().Done():
				}
			}
		})
		never(t, id, p, http.StatusAccepted)
		k.set(w.record(id).Order, answer(50_000, `,"id":"ID","paid":false`)(id))
		status(t, come(harness.NewBrowser(t), ret), http.StatusOK)
		if told(id) != 1 || w.ledger(id).Verify.Calls != 1 {
			t.Errorf("told %d times, asked %d times", told(id), w.ledger(id).Verify.Calls)
		}
	})
	t.Run("an order that is a path", func(t *testing.T) {
		if provider == "idpay" {
			return // its order is the provider's own
		}
		for order, want := range map[string]int{
			"../admin": http.StatusBadRequest, "..": http.StatusBadRequest, "a/b": http.StatusPaymentRequired, "x%2fy": http.StatusPaymentRequired,
		} {
			bill, _ := w.paid(provider, "", 50_000, back)
			name := map[string]string{"sama": "Authority", "24pal": "invoice_key"}[provider]
			p := harness.NewBrowser(t).Get(back + "?order=" + strings.ReplaceAll(order, "/", "%2F") + "&" + name + "=" + bill.ID)
			if p.Status != want {
				t.Errorf("%s: status %d, want %d", order, p.Status, want)
			}
			if calls := w.ledger(bill.ID).Verify.Calls; calls != 0 {
				t.Errorf("%s: %d verify calls", order, calls)
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, path := range k.paths {
			if strings.Contains(path, "..") || strings.Count(path, "/") != 2 {
				t.Errorf("the shop was asked for %s", path)
			}
		}
	})
}

// The page that waited for the shop says the same as one that did not.
func TestWaitingPageEndsAsOrderPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect lookup SHOP/order/{order}\n}")
	k := &book{answer: make(map[string]http.HandlerFunc)}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	bill, ret := w.paid("idpay", "101", 50_000, site+"/back")
	k.set("101", html(http.StatusBadGateway))
	p := come(b, ret)
	status(t, p, http.StatusAccepted)
	k.set("101", say(200, `{"amount":50000,"id":"`+bill.ID+`","paid":true}`))
	harness.Wait(t, "the worker asks the shop again", 40*time.Second, func() bool { return w.record(bill.ID).State == "declined" })
	_, after, found := strings.Cut(p.Body, `content="`)
	for found && !strings.Contains(after[:min(40, len(after))], "url=") {
		_, after, found = strings.Cut(after, `content="`)
	}
	if !found {
		t.Fatalf("the page does not refresh itself:\n%s", clip(p.Body))
	}
	_, to, _ := strings.Cut(after, "url=")
	to, _, _ = strings.Cut(to, `"`)
	p = b.Get(site + strings.ReplaceAll(to, "&amp;", "&"))
	if p.Status != http.StatusPaymentRequired || strings.Contains(p.Body, "You may pay again") {
		t.Errorf("status %d:\n%s", p.Status, clip(p.Body))
	}
	if n := w.ledger(bill.ID).Verify.Calls; n != 0 {
		t.Errorf("asked %d times", n)
	}
}
