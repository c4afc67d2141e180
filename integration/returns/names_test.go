package returns_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// reload goes on with another configuration.
func (w *world) reload(change ...string) {
	w.t.Helper()
	now := strings.NewReplacer(change...).Replace(w.text)
	if now == w.text {
		w.t.Fatal("nothing changes")
	}
	w.text = now
	w.Write(now)
	if err := w.Reload(); err != nil {
		w.t.Fatalf("%v\n%s", err, w.Log())
	}
}

// A used receipt stays used when the provider's address is written otherwise,
// though its owner says that none was used before.
func TestAUsedReceiptAtAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back invoice {\nexpect signed\n}")
	w.start()
	key, later := harness.ReturnKey(t, harness.Secret), time.Now().Add(time.Hour)
	signed := func(order string) string {
		return site + "/back?" + harness.Sign(key, site, "/back", "invoice", order, 50_000, later).Encode()
	}
	bill, ret := w.paid("invoice", "", 50_000, signed("1"))
	status(t, come(harness.NewBrowser(t), ret), http.StatusOK)
	again := *ret
	_, rest, _ := strings.Cut(ret.URL, "payment_signature=")
	_, own, _ := strings.Cut(rest, "&")
	again.URL = signed("2") + "&" + own
	w.reload("base_url "+w.url+"/invoice", "base_url "+strings.Replace(w.url, "127.0.0.1", "localhost", 1)+"/invoice")
	if p := come(harness.NewBrowser(t), &again); p.Status == http.StatusOK {
		t.Errorf("the used receipt: status %d\n%s", p.Status, clip(p.Body))
	}
	if n := len(shop.Told()); n != 1 {
		t.Errorf("told %d times", n)
	}
	if !strings.Contains(again.URL, bill.ID) && again.Form["invoice_key"] != bill.ID {
		t.Errorf("nothing was tried: %s", again.URL)
	}
}

// An order is paid once, by whichever gateway and whatever the gateway is called
// by then.
func TestOneOrderThreeGateways(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /i idpay {\nexpect intent\n}\nverify /s sama {\nexpect intent\n}\nverify /p 24pal {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/i"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	pay := func(provider, path string) harness.Page {
		t.Helper()
		k.provider, k.callback = provider, site+path
		b := harness.NewBrowser(t)
		id, _ := begin(t, b, site, "520538", 50_000)
		return come(b, w.act(id, "pay"))
	}
	status(t, pay("idpay", "/i"), http.StatusOK)
	once := func(what string, p harness.Page) {
		t.Helper()
		if n := len(shop.Told()); n != 1 || p.Status != http.StatusPaymentRequired && p.Status != http.StatusConflict {
			t.Errorf("%s: status %d, told %d times", what, p.Status, n)
		}
	}
	once("the same gateway", pay("idpay", "/i"))
	once("another", pay("sama", "/s"))
	once("a third", pay("24pal", "/p"))
	w.reload("provider idpay {", "provider idpay main {", "verify /i idpay {", "verify /i main {")
	once("the first by another name", pay("idpay", "/i"))
}

// What was bought for play money opens nothing once the gateway is live, and an
// order that was tried out can be paid.
func TestPlayMoneyOpensNothingLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	w.text = strings.Replace(w.text, "provider idpay {", "provider idpay {\n\t\t\tsandbox on", 1)
	site, shop := w.site("payments {\ncheckout /buy idpay {\nitem course 20000rial\nreturn /thanks\n}\nverify /thanks idpay\nverify /back idpay {\nexpect intent\n}\n" +
		"require /course/* {\nitem course\n}\n}\nreverse_proxy SHOP")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	link := b.Post(site+"/buy/course", nil).Location(t)
	status(t, come(b, w.act(link[strings.LastIndexByte(link, '/')+1:], "pay")), http.StatusOK)
	status(t, b.Get(site+"/course/1"), http.StatusOK)
	// The order is tried out.
	req, err := http.NewRequest(http.MethodPost, w.url+"/idpay/v1.1/payment", strings.NewReader(`{"order_id":"101","amount":50000,"callback":"`+site+`/back"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"X-API-KEY": harness.APIKey, "Content-Type": "application/json", "X-SANDBOX": "1"} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct{ ID, Link string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil {
		t.Fatal(err)
	}
	status(t, b.Get(site+"/pay?order=101&amount=50000&link="+url.QueryEscape(made.Link)), http.StatusFound)
	status(t, come(b, w.act(made.ID, "pay")), http.StatusOK)
	if told := shop.Told(); told[len(told)-1].Header.Get("X-Payment-Environment") != "sandbox" {
		t.Error("play money is called something else")
	}
	w.reload("sandbox on", "sandbox off")
	status(t, b.Get(site+"/course/1"), http.StatusPaymentRequired)
	before := len(shop.Told())
	id, _ := begin(t, b, site, "101", 50_000)
	status(t, come(b, w.act(id, "pay")), http.StatusOK)
	if n := len(shop.Told()); n != before+1 || shop.Told()[n-1].Header.Get("X-Payment-Environment") != "live" {
		t.Errorf("the live payment: told %d times", n-before)
	}
}

// A route takes a new account while customers of the old one, whose block stays, are at its
// bank: their payments are verified with the account that began them and delivered once.
// What comes later is the new account's.
func TestARouteTakesANewAccount(t *testing.T) {
	t.Parallel()
	for provider, credential := range map[string]string{
		"idpay": "api_key 00000000-0000-4000-8000-00000000beef", "sama": "merchant_id 00000000-0000-4000-8000-00000000beef",
		"24pal": "api_key 00000000-0000-4000-8000-00000000beef", "invoice": "api_key 00000000-0000-4000-8000-00000000beef",
	} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "\t\tprovider "+provider+" fresh {\n\t\t\t"+credential+"\n\t\t\tbase_url SANDBOX/"+provider+"\n\t\t}")
			w.text = strings.ReplaceAll(w.text, "SANDBOX", w.url)
			site, shop := w.plain("verify /back " + provider + " {\nexpect intent\n}")
			k := &keeper{w: w, provider: provider, callback: site + "/back"}
			shop.SetAnswer(k.ServeHTTP)
			w.start()
			b := harness.NewBrowser(t)
			begun := make(map[string]*sandbox.Return)
			for _, order := range []string{"101", "102"} { // the second says where its customer comes back
				id, _ := begin(t, b, site, order, 50_000)
				begun[id] = w.act(id, "pay")
				k.with = func(h http.Header) { h.Set("X-Payment-Return", site+"/back") }
			}
			w.reload("verify /back "+provider+" {", "verify /back fresh {")
			for id, ret := range begun {
				before := len(shop.Told())
				status(t, posted(t, b, ret), http.StatusOK)
				status(t, come(b, ret), http.StatusOK)
				told := shop.Told()[before:]
				if len(told) != 1 {
					t.Fatalf("delivered %d times", len(told))
				}
				r := w.record(id)
				if h := told[0].Header; h.Get("X-Payment-Provider") != provider || h.Get("X-Payment-Order") != r.Order || h.Get("X-Payment-Amount") != "50000" {
					t.Errorf("delivered as %v", h)
				}
				if r.State != "delivered" || r.Provider != provider {
					t.Errorf("the record: %+v", r)
				}
			}
			id, _ := begin(t, b, site, "103", 50_000)
			if r := w.record(id); r.Provider != "fresh" {
				t.Errorf("what begins later is of %s", r.Provider)
			}
		})
	}
}

// posted brings a return as a bank does that sends its customers back by POST, and sends the
// bounce's form.
func posted(t testing.TB, b *harness.Browser, ret *sandbox.Return) harness.Page {
	t.Helper()
	address, query, _ := strings.Cut(ret.URL, "?")
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range ret.Form {
		form.Set(name, value)
	}
	p := b.Post(address, form, "Sec-Fetch-Site", "cross-site")
	status(t, p, http.StatusOK)
	to, fields := p.Form(t)
	return b.Post(to, fields)
}
