package returns_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A cookie named like a parameter is what a PHP without a php.ini reads in its
// place: the shop never gets it with a verified request, and gets all others.
func TestCookiesAreNoParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\nbind wc_order\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back?wc_order=101"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	id, _ := begin(t, b, site, "101", 50_000)
	ret := w.act(id, "pay")
	status(t, come(b, ret, "Cookie", "PHPSESSID=abc; order_id=999; order.id=999; Order%5FID=999; wc_order=dear; WC.Order[]=dear; keep=a=b; status"), http.StatusOK)
	told := shop.Told()
	if len(told) != 1 {
		t.Fatalf("told %d times", len(told))
	}
	got := strings.Join(told[0].Header["Cookie"], "; ")
	for _, never := range []string{"999", "dear", "status"} {
		if strings.Contains(got, never) {
			t.Errorf("%q reached the shop: %s", never, got)
		}
	}
	if !strings.Contains(got, "PHPSESSID=abc; keep=a=b") {
		t.Errorf("the shop's own: %s", got)
	}
}

// What the shop wrote into its own address is its own, though it bear a
// provider's name; without a known address nobody can tell.
func TestTheShopsOwnParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back?id=55&Status=x&order_id=7"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	unknown, _ := begin(t, b, site, "100", 50_000)
	refused(t, come(harness.NewBrowser(t), w.act(unknown, "pay")))

	k.with = func(h http.Header) { h.Set("X-Payment-Return", k.callback) }
	id, _ := begin(t, b, site, "101", 50_000)
	ret := w.act(id, "pay")
	tampered := *ret
	tampered.URL = strings.Replace(ret.URL, "id=55", "id=56", 1)
	refused(t, come(harness.NewBrowser(t), &tampered))
	status(t, come(harness.NewBrowser(t), ret), http.StatusOK)
	told := shop.Told()
	if len(told) != 1 {
		t.Fatalf("told %d times", len(told))
	}
	q := told[0].URI
	if !strings.HasPrefix(q, "/back?id=55&Status=x&order_id=7&") || !strings.Contains(q, "&id="+id) || !strings.Contains(q, "&order_id=101") {
		t.Errorf("the shop got %s", q)
	}
	status(t, come(harness.NewBrowser(t), ret), http.StatusOK) // looked at again
	if n := len(shop.Told()); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The same with the parameters in another order, and with a bank that posts: what
// the shop wrote stays the shop's through every hop.
func TestTheShopsOwnParametersInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\ndeliver idempotent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back?a=1&id=55&order_id=7"}
	k.with = func(h http.Header) { h.Set("X-Payment-Return", k.callback) }
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	turned := func(address string) string {
		at, query, _ := strings.Cut(address, "?")
		all := strings.Split(query, "&")
		slices.Reverse(all)
		return at + "?" + strings.Join(all, "&")
	}
	// told is what the shop was told last, without order.
	told := func() (method string, query, form url.Values) {
		all := shop.Told()
		last := all[len(all)-1]
		u, err := url.ParseRequestURI(last.URI)
		if err != nil {
			t.Fatal(err)
		}
		return last.Method, u.Query(), url.Values(last.Form)
	}
	for n, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
		for _, turn := range []func(string) string{func(s string) string { return s }, turned} {
			b := harness.NewBrowser(t)
			order := fmt.Sprint(len(shop.Told()), "-", n)
			before := len(shop.Told())
			id, _ := begin(t, b, site, order, 50_000)
			if err := w.box.SetPaymentSettings(id, sandbox.Settings{Return: method}); err != nil {
				t.Fatal(err)
			}
			ret := w.act(id, "pay")
			ret.URL = turn(ret.URL)
			p := come(b, ret)
			status(t, p, http.StatusOK)
			if method == sandbox.ReturnPost {
				action, fields := p.Form(t)
				status(t, b.Post(action, fields), http.StatusOK)
			}
			if len(shop.Told()) != before+1 {
				t.Fatalf("%s %s: told %d times", method, ret.URL, len(shop.Told())-before)
			}
			how, query, form := told()
			if how != ret.Method || query.Get("a") != "1" || !slices.Contains(query["id"], "55") || !slices.Contains(query["order_id"], "7") {
				t.Errorf("%s %s: the shop's own parameters are %v", how, ret.URL, query)
			}
			from := query
			if method == sandbox.ReturnPost {
				from = form
			}
			if !slices.Contains(from["id"], id) || !slices.Contains(from["order_id"], order) {
				t.Errorf("%s %s: the provider's are %v", how, ret.URL, from)
			}
		}
	}
}

// Our own reference names the payment, whatever the provider's parameters say or
// leave out.
func TestBareReturnToOurCheckout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Return: sandbox.ReturnBare}, "")
	site, shop := w.plain("checkout /buy idpay {\nitem mug 120000toman\nreturn /thanks\n}\nverify /thanks idpay")
	w.start()
	for _, add := range []string{"", "&status=2&id=" + strings.Repeat("ab", 16) + "&order_id=1&track_id=5"} {
		b := harness.NewBrowser(t)
		pay := b.Post(site+"/buy/mug", nil).Location(t)
		ret := w.act(pay[strings.LastIndexByte(pay, '/')+1:], "pay")
		p := b.Get(ret.URL + add)
		status(t, p, http.StatusOK)
	}
	if n := len(shop.Told()); n != 2 {
		t.Errorf("told %d times", n)
	}
}

// Two tabs, one browser, a provider whose return names nothing: the paid one is
// found, and nobody hears "declined" of one that can't be told from it.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprint("pays the first ", first), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{Return: sandbox.ReturnBare}, "")
			site, shop := w.plain("verify /back invoice {\nexpect intent\n}")
			k := &keeper{w: w, provider: "invoice", callback: site + "/back"}
			shop.SetAnswer(k.ServeHTTP)
			w.start()
			b := harness.NewBrowser(t)
			one, _ := begin(t, b, site, "tab1", 50_000)
			two, _ := begin(t, b, site, "tab2", 50_000)
			nothing := b.Get(site + "/back")
			if nothing.Status != http.StatusAccepted {
				t.Errorf("nothing paid: status %d", nothing.Status)
			}
			time.Sleep(6 * time.Second) // a "no" is believed for five
			id, order := one, "tab1"
			if !first {
				id, order = two, "tab2"
			}
			status(t, come(b, w.act(id, "pay")), http.StatusOK)
			told := shop.Told()
			if len(told) != 1 || told[0].Header.Get("X-Payment-Order") != order {
				t.Fatalf("told %d times", len(told))
			}
		})
	}
}

// A stranger's made-up id gets the same answer for an order that is paid, one
// that isn't and one that nobody knows.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.plain("verify /back idpay {\nexpect none\n}")
	w.start()
	_, ret := w.paid("idpay", "paid", 50_000, site+"/back")
	status(t, come(harness.NewBrowser(t), ret), http.StatusOK)
	w.made("idpay", "open", 50_000, site+"/back")
	for _, accept := range []string{"text/html", "application/json"} {
		answers := make(map[string]string)
		for i, order := range []string{"paid", "open", "none"} {
			b := harness.NewBrowser(t)
			id := fmt.Sprintf("%032x", 0xabc00+i)
			p := b.Get(site+"/back?status=10&track_id=1&order_id="+order+"&id="+id, "Accept", accept)
			answers[order] = fmt.Sprint(p.Status, p.Body)
		}
		if answers["paid"] != answers["none"] || answers["open"] != answers["none"] {
			t.Errorf("%s: the answers differ:\n%s\n%s\n%s", accept, answers["paid"], answers["open"], answers["none"])
		}
	}
}

// Of a hand-over that is made once no second upstream is told.
func TestNoSecondUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	second := harness.NewShop(t)
	block := "payments {\nverify /back idpay {\nexpect none\nOPTIONS\n}\n}\nreverse_proxy SHOP {\n@down status 5xx\nhandle_response @down {\nreverse_proxy " + second.URL + "\n}\n}"
	once, a := w.site(strings.Replace(block, "OPTIONS", "deliver once", 1))
	a.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
	w.start()
	bill, ret := w.paid("idpay", "1", 50_000, once+"/back")
	p := come(harness.NewBrowser(t), ret)
	if len(a.Told()) != 1 || len(second.Told()) != 0 {
		t.Errorf("told %d and %d times", len(a.Told()), len(second.Told()))
	}
	if r := w.record(bill.ID); r.State != "parked" {
		t.Errorf("%s, and the browser got %d", r.State, p.Status)
	}
	// What is no hand-over goes on as before.
	status(t, harness.NewBrowser(t).Get(once+"/other"), http.StatusOK)
}

// The worker's request is the one that the browser would have made.
func TestTheWorkersRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	w.behindProxy()
	site, shop := w.site("@return query wc-api=idpay\npayments {\nverify /back idpay {\nexpect none\ndeliver idempotent\n}\n" +
		"verify @return idpay {\nexpect none\ndeliver idempotent\n}\n}\nreverse_proxy SHOP")
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-Proto") != "https" {
			http.Redirect(rw, r, "https://shop.test/", http.StatusMovedPermanently)
		}
	})
	w.start()
	program := []string{
		"Accept", "application/xml", "X-Forwarded-For", "198.51.100.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.test",
		"User-Agent", "Mozilla/5.0 (a browser)", "Accept-Language", "fa", "Cookie", "a=b",
	}
	bill, ret := w.paid("idpay", "1", 50_000, site+"/back")
	status(t, come(harness.NewBrowser(t), ret, program...), http.StatusAccepted)
	plain, ret := w.paid("idpay", "2", 50_000, site+"/back")
	status(t, come(harness.NewBrowser(t), ret, "Accept", "application/xml"), http.StatusAccepted)
	elsewhere, ret := w.paid("idpay", "3", 50_000, site+"/?wc-api=idpay")
	status(t, harness.NewBrowser(t).Get(strings.Replace(ret.URL, "/?", "/admin/do.php?delete=all&", 1), program...), http.StatusAccepted)
	harness.Wait(t, "the worker delivers", 90*time.Second, func() bool { return w.record(bill.ID).State == "delivered" })
	told := func(order string) (told []*harness.Seen) {
		for _, r := range shop.Told() {
			if r.Header.Get("X-Payment-Order") == order {
				told = append(told, r)
			}
		}
		return told
	}
	h := told("1")[0].Header
	for name, want := range map[string]string{
		"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.test", "User-Agent": "Mozilla/5.0 (a browser)", "Accept-Language": "fa",
		"Cookie": "", "X-Payment-Via": "worker",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := h.Get("X-Forwarded-For"); !strings.HasPrefix(got, "198.51.100.9") {
		t.Errorf("X-Forwarded-For: %q", got)
	}

	// A redirect is no receipt for a request without a browser.
	harness.Wait(t, "the worker tries", 20*time.Second, func() bool { return len(told("2")) > 0 })
	if r := w.record(plain.ID); r.State == "delivered" {
		t.Error("the way to https was taken for the shop's word")
	}

	// Nobody but the owner says what is asked.
	harness.Wait(t, "it is parked", 20*time.Second, func() bool { return w.record(elsewhere.ID).State == "parked" })
	for _, r := range shop.Seen() {
		if strings.Contains(r.URI, "admin") {
			t.Errorf("the worker asked %s", r.URI)
		}
	}
}

// An answer of any status announces, and none that can't be remembered leaves.
func TestAnnouncedWithoutRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\n}\nverify /sama sama {\nexpect intent\n}")
	var say func(http.Header)
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pay" {
			return
		}
		rw.Header().Set("Set-Cookie", "PHPSESSID=abc")
		rw.Header().Set("ETag", `"x"`)
		say(rw.Header())
		_, _ = rw.Write([]byte("<form action=https://bank.test>" + strings.Repeat("x", 4096)))
		rw.(http.Flusher).Flush()
		_, _ = rw.Write([]byte("</form>"))
	})
	w.start()
	bill := w.made("idpay", "1", 50_000, site+"/back")
	good := map[string]string{"X-Payment-Order": "1", "X-Payment-Amount": "50000", "X-Payment-Id": bill.ID, "X-Payment-Provider": "idpay"}
	for name, change := range map[string][2]string{
		"no provider among two": {"X-Payment-Provider", ""}, "a provider that isn't there": {"X-Payment-Provider", "24pal"},
		"no id": {"X-Payment-Id", ""}, "an id with a space": {"X-Payment-Id", "a b"}, "a long id": {"X-Payment-Id", strings.Repeat("a", 129)},
		"a long order": {"X-Payment-Order", strings.Repeat("a", 65)}, "no amount": {"X-Payment-Amount", ""}, "an amount with a point": {"X-Payment-Amount", "50000.00"},
		"a return address of nobody": {"X-Payment-Return", "/elsewhere"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			say = func(h http.Header) {
				for k, v := range good {
					h.Set(k, v)
				}
				h.Set(change[0], change[1])
			}
			p, err := harness.NewBrowser(t).Try(method, site+"/pay", "")
			if err != nil || p.Status != http.StatusServiceUnavailable || strings.Contains(p.Body, "bank.test") || p.Header.Get("ETag") != "" {
				t.Errorf("%s: %d %v", name, p.Status, err)
			}
			if p.Header.Get("Set-Cookie") != "PHPSESSID=abc" || p.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %v", name, p.Header)
			}
			for h := range p.Header {
				if strings.HasPrefix(h, "X-Payment") {
					t.Errorf("%s: %s reached the browser", name, h)
				}
			}
		}
		if change[0] != "X-Payment-Return" && len(rows(t, w.Caddy, "id="+url.QueryEscape(bill.ID))) != 0 {
			t.Errorf("%s: recorded", name)
		}
	}
	if !strings.Contains(w.Log(), `X-Payment-Amount is \"50000.00\"`) {
		t.Error("the log does not say what stood there")
	}
	say = func(h http.Header) {
		for k, v := range good {
			h.Set(k, v)
		}
	}
	b := harness.NewBrowser(t)
	p := b.Get(site + "/pay")
	status(t, p, http.StatusOK)
	if !strings.Contains(p.Body, "</form>") || len(p.Header["Set-Cookie"]) != 2 {
		t.Errorf("the shop's page: %v", p.Header)
	}
	status(t, come(b, w.act(bill.ID, "pay")), http.StatusOK)
	if n := len(shop.Told()); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// A shop may say no, and that it is away; neither is taken for "credited", and
// what it can't have credited is handed over again.
func TestRefusedAndAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect none\nrefused redirect */checkout/*\nrefused header X-Order-State:failed*\n}\n" +
		"verify /woo idpay {\nexpect none\ndeliver idempotent\nack redirect */order-received/*\nrefused preset woocommerce\n}")
	w.start()
	for order, say := range map[string]http.HandlerFunc{
		"redirect": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/checkout/?e=1", http.StatusFound)
		},
		"header": func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("X-Order-State", "failed: sum") },
	} {
		shop.SetAnswer(say)
		bill, ret := w.paid("idpay", order, 50_000, site+"/back")
		come(harness.NewBrowser(t), ret)
		if r := w.record(bill.ID); r.State != "parked" || r.Reason != "shop_refused" {
			t.Errorf("%s: %s %s", order, r.State, r.Reason)
		}
	}
	// A8: a plugin that fails an order and, when it is told again, leads to the order
	// as if it were paid. What it has refused it is not told again.
	told := 0
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if told++; told > 1 {
			http.Redirect(rw, r, "/checkout/order-received/8/", http.StatusFound)
			return
		}
		http.Redirect(rw, r, "/checkout/", http.StatusFound)
	})
	bill, ret := w.paid("idpay", "failed", 50_000, site+"/woo")
	for range 2 {
		come(harness.NewBrowser(t), ret)
	}
	if r := w.record(bill.ID); r.State != "parked" || r.Reason != "shop_refused" || told != 1 {
		t.Errorf("failed, then as if paid: %s %s, told %d times", r.State, r.Reason, told)
	}

	shop.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "600")
		rw.WriteHeader(http.StatusServiceUnavailable)
	})
	bill, ret = w.paid("idpay", "away", 50_000, site+"/back")
	b := harness.NewBrowser(t)
	status(t, come(b, ret), http.StatusServiceUnavailable)
	if r := w.record(bill.ID); r.State != "verified" {
		t.Errorf("away: %s %s", r.State, r.Reason)
	}
	shop.SetAnswer(nil)
	status(t, come(b, ret), http.StatusOK)
	if r := w.record(bill.ID); r.State != "delivered" {
		t.Errorf("back again: %s %s", r.State, r.Reason)
	}
}

// What was bought stays bought, however often Pay is pressed afterwards; a page
// of a sister host presses nothing.
func TestPurchasesAreNotDrivenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.site("payments {\ncheckout /buy idpay {\nitem course 120000toman\n}\nverify /thanks idpay\nrequire /course {\nitem course\n}\n}\nreverse_proxy SHOP")
	w.start()
	b := harness.NewBrowser(t)
	pay := b.Post(site+"/buy/course", nil).Location(t)
	status(t, come(b, w.act(pay[strings.LastIndexByte(pay, '/')+1:], "pay")), http.StatusOK)
	for range 17 {
		if p := b.Post(site+"/buy/course", nil); p.Status != http.StatusSeeOther {
			break // presses of Pay are bounded
		}
	}
	status(t, b.Get(site+"/course"), http.StatusOK)
	u, _ := url.Parse(site)
	size := 0
	for _, c := range b.Client.Jar.Cookies(u) {
		if strings.Contains(c.Name, "paid_") {
			size += len(c.Name) + len(c.Value) + 3
		}
	}
	if size == 0 || size > 4<<10 {
		t.Errorf("the cookies of purchases have %d bytes", size)
	}
	if p := b.Get(site + "/buy/course"); !strings.Contains(p.Body, "bought this before") {
		t.Error("nobody says that it is bought")
	}
	status(t, b.Post(site+"/buy/course", nil, "Sec-Fetch-Site", "same-site"), http.StatusOK)
}

// Whoever brings an id that isn't theirs is told the same whether a payment has it or
// not, whatever they claim and whatever its order is.
func TestNoIDIsAnOracle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /intent idpay {\nexpect intent\n}\nverify /look idpay {\nexpect lookup SHOP/order/{order}\n}\nverify /sama sama {\nexpect intent\norder {query.order}\n}\nverify /script 24pal {\nexpect intent\norder {query.order}\n}")
	k := &book{answer: make(map[string]http.HandlerFunc)}
	pay := &keeper{w: w}
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/order/") {
			k.ServeHTTP(rw, r)
			return
		}
		pay.ServeHTTP(rw, r)
	})
	w.start()
	for _, route := range []struct{ provider, path, query string }{
		{"idpay", "/intent", "?status=%s&track_id=1&order_id=%s&id=%s"}, {"idpay", "/look", "?status=%s&track_id=1&order_id=%s&id=%s"},
		{"sama", "/sama", "?Status=%s&order=%s&Authority=%s"}, {"24pal", "/script", "?status=%s&order=%s&invoice_key=%s"},
	} {
		pay.provider, pay.callback = route.provider, site+route.path
		b := harness.NewBrowser(t)
		ids := make(map[string]string)
		if route.path != "/look" {
			ids["waiting"], _ = begin(t, b, site, route.provider+"1", 50_000)
			ids["declined"], _ = begin(t, b, site, route.provider+"2", 50_000)
			come(b, w.act(ids["declined"], "decline"))
			ids["paid"], _ = begin(t, b, site, route.provider+"3", 50_000)
			come(b, w.act(ids["paid"], "pay"))
		}
		other := w.made(route.provider, "other", 50_000, site+route.path)
		ids["unknown"] = other.ID
		ids["paid there"] = w.made(route.provider, "other2", 50_000, site+route.path).ID
		w.act(ids["paid there"], "pay")
		for _, claim := range []string{"10", "1", "2", "OK", "NOK", "200"} {
			answers := make(map[string]string)
			for name, id := range ids {
				p := harness.NewBrowser(t).Get(site + route.path + fmt.Sprintf(route.query, claim, "wrong-order", id))
				answers[name] = fmt.Sprint(p.Status, p.Body)
			}
			for name, got := range answers {
				if got != answers["unknown"] {
					t.Errorf("%s, status %s: %s answers %.3s, unknown %.3s", route.path, claim, name, got, answers["unknown"])
				}
			}
		}
	}
}
