package idpay

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const (
	sampleID  = "d2e353189823079e1e4181772cff5292"
	sampleKey = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4"
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func provider(t testing.TB, base string, timeout time.Duration, sandbox bool) *Provider {
	t.Helper()
	t.Setenv("TEST_IDPAY_KEY", sampleKey+"\n")
	p := &Provider{APIKey: "{env.TEST_IDPAY_KEY}", Sandbox: sandbox}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

var query = payment.Query{ID: sampleID, Order: "101", Amount: 10000}

func TestConformance(t *testing.T) {
	answer := fixture(t, "verify_answer.json")
	providertest.Run(t, providertest.Suite{
		New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
			return provider(t, base, timeout, true)
		},
		Query:    query,
		Order:    payment.Order{Number: "101", Amount: 10000, Return: "https://shop.example/return", Title: "A & B"},
		Verified: answer, Inquired: strings.Replace(answer, `"100"`, `"10"`, 1),
		Numbers:       []string{"status", "track_id", "amount", "date", "payment.amount", "payment.date", "payment.track_id", "verify.date"},
		Created:       `{"id":"` + sampleID + `","link":"https://idpay.ir/p/ws-sandbox/` + sampleID + `"}`,
		CreatedStatus: http.StatusCreated,
		Secrets:       []string{sampleKey},
		Genuine: map[string]string{
			"status": "10", "track_id": "10012", "id": sampleID, "order_id": "101", "amount": "10000",
			"card_no": "123456******1234", "date": "1546288500",
		},
	})
}

// TestVerifyAsDocumented compares our request with the document's, and reads
// the document's answer.
func TestVerifyAsDocumented(t *testing.T) {
	var got *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, fixture(t, "verify_answer.json"))
	}))
	defer s.Close()
	a := provider(t, s.URL+"/idpay", 0, true).Verify(t.Context(), query)

	var sent, documented map[string]any
	if err := errors.Join(json.Unmarshal(body, &sent), json.Unmarshal([]byte(fixture(t, "verify_request.json")), &documented)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent, documented) {
		t.Errorf("sent %s", body)
	}
	if got.Method != http.MethodPost || got.URL.Path != "/idpay/v1.1/payment/verify" {
		t.Errorf("%s %s", got.Method, got.URL)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "X-API-KEY": sampleKey, "X-SANDBOX": "1"} {
		if !strings.Contains(fixture(t, "verify_request.sh"), name+": "+want) || got.Header.Get(name) != want {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	want := &payment.Receipt{
		ID: sampleID, Order: "101", Amount: 10000, Paid: 10000, Number: "10012", Reference: "888001",
		Card: "123456******1234", PaidAt: time.Unix(1546288500, 0).UTC(), VerifiedAt: time.Unix(1546288800, 0).UTC(),
	}
	if a.Outcome != payment.OutcomePaid || a.Err != nil || a.Code != "100" || !a.HasOffset || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("answer %+v, receipt %+v", a, a.Receipt)
	}
}

func TestLiveSendsNoSandboxHeader(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Sandbox") != "" {
			t.Error("X-SANDBOX on a live call")
		}
	}))
	defer s.Close()
	provider(t, s.URL, 0, false).Verify(t.Context(), query)
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

func TestVerifyStates(t *testing.T) {
	answer := fixture(t, "verify_answer.json")
	with := func(status string) string { return strings.Replace(answer, `"status": "100"`, `"status": `+status, 1) }
	for _, c := range []struct {
		status int
		body   string
		want   payment.Outcome
	}{
		{200, with("100"), payment.OutcomePaid},
		{200, with("101"), payment.OutcomeAgain},
		{200, with(`"200"`), payment.OutcomeAgain},
		{200, with("10"), payment.OutcomeUnknown},
		{200, with("7"), payment.OutcomeUnknown},
		{200, with("999"), payment.OutcomeUnknown},
		{201, with("100"), payment.OutcomeUnknown},
		{405, with("100"), payment.OutcomeUnknown},
		{200, strings.Replace(answer, `"amount": "10000"`, `"amount": "1e4"`, 1), payment.OutcomeUnknown},
		{200, strings.Replace(answer, `"order_id": "101",`, "", 1), payment.OutcomeUnknown},
		{200, `{"status":100}`, payment.OutcomeUnknown},
		{200, `{"status":100,"track_id":5,"id":"` + sampleID + `","order_id":"101","amount":10000}`, payment.OutcomePaid},
		{200, `{"status":100,"track_id":"5","id":"` + sampleID + `","order_id":101,"amount":10000,"payment":[],"verify":[]}`, payment.OutcomePaid},
		// Without its second key a receipt is for a person.
		{200, `{"status":100,"id":"` + sampleID + `","order_id":"101","amount":10000}`, payment.OutcomeDoubt},
		{200, `{"status":100,"track_id":null,"id":"` + sampleID + `","order_id":"101","amount":10000}`, payment.OutcomeDoubt},
		{200, `{"status":100,"track_id":"","id":"` + sampleID + `","order_id":"101","amount":10000}`, payment.OutcomeDoubt},
		{200, `{"status":101,"track_id":0,"id":"` + sampleID + `","order_id":"101","amount":10000}`, payment.OutcomeDoubt},
		{200, `{"status":101,"track_id":"۰۰.۰","id":"` + sampleID + `","order_id":"101","amount":10000}`, payment.OutcomeDoubt},
	} {
		if a := verifyAnswer(respond(c.status, c.body)); a.Outcome != c.want {
			t.Errorf("%d %.60s: %+v", c.status, c.body, a)
		} else if (a.Receipt != nil) != (c.want == payment.OutcomePaid || c.want == payment.OutcomeAgain || c.want == payment.OutcomeDoubt) {
			t.Errorf("%d %.60s: receipt %+v", c.status, c.body, a.Receipt)
		} else if a.Receipt != nil && c.want != payment.OutcomeDoubt && a.Receipt.Again != (c.want == payment.OutcomeAgain) {
			t.Errorf("%.60s: again %v", c.body, a.Receipt.Again)
		}
	}
}

// Every code that the owner can mend says what is to be mended.
func TestOwnersCodesAreExplained(t *testing.T) {
	for code, m := range errorCodes {
		if m.Owner && (says[code] == "" || !strings.Contains(refusal(code).Error(), says[code])) {
			t.Errorf("code %d is not explained: %v", code, refusal(code))
		}
	}
}

func TestErrorTable(t *testing.T) {
	operator := []payment.Outcome{payment.OutcomeOperator, payment.OutcomeOperator}
	silent := []payment.Outcome{payment.OutcomeUnknown, payment.OutcomeUnknown}
	want := map[string][]payment.Outcome{
		"500 -1": silent, "403 11": operator, "402 11": operator, "403 12": operator, "403 13": operator, "403 14": operator,
		"500 15": silent, "403 21": operator, "404 22": operator, "401 23": operator, "403 24": operator,
		"406 31": silent, "406 32": silent, "406 33": silent, "406 34": silent, "406 35": silent, "406 36": silent,
		"406 37": silent, "406 38": silent, "406 39": silent, "406 41": silent, "406 42": silent, "406 43": silent, "406 44": silent,
		"405 51": silent, "400 52": {payment.OutcomeRefused, payment.OutcomeRefused},
		"405 53": {payment.OutcomeRefused, payment.OutcomeRefused},
		"405 54": {payment.OutcomeClosed, payment.OutcomeClosed},
		"405 99": silent, "500 53": silent, "200 53": silent, "429 53": {payment.OutcomeBusy, payment.OutcomeBusy},
	}
	documented := map[int64]bool{}
	for key, outcomes := range want {
		status, code, _ := strings.Cut(key, " ")
		var n int
		for _, c := range status {
			n = n*10 + int(c-'0')
		}
		for i, read := range []func(wire.Reply) payment.Answer{verifyAnswer, inquiryAnswer} {
			for _, form := range []string{code, `"` + code + `"`} {
				a := read(respond(n, `{"error_code":`+form+`,"error_message":"x"}`))
				if a.Outcome != outcomes[i] || a.Receipt != nil {
					t.Errorf("%s (%d): %+v", key, i, a)
				}
				if n != 429 && n != 500 && n != 200 && a.Code != code {
					t.Errorf("%s: code %q", key, a.Code)
				}
			}
		}
		for c := range errorCodes {
			if strings.HasSuffix(key, " "+strconv.FormatInt(c, 10)) {
				documented[c] = true
			}
		}
	}
	if len(documented) != len(errorCodes) {
		t.Errorf("%d of %d codes are tested", len(documented), len(errorCodes))
	}
	if a := verifyAnswer(respond(406, fixture(t, "verify_error.json"))); a.Code != "32" || a.Outcome != payment.OutcomeUnknown {
		t.Errorf("the document's error: %+v", a)
	}
}

func TestInquiryStates(t *testing.T) {
	answer := fixture(t, "verify_answer.json")
	for status, want := range map[string]struct {
		o payment.Outcome
		r payment.Reason
	}{
		"1": {payment.OutcomeOpen, ""}, "8": {payment.OutcomeOpen, ""},
		"2": {payment.OutcomeRefused, payment.ReasonCancelled}, "3": {payment.OutcomeRefused, payment.ReasonNotPaid},
		"7": {payment.OutcomeRefused, payment.ReasonCancelled},
		"4": {payment.OutcomeDoubt, payment.ReasonUnrecognised},
		"5": {payment.OutcomeClosed, payment.ReasonReturned}, "6": {payment.OutcomeClosed, payment.ReasonReturned},
		"10": {payment.OutcomeAwaiting, ""}, "100": {payment.OutcomeAgain, ""}, "101": {payment.OutcomeAgain, ""}, "200": {payment.OutcomeAgain, ""},
		"9": {payment.OutcomeUnknown, payment.ReasonBadAnswer},
	} {
		body := strings.Replace(answer, `"status": "100"`, `"status": `+status+`, "wage": {"by":"payer","type":"amount","amount":"1200"}`, 1)
		a := inquiryAnswer(respond(200, body))
		if a.Outcome != want.o || a.Reason != want.r || a.Code != status {
			t.Errorf("%s: %+v", status, a)
		}
		if a.Outcome == payment.OutcomeAgain && (a.Receipt == nil || a.Receipt.VerifiedAt.IsZero() || !a.Receipt.Again) {
			t.Errorf("%s: receipt %+v", status, a.Receipt)
		}
		if a.Receipt != nil && (a.Receipt.Fee != 1200 || a.Receipt.FeePayer != "payer") {
			t.Errorf("%s: fee %+v", status, a.Receipt)
		}
	}
}

func TestCreate(t *testing.T) {
	var got map[string]any
	status, answer := 201, `{"id":"`+sampleID+`","link":"https://idpay.ir/p/ws/`+sampleID+`?x=1"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1.1/payment" {
			t.Errorf("path %s", r.URL.Path)
		}
		got = nil
		_ = json.NewDecoder(r.Body).Decode(&got)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	p := provider(t, s.URL, 0, true)
	o := payment.Order{Number: "101", Amount: 10000, Return: "https://shop.example/r?a=1&b=2", Title: strings.Repeat("ی", 300)}
	st, err := p.Create(t.Context(), o)
	if err != nil || st.ID != sampleID || st.PayURL != "https://idpay.ir/p/ws/"+sampleID+"?x=1" {
		t.Fatalf("%+v, %v", st, err)
	}
	want := map[string]any{"order_id": "101", "amount": 10000.0, "desc": strings.Repeat("ی", 255), "callback": o.Return}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v", got)
	}
	answer = `{"id":"` + sampleID + `","link":"javascript:alert(1)"}`
	if st, err = p.Create(t.Context(), o); err != nil || st.PayURL != s.URL+"/p/ws-sandbox/"+sampleID {
		t.Errorf("%+v, %v", st, err)
	}
	for _, c := range []struct {
		status            int
		body              string
		refused, operator bool
	}{
		{406, `{"error_code":34,"error_message":"x"}`, true, false},
		{406, `{"error_code":38,"error_message":"x"}`, true, true},
		{403, `{"error_code":12,"error_message":"x"}`, true, true},
		{405, `{"error_code":51,"error_message":"x"}`, true, false},
		{500, `{"error_code":-1,"error_message":"x"}`, false, false},
		{406, `{"error_code":77}`, false, false},
		{201, `{"id":"../../x"}`, false, false},
		{403, `<html>`, false, false},
	} {
		status, answer = c.status, c.body
		_, err = p.Create(t.Context(), o)
		if err == nil || errors.Is(err, payment.ErrRefused) != c.refused || errors.Is(err, payment.ErrOperator) != c.operator {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
	o.Amount = 999
	if _, err = p.Create(t.Context(), o); !errors.Is(err, payment.ErrRefused) {
		t.Errorf("below the least amount: %v", err)
	}
}
