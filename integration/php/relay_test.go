package php_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// pluginWorld is a shop whose plugin starts and verifies its payments by itself; its
// gateway's address leads to a relay under the shop's own origin.
func pluginWorld(t *testing.T, options string) *world {
	t.Helper()
	return newWorld(t, pluginSetup(options, ""))
}

// pluginSetup is such a shop's, with options of observe and of the provider.
func pluginSetup(options, provider string) setup {
	return setup{
		payments: `relay /-/pay/{env.RELAY_SECRET} zarinpal
		observe /plugin.php zarinpal {
			refused redirect /cart*
			` + options + `
		}`,
		php: `env GATEWAY {{site}}/-/pay/relay-secret-canary-77/zarinpal
		env SHOP_ORIGIN {{site}}`,
		global: []string{"provider idpay {", "provider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url {{box}}/zarinpal\n" + provider + "\t\t}\n\t\tprovider idpay {"},
		env:    []string{"RELAY_SECRET=relay-secret-canary-77"},
		crowd:  true, // the plugin's own call comes in while its page's is under way
	}
}

// start presses Pay at the shop and returns the provider's id.
func (w *world) start(order string) string {
	w.t.Helper()
	p := harness.NewBrowser(w.t).Get(w.site + "/plugin.php?do=pay&order=" + order)
	if p.Status != http.StatusFound {
		w.t.Fatalf("it was not started: %d %s", p.Status, p.Body)
	}
	id := path.Base(p.Header.Get("Location"))
	if l := w.box.Ledger("", id, ""); len(l.Payments) != 1 {
		w.t.Fatalf("%q is no payment of the provider's", id)
	}
	if got := w.state(id); got != "created" {
		w.t.Fatalf("the create is no intent: %q", got)
	}
	return id
}

func (w *world) returns(ret *sandbox.Return) string {
	w.t.Helper()
	p := harness.NewBrowser(w.t).Get(ret.URL)
	return p.Header.Get("Location")
}

func TestRelayedPlugin(t *testing.T) {
	w := pluginWorld(t, "")
	w.run("paid", func() {
		id := w.start("101")
		if to := w.returns(w.act(id, "pay")); to != "/order-received/101" {
			t.Error("the customer was sent to", to)
		}
		w.waitState(id, "delivered")
		if got := w.credits(); len(got) != 1 || got[0] != "101" {
			t.Error("credits:", got)
		}
	})
	w.run("a second look", func() {
		id := w.start("102")
		ret := w.act(id, "pay")
		w.returns(ret)
		if to := w.returns(ret); to != "/cart?failed=1" {
			t.Error("a plugin that takes 100 alone was told it again:", to)
		}
		w.waitState(id, "delivered")
	})
	w.run("cancelled", func() {
		id := w.start("103")
		if to := w.returns(w.act(id, "cancel")); to != "/cart" {
			t.Error(to)
		}
		if s := w.state(id); s != "created" {
			t.Error("a cancelled payment is", s)
		}
	})
	w.run("it makes the pay page's address from the API's", func() {
		w.behave(map[string]any{"page": true})
		defer w.behave(nil)
		p := harness.NewBrowser(t).Get(w.site + "/plugin.php?do=pay&order=110")
		if to := p.Header.Get("Location"); !strings.HasPrefix(to, w.boxURL+"/zarinpal/pg/StartPay/A") {
			t.Errorf("the customer is sent to %s", to)
		}
	})
	w.run("two returns at once", func() {
		id := w.start("104")
		ret := w.act(id, "pay")
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { w.returns(ret) })
		}
		wg.Wait()
		w.waitState(id, "delivered")
	})
	w.run("its answer is lost", func() {
		id := w.start("105")
		ret := w.act(id, "pay")
		if _, err := w.box.SetFault(sandbox.Fault{Provider: "zarinpal", Operation: sandbox.OpVerify, Kind: "after", Count: 1}); err != nil {
			t.Fatal(err)
		}
		if to := w.returns(ret); to != "/order-received/105" {
			t.Error(to)
		}
		w.waitState(id, "delivered")
	})
	w.run("another order's return", func() {
		a, b := w.start("106"), w.start("107")
		ret := w.act(a, "pay")
		w.act(b, "cancel")
		forged := strings.NewReplacer("order=106", "order=107", "key=k106", "key=k107").Replace(ret.URL)
		if p := harness.NewBrowser(t).Get(forged); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("%d, to %s", p.Status, p.Header.Get("Location"))
		}
		// One payment's id for us and another's for PHP; a name that PHP folds.
		for _, forged := range []string{
			"do=back&order=107&key=k107&Authority=" + b + "&Status=OK&Authority=" + a,
			"do=back&order=107&key=k107&Authority=" + b + "&Status=OK&Authority%00=" + a,
			"do=back&order=107&key=k107&Authority=A00000000000000000000000000000000000&Status=OK&Authority=" + a,
			"do=back&order=106&key=k106&Authority=" + a + "&Status=OK&order=107",
			"do=back&order=106&key=k106&Authority=" + a + "&Status=OK&%20order=107",
			"do=back&order=106&key=k106&Authority=" + a + "&Status=OK&order[]=107",
			"do=back&order=106&key=k106&Authority=" + a + "&Status=OK&order%00x=107",
		} {
			if p := harness.NewBrowser(t).Get(w.site + "/plugin.php?" + forged); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
				t.Errorf("%s: %d, to %s", forged, p.Status, p.Header.Get("Location"))
			}
		}
		form := url.Values{"Authority": {a}, "Status": {"OK"}, "order": {"107"}}
		if p := harness.NewBrowser(t).Post(w.site+"/plugin.php?do=back&order=106&key=k106", form); p.Status != http.StatusBadRequest {
			t.Errorf("another order in the body: %d, to %s", p.Status, p.Header.Get("Location"))
		}
		w.forge(ret.URL, a, b)
		w.returns(ret)
		w.waitState(a, "delivered")
	})
	w.run("another amount", func() {
		id := w.start("108")
		ret := w.act(id, "pay")
		w.behave(map[string]any{"amount": 5000})
		if to := w.returns(ret); to != "/cart?failed=1" {
			t.Error(to)
		}
		if p := w.truth(id); p.State != sandbox.StatePaid {
			t.Error("something was settled:", p.State)
		}
		w.behave(nil)
		w.returns(ret)
		w.waitState(id, "delivered")
	})
	w.run("it dies after it credited", func() {
		id := w.start("109")
		w.behave(map[string]any{"die": true})
		w.returns(w.act(id, "pay"))
		w.behave(nil)
		w.waitState(id, "parked")
	})
	w.run("a person has it handed over again, without its customer", func() {
		for _, p := range w.payments() {
			if p.Order != "109" {
				continue
			}
			res, err := http.Post("http://"+w.caddy.Admin+"/payments/resolve/"+p.Ref, "application/json", strings.NewReader(`{"decision":"redeliver","by":"test","note":"the order is open"}`))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", res.StatusCode, text)
			}
			w.waitState(p.ID, "delivered")
		}
		if n := strings.Count(strings.Join(w.credits(), "\n"), "109"); n != 2 {
			t.Errorf("the shop was not told again: %d", n)
		}
	})
	seen := map[string]int{}
	for _, order := range w.credits() {
		seen[order]++
	}
	seen["109"]-- // a person's decision
	for _, order := range []string{"101", "102", "104", "105", "106", "108", "109"} {
		if seen[order] != 1 {
			t.Errorf("order %s was credited %d times", order, seen[order])
		}
		delete(seen, order)
	}
	if len(seen) > 0 {
		t.Errorf("credited besides: %v", seen)
	}
	if log := w.caddy.Log(); strings.Contains(log, "relay-secret-canary") {
		t.Error("the relay's secret path stands in the log")
	}
}

func (w *world) run(name string, f func()) {
	w.t.Helper()
	if w.t.Failed() {
		return
	}
	w.t.Log(name)
	f()
}

// Whoever is no shop of ours learns nothing and settles nothing.
func TestRelayRefuses(t *testing.T) {
	w := pluginWorld(t, "")
	id := w.start("201")
	w.act(id, "pay")
	base := w.site + "/-/pay/relay-secret-canary-77/zarinpal"
	post := func(at, body string, header ...string) (int, string) {
		req, err := http.NewRequest(http.MethodPost, at, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	verify := func(change map[string]any) string {
		body := map[string]any{"merchant_id": harness.APIKey, "amount": 50000, "authority": id}
		maps.Copy(body, change)
		b, _ := json.Marshal(body)
		return string(b)
	}
	for name, c := range map[string]struct {
		at, body string
		header   []string
		status   int
	}{
		"another account":      {base + "/pg/v4/payment/verify.json", verify(map[string]any{"merchant_id": strings.Repeat("a", 36)}), nil, 403},
		"another dialect":      {base + "/pg/rest/WebGate/PaymentVerification.json", verify(nil), nil, 501},
		"no such provider":     {w.site + "/-/pay/relay-secret-canary-77/nobody/pg/v4/payment/verify.json", verify(nil), nil, 404},
		"one not served":       {w.site + "/-/pay/relay-secret-canary-77/idpay/v1.1/payment/verify", "{}", nil, 404},
		"two accounts":         {base + "/pg/v4/payment/verify.json", `{"merchant_id":"a","merchant_id":"b","authority":"` + id + `"}`, nil, 400},
		"no account":           {base + "/pg/v4/payment/verify.json", `{}`, nil, 400},
		"half a JSON":          {base + "/pg/v4/payment/verify.json", verify(nil)[:20], nil, 400},
		"a browser":            {base + "/pg/v4/payment/verify.json", verify(nil), []string{"Origin", "https://shop.test"}, 403},
		"our own call":         {base + "/pg/v4/payment/verify.json", verify(nil), []string{"User-Agent", "caddy-payments"}, 403},
		"another amount":       {base + "/pg/v4/payment/verify.json", verify(map[string]any{"amount": 49999}), nil, 422},
		"64 KiB and one":       {base + "/pg/v4/payment/verify.json", `{"merchant_id":"` + strings.Repeat("a", 64<<10) + `"}`, nil, 413},
		"another path":         {base + "/pg/v4/payment/../payment/verify.json/x", verify(nil), nil, 501},
		"the path in its case": {base + "/pg/v4/payment/VERIFY.json", verify(nil), nil, 501},
	} {
		status, text := post(c.at, c.body, c.header...)
		if status != c.status {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if strings.Contains(text, harness.APIKey) {
			t.Errorf("%s: the answer has the key", name)
		}
	}
	// Without the secret it is a page of the shop's, and none that may have a payment's id.
	if _, text := post(w.site+"/-/pay/zarinpal/pg/v4/payment/verify.json", verify(map[string]any{"authority": "A000000000000000000000000000nobody"})); !strings.Contains(text, "PHP answers") {
		t.Error("without the secret:", text)
	}
	if status, text := post(w.site+"/-/pay/zarinpal/pg/v4/payment/verify.json", verify(nil)); status != 400 || strings.Contains(text, "PHP answers") {
		t.Errorf("without the secret, a payment's id: %d %s", status, text)
	}
	if p := w.truth(id); p.State != sandbox.StatePaid {
		t.Error("something was settled:", p.State)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(base + "/pg/StartPay/" + id)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if to := res.Header.Get("Location"); res.StatusCode != 302 || to != w.boxURL+"/zarinpal/pg/StartPay/"+id {
		t.Errorf("a pay page asked of the relay: %d to %s", res.StatusCode, to)
	}
	if status, text := post(base+"/pg/v4/payment/verify.json/", verify(nil)); status != 200 || !bytes.Contains([]byte(text), []byte(`"code":100`)) {
		t.Errorf("the true shop: %d %s", status, text)
	}
	w.waitState(id, "delivered")
}
