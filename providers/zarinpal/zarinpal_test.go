package zarinpal

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
	sampleID  = "A00000000000000000000000000217885159"
	sampleKey = "1344b5d4-0048-11e8-94db-005056a205be"
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func provider(t testing.TB, base string, timeout time.Duration, change ...func(*Provider)) *Provider {
	t.Helper()
	t.Setenv("TEST_ZARINPAL_KEY", sampleKey+"\n")
	p := &Provider{MerchantID: "{env.TEST_ZARINPAL_KEY}"}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	for _, f := range change {
		f(p)
	}
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func inToman(p *Provider)   { p.Unit = unitToman }
func sandboxed(p *Provider) { p.Sandbox = true }

// Whoever copied something else than the merchant id is warned before the first customer.
func TestMerchantsForm(t *testing.T) {
	for merchant, want := range map[string]bool{
		sampleKey: false, strings.ToUpper(sampleKey): false, "": true, "not-a-uuid": true, sampleKey[:35]: true, sampleKey + "0": true,
		"zarinpal": true, " " + sampleKey: true, strings.ReplaceAll(sampleKey, "-", ""): true, strings.Repeat("x", 36): true,
	} {
		if got := unlikely(merchant); got != want {
			t.Errorf("%q: %v", merchant, got)
		}
	}
}

var query = payment.Query{ID: sampleID, Order: "101", Amount: 10_000}

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*Provider){"rial": func(*Provider) {}, "toman": inToman} {
		t.Run(name, func(t *testing.T) {
			providertest.Run(t, providertest.Suite{
				New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
					return provider(t, base, timeout, change)
				},
				Query:         query,
				Order:         payment.Order{Number: "101", Amount: 10_000, Return: "https://shop.example/return", Title: "A & B"},
				Verified:      fixture(t, "verify_answer.json"),
				Inquired:      `{"data":{"status":"PAID","code":100,"message":"Success"},"errors":[]}`,
				Listed:        fixture(t, "unverified_answer.json"),
				Numbers:       []string{"data.code", "data.ref_id", "data.fee"},
				Created:       fixture(t, "request_answer.json"),
				CreatedStatus: http.StatusOK,
				GiveBack:      payment.GiveBack{ID: query.ID, Amount: query.Amount, Price: query.Amount, Key: "k"},
				Reversed:      `{"data":{"code":100,"message":"Reversed"},"errors":[]}`,
				Secrets:       []string{sampleKey},
				Genuine:       map[string]string{"Authority": sampleID, "Status": "OK"},
			})
		})
	}
}

// recorder answers every call with one body and keeps what was sent.
type recorder struct {
	status       int
	answer, path string
	sent         map[string]any
}

func (c *recorder) start(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.sent, c.path = nil, r.URL.Path
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &c.sent)
		w.WriteHeader(c.status)
		_, _ = io.WriteString(w, c.answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestVerifyAsDocumented(t *testing.T) {
	c := &recorder{status: 200, answer: fixture(t, "verify_answer.json")}
	a := provider(t, c.start(t)+"/zarinpal", 0).Verify(t.Context(), query)
	if want := map[string]any{"merchant_id": sampleKey, "amount": 10000.0, "authority": sampleID}; !reflect.DeepEqual(c.sent, want) || c.path != "/zarinpal/pg/v4/payment/verify.json" {
		t.Errorf("sent %v to %s", c.sent, c.path)
	}
	want := &payment.Receipt{Reference: "201000000123", Card: "502229******5995", Fee: 100, FeePayer: "merchant"}
	if a.Outcome != payment.OutcomePaid || a.Err != nil || a.Code != "100" || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("answer %+v, receipt %+v", a, a.Receipt)
	}
}

// The option `unit` decides the number in create and in verify alike; currency is a
// member of create alone.
func TestUnitOfCreateAndVerifyIsOne(t *testing.T) {
	c := &recorder{status: 200}
	base := c.start(t)
	for _, u := range []struct {
		change   func(*Provider)
		amount   float64
		currency any
	}{{func(*Provider) {}, 10000, nil}, {inToman, 1000, "IRT"}} {
		p := provider(t, base, 0, u.change)
		c.answer = fixture(t, "request_answer.json")
		if _, err := p.Create(t.Context(), payment.Order{Number: "101", Amount: 10_000, Return: "https://s.example/"}); err != nil {
			t.Fatal(err)
		}
		if c.sent["amount"] != u.amount || c.sent["currency"] != u.currency {
			t.Errorf("create: %v", c.sent)
		}
		c.answer = fixture(t, "verify_answer.json")
		p.Verify(t.Context(), query)
		if _, has := c.sent["currency"]; c.sent["amount"] != u.amount || has {
			t.Errorf("verify: %v", c.sent)
		}
	}
	// A price that is no whole toman can't be asked about: a person looks.
	c.sent = nil
	q := query
	q.Amount = 10_001
	if a := provider(t, base, 0, inToman).Verify(t.Context(), q); a.Outcome != payment.OutcomeDoubt || a.Reason != payment.ReasonAmount || c.sent != nil {
		t.Errorf("%+v, sent %v", a, c.sent)
	}
	// The fee's unit isn't documented where amounts are in toman.
	if a := provider(t, base, 0, inToman).Verify(t.Context(), query); a.Receipt == nil || a.Receipt.Fee != 0 {
		t.Errorf("%+v", a.Receipt)
	}
}

// The documents print two least amounts: the lesser is ours, and Zarinpal refuses
// by itself.
func TestLeastAmountConflict(t *testing.T) {
	c := &recorder{status: 422, answer: `{"data":[],"errors":{"code":-9,"message":"x","validations":[{"amount":"The amount must be at least 10000."}]}}`}
	p := provider(t, c.start(t), 0)
	o := payment.Order{Number: "1", Return: "https://s.example/"}
	for amount, asked := range map[payment.Rials]bool{999: false, 1000: true, 9999: true, 1_000_000_000: true, 1_000_000_001: false, 1 << 60: false} {
		o.Amount, c.sent = amount, nil
		if _, err := p.Create(t.Context(), o); !errors.Is(err, payment.ErrRefused) || (c.sent != nil) != asked {
			t.Errorf("%d: %v, asked %v", amount, err, c.sent != nil)
		}
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

func TestVerifyStates(t *testing.T) {
	p := provider(t, "", 0)
	answer := fixture(t, "verify_answer.json")
	for _, c := range []struct {
		status int
		body   string
		want   payment.Outcome
	}{
		{200, answer, payment.OutcomePaid},
		{200, strings.Replace(answer, "100", "101", 1), payment.OutcomeAgain},
		{200, strings.Replace(answer, "100", `"101"`, 1), payment.OutcomeAgain},
		{200, strings.Replace(answer, "100", "102", 1), payment.OutcomeUnknown},
		{200, strings.Replace(answer, "100", "0", 1), payment.OutcomeUnknown},
		{201, answer, payment.OutcomeUnknown},
		{422, answer, payment.OutcomeUnknown},
		// The empty one of the two is a list, an object, null or absent.
		{200, `{"data":{"code":100},"errors":{}}`, payment.OutcomePaid},
		{200, `{"data":{"code":100},"errors":null}`, payment.OutcomePaid},
		{200, `{"data":{"code":100}}`, payment.OutcomePaid},
		{200, `{"data":[],"errors":[]}`, payment.OutcomeUnknown},
		{200, `{"data":{"code":100},"errors":{"code":-51}}`, payment.OutcomeUnknown},
		{200, `{"data":"x","errors":[]}`, payment.OutcomeUnknown},
		{200, `{}`, payment.OutcomeUnknown},
		// A negative code where a success should be is an error all the same.
		{200, `{"data":{"code":-51,"message":"x"},"errors":[]}`, payment.OutcomeRefused},
		// The ref_id may be a text, absent, or longer than 32 bits.
		{200, `{"data":{"code":100,"ref_id":"20100000012345"},"errors":[]}`, payment.OutcomePaid},
	} {
		a := p.verifyAnswer(respond(c.status, c.body))
		if a.Outcome != c.want || (a.Receipt != nil) != (c.want == payment.OutcomePaid || c.want == payment.OutcomeAgain) {
			t.Errorf("%d %.60s: %+v", c.status, c.body, a)
		} else if a.Receipt != nil && a.Receipt.Again != (c.want == payment.OutcomeAgain) {
			t.Errorf("%.60s: again %v", c.body, a.Receipt.Again)
		}
	}
}

// errorForms are the shapes in which an error of one code was seen or is documented.
func errorForms(code string) []string {
	return []string{
		`{"data":[],"errors":{"code":` + code + `,"message":"x","validations":[]}}`,
		`{"data":{},"errors":{"code":"` + code + `","message":"x"}}`,
		`{"data":null,"errors":[{"code":` + code + `,"message":"x"}]}`,
	}
}

func TestErrorTable(t *testing.T) {
	p := provider(t, "", 0)
	want := map[payment.Outcome][]int64{
		payment.OutcomeOperator: {-10, -11, -13, -15, -16, -17, -18, -19},
		payment.OutcomeBusy:     {-12},
		payment.OutcomeDoubt:    {-50},
		payment.OutcomeRefused:  {-51, -53, -54, -55},
		payment.OutcomeUnknown: {
			-2, -3, -4, -5, -14, -30, -31, -32, -33, -34, -35, -36, -37, -38, -39, -40, -41, -52, -60, -61, -62, -63, 429,
			-1, -99, 99, // undocumented
		},
	}
	tested := 0
	for outcome, codes := range want {
		for _, code := range codes {
			if _, known := errorCodes[code]; known {
				tested++
			}
			text := strconv.FormatInt(code, 10)
			for _, body := range errorForms(text) {
				// No HTTP status is documented: the code decides.
				for _, status := range []int{200, 400, 401, 403, 404, 422} {
					for _, read := range []func(wire.Reply) payment.Answer{p.verifyAnswer, p.inquiryAnswer} {
						if a := read(respond(status, body)); a.Outcome != outcome || a.Receipt != nil || a.Code != text {
							t.Errorf("%d %s: %+v", status, body, a)
						}
					}
				}
				if a := p.verifyAnswer(respond(500, body)); a.Outcome != payment.OutcomeUnknown {
					t.Errorf("500 %s: %+v", body, a)
				}
			}
		}
	}
	if tested != len(errorCodes) {
		t.Errorf("%d of %d codes are tested", tested, len(errorCodes))
	}
}

// −50: paid with another amount is something that a person must see, never "not paid".
func TestAnotherAmountIsNeverNotPaid(t *testing.T) {
	a := provider(t, "", 0).verifyAnswer(respond(422, errorForms("-50")[0]))
	if a.Outcome != payment.OutcomeDoubt || a.Reason != payment.ReasonAmount {
		t.Errorf("%+v", a)
	}
}

func TestValidation(t *testing.T) {
	p := provider(t, "", 0)
	if a := p.verifyAnswer(respond(422, fixture(t, "error.json"))); a.Outcome != payment.OutcomeOperator || a.Code != "-9/merchant_id" {
		t.Errorf("the document's error: %+v", a)
	}
	for validations, want := range map[string]payment.Outcome{
		`[{"authority":"x"}]`: payment.OutcomeRefused, `{"authority":"x"}`: payment.OutcomeRefused,
		`[{"amount":"x"}]`: payment.OutcomeDoubt, `[{"merchant_id":"x"},{"authority":"x"}]`: payment.OutcomeOperator,
		`[]`: payment.OutcomeUnknown, `null`: payment.OutcomeUnknown, `"x"`: payment.OutcomeUnknown, `[{"callback_url":"x"}]`: payment.OutcomeUnknown,
	} {
		if a := p.verifyAnswer(respond(422, `{"data":[],"errors":{"code":-9,"validations":`+validations+`}}`)); a.Outcome != want {
			t.Errorf("%s: %+v", validations, a)
		}
	}
}

func TestInquiryStates(t *testing.T) {
	p := provider(t, "", 0)
	for state, want := range map[string]payment.Outcome{
		"VERIFIED": payment.OutcomeAgain, "PAID": payment.OutcomeAwaiting, "paid": payment.OutcomeAwaiting, "IN_BANK": payment.OutcomeOpen,
		"FAILED": payment.OutcomeRefused, "REVERSED": payment.OutcomeClosed, "TRASH": payment.OutcomeUnknown, "": payment.OutcomeUnknown,
	} {
		for _, code := range []string{"100", `"100"`} {
			a := p.inquiryAnswer(respond(200, `{"data":{"status":"`+state+`","code":`+code+`,"message":"Success"},"errors":[]}`))
			if a.Outcome != want || (a.Receipt != nil) != (want == payment.OutcomeAgain || want == payment.OutcomeAwaiting) {
				t.Errorf("%s: %+v", state, a)
			}
		}
	}
}

func TestUnverified(t *testing.T) {
	c := &recorder{status: 200, answer: fixture(t, "unverified_answer.json")}
	p := provider(t, c.start(t), 0)
	list, err := p.Unverified(t.Context())
	if err != nil || !reflect.DeepEqual(list, []payment.Pending{{ID: sampleID, Callback: "https://shop.example/return"}}) || c.path != "/pg/v4/payment/unVerified.json" || !reflect.DeepEqual(c.sent, map[string]any{"merchant_id": sampleKey}) {
		t.Errorf("%v, %v; sent %v to %s", list, err, c.sent, c.path)
	}
	for body, n := range map[string]int{
		`{"data":{"code":100,"authorities":[]},"errors":[]}`:                                                           0,
		`{"data":{"code":"100","message":"Success"},"errors":null}`:                                                    0,
		`{"data":{"code":100,"authorities":[{"authority":"../x"},{"authority":"` + sampleID + `"},{},1]},"errors":[]}`: 1,
	} {
		c.answer = body
		if list, err := p.Unverified(t.Context()); err != nil || len(list) != n {
			t.Errorf("%s: %v, %v", body, list, err)
		}
	}
	for body, operator := range map[string]bool{
		errorForms("-11")[0]: true, fixture(t, "error.json"): true, errorForms("-52")[0]: false, errorForms("-12")[0]: false,
		`{"data":[],"errors":[]}`: false, `{"data":{"code":101},"errors":[]}`: false,
	} {
		c.answer = body
		if _, err := p.Unverified(t.Context()); err == nil || errors.Is(err, payment.ErrOperator) != operator {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestCreate(t *testing.T) {
	c := &recorder{status: 200, answer: fixture(t, "request_answer.json")}
	base := c.start(t)
	p := provider(t, base, 0)
	o := payment.Order{Number: "101", Amount: 10_000, Return: "https://shop.example/r?a=1&b=2", Title: strings.Repeat("ی", 600)}
	st, err := p.Create(t.Context(), o)
	if err != nil || st.ID != sampleID || st.PayURL != base+"/pg/StartPay/"+sampleID || st.Form != nil {
		t.Fatalf("%+v, %v", st, err)
	}
	want := map[string]any{
		"merchant_id": sampleKey, "amount": 10000.0, "description": strings.Repeat("ی", 500), "callback_url": o.Return,
		"metadata": map[string]any{"order_id": "101"},
	}
	if !reflect.DeepEqual(c.sent, want) || c.path != "/pg/v4/payment/request.json" {
		t.Errorf("sent %v to %s", c.sent, c.path)
	}
	for _, x := range []struct {
		status            int
		body              string
		refused, operator bool
	}{
		{422, fixture(t, "error.json"), true, true},
		{422, `{"data":[],"errors":{"code":-9,"validations":[{"callback_url":"x"}]}}`, true, true},
		{422, `{"data":[],"errors":{"code":-9,"validations":[{"amount":"x"}]}}`, true, false},
		{200, errorForms("-10")[0], true, true},
		{403, errorForms("-14")[0], true, true},
		{200, errorForms("-12")[0], true, false},
		{200, errorForms("-41")[2], true, false},
		{200, errorForms("-38")[0], true, true},
		{200, errorForms("-52")[0], false, false},
		{200, errorForms("-77")[0], false, false},
		{500, errorForms("-10")[0], false, false},
		{403, "<html>", false, false}, // what its proxy answers to the wrong method
		{200, strings.Replace(fixture(t, "request_answer.json"), "A0000", "../00", 1), false, false},
		{200, strings.Replace(fixture(t, "request_answer.json"), "100", "101", 1), false, false},
		{200, `{"data":{"code":100},"errors":[]}`, false, false},
	} {
		c.status, c.answer = x.status, x.body
		if _, err = p.Create(t.Context(), o); err == nil || errors.Is(err, payment.ErrRefused) != x.refused || errors.Is(err, payment.ErrOperator) != x.operator {
			t.Errorf("%d %s: %v", x.status, x.body, err)
		}
	}
}
