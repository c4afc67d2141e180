package sandbox

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// Each preset does what its sentence says, to the next verify call and to none
// after it (but for `down`, which stays).
func TestPresets(t *testing.T) {
	for _, p := range Presets() {
		t.Run(p.Name, func(t *testing.T) {
			r := newRig(t, Options{})
			id := r.paidIDPay()
			if g := r.do(http.MethodPost, "/_control/presets", `{"preset":"`+p.Name+`"}`); g.status != 200 {
				t.Fatalf("%d %s", g.status, g.body)
			}
			if len(p.In("fa")) < 20 || p.In("fa") == p.In("en") {
				t.Error("it isn't explained in both languages")
			}
			for i := range r.sb.st.faults {
				r.sb.st.faults[i].MS = min(r.sb.st.faults[i].MS, 20) // nobody waits here
			}
			g, err := r.try(http.MethodPost, "/idpay/v1.1/payment/verify", `{"id":"`+id+`","order_id":"1"}`,
				"Content-Type", "application/json", "X-API-KEY", sampleKey, "X-SANDBOX", "1")
			settled := r.payment(id).Verify.First == 1
			status := ""
			if err == nil && strings.HasPrefix(g.body, "{") {
				status = text(g.json(t)["status"])
			}
			var ok bool
			switch p.Name {
			case "times-out-once":
				ok = err != nil && !settled
			case "answers-after-settling":
				ok = status == "100" && settled
			case "answer-lost":
				ok = err != nil && settled
			case "wrong-amount":
				ok = status == "100" && text(g.json(t)["amount"]) == "100000"
			case "says-again":
				ok = status == "101" && settled
			case "down":
				ok = g.status == 503 && !settled
			}
			if !ok {
				t.Errorf("error %v, settled %v, answer %d %s", err, settled, g.status, g.body)
			}
			want := "101"
			switch p.Name {
			case "times-out-once":
				want = "100"
			case "down":
				return
			}
			if s := text(r.idpayAsk("verify", id, "1").json(t)["status"]); s != want {
				t.Errorf("the call after it: %s, want %s", s, want)
			}
		})
	}
}

func TestPresetsByButton(t *testing.T) {
	r := newRig(t, Options{})
	page := r.do(http.MethodGet, "/_control/", "")
	for _, p := range Presets() {
		if !strings.Contains(page.body, `value="`+p.Name+`"`) {
			t.Errorf("no button for %s", p.Name)
		}
	}
	g := r.do(http.MethodPost, "/_control/presets", url.Values{"preset": {"answer-lost"}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
	if g.status != http.StatusSeeOther || len(r.sb.Faults()) != 1 {
		t.Errorf("%d %s, %d faults", g.status, g.body, len(r.sb.Faults()))
	}
	for _, body := range []string{`{"preset":"nonsense"}`, `{}`, `{"kind":"reset"}`} {
		if g := r.do(http.MethodPost, "/_control/presets", body); g.status != 400 || !strings.Contains(g.body, "error") {
			t.Errorf("%s: %d %s", body, g.status, g.body)
		}
	}
	if _, err := r.sb.SetFault(Fault{Kind: kindAgain}); err == nil {
		t.Error("a create call can't be a repeated one")
	}
}

func TestPresetsAreInTheManual(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Presets() {
		if !strings.Contains(string(b), "`"+p.Name+"`") {
			t.Errorf("README.md says nothing about %s", p.Name)
		}
	}
}
