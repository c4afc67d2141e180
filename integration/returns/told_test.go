package returns_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// Presses of Pay beyond the bound are answered 429 with the time to come again, to
// that client alone.
func TestPressesBeyondTheBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	w.behindProxy()
	site, _ := w.site("payments {\ncheckout /buy idpay {\nitem mug 50000rial\n}\nverify /back idpay {\nexpect intent\n}\n}\nreverse_proxy SHOP")
	w.start()
	b := harness.NewBrowser(t)
	press := func(from string, header ...string) harness.Page {
		return b.Post(site+"/buy/mug", nil, append(header, "X-Forwarded-For", from)...)
	}
	for range 10 {
		status(t, press("203.0.113.1"), http.StatusSeeOther)
	}
	for name, accept := range map[string]string{"a person": "text/html", "a program": "application/json"} {
		p := press("203.0.113.1", "Accept", accept)
		after, err := strconv.Atoi(p.Header.Get("Retry-After"))
		if p.Status != http.StatusTooManyRequests || err != nil || after < 1 || after > 60 {
			t.Errorf("%s: %d, Retry-After %q", name, p.Status, p.Header.Get("Retry-After"))
		}
	}
	status(t, press("203.0.113.2"), http.StatusSeeOther)
}

// What is refused is told of, with the id and the order that it names, and leaves
// a trace that a person finds.
func TestWhatIsRefusedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	shop := harness.NewShop(t)
	k := &book{answer: make(map[string]http.HandlerFunc)}
	shop.SetAnswer(k.ServeHTTP)
	site, _ := w.site("payments {\nverify /back idpay {\nexpect lookup " + shop.URL + "/order/{order}\n}\n}\nreverse_proxy SHOP")
	w.start()
	b := harness.NewBrowser(t)
	query := func(id, order string) string { return "?status=10&track_id=1&order_id=" + order + "&id=" + id }

	unknown, stray, odd := randomID(), randomID(), randomID()
	status(t, b.Get(site+"/back"+query(unknown, "nobody")), http.StatusPaymentRequired)
	if !w.said("return_unknown_order", unknown, `"nobody"`) {
		t.Error("nobody is told of a return whose order the shop does not know")
	}
	if all := records(t, w.Caddy, "id="+unknown); len(all) != 1 || all[0].Reason != "unknown_order" || w.asked() != 0 {
		t.Errorf("its traces: %+v", all)
	}

	b.Get(site + "/elsewhere" + query(stray, "55"))
	second := randomID() // in the same minute: no event, and a trace
	b.Get(site + "/elsewhere" + query(second, "56"))
	if !w.said("return_unrouted", stray, `"55"`) {
		t.Error("nobody is told whose return no route takes")
	}
	for _, id := range []string{stray, second} {
		if all := records(t, w.Caddy, "id="+id); len(all) != 1 || all[0].Reason != "stray_return" {
			t.Errorf("traces of a return that no route takes: %+v", all)
		}
	}

	status(t, b.Get(site+"/back"+query(odd, "57")+"&order_id=58"), http.StatusBadRequest)
	if !w.said("return_malformed", odd, `"57"`) {
		t.Error("nobody is told which payment an ambiguous return names")
	}
}

// A shop that puts the announcing headers on all its pages is not down; what could
// send a customer to pay is held back.
func TestHeadersOnAllPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\n}")
	shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Payment-Order", "101")
		w.Header().Set("X-Payment-Amount", "50000")
		switch r.URL.Path {
		case "/cart":
			w.Header().Set("Location", "/checkout")
			w.WriteHeader(http.StatusFound)
		case "/pay":
			w.Header().Set("Location", "https://bank.example/pay/K1?token=SESSION")
			w.WriteHeader(http.StatusFound)
		case "/form":
			w.Header().Set("X-Payment-Amount", "50,000")
			w.Header().Set("X-Payment-Id", randomID())
		}
	})
	w.start()
	b := harness.NewBrowser(t)
	for range 30 {
		status(t, b.Get(site+"/"), http.StatusOK)
	}
	status(t, b.Post(site+"/login", nil), http.StatusOK)
	status(t, b.Post(site+"/cart", nil), http.StatusFound)
	status(t, b.Get(site+"/pay"), http.StatusServiceUnavailable)
	status(t, b.Get(site+"/form"), http.StatusServiceUnavailable)
	if !w.said("announcement_unusable", `its Location is \"https://bank.example/pay/K1\"?…`) || strings.Contains(w.Log(), "SESSION") {
		t.Error("the owner is not told where the customer was to be sent, or is told too much")
	}
}
