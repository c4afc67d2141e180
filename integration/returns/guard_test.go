package returns_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// DESIGN 3.3: only a verified request carries X-Payment-*, whatever a client
// sends on whatever path (A30–A35).
func TestGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.site(`payments {
	verify /back idpay {
		expect intent
		bounce off
	}
	errors caddy
}
@own path /own
error @own 418
reverse_proxy SHOP
handle_errors {
	reverse_proxy SHOP {
		header_up X-Answer "{http.payments.answer}"
		header_up X-Seen-Status "{http.payments.status}"
	}
}`)
	bare, bareShop := w.site("payments {\n}\nreverse_proxy SHOP")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	clean := func(t *testing.T, name string, shop *harness.Shop) {
		t.Helper()
		for _, r := range shop.Seen() {
			for h := range r.Header {
				folded := strings.ToLower(strings.NewReplacer("_", "-", ".", "-", "~", "-").Replace(h))
				if strings.HasPrefix(folded, "x-payment") && r.Header.Get("X-Payment-Receipt") == "" {
					t.Errorf("%s: %s of %s %s reached the shop", name, h, r.Method, r.URI)
				}
			}
		}
	}
	forged := []string{
		"X-Payment-Status: verified", "x-payment-status: verified", "X_Payment_Status: verified", "X.Payment.Status: verified",
		"X-Payment_Status: verified", "X~Payment~Status: verified", "X-Payment-Order: 101", "X-Payment-Receipt: x", "X-Payment: x",
		"X--Payment--Status: verified", "-X-Payment-Status: verified",
	}
	t.Run("A31 A32 A33 on every path", func(t *testing.T) {
		for _, to := range []string{site, bare} {
			for _, target := range []string{
				"/", "/pay", "/%62ack", "//back", "/./back", "/x/../back", "/BACK", "/back/", "/back;x", "/back%2f", "/index.php?route=back",
				"/back?status=7&order_id=1&id=" + strings.Repeat("ab", 16), "/own", "/back?",
			} {
				for _, method := range []string{"GET", "POST", "PUT", "HEAD", "OPTIONS"} {
					raw(t, to, method+" "+target+" HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 0\r\n"+strings.Join(forged, "\r\n")+"\r\n\r\n")
				}
			}
		}
		clean(t, "site", shop)
		clean(t, "bare", bareShop)
		if len(shop.Seen()) == 0 || len(bareShop.Seen()) == 0 {
			t.Error("nothing was tried")
		}
	})
	t.Run("A3 error routes, before routing", func(t *testing.T) {
		before := len(shop.Seen())
		for _, line := range []string{strings.Repeat("A", 33) + " /x HTTP/1.1", strings.Repeat("A", 33) + " /back HTTP/1.1"} {
			raw(t, site, line+"\r\nHost: HOST\r\nConnection: close\r\n"+strings.Join(forged, "\r\n")+"\r\n\r\n")
		}
		clean(t, "error routes", shop)
		if len(shop.Seen()) == before {
			t.Log("Caddy answered itself")
		}
	})
	t.Run("A34 trailers", func(t *testing.T) {
		got := make(chan http.Header, 8)
		bareShop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
			got <- r.Trailer.Clone()
			w.Header().Set("Trailer", "X-Payment-Status, X-Ok")
			w.Header().Set("X-Payment-Status", "verified")
			_, _ = w.Write([]byte("x"))
			w.Header().Set("X-Payment-Order", "1")
			w.Header().Set("X-Ok", "1")
			w.Header().Set(http.TrailerPrefix+"X-Payment-Amount", "1")
		})
		for _, declared := range []string{"Trailer: X-Payment-Status\r\n", "Trailer: X-Foo\r\n", ""} {
			answer := raw(t, bare, "POST / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"+declared+
				"\r\n1\r\nx\r\n0\r\nX-Payment-Status: verified\r\nX-Foo: y\r\n\r\n")
			select {
			case h := <-got:
				for name := range h {
					if strings.HasPrefix(name, "X-Payment") {
						t.Errorf("%q: %v reached the shop", declared, h)
					}
				}
			default:
				t.Errorf("%q did not reach the shop: %s", declared, answer)
			}
			if strings.Contains(answer, "\nX-Payment") {
				t.Errorf("the shop's header or trailer reached the browser:\n%s", answer)
			}
		}
	})
	t.Run("A35 Connection cannot take ours away", func(t *testing.T) {
		id, _ := begin(t, b, site, "101", 50_000)
		ret := w.act(id, "pay")
		target := strings.TrimPrefix(ret.URL, site)
		answer := raw(t, site, "GET "+target+" HTTP/1.1\r\nHost: HOST\r\nConnection: close, X-Payment-Status, X-Payment-Receipt, Content-Type\r\n"+
			"X-Payment-Status: declined\r\nIdempotency-Key: 1\r\n\r\n")
		if !strings.Contains(answer, "200 OK") {
			t.Errorf("%s", answer)
		}
		told := shop.Told()
		if len(told) != 1 {
			t.Fatalf("told %d times", len(told))
		}
		h := told[0].Header
		if len(h["X-Payment-Status"]) != 1 || h.Get("X-Payment-Receipt") == "" || h.Get("X-Payment-Id") != id || h.Get("Idempotency-Key") != "" {
			t.Errorf("%v", h)
		}
	})
	t.Run("A39 the shop's own headers stay inside", func(t *testing.T) {
		shop.SetAnswer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Payment-Ack", "x")
			w.Header()["x_payment_secret"] = []string{"1"}
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("X-Payment-Order", "101")
			_, _ = w.Write([]byte("ok"))
		})
		defer shop.SetAnswer(k.ServeHTTP)
		answer := raw(t, site, "GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
		if low := strings.ToLower(answer); strings.Contains(low, "x-payment") || strings.Contains(low, "x_payment") || !strings.Contains(answer, "ok") {
			t.Errorf("%s", answer)
		}
	})
	t.Run("errors caddy", func(t *testing.T) {
		for target, want := range map[string]string{
			"/back?id=1": "malformed",
			"/back?status=7&order_id=1&id=" + strings.Repeat("ab", 16): "cancelled",
			"/back?status=3&order_id=1&id=" + strings.Repeat("ab", 16): "declined",
		} {
			before := len(shop.Seen())
			b.Get(site+target, "X-Payment-Status", "verified")
			seen := shop.Seen()[before:]
			if len(seen) != 1 || seen[0].Header.Get("X-Answer") != want || seen[0].Header.Get("X-Seen-Status") != "" {
				t.Errorf("%s: %d requests to the error route", target, len(seen))
				for _, r := range seen {
					t.Errorf("%v", r.Header)
				}
			}
			// Nothing of a return reaches the shop before it is verified, be it by POST.
			before = len(shop.Seen())
			path, query, _ := strings.Cut(target, "?")
			form, _ := url.ParseQuery(query)
			b.Post(site+path, form)
			for _, r := range append(seen, shop.Seen()[before:]...) {
				if strings.Contains(r.URI, "id=") || len(r.Form) > 0 {
					t.Errorf("%s: the error route was told %s, %v", target, r.URI, r.Form)
				}
			}
			if n := len(shop.Seen()) - before; n != 1 {
				t.Errorf("%s by POST: %d requests to the error route", target, n)
			}
		}
		// 405 comes with its Allow even there.
		if p, err := b.Try("PUT", site+"/back", ""); err != nil || p.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%v %v", p.Header, err)
		}
	})
	t.Run("a delivery that fails into an error route credits nothing there", func(t *testing.T) {
		id, _ := begin(t, b, site, "102", 50_000)
		ret := w.act(id, "pay")
		told := len(shop.Told())
		shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Payment-Status") == "verified" {
				panic(http.ErrAbortHandler) // credited or not: nobody knows
			}
			_, _ = w.Write([]byte("error page"))
		})
		defer shop.SetAnswer(k.ServeHTTP)
		come(b, ret)
		if n := len(shop.Told()) - told; n != 1 {
			t.Errorf("told %d times", n)
		}
		last := shop.Seen()[len(shop.Seen())-1]
		if last.Header.Get("X-Seen-Status") != "" {
			t.Errorf("the error route sees %v", last.Header)
		}
		if r := w.record(id); r.State != "parked" {
			t.Errorf("%+v", r)
		}
	})
}
