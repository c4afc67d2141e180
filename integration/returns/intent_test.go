package returns_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// DESIGN 3.2, intents: the shop's redirect to the pay page with two headers is
// an announcement, and only that.
func TestAnnouncements(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"idpay", "sama", "24pal", "invoice"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			site, shop := w.plain("verify /back " + provider + " {\nexpect intent\n}")
			k := &keeper{w: w, provider: provider, callback: site + "/back?order=x1"}
			shop.SetAnswer(k.ServeHTTP)
			w.start()
			announced(t, w, site, shop, k)
		})
	}
}

func announced(t *testing.T, w *world, site string, shop *harness.Shop, k *keeper) {
	b := harness.NewBrowser(t)
	id, p := begin(t, b, site, "101", 50_000)
	for name := range p.Header {
		if strings.HasPrefix(name, "X-Payment") {
			t.Errorf("%s reached the browser", name)
		}
	}
	if r := w.record(id); r.State != "created" || r.Order != "101" || r.Amount != 50_000 {
		t.Errorf("the intent: %+v", r)
	}
	ret := w.act(id, "pay")
	status(t, come(b, ret), http.StatusOK)
	told := shop.Told()
	if len(told) != 1 {
		t.Fatalf("delivered %d times", len(told))
	}
	checked := "intent"
	if k.provider == "sama" {
		checked = "sent"
	}
	for name, want := range map[string]string{
		"X-Payment-Order": "101", "X-Payment-Amount": "50000", "X-Payment-Id": id, "X-Payment-Amount-Checked": checked,
		"X-Payment-Provider": k.provider,
	} {
		if got := told[0].Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(told[0].URI, "order=x1") {
		t.Errorf("the shop's own parameter: %s", told[0].URI)
	}

	t.Run("a redirect without headers proves nothing", func(t *testing.T) {
		k.silent = true
		defer func() { k.silent = false }()
		id, _ := begin(t, b, site, "102", 50_000)
		if all := rows(t, w.Caddy, "id="+id); len(all) != 0 {
			t.Errorf("recorded: %+v", all)
		}
		refused(t, come(b, w.act(id, "pay")))
		if n := w.ledger(id).Verify.Calls; n != 0 {
			t.Errorf("%d verify calls", n)
		}
	})
	t.Run("half an announcement sends nobody to pay", func(t *testing.T) {
		for name, with := range map[string]func(http.Header){
			"toman":     func(h http.Header) { h.Set("X-Payment-Amount", "5000toman") },
			"point":     func(h http.Header) { h.Set("X-Payment-Amount", "50000.0") },
			"negative":  func(h http.Header) { h.Set("X-Payment-Amount", "-50000") },
			"no amount": func(h http.Header) { h.Del("X-Payment-Amount") },
			"no order":  func(h http.Header) { h.Del("X-Payment-Order") },
			"two sums":  func(h http.Header) { h.Add("X-Payment-Amount", "5000") },
			"two ids":   func(h http.Header) { h["X-Payment-Id"] = []string{"K1", "K2"} },
			"two ways":  func(h http.Header) { h["X-Payment-Return"] = []string{k.callback, k.callback + "&x=1"} },
			"two doors": func(h http.Header) { h["X-Payment-Provider"] = []string{k.provider, "other"} },
			"long":      func(h http.Header) { h.Set("X-Payment-Order", strings.Repeat("x", 65)) },
		} {
			k.with = with
			bill := w.made(k.provider, "103", 50_000, k.callback)
			p := b.Get(site + "/pay?order=103&amount=50000&link=" + url.QueryEscape(bill.Link))
			status(t, p, http.StatusServiceUnavailable)
			if p.Header.Get("Location") != "" || p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, bill.ID) {
				t.Errorf("%s: %v", name, p.Header)
			}
			if all := rows(t, w.Caddy, "id="+bill.ID); len(all) != 0 {
				t.Errorf("%s: recorded: %+v", name, all)
			}
		}
		k.with = nil
		if all := records(t, w.Caddy, "order=103"); len(all) == 0 || all[0].Reason != "unusable" {
			t.Errorf("no trace of it: %+v", all)
		}
	})
	t.Run("the same announcement twice", func(t *testing.T) {
		bill := w.made(k.provider, "104", 60_000, k.callback)
		for range 2 {
			status(t, b.Get(site+"/pay?order=104&amount=60000&link="+url.QueryEscape(bill.Link)), http.StatusFound)
		}
		status(t, come(b, w.act(bill.ID, "pay")), http.StatusOK)
		if n := w.ledger(bill.ID).Verify.Calls; n != 1 {
			t.Errorf("%d verify calls", n)
		}
	})
	t.Run("a contradicting announcement is refused", func(t *testing.T) {
		bill := w.made(k.provider, "105", 70_000, k.callback)
		for _, say := range []string{"order=105&amount=70000", "order=105&amount=7000000", "order=999&amount=70000"} {
			b.Get(site + "/pay?" + say + "&link=" + url.QueryEscape(bill.Link))
		}
		if r := w.record(bill.ID); r.Order != "105" || r.Amount != 70_000 {
			t.Errorf("the first announcement was overwritten: %+v", r)
		}
		if all := records(t, w.Caddy, "order=999"); len(all) != 1 || all[0].Reason != "another_order" {
			t.Errorf("nobody was told: %+v", all)
		}
	})
	t.Run("a browser cannot announce", func(t *testing.T) {
		k.silent = true
		defer func() { k.silent = false }()
		bill := w.made(k.provider, "106", 80_000, k.callback)
		b.Get(site+"/pay?order=106&amount=1&link="+url.QueryEscape(bill.Link), "X-Payment-Order", "106", "X-Payment-Amount", "1")
		if all := rows(t, w.Caddy, "id="+bill.ID); len(all) != 0 {
			t.Errorf("recorded: %+v", all)
		}
	})
	if k.provider == "sama" {
		return // its answer carries neither amount nor order
	}
	t.Run("A18 amounts", func(t *testing.T) {
		for i, c := range []struct {
			factor float64
			delta  int64
			reason string
		}{{10, 0, "rial_toman"}, {0.1, 0, "rial_toman"}, {0, 1, "amount_differs"}, {0, -1, "amount_differs"}} {
			order := "11" + string(rune('0'+i))
			id, _ := begin(t, b, site, order, 50_000)
			w.fault(sandbox.Fault{Kind: "wrong_amount", Operation: "verify", Payment: id, Factor: c.factor, Delta: c.delta, Count: 1})
			before := len(shop.Seen())
			status(t, come(b, w.act(id, "pay")), http.StatusConflict)
			if r := w.record(id); r.State != "review" || r.Reason != c.reason {
				t.Errorf("factor %v, delta %d: %s, %s", c.factor, c.delta, r.State, r.Reason)
			} else if c.reason == "rial_toman" && !strings.Contains(strings.ToLower(r.Why), "toman") {
				t.Errorf("the slip is not named: %q", r.Why)
			}
			if len(shop.Seen()) != before {
				t.Error("the shop saw the return")
			}
		}
		if !strings.Contains(w.Log(), `"reason":"rial_toman"`) {
			t.Error("the log does not name the slip")
		}
	})
	t.Run("A05 the receipt of one order with another", func(t *testing.T) {
		mine, _ := begin(t, b, site, "120", 50_000)
		theirs, _ := begin(t, b, site, "121", 50_000)
		ret := w.act(mine, "pay")
		if k.provider == "idpay" {
			swapped := *ret
			swapped.URL = strings.Replace(ret.URL, "order_id=120", "order_id=121", 1)
			refused(t, come(b, &swapped))
			if n := w.ledger(mine).Verify.Calls; n != 0 {
				t.Errorf("asked %d times", n)
			}
		}
		status(t, come(b, ret), http.StatusOK)
		told := shop.Told()
		if got := told[len(told)-1].Header.Get("X-Payment-Order"); got != "120" {
			t.Errorf("order %s was credited", got)
		}
		if r := w.record(theirs); r.State != "created" {
			t.Errorf("the other order: %+v", r)
		}
	})
}

// Two names for one account: the announcement belongs to the name that this
// site's own route uses.
func TestAnnouncementGoesToTheSitesOwnProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	w.text = strings.Replace(w.text, "\t\tprovider sama {", `		provider idpay zweit {
			api_key {env.API_KEY}
			base_url `+w.url+`/idpay
		}
		provider sama {`, 1)
	site, shop := w.plain("verify /back zweit {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	id, _ := begin(t, b, site, "101", 50_000)
	if r := w.record(id); r.Provider != "zweit" {
		t.Errorf("announced for %s", r.Provider)
	}
	status(t, come(b, w.act(id, "pay")), http.StatusOK)
	if got := shop.Told()[0].Header.Get("X-Payment-Provider"); got != "zweit" {
		t.Errorf("delivered as %s", got)
	}
}

// An announcement counts on whichever request it answers: the landing of a
// visit, and a return that is passed on and answered by another try.
func TestAnnouncementOnRoutesOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("track /*\nverify /back 24pal {\nexpect intent\ndeclined pass\n}")
	k := &keeper{w: w, provider: "24pal", callback: site + "/back"}
	again := ""
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Payment-Status") == "declined" {
			r.URL.Path, r.URL.RawQuery = "/pay", again
		}
		k.ServeHTTP(rw, r)
	})
	w.start()
	b := harness.NewBrowser(t)
	p := b.Get(site + "/pay?order=101&amount=50000&track_id=visit-0001")
	status(t, p, http.StatusFound)
	link := p.Location(t)
	first := link[strings.LastIndexByte(link, '/')+1:]
	if r := w.record(first); r.Order != "101" || r.State != "created" {
		t.Fatalf("announced on landing: %+v", r)
	}
	// Declined; the shop sends the customer to pay again at once.
	again = "order=101&amount=50000"
	p = come(b, w.act(first, "decline"))
	status(t, p, http.StatusFound)
	link = p.Location(t)
	second := link[strings.LastIndexByte(link, '/')+1:]
	again = ""
	status(t, come(b, w.act(second, "pay")), http.StatusOK)
	told := shop.Told()
	if len(told) != 1 || told[0].Header.Get("X-Payment-Order") != "101" || told[0].Header.Get("X-Payment-Track-Id") != "visit-0001" {
		t.Errorf("delivered: %d, %+v", len(told), told)
	}
}
