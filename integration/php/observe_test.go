package php_test

import (
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const zarinpalToo = "provider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url {{box}}/zarinpal\n\t\t}\n\t\tprovider idpay {"

// begin presses Pay at a shop whose create may pass beside us.
func (w *world) begin(order string) string {
	w.t.Helper()
	p := harness.NewBrowser(w.t).Get(w.site + "/plugin.php?do=pay&order=" + order)
	if p.Status != http.StatusFound {
		w.t.Fatalf("it was not started: %d %s", p.Status, p.Body)
	}
	return path.Base(p.Header.Get("Location"))
}

// A shop that calls its gateway beside us: what it says of a return is believed, and
// nothing else changes for it.
func TestObservedWithoutRelay(t *testing.T) {
	w := newWorld(t, setup{
		payments: `observe /plugin.php zarinpal {
			paid_when redirect /order-received/*
			refused preset woocommerce
		}`,
		php: `env GATEWAY {{box}}/zarinpal
		env SHOP_ORIGIN {{site}}`,
		global: []string{"provider idpay {", zarinpalToo},
	})
	paid, cancelled := w.begin("501"), w.begin("502")
	if to := w.returns(w.act(paid, "pay")); to != "/order-received/501" {
		t.Error("the customer was sent to", to)
	}
	w.waitState(paid, "delivered")
	if to := w.returns(w.act(cancelled, "cancel")); to != "/cart" {
		t.Error("the customer was sent to", to)
	}
	if s := w.state(cancelled); s != "" {
		t.Error("a payment that nobody paid is", s)
	}
	if got := w.credits(); len(got) != 1 || got[0] != "501" {
		t.Error("credits:", got)
	}
}

// With `when_down forward` a shop sells while the ledger has no room, and what it sold is
// read in when there is room again.
func TestForwardedWhileDown(t *testing.T) {
	const full = "storage badger ledger {\n\t\t\tmin_free 900TiB\n\t\t}"
	w := newWorld(t, setup{
		payments: `relay /-/pay/secret zarinpal {
			when_down forward
		}
		observe /plugin.php zarinpal`,
		php: `env GATEWAY {{site}}/-/pay/secret/zarinpal
		env SHOP_ORIGIN {{site}}`,
		global: []string{"provider idpay {", zarinpalToo, "storage badger ledger", full},
	})
	id := w.begin("601")
	if to := w.returns(w.act(id, "pay")); to != "/order-received/601" {
		t.Fatal("the customer was sent to", to)
	}
	file := filepath.Join(w.caddy.Data(), "payments-forwarded", "calls.jsonl")
	marks, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(marks), id) || strings.Contains(string(marks), harness.APIKey) {
		t.Fatalf("%s %v", marks, err)
	}
	config, err := os.ReadFile(w.caddy.Config())
	if err != nil {
		t.Fatal(err)
	}
	w.caddy.Write(strings.Replace(string(config), full, "storage badger ledger", 1))
	if err := w.caddy.Reload(); err != nil {
		t.Fatal(err)
	}
	w.waitState(id, "delivered")
	if got := w.credits(); len(got) != 1 {
		t.Error("credits:", got)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(file); os.IsNotExist(err) {
			return
		}
	}
	t.Error("the file was not taken away")
}

// A shop whose page is under way when Caddy is told to stop still reaches its gateway
// through the relay.
func TestStopWaitsForThePage(t *testing.T) {
	w := pluginWorld(t, "")
	id := w.start("701")
	ret := w.act(id, "pay")
	w.behave(map[string]any{"wait": 1200})
	to := make(chan string, 1)
	go func() { to <- w.returns(ret) }()
	time.Sleep(400 * time.Millisecond) // the plugin is running by then; if it isn't, the test only proves less
	w.caddy.Stop()
	if got := <-to; got != "/order-received/701" {
		t.Error("the customer was sent to", got)
	}
	if got := w.credits(); len(got) != 1 || got[0] != "701" {
		t.Error("credits:", got)
	}
}

// Bad input to the relay: the shop sees what its gateway would have said, or a 4xx, and
// nothing is settled; an event names it.
func TestRelayBadInput(t *testing.T) {
	w := pluginWorld(t, "")
	base := w.site + "/-/pay/relay-secret-canary-77/zarinpal/pg/v4/payment/"
	post := func(call, body string) (int, string) {
		t.Helper()
		res, err := http.Post(base+call, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	merchant := `"merchant_id":"` + harness.APIKey + `"`
	t.Run("a create with a foreign return address", func(t *testing.T) {
		status, text := post("request.json", `{`+merchant+`,"amount":50000,"description":"x","callback_url":"https://elsewhere.test/back"}`)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		all := w.payments()
		if len(all) != 1 || all[0].State != "created" {
			t.Errorf("%+v", all)
		}
	})
	t.Run("another account's id", func(t *testing.T) {
		status, text := post("verify.json", `{`+merchant+`,"amount":50000,"authority":"A00000000000000000000000000217885159"}`)
		if !strings.Contains(text, `"errors":{`) || strings.Contains(text, `"code":100`) {
			t.Errorf("%d %s", status, text)
		}
	})
	t.Run("an answer that is no JSON", func(t *testing.T) {
		id := w.start("801")
		w.act(id, "pay")
		if _, err := w.box.SetFault(sandbox.Fault{Provider: "zarinpal", Operation: sandbox.OpVerify, Kind: "html", Count: 1}); err != nil {
			t.Fatal(err)
		}
		if status, text := post("verify.json", `{`+merchant+`,"amount":50000,"authority":"`+id+`"}`); strings.Contains(text, `"code":100`) {
			t.Errorf("%d %s", status, text)
		}
		if s := w.state(id); s == "delivered" || s == "declined" {
			t.Error("it is", s)
		}
	})
}
