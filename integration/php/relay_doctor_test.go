package php_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// doctor is what `caddy payments doctor` says of one kind: its lines by where they are.
func (w *world) doctor(code string) map[string]string {
	w.t.Helper()
	out, _ := w.caddy.Run("payments", "doctor", "--json", "--address", w.caddy.Admin)
	var said struct {
		Findings []struct{ Level, Code, Text, Where string } `json:"findings"`
	}
	// Behind the JSON the command says that there are errors, if there are.
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&said); err != nil {
		w.t.Fatalf("%v in %s", err, out)
	}
	lines := make(map[string]string)
	for _, f := range said.Findings {
		if f.Code == code {
			lines[f.Where] += f.Level + ": " + f.Text + "\n"
		}
	}
	return lines
}

// says fails unless each of the texts stands in doctor's line of one kind.
func (w *world) says(code, where string, texts ...string) {
	w.t.Helper()
	said := w.doctor(code)[where]
	for _, text := range texts {
		if !strings.Contains(said, text) {
			w.t.Errorf("doctor says of %s, %s: %q, which lacks %q", code, where, said, text)
		}
	}
	if len(texts) == 0 && said != "" {
		w.t.Errorf("doctor says of %s, %s: %q", code, where, said)
	}
}

// TestDoctorOfARelay: each kind of trouble that a shop can have with a relay is a line of
// doctor's, which says what to write or change.
func TestDoctorOfARelay(t *testing.T) {
	w := pluginWorld(t, "")
	shop := strings.TrimPrefix(w.site, "http://")
	call := func(header, value, path, body string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, w.site+"/-/pay/relay-secret-canary-77/zarinpal"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set(header, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	const verify = "/pg/v4/payment/verify.json"
	w.says("returns", shop, "the shop's own calls through the relay")

	call("", "", verify, `{"merchant_id":"another","amount":1,"authority":"A00000000000000000000000000217885159"}`)
	w.says("relay_stranger", "zarinpal", "warn: ", "1 since the start", "add a `provider` block with this account")
	call("Origin", "https://shop.test", verify, `{}`)
	w.says("relay_stranger", "zarinpal", "2 since the start", "a browser calls the relay")
	call("X-Forwarded-For", "203.0.113.9", verify, `{}`)
	w.says("relay_stranger", "zarinpal", "3 since the start", "`allow 127.0.0.1`")
	call("", "", "/pg/rest/WebGate/PaymentVerification.json", `{}`)
	w.says("relay_unknown_call", "zarinpal", "warn: ", "not forwarded", "/pg/rest/WebGate/PaymentVerification.json")

	// A plugin that trusts the browser is named after twenty returns in a row.
	w.behave(map[string]any{"session": true})
	ret := w.act(w.start("301"), "pay")
	for range 19 {
		w.returns(ret)
	}
	w.says("never_asks", shop)
	w.returns(ret)
	w.says("never_asks", shop, "warn: 20 returns", "put the relay's address there")
	w.behave(nil)
	w.returns(ret)
	w.says("never_asks", shop)

	forged := strings.NewReplacer("order=301", "order=302", "key=k301", "key=k302").Replace(ret.URL)
	harness.NewBrowser(t).Get(forged)
	w.says("relay_foreign_return", shop, "warn: ", "did not reach the shop")

	// A person has an order handed over again, and the plugin asks only with its
	// customer's session.
	id := w.start("303")
	w.behave(map[string]any{"die": true})
	w.returns(w.act(id, "pay"))
	w.waitState(id, "parked")
	w.behave(map[string]any{"session": true})
	for _, p := range w.payments() {
		if p.ID == id {
			if out, err := w.caddy.Run("payments", "resolve", p.Ref, "redeliver", "--note", "the order is open", "--address", w.caddy.Admin); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	}
	harness.Wait(t, "doctor names the route", 20*time.Second, func() bool { return w.doctor("relay_needs_session")[shop] != "" })
	w.says("relay_needs_session", shop, "warn: ", "`rescue off`")
}
