package returns_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// DESIGN 3.2, verify: what the options of a route lead to. One Caddy, a site for
// each.
func TestAnswersOfARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	type place struct {
		url  string
		shop *harness.Shop
		keep *keeper
	}
	sites := make(map[string]*place)
	add := func(name, options string) {
		p := &place{keep: &keeper{w: w, provider: "idpay"}}
		p.url, p.shop = w.plain("verify /back idpay {\nexpect intent\n" + options + "\n}")
		p.keep.callback = p.url + "/back?sess=7"
		p.shop.SetAnswer(p.keep.ServeHTTP)
		sites[name] = p
	}
	add("default", "")
	add("declined pass", "declined pass")
	add("declined redirect", "declined redirect /sorry")
	add("duplicate pass", "duplicate pass")
	add("duplicate redirect", "duplicate redirect /done")
	add("bind", "bind invoiceId")
	add("many", "orders many")
	add("ack header", "ack header")
	add("ack redirect", "ack redirect */order-received/*")
	add("idempotent", "deliver idempotent")
	add("park", "absent park")
	add("bounce off", "bounce off")
	w.start()
	// pay makes an announced payment of a site and returns its return.
	pay := func(t *testing.T, b *harness.Browser, name, order, action string) (*place, string, *sandbox.Return) {
		s := sites[name]
		id, _ := begin(t, b, s.url, order, 50_000)
		return s, id, w.act(id, action)
	}
	shopSaw := func(s *place, status string) (n int) {
		for _, r := range s.shop.Seen() {
			if r.Header.Get("X-Payment-Status") == status {
				n++
			}
		}
		return n
	}

	t.Run("declined page", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, _, ret := pay(t, b, "default", "1", "cancel")
		seen := len(s.shop.Seen())
		status(t, come(b, ret), http.StatusPaymentRequired)
		if len(s.shop.Seen()) != seen {
			t.Error("the shop saw a declined return")
		}
	})
	t.Run("declined pass", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, id, ret := pay(t, b, "declined pass", "1", "cancel")
		p := come(b, ret, "X-Payment-Status", "verified", "Cookie", "order_id=999; keep=1; order.id=999; status=10")
		status(t, p, http.StatusOK)
		last := s.shop.Seen()[len(s.shop.Seen())-1]
		if got := last.Header.Get("Cookie"); strings.Contains(got, "=999") || strings.Contains(got, "status") || !strings.Contains(got, "keep=1") {
			t.Errorf("the shop reads the cookies %q", got)
		}
		if last.Header.Get("X-Payment-Status") != "declined" || last.Header.Get("X-Payment-Id") != id || last.Header.Get("X-Payment-Receipt") != "" ||
			last.Header.Get("X-Payment-Amount") != "" {
			t.Errorf("%v", last.Header)
		}
		// An invented one names nothing: a shop would cancel a stranger's order.
		b.Get(s.url + "/back?status=7&order_id=1&id=" + strings.Repeat("ab", 16))
		last = s.shop.Seen()[len(s.shop.Seen())-1]
		if last.Header.Get("X-Payment-Order") != "" || last.Header.Get("X-Payment-Id") != "" {
			t.Errorf("%v", last.Header)
		}
		if len(s.shop.Told()) != 0 {
			t.Error("told that it is paid")
		}
	})
	t.Run("declined redirect", func(t *testing.T) {
		b := harness.NewBrowser(t)
		_, _, ret := pay(t, b, "declined redirect", "1", "decline")
		p := come(b, ret)
		if p.Status != http.StatusSeeOther || p.Header.Get("Location") != "/sorry" || p.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%d %s, Cache-Control %q", p.Status, p.Header.Get("Location"), p.Header.Get("Cache-Control"))
		}
	})
	t.Run("duplicate pass", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, id, ret := pay(t, b, "duplicate pass", "1", "pay")
		status(t, come(b, ret), http.StatusOK)
		status(t, come(b, ret), http.StatusOK)
		if shopSaw(s, "duplicate") != 1 || len(s.shop.Told()) != 1 {
			t.Errorf("told %d times, duplicate %d times", len(s.shop.Told()), shopSaw(s, "duplicate"))
		}
		if calls := w.ledger(id).Verify.Calls; calls != 1 {
			t.Errorf("asked %d times", calls)
		}
	})
	t.Run("duplicate redirect", func(t *testing.T) {
		b := harness.NewBrowser(t)
		_, _, ret := pay(t, b, "duplicate redirect", "1", "pay")
		status(t, come(b, ret), http.StatusOK)
		if p := come(b, ret); p.Status != http.StatusSeeOther || p.Header.Get("Location") != "/done" || p.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%d %s, Cache-Control %q", p.Status, p.Header.Get("Location"), p.Header.Get("Cache-Control"))
		}
	})
	t.Run("duplicate, the same browser and another", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, _, ret := pay(t, b, "default", "2", "pay")
		s.shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/pay" {
				s.keep.ServeHTTP(w, r)
				return
			}
			http.Redirect(w, r, "/order-received/2/?key=secret", http.StatusFound)
		})
		defer s.shop.SetAnswer(s.keep.ServeHTTP)
		if p := come(b, ret); p.Status != http.StatusFound {
			t.Fatalf("%d", p.Status)
		}
		if p := come(b, ret); p.Status != http.StatusSeeOther || !strings.HasSuffix(p.Header.Get("Location"), "/order-received/2/?key=secret") {
			t.Errorf("the same browser: %d %s", p.Status, p.Header.Get("Location"))
		}
		p := come(harness.NewBrowser(t), ret)
		if p.Status != http.StatusOK || p.Header.Get("Location") != "" || strings.Contains(p.Body, "secret") {
			t.Errorf("another browser: %d %s", p.Status, p.Header.Get("Location"))
		}
	})
	t.Run("M4 bind", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["bind"]
		for _, c := range []struct {
			order, callback string
			credited        bool
		}{{"21", "/back?invoiceId=21", true}, {"22", "/back?invoiceId=9999", false}, {"23", "/back", false}, {"24", "/back?invoiceId=24&invoiceId=9999", false}, {"25", "/back?invoiceId=25&invoice.Id=9999", true}} {
			s.keep.callback = s.url + c.callback
			told := len(s.shop.Told())
			id, _ := begin(t, b, s.url, c.order, 50_000)
			p := come(b, w.act(id, "pay"))
			if got := len(s.shop.Told()) - told; (got == 1) != c.credited {
				t.Errorf("%s: delivered %d times, status %d", c.callback, got, p.Status)
			}
			if r := w.record(id); !c.credited && p.Status != http.StatusBadRequest && r.Reason != "binding_differs" {
				t.Errorf("%s: %+v", c.callback, r)
			}
		}
	})
	t.Run("M4 bind, a replay with another order", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["bind"]
		s.keep.callback = s.url + "/back?invoiceId=26"
		id, _ := begin(t, b, s.url, "26", 50_000)
		ret := w.act(id, "pay")
		status(t, come(b, ret), http.StatusOK)
		seen := len(s.shop.Seen())
		ret.URL = strings.Replace(ret.URL, "invoiceId=26", "invoiceId=9999", 1)
		status(t, come(b, ret), http.StatusConflict)
		if len(s.shop.Seen()) != seen {
			t.Error("the shop saw it")
		}
	})
	t.Run("orders many", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["many"]
		for range 2 {
			_, _, ret := pay(t, b, "many", "wallet-7", "pay")
			status(t, come(b, ret), http.StatusOK)
		}
		if len(s.shop.Told()) != 2 {
			t.Errorf("told %d times", len(s.shop.Told()))
		}
	})
	t.Run("M2 deliver once: no proof parks", func(t *testing.T) {
		for name, answer := range map[string]http.HandlerFunc{
			"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
			"404": http.NotFound,
			"dies": func(http.ResponseWriter, *http.Request) {
				panic(http.ErrAbortHandler)
			},
		} {
			b := harness.NewBrowser(t)
			s, id, ret := pay(t, b, "default", "3-"+name, "pay")
			told := len(s.shop.Told())
			s.shop.SetAnswer(answer)
			come(b, ret)
			s.shop.SetAnswer(s.keep.ServeHTTP)
			if r := w.record(id); r.State != "parked" {
				t.Errorf("%s: %+v", name, r)
			}
			status(t, come(b, ret), http.StatusOK)
			if n := len(s.shop.Told()) - told; n != 1 {
				t.Errorf("%s: told %d times", name, n)
			}
		}
	})
	t.Run("ack header", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, id, ret := pay(t, b, "ack header", "1", "pay")
		come(b, ret)
		if r := w.record(id); r.State != "parked" {
			t.Errorf("200 without the header: %+v", r)
		}
		s.shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/pay" {
				s.keep.ServeHTTP(w, r)
				return
			}
			w.Header().Set("X-Payment-Ack", r.Header.Get("X-Payment-Id"))
		})
		_, id, ret = pay(t, b, "ack header", "2", "pay")
		p := come(b, ret)
		if r := w.record(id); r.State != "delivered" || p.Header.Get("X-Payment-Ack") != "" {
			t.Errorf("%+v %v", r, p.Header)
		}
	})
	t.Run("ack redirect", func(t *testing.T) {
		b := harness.NewBrowser(t)
		for order, c := range map[string]struct{ to, state string }{"1": {"/login", "parked"}, "2": {"/shop/order-received/5/", "delivered"}} {
			s, id, ret := pay(t, b, "ack redirect", order, "pay")
			s.shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, c.to, http.StatusFound) })
			status(t, come(b, ret), http.StatusFound)
			s.shop.SetAnswer(s.keep.ServeHTTP)
			if r := w.record(id); r.State != c.state {
				t.Errorf("%s: %+v", c.to, r)
			}
		}
	})
	t.Run("deliver idempotent repeats until there is an ack", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, id, ret := pay(t, b, "idempotent", "1", "pay")
		s.shop.SetAnswer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		come(b, ret)
		s.shop.SetAnswer(s.keep.ServeHTTP)
		harness.Wait(t, "the delivery is repeated", 40*time.Second, func() bool { return w.record(id).State == "delivered" })
		told := s.shop.Told()
		if len(told) < 2 || told[len(told)-1].Header.Get("X-Payment-Delivery") != "2" || told[len(told)-1].Header.Get("X-Payment-Via") != "worker" {
			t.Errorf("told %d times", len(told))
		}
	})
	t.Run("a return by POST comes back with its cookies", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["default"]
		id, _ := begin(t, b, s.url, "40", 50_000)
		if err := w.box.SetPaymentSettings(id, sandbox.Settings{Return: "post"}); err != nil {
			t.Fatal(err)
		}
		told := len(s.shop.Told())
		first := come(b, w.act(id, "pay"))
		status(t, first, http.StatusOK)
		if len(s.shop.Told()) != told {
			t.Fatal("delivered before the bounce")
		}
		action, fields := first.Form(t)
		// A45, A46: the page holds nothing but the pointer, and only its browser
		// may use it.
		if len(fields) != 1 || fields.Get("payment_bounce") == "" || strings.Contains(first.Body, id) {
			t.Errorf("the bounce page: %v", fields)
		}
		stranger := harness.NewBrowser(t).Post(action, fields)
		if len(s.shop.Told()) != told {
			t.Errorf("a stolen pointer delivered: %d", stranger.Status)
		}
		elsewhere := harness.NewBrowser(t).Post(sites["many"].url+"/back", fields)
		status(t, elsewhere, http.StatusNotFound)
		second := b.Post(action, fields)
		status(t, second, http.StatusOK)
		if n := len(s.shop.Told()) - told; n != 1 {
			t.Fatalf("told %d times", n)
		}
		got := s.shop.Told()[told]
		if got.Method != http.MethodPost || got.Form["id"][0] != id || got.Form["payment_bounce"] != nil || got.Form["hashed_card_no"] != nil {
			t.Errorf("the shop's POST: %s %v", got.Method, got.Form)
		}
		if !strings.Contains(got.URI, "sess=7") {
			t.Errorf("the shop's own query: %s", got.URI)
		}
		b.Post(action, fields)
		if n := len(s.shop.Told()) - told; n != 1 {
			t.Errorf("the pointer used twice told %d times", n)
		}
	})
	t.Run("bounce off", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["bounce off"]
		id, _ := begin(t, b, s.url, "1", 50_000)
		if err := w.box.SetPaymentSettings(id, sandbox.Settings{Return: "post"}); err != nil {
			t.Fatal(err)
		}
		status(t, come(b, w.act(id, "pay")), http.StatusOK)
		if told := s.shop.Told(); len(told) != 1 || told[0].Method != http.MethodPost {
			t.Errorf("told %d times", len(told))
		}
	})
	t.Run("A17 the return's own words are replaced", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["bounce off"]
		id, _ := begin(t, b, s.url, "2", 50_000)
		if err := w.box.SetPaymentSettings(id, sandbox.Settings{Return: "post"}); err != nil {
			t.Fatal(err)
		}
		ret := w.act(id, "pay")
		ret.Form["amount"], ret.Form["card_no"], ret.Form["track_id"] = "99999999", "6037991111111111", "1"
		ret.Form["payment_order"], ret.Form["payment_amount"] = "999", "1" // no signature is read here
		told := len(s.shop.Told())
		status(t, come(b, ret), http.StatusOK)
		form := s.shop.Told()[told].Form
		if form["payment_order"][0] != "2" || form["payment_amount"][0] != "50000" {
			t.Errorf("a stranger's order and price reached the shop: %v", form)
		}
		if form["amount"][0] != "50000" || strings.Contains(form["card_no"][0], "111111111") || form["track_id"][0] == "1" {
			t.Errorf("%v", form)
		}
	})
	t.Run("A42 methods", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s, id, ret := pay(t, b, "default", "50", "pay")
		seen := len(s.shop.Seen())
		for _, m := range []string{"HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "FOO"} {
			p, err := b.Try(m, ret.URL, "", "X-HTTP-Method-Override", "GET")
			if err != nil || p.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s: %d %v", m, p.Status, err)
			}
			if (p.Body == "") != (m == "HEAD") {
				t.Errorf("%s: the page says %q", m, p.Body)
			}
		}
		for _, h := range [][2]string{{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Purpose", "prefetch"}, {"X-Moz", "prefetch"}} {
			if p := b.Get(ret.URL, h[0], h[1]); p.Status != http.StatusNoContent && p.Status < 400 {
				t.Errorf("%s: %d", h[1], p.Status)
			}
		}
		if calls := w.ledger(id).Verify.Calls; calls != 0 || w.record(id).State != "created" || len(s.shop.Seen()) != seen {
			t.Errorf("claimed: %d calls, %+v", calls, w.record(id))
		}
		status(t, come(b, ret), http.StatusOK)
	})
	t.Run("A09 a victim's id with another order first", func(t *testing.T) {
		victim, attacker := harness.NewBrowser(t), harness.NewBrowser(t)
		s, id, ret := pay(t, victim, "default", "60", "pay")
		for _, order := range []string{"61", "62", "x"} {
			attacker.Get(s.url + "/back?status=10&order_id=" + order + "&id=" + id)
			attacker.Get(s.url + "/back?status=7&order_id=60&id=" + id)
		}
		status(t, come(victim, ret), http.StatusOK)
		if r := w.record(id); r.State != "delivered" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("A10 asked for before it is paid", func(t *testing.T) {
		b := harness.NewBrowser(t)
		s := sites["default"]
		id, _ := begin(t, b, s.url, "70", 50_000)
		early := url.Values{"status": {"10"}, "order_id": {"70"}, "id": {id}}
		refused(t, harness.NewBrowser(t).Get(s.url+"/back?"+early.Encode()))
		ret := w.act(id, "pay")
		harness.Wait(t, "the genuine return is taken", 20*time.Second, func() bool { return come(b, ret).Status == http.StatusOK })
		if n := len(rows(t, w.Caddy, "order=70")); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

// 3.3: a stranger's return that had to wait names nothing either, when its page
// asks again.
func TestStrangerWhoWaitedNamesNoOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect none\ndeclined pass\ntimeout 200ms\n}")
	w.start()
	w.fault(sandbox.Fault{Provider: "idpay", Operation: "verify", Kind: "delay", MS: 1500, Count: 1})
	b := harness.NewBrowser(t)
	p := b.Get(site + "/back?status=10&order_id=VICTIM&id=" + strings.Repeat("ab", 16))
	status(t, p, http.StatusAccepted)
	m := regexp.MustCompile(`url=([^"]+)"`).FindStringSubmatch(p.Body)
	if m == nil {
		t.Fatalf("no refresh:\n%s", p.Body)
	}
	time.Sleep(2 * time.Second)
	b.Get(site + strings.ReplaceAll(m[1], "&amp;", "&"))
	seen := shop.Seen()
	if len(seen) != 1 {
		t.Fatalf("the shop saw %d requests", len(seen))
	}
	if got := seen[0].Header; got.Get("X-Payment-Status") != "declined" || got.Get("X-Payment-Order") != "" || got.Get("X-Payment-Id") != "" {
		t.Errorf("the shop is told of a stranger's order: %v", got)
	}
}
