package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// brought is a Caddy in this process before shops whose payments their provider lists.
type brought struct {
	*listening
	shop *harness.Shop
}

func newBrought(t *testing.T) brought {
	t.Helper()
	memoryStore.Lock()
	memoryStore.Store = memory.New(time.Now)
	memoryStore.Unlock()
	w := brought{&listening{t: t, site: harness.Site(t)}, harness.NewShop(t)}
	w.box, w.boxURL = harness.Sandbox(t, sandbox.Options{})
	w.text = fmt.Sprintf(`{
	admin off
	auto_https off
	persist_config off
	payments {
		storage test_memory
		signing_key %[1]s
		provider zarinpal {
			merchant_id %[2]s
			base_url %[3]s/zarinpal
		}
		provider payping {
			token %[2]s
			base_url %[3]s/payping
		}
	}
}
%[4]s {
	payments {
		relay /-/pay/secret
		verify /explained zarinpal {
			expect lookup SHOP/order/{order}
			order {query.o}
		}
		verify /unexplained zarinpal {
			expect intent
		}
		observe /plugin zarinpal
		observe /payping payping
	}
	reverse_proxy SHOP
}
`, harness.Secret, harness.APIKey, w.boxURL, w.site)
	w.text = strings.ReplaceAll(w.text, "SHOP", w.shop.URL)
	t.Cleanup(func() { _ = caddy.Stop() })
	w.must(w.load())
	return w
}

// paid makes a payment beside us, as a lost ledger would know it, and pays it. Its customer
// doesn't come back.
func (w brought) paid(callback string) string {
	w.t.Helper()
	return w.paidThrough(w.boxURL, callback)
}

// paidThrough makes it by what stands at an address.
func (w brought) paidThrough(base, callback string) string {
	w.t.Helper()
	body, _ := json.Marshal(map[string]any{"merchant_id": harness.APIKey, "amount": 50000, "callback_url": callback, "description": "order"})
	res, err := http.Post(base+"/zarinpal/pg/v4/payment/request.json", "application/json", bytes.NewReader(body))
	w.must(err)
	defer res.Body.Close()
	var made struct{ Data struct{ Authority string } }
	w.must(json.NewDecoder(res.Body).Decode(&made))
	_, err = w.box.Act(made.Data.Authority, "pay")
	w.must(err)
	return made.Data.Authority
}

// A payment that its provider lists and that no ledger knows is brought to the verify route
// to which its callback leads. The route settles what it can explain, and nothing else; it
// hands nothing over meanwhile, because its customer isn't there.
func TestAListedPaymentIsBroughtToItsRoute(t *testing.T) {
	w := newBrought(t)
	w.shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if order, ok := strings.CutPrefix(r.URL.Path, "/order/"); ok {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(rw, `{"amount":50000,"paid":false,"id":%q}`, order)
		}
	})
	sites := w.app().Sites()
	for _, c := range []struct {
		path    string
		settled bool
	}{
		{"/explained?o=", true},
		{"/unexplained?o=", false},
	} {
		// The shop's order is the provider's id, which it learns when it has created.
		id := w.paid(w.site + c.path + "x")
		callback := w.site + c.path + id
		back, ok := sites.Back(t.Context(), "zarinpal", callback)
		if !ok || back.Observed || back.Return == nil {
			t.Fatalf("%s: %+v, %v", callback, back, ok)
		}
		sites.Bring(t.Context(), "zarinpal", id, back)
		truth := w.box.Ledger("", id, "").Payments[0]
		if settled := truth.State != sandbox.StatePaid; settled != c.settled {
			t.Errorf("%s: at its provider it is %s", c.path, truth.State)
		}
		// With `absent park` (the default here) the worker parks it at once.
		got := w.record(id)
		waits := got != nil && (got.State == payment.Verified || got.State == payment.Parked && got.Reason == payment.ReasonAbsent)
		if c.settled && (!waits || got.Order != id || got.Expect.Amount != 50_000) || !c.settled && got != nil && got.State.Captured() {
			t.Errorf("%s: it is on record as %+v", c.path, got)
		}
	}
	for _, r := range w.shop.Told() {
		t.Errorf("the shop was told %s without its customer", r.URI)
	}
}

func (w brought) record(id string) *payment.Record {
	w.t.Helper()
	memoryStore.Lock()
	defer memoryStore.Unlock()
	page, err := memoryStore.List(w.t.Context(), payment.Listing{})
	w.must(err)
	for _, r := range page.Records {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Where a listed payment's callback leads: to one of our routes, or nowhere.
func TestWhereAListedCallbackLeads(t *testing.T) {
	w := newBrought(t)
	host := strings.TrimPrefix(w.site, "http://")
	for callback, want := range map[string]struct {
		known, observed, relayed bool
		route, order             string
	}{
		w.site + "/plugin?o=1":                 {true, true, true, "/plugin zarinpal", ""},
		w.site + "/plugin/?o=1":                {true, true, true, "/plugin zarinpal", ""},
		w.site + "/explained?o=1":              {true, false, false, "/explained zarinpal", "1"},
		w.site + "/explained":                  {true, false, false, "/explained zarinpal", ""},
		w.site + "/explained?o=a%00b":          {true, false, false, "/explained zarinpal", ""},
		w.site + "/unexplained?o=1":            {true, false, false, "/unexplained zarinpal", ""},
		w.site + "/elsewhere":                  {},
		w.site:                                 {},
		"http://other.test/plugin?o=1":         {},
		"http://user:word@" + host + "/plugin": {},
		"ftp://" + host + "/plugin":            {},
		"/plugin":                              {},
		"":                                     {},
		"http://%zz/plugin":                    {},
		"javascript:alert(1)":                  {},
	} {
		back, ok := w.app().Sites().Back(t.Context(), "zarinpal", callback)
		if ok != want.known || back.Observed != want.observed || back.Relayed != want.relayed || back.Route != want.route || back.Order != want.order {
			t.Errorf("%q: %v %+v", callback, ok, back)
		}
		if ok && (back.Site == "" || back.Return == nil || !strings.HasPrefix(back.Return.URI, "/")) {
			t.Errorf("%q: %+v %+v", callback, back, back.Return)
		}
	}
	if _, ok := w.app().Sites().Back(t.Context(), "idpay", w.site+"/plugin"); ok {
		t.Error("another provider's callback leads to this route")
	}
}

// A shop's plugin gets its own return, once, and asks through the relay as if its customer
// had come.
func TestAListedPaymentIsBroughtToItsPlugin(t *testing.T) {
	w := newBrought(t)
	heard := make(chan string, 4)
	w.shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/plugin" {
			return
		}
		body := fmt.Sprintf(`{"merchant_id":%q,"amount":50000,"authority":%q}`, harness.APIKey, r.URL.Query().Get("Authority"))
		res, err := http.Post(w.site+"/-/pay/secret/zarinpal/pg/v4/payment/verify.json", "application/json", strings.NewReader(body))
		if err != nil {
			heard <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		heard <- r.RequestURI + " " + string(text)
		http.Redirect(rw, r, "/order-received/1", http.StatusFound)
	})
	id := w.paid(w.site + "/plugin?o=1&key=k")
	back, ok := w.app().Sites().Back(t.Context(), "zarinpal", w.site+"/plugin?o=1&key=k")
	if !ok {
		t.Fatal("its callback leads nowhere")
	}
	rec := &payment.Record{Ref: payment.NewRef(back.Site, "zarinpal", id, id), Site: back.Site, Route: back.Route, Provider: "zarinpal", ID: id, Return: back.Return}
	got := w.app().Sites().Replay(t.Context(), rec)
	if !got.Taken || got.Unsent || got.Page != payment.PageGood {
		t.Errorf("%+v", got)
	}
	select {
	case said := <-heard:
		if !strings.HasPrefix(said, "/plugin?o=1&key=k&Authority="+id+"&Status=OK ") || !strings.Contains(said, `"code":100`) {
			t.Errorf("the plugin was asked for, and heard, %s", said)
		}
	default:
		t.Error("the plugin didn't ask")
	}
	// That it was heard is written when the plugin has it.
	harness.Wait(t, "the payment is delivered", 10*time.Second, func() bool {
		r := w.record(id)
		return r != nil && r.State == payment.Delivered
	})
}

// The return that we make for a customer is the one that the customer would have made: by
// POST where the document says so or the customer came so, and else by GET. What the shop
// put into its callback stays in the address.
func TestAReturnIsMadeAsItsCustomerMakesIt(t *testing.T) {
	w := newBrought(t)
	const authority = "A00000000000000000000000000217885159"
	receipt := &payment.Receipt{Number: "123456", Amount: 50_000}
	for name, c := range map[string]struct {
		provider, path, id string
		came               string // how its customer came, if at all
		posted             bool
	}{
		"payping, nobody came":       {"payping", "/payping?o=1&key=k", "aB3kQ9", "", true},
		"payping, by POST":           {"payping", "/payping?o=1&key=k", "aB3kQ9", http.MethodPost, true},
		"payping, by GET all same":   {"payping", "/payping?o=1&key=k", "aB3kQ9", http.MethodGet, false},
		"zarinpal, nobody came":      {"zarinpal", "/plugin?o=1&key=k", authority, "", false},
		"zarinpal, by GET":           {"zarinpal", "/plugin?o=1&key=k", authority, http.MethodGet, false},
		"zarinpal, by POST all same": {"zarinpal", "/plugin?o=1&key=k", authority, http.MethodPost, true},
	} {
		back, ok := w.app().Sites().Back(t.Context(), c.provider, w.site+c.path)
		if !ok {
			t.Fatalf("%s: its callback leads nowhere", name)
		}
		ret := *back.Return
		if c.came != "" {
			ret.Method, ret.Arrived = c.came, time.Now()
		}
		before := len(w.shop.Seen())
		got := w.app().Sites().Replay(t.Context(), &payment.Record{
			Ref: payment.NewRef(back.Site, c.provider, c.id, c.id), Site: back.Site, Route: back.Route, Provider: c.provider, ID: c.id, Return: &ret, Receipt: receipt,
		})
		all := w.shop.Seen()[before:]
		if !got.Taken || len(all) != 1 {
			t.Fatalf("%s: %+v, the shop was asked %d times", name, got, len(all))
		}
		r := all[0]
		if (r.Method == http.MethodPost) != c.posted || (r.URI == c.path) != c.posted || !strings.HasPrefix(r.URI, c.path) {
			t.Errorf("%s: %s %s", name, r.Method, r.URI)
		}
		if c.provider == "payping" && c.posted && !strings.Contains(url.Values(r.Form).Get("data"), `"paymentRefId":123456`) {
			t.Errorf("%s: the form is %v", name, r.Form)
		}
		if c.provider == "zarinpal" && c.posted && url.Values(r.Form).Get("Authority") != c.id {
			t.Errorf("%s: the form is %v", name, r.Form)
		}
	}
}
