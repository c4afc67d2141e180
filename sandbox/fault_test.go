package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// paidIDPay is a paid payment, ready to be verified.
func (r *rig) paidIDPay() string {
	r.Helper()
	id, _ := r.idpayNew("1", "10000")
	if _, err := r.sb.Act(id, ActionPay); err != nil {
		r.Fatal(err)
	}
	return id
}

func TestFaultsThatAnswer(t *testing.T) {
	for _, c := range []struct {
		fault  string
		status int
		has    string
	}{
		{`{"kind":"status","count":1}`, 500, "<html>"},
		{`{"kind":"status","status":502,"count":1}`, 502, "Bad Gateway"},
		{`{"kind":"status","status":403,"count":1}`, 403, "nginx"},
		{`{"kind":"html","count":1}`, 200, "<html>"},
		{`{"kind":"redirect","location":"/elsewhere","count":1}`, 302, ""},
		{`{"kind":"error","code":"13","count":1}`, 403, `"error_code":13`},
		{`{"kind":"error","code":"nonsense","count":1}`, 500, `"error_code":-1`},
	} {
		t.Run(c.fault, func(t *testing.T) {
			r := newRig(t, Options{})
			id := r.paidIDPay()
			r.fault(c.fault)
			g := r.idpayAsk("verify", id, "1")
			if g.status != c.status || !strings.Contains(g.body, c.has) {
				t.Errorf("got %d %s", g.status, g.body)
			}
			if p := r.payment(id); p.State != StatePaid || p.Verify.Calls != 1 || p.Verify.First != 0 {
				t.Errorf("a fault before processing had an effect: %+v", p)
			}
			if s := text(r.idpayAsk("verify", id, "1").json(t)["status"]); s != "100" {
				t.Errorf("after the fault: %s", s)
			}
		})
	}
	r := newRig(t, Options{})
	r.fault(`{"kind":"status","status":429,"retry_after":7}`)
	if g := r.idpayAsk("verify", "x", "1"); g.header.Get("Retry-After") != "7" {
		t.Errorf("429: %v", g.header)
	}
}

func TestFaultsAfterProcessing(t *testing.T) {
	for _, fault := range []string{
		`{"kind":"after","count":1}`,
		`{"kind":"reset","when":"after","count":1}`,
		`{"kind":"status","status":500,"when":"after","count":1}`,
		`{"kind":"empty","count":1}`,
		`{"kind":"truncate","count":1}`,
		`{"kind":"cut","count":1}`,
	} {
		t.Run(fault, func(t *testing.T) {
			r := newRig(t, Options{})
			id := r.paidIDPay()
			r.fault(fault)
			g, err := r.try("POST", "/idpay/v1.1/payment/verify", `{"id":"`+id+`","order_id":"1"}`,
				"Content-Type", "application/json", "X-API-KEY", sampleKey, "X-SANDBOX", "1")
			if err == nil && g.status == 200 && strings.HasSuffix(g.body, "}}") {
				t.Errorf("the fault did not show: %s", g.body)
			}
			if p := r.payment(id); p.State != StateVerified || p.Verify.First != 1 {
				t.Errorf("not settled: %+v", p)
			}
			if s := text(r.idpayAsk("verify", id, "1").json(t)["status"]); s != "101" {
				t.Errorf("after the fault: %s", s)
			}
		})
	}
}

func TestFaultsThatSpoil(t *testing.T) {
	r := newRig(t, Options{})
	id := r.paidIDPay()
	r.idpayAsk("verify", id, "1")
	for _, c := range []struct{ fault, has, hasNot string }{
		{`{"kind":"wrong_amount"}`, `"amount":"100000"`, `"amount":"10000"`},
		{`{"kind":"wrong_amount","delta":-1}`, `"amount":"9999"`, `"amount":"10000"`},
		{`{"kind":"wrong_amount","factor":0.1,"fields":["payment.amount"]}`, `"payment":{"track_id":"` + r.payment(id).BankReference + `","amount":"1000"`, "x"},
		{`{"kind":"wrong_id"}`, `"id":"`, id},
		{`{"kind":"wrong_id","value":"abc"}`, `"id":"abc"`, id},
		{`{"kind":"wrong_order"}`, `"order_id":"19"`, `"order_id":"1"`},
		{`{"kind":"strings_as_numbers"}`, `"status":101`, `"order_id":1,`},
		{`{"kind":"strings_as_numbers","fields":["order_id"]}`, `"order_id":1,`, `"status":101`},
		{`{"kind":"drop_fields","fields":["payment.hashed_card_no","verify"]}`, `"status":"101"`, `hashed_card_no`},
		{`{"kind":"persian_digits"}`, `"status":"۱۰۱"`, `"101"`},
		{`{"kind":"duplicate_keys"}`, `{"status":"0","track_id":"0",`, "x"},
		{`{"kind":"big"}`, `"padding":"xxx`, "x"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			r.T = t
			r.fault(strings.Replace(c.fault, "{", `{"count":1,"operation":"verify","payment":"`+id+`",`, 1))
			r.idpayAsk("inquiry", id, "1") // another operation: not struck
			g := r.idpayAsk("verify", id, "1")
			if !strings.Contains(g.body, c.has) || (c.hasNot != "x" && strings.Contains(g.body, c.hasNot)) {
				t.Errorf("got %.600s", g.body)
			}
			if strings.Contains(c.fault, "big") && len(g.body) < 1<<20 {
				t.Errorf("only %d bytes", len(g.body))
			}
			if n := len(r.sb.Faults()); n != 0 {
				t.Errorf("%d faults are left", n)
			}
		})
	}
	r.T = t
	authority := r.samaNew("20000")
	r.sb.Act(authority, ActionPay)
	r.fault(`{"provider":"sama","kind":"numbers_as_strings"}`)
	g := r.sama("verify", `{"amount":20000,"merchant_id":"`+sampleMerchant+`","authority":"`+authority+`"}`)
	if !strings.Contains(g.body, `"code":"100"`) || !strings.Contains(g.body, `"fee":"0"`) {
		t.Errorf("numbers as strings: %s", g.body)
	}
}

func TestFaultOrder(t *testing.T) {
	r := newRig(t, Options{})
	id := r.paidIDPay()
	r.fault(`[{"kind":"status","status":503,"count":2,"skip":1},{"kind":"reset","count":1,"skip":1,"order":"1"}]`)
	var seen []int
	for range 5 {
		g, err := r.try("POST", "/idpay/v1.1/payment/verify", `{"id":"`+id+`","order_id":"1"}`,
			"Content-Type", "application/json", "X-API-KEY", sampleKey, "X-SANDBOX", "1")
		if err != nil {
			g.status = 0
		}
		seen = append(seen, g.status)
	}
	want := []int{200, 503, 503, 0, 200}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("got %v, want %v", seen, want)
		}
	}
}

func TestDelayAndHang(t *testing.T) {
	r := newRig(t, Options{})
	id := r.paidIDPay()
	r.fault(`{"kind":"delay","ms":150,"count":1}`)
	start := time.Now()
	r.idpayAsk("inquiry", id, "1")
	if d := time.Since(start); d < 150*time.Millisecond {
		t.Errorf("answered after %s", d)
	}

	r.fault(`{"kind":"hang"}`)
	done := make(chan error, 1)
	go func() {
		_, err := r.try("POST", "/idpay/v1.1/payment/verify", `{"id":"`+id+`","order_id":"1"}`,
			"Content-Type", "application/json")
		done <- err
	}()
	for deadline := time.Now().Add(5 * time.Second); r.payment(id).Verify.MaxInFlight == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the call did not arrive")
		}
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case err := <-done:
		t.Fatalf("did not hang: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	r.control("DELETE", "faults", "")
	select {
	case err := <-done:
		if err == nil {
			t.Error("a hanging call got an answer")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("clearing did not let it go")
	}
}

func TestConversionFaults(t *testing.T) {
	r := newRig(t, Options{})
	send := func() (got, error) {
		return r.try("POST", "/hamekar/customer/callback", `{"track_id":"abc","status":1}`,
			"Content-Type", "application/json", "x-store-token", "t")
	}
	r.fault(`{"provider":"hamekar","operation":"conversion","kind":"after","count":1,"payment":"abc"}`)
	if _, err := send(); err == nil {
		t.Error("no reset")
	}
	if g, err := send(); err != nil || g.status != http.StatusAccepted {
		t.Errorf("second: %v %v", g, err)
	}
	if n := r.sb.Ledger("", "", "").Tracks["abc"].Count; n != 2 {
		t.Errorf("%d reports in the ledger, want 2", n)
	}
}

func TestFaultMistakes(t *testing.T) {
	r := newRig(t, Options{})
	for _, body := range []string{
		``, `{}`, `[]x`, `{"kind":"boom"}`, `{"kind":"delay","provider":"paypal"}`, `{"kind":"delay","operation":"x"}`,
		`{"kind":"truncate","when":"before"}`, `{"kind":"delay","when":"later"}`, `{"kind":"delay","ms":-1}`,
		`{"kind":"status","status":99}`, `{"kind":"drop_fields"}`, `{"kind":"error"}`, `{"kinds":"delay"}`,
		`[{"kind":"delay"},{"kind":"boom"}]`,
	} {
		if g := r.control("POST", "faults", body); body != `[]x` && g.status != 400 {
			t.Errorf("%s: %d %s", body, g.status, g.body)
		}
	}
	if n := len(r.sb.Faults()); n != 0 {
		t.Errorf("%d faults were armed by mistakes", n)
	}
}
