package vandar

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const (
	sampleToken  = "D9E4B1B5CE0F4A6B"
	sampleKey    = "vandar-key-canary-31"
	sampleAccess = "vandar-access-canary-32"
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
	t.Setenv("TEST_VANDAR_KEY", sampleKey+"\n")
	t.Setenv("TEST_VANDAR_ACCESS", sampleAccess)
	p := &Provider{APIKey: "{env.TEST_VANDAR_KEY}", Business: "my-shop", AccessToken: "{env.TEST_VANDAR_ACCESS}"}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	for _, f := range change {
		f(p)
	}
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func payerPays(p *Provider) { p.Fee = feePayer }

var query = payment.Query{ID: sampleToken, Order: "12345", Amount: 1000}

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*Provider){"the merchant bears the fee": func(*Provider) {}, "the payer does": payerPays} {
		t.Run(name, func(t *testing.T) {
			verified := fixture(t, "verify_answer.json")
			if name == "the payer does" {
				verified = strings.NewReplacer("1000.00", "1500.00", `"realAmount": 500`, `"realAmount": 1000`).Replace(verified)
			}
			providertest.Run(t, providertest.Suite{
				New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
					return provider(t, base, timeout, change)
				},
				Query:         query,
				Order:         payment.Order{Number: "12345", Amount: 1000, Return: "https://shop.example/return", Title: "A & B"},
				Verified:      verified,
				Inquired:      fixture(t, "transaction_answer.json"),
				Numbers:       []string{"status", "amount", "realAmount", "wage", "transId"},
				Created:       `{"status":1,"token":"` + sampleToken + `"}`,
				CreatedStatus: http.StatusOK,
				GiveBack:      payment.GiveBack{ID: sampleToken, Number: "159178352177", Amount: 1000, Price: 1000, Key: "k"},
				Refunded:      fixture(t, "refund_answer.json"),
				Secrets:       []string{sampleKey, sampleAccess},
				Genuine:       map[string]string{"token": sampleToken, "payment_status": "OK"},
			})
		})
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

// The document's sample: the amount is a decimal text, the wage a text, realAmount
// and transId are numbers, the time has no zone.
func TestTheDocumentsSample(t *testing.T) {
	paid := time.Date(2020, 6, 10, 11, 6, 30, 0, time.UTC)
	for _, c := range []struct {
		p    *Provider
		want payment.Receipt
	}{
		{new(Provider), payment.Receipt{Amount: 1000, Fee: 500, FeePayer: "merchant", Number: "159178352177", Reference: "159178352177", Card: "603799******7999", PaidAt: paid}},
		{&Provider{Fee: feePayer}, payment.Receipt{Amount: 500, Paid: 1000, Fee: 500, FeePayer: "payer", Number: "159178352177", Reference: "159178352177", Card: "603799******7999", PaidAt: paid}},
	} {
		a := c.p.verifyAnswer(respond(200, fixture(t, "verify_answer.json")))
		if a.Outcome != payment.OutcomePaid || a.Code != "status/1" || a.Err != nil || !reflect.DeepEqual(*a.Receipt, c.want) {
			t.Errorf("%+v, receipt %+v", a, a.Receipt)
		}
	}
}

// Amounts come as decimal texts and as numbers, and nothing else is one.
func TestAmountsAreDecimalTexts(t *testing.T) {
	for form, want := range map[string]payment.Rials{
		`"1000.00"`: 1000, `"1000"`: 1000, `1000`: 1000, `1000.0`: 1000, `1000.00`: 1000, `"۱۰۰۰.00"`: 1000,
		`"1000.50"`: 0, `"1000.5"`: 0, `"1,000.00"`: 0, `"1e3"`: 0, `"-1000.00"`: 0, `"0.00"`: 0, `0`: 0, `""`: 0, `null`: 0, `"1000.000"`: 0, `true`: 0,
	} {
		a := new(Provider).verifyAnswer(respond(200, `{"status":1,"transId":7,"amount":`+form+`}`))
		if (a.Outcome == payment.OutcomePaid) != (want != 0) || want != 0 && a.Receipt.Amount != want {
			t.Errorf("%s: %+v, %+v", form, a, a.Receipt)
		}
	}
}

// The wage is a text, a number or null; where the payer bears it, it and the price
// must make up what was paid. What the merchant bears changes no price.
func TestWhoBearsTheFee(t *testing.T) {
	for _, c := range []struct {
		body        string
		price, paid payment.Rials
		want        payment.Outcome
	}{
		{`"amount":"1100.00","realAmount":1000,"wage":"100"`, 1000, 1100, payment.OutcomePaid},
		{`"amount":"1100.00","realAmount":"1000","wage":100`, 1000, 1100, payment.OutcomePaid},
		{`"amount":"1100.00","realAmount":1000,"wage":null`, 1000, 1100, payment.OutcomePaid},
		{`"amount":"1100.00","realAmount":1000`, 1000, 1100, payment.OutcomePaid},
		{`"amount":"1100.00","wage":"100.00"`, 1000, 1100, payment.OutcomePaid},
		{`"amount":"1000.00","realAmount":1000,"wage":0`, 1000, 1000, payment.OutcomePaid},
		{`"amount":"1000.00"`, 1000, 1000, payment.OutcomePaid},
		// They contradict each other: paid all the same, so a person looks.
		{`"amount":"1100.00","realAmount":1000,"wage":"50"`, 0, 0, payment.OutcomeDoubt},
		{`"amount":"900.00","realAmount":1000`, 0, 0, payment.OutcomeDoubt},
		{`"amount":"100.00","wage":"100"`, 0, 0, payment.OutcomeDoubt},
		{`"amount":"1100.00","realAmount":1000,"wage":"x"`, 0, 0, payment.OutcomeUnknown},
		{`"amount":"1100.00","realAmount":1000,"wage":-100`, 0, 0, payment.OutcomeUnknown},
	} {
		a := (&Provider{Fee: feePayer}).verifyAnswer(respond(200, `{"status":1,`+c.body+`}`))
		if a.Outcome != c.want || (a.Receipt != nil) != (c.want == payment.OutcomePaid) || a.Receipt != nil && (a.Receipt.Amount != c.price || a.Receipt.Paid != c.paid) {
			t.Errorf("%s: %+v, %+v", c.body, a, a.Receipt)
		}
		if b := new(Provider).verifyAnswer(respond(200, `{"status":1,`+c.body+`}`)); b.Outcome != payment.OutcomePaid || b.Receipt.Paid != 0 {
			t.Errorf("borne by the merchant: %s: %+v", c.body, b)
		}
	}
}

func TestVerifyStates(t *testing.T) {
	const member = `,"amount":"1000.00","transId":7`
	for _, c := range []struct {
		status int
		body   string
		want   payment.Outcome
		reason payment.Reason
	}{
		{200, `{"status":1` + member + `}`, payment.OutcomePaid, ""},
		{200, `{"status":"1"` + member + `}`, payment.OutcomePaid, ""},
		{200, `{"status":2` + member + `}`, payment.OutcomeAgain, ""},
		{200, `{"status":2}`, payment.OutcomeAgain, ""}, // transaction is asked for the rest
		{200, `{"status":3}`, payment.OutcomeClosed, payment.ReasonWindowClosed},
		{410, `{"status":3,"errors":["late"]}`, payment.OutcomeClosed, payment.ReasonWindowClosed},
		{200, `{"status":0,"errors":["not paid"]}`, payment.OutcomeRefused, payment.ReasonNotPaid},
		{422, `{"status":0,"errors":["not paid"]}`, payment.OutcomeRefused, payment.ReasonNotPaid},
		{404, `{"error":"not found"}`, payment.OutcomeRefused, payment.ReasonNotPaid},
		{400, `{"errors":{"token":["invalid"]}}`, payment.OutcomeRefused, payment.ReasonNotPaid},
		// A wrong key must never be told as "not paid": the text names the field.
		{422, `{"status":0,"errors":["api_key معتبر نیست"]}`, payment.OutcomeOperator, payment.ReasonOperator},
		{422, `{"status":0,"error":"the api_key is wrong"}`, payment.OutcomeOperator, payment.ReasonOperator},
		{422, `{"status":0,"errors":{"api_key":["invalid"]}}`, payment.OutcomeOperator, payment.ReasonOperator},
		{401, `{"message":"Unauthenticated"}`, payment.OutcomeOperator, payment.ReasonOperator},
		{403, `{"status":0}`, payment.OutcomeOperator, payment.ReasonOperator},
		// A "no" that carries what only a payment has.
		{200, `{"status":0,"errors":["x"]` + member + `}`, payment.OutcomeUnknown, payment.ReasonBadAnswer},
		{201, `{"status":1` + member + `}`, payment.OutcomeUnknown, payment.ReasonUnrecognised},
		{400, `{"status":2` + member + `}`, payment.OutcomeUnknown, payment.ReasonUnrecognised},
		{200, `{"status":4` + member + `}`, payment.OutcomeUnknown, payment.ReasonUnrecognised},
		{200, `{"status":-1}`, payment.OutcomeUnknown, payment.ReasonUnrecognised},
		{200, `{"errors":["x"]}`, payment.OutcomeUnknown, payment.ReasonBadAnswer},
		{400, `{"status":"x","errors":["x"]}`, payment.OutcomeUnknown, payment.ReasonBadAnswer},
		{400, `{"message":"x"}`, payment.OutcomeUnknown, payment.ReasonBadAnswer},
		{429, `{"status":0,"errors":["too many"]}`, payment.OutcomeBusy, payment.ReasonBusy},
		{500, `{"status":0,"errors":["x"]}`, payment.OutcomeUnknown, payment.ReasonBadAnswer},
		{503, `{"status":3}`, payment.OutcomeUnknown, payment.ReasonBadAnswer},
	} {
		a := new(Provider).verifyAnswer(respond(c.status, c.body))
		if a.Outcome != c.want || a.Reason != c.reason || (a.Receipt != nil) != (c.want == payment.OutcomePaid || c.want == payment.OutcomeAgain) {
			t.Errorf("%d %s: %+v", c.status, c.body, a)
		}
	}
}

// One code of transaction is documented. What it says of a payment that was verified,
// or never paid, is not: nothing is decided by it, and it counts as no trouble.
func TestTransactionStates(t *testing.T) {
	sample := fixture(t, "transaction_answer.json")
	for _, c := range []struct {
		status int
		body   string
		want   payment.Outcome
	}{
		{200, sample, payment.OutcomeAwaiting},
		{200, strings.Replace(sample, `"code" : 1`, `"code" : "1"`, 1), payment.OutcomeAwaiting},
		{200, strings.Replace(sample, `"code" : 1`, `"code" : 2`, 1), payment.OutcomeBusy},
		{200, strings.Replace(sample, `"code" : 1,`, ``, 1), payment.OutcomeBusy},
		{200, strings.Replace(sample, `"code" : 1`, `"code" : "x"`, 1), payment.OutcomeUnknown},
		{200, strings.Replace(sample, `"amount": "10000",`, ``, 1), payment.OutcomeUnknown},
		{422, `{"status":0,"errors":["not paid"]}`, payment.OutcomeBusy},
		{404, `{"error":"not found"}`, payment.OutcomeBusy},
		{422, `{"status":0,"errors":["api_key"]}`, payment.OutcomeOperator},
		{401, `{}`, payment.OutcomeOperator},
		{200, `{"status":2}`, payment.OutcomeUnknown},
		{500, sample, payment.OutcomeUnknown},
	} {
		a := new(Provider).transactionAnswer(respond(c.status, c.body))
		if a.Outcome != c.want || (a.Receipt != nil) != (c.want == payment.OutcomeAwaiting) {
			t.Errorf("%d %s: %+v", c.status, c.body, a)
		}
	}
	a := new(Provider).transactionAnswer(respond(200, sample))
	want := &payment.Receipt{Amount: 10000, Number: "155058785697", Card: "603799******6299", PaidAt: time.Date(2019, 2, 19, 14, 51, 50, 0, time.UTC), Reference: a.Receipt.Reference}
	if !reflect.DeepEqual(a.Receipt, want) || a.Receipt.Reference == "" {
		t.Errorf("%+v", a.Receipt)
	}
}

// gateway answers by path, and keeps what was sent.
type gateway struct {
	answers map[string]string
	status  map[string]int
	paths   []string
	sent    map[string]any
}

func (g *gateway) start(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(s.Close)
	return s.URL
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.paths, g.sent = append(g.paths, r.URL.Path), nil
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &g.sent)
	if status := g.status[r.URL.Path]; status != 0 {
		w.WriteHeader(status)
	}
	_, _ = io.WriteString(w, g.answers[r.URL.Path])
}

// "Verified before" may come without an amount: transaction has it.
func TestVerifiedBeforeLeadsToTheTransaction(t *testing.T) {
	sample := fixture(t, "transaction_answer.json")
	after := strings.Replace(sample, `"code" : 1`, `"code" : 2`, 1)
	both := []string{"/api/v4/verify", "/api/v4/transaction"}
	for _, c := range []struct {
		name, verify, transaction string
		status                    int
		asked                     []string
		want                      payment.Outcome
		amount                    payment.Rials
	}{
		{"whole", `{"status":2,"amount":"10000.00"}`, "", 0, both[:1], payment.OutcomeAgain, 10000},
		{"thin", `{"status":2}`, after, 200, both, payment.OutcomeAgain, 10000},
		{"thin, transaction without a code", `{"status":2}`, strings.Replace(sample, `"code" : 1,`, ``, 1), 200, both, payment.OutcomeAgain, 10000},
		{"contradicted: it waits to be verified", `{"status":2}`, sample, 200, both, payment.OutcomeUnknown, 0},
		{"contradicted: not found", `{"status":2}`, `{"status":0,"errors":["x"]}`, 422, both, payment.OutcomeUnknown, 0},
		{"transaction fails", `{"status":2}`, "<html>", 502, both, payment.OutcomeUnknown, 0},
		{"transaction without an amount", `{"status":2}`, `{"status":1,"code":2}`, 200, both, payment.OutcomeUnknown, 0},
	} {
		g := &gateway{answers: map[string]string{both[0]: c.verify, both[1]: c.transaction}, status: map[string]int{both[1]: c.status}}
		a := provider(t, g.start(t), 0).Verify(t.Context(), query)
		if a.Outcome != c.want || !reflect.DeepEqual(g.paths, c.asked) || a.Unsent || (a.Err == nil) != (a.Receipt != nil) {
			t.Errorf("%s: %+v, asked %v", c.name, a, g.paths)
		}
		if a.Receipt != nil && (a.Receipt.Amount != c.amount || !a.Receipt.Again || a.Code != "status/2") {
			t.Errorf("%s: %+v", c.name, a.Receipt)
		}
	}
}

func TestCreate(t *testing.T) {
	g := &gateway{answers: map[string]string{"/api/v4/send": `{"status":1,"token":"` + sampleToken + `"}`}, status: map[string]int{}}
	base := g.start(t)
	p := provider(t, base, 0)
	o := payment.Order{Number: "12345", Amount: 1000, Return: "https://shop.example/r?a=1&b=2", Title: strings.Repeat("ک", 300)}
	st, err := p.Create(t.Context(), o)
	if err != nil || !reflect.DeepEqual(st, payment.Started{ID: sampleToken, PayURL: base + "/v4/" + sampleToken}) {
		t.Fatalf("%+v, %v", st, err)
	}
	if want := map[string]any{"api_key": sampleKey, "amount": 1000.0, "callback_url": o.Return, "factorNumber": "12345", "description": strings.Repeat("ک", 255)}; !reflect.DeepEqual(g.sent, want) {
		t.Errorf("sent %v", g.sent)
	}
	for _, c := range []struct {
		status            int
		body              string
		refused, operator bool
	}{
		{422, `{"status":0,"errors":["amount"]}`, true, false}, {200, `{"status":0,"errors":["amount"]}`, true, false},
		{422, `{"status":0,"errors":["callback_url"]}`, true, true}, {422, `{"status":0,"error":"api_key"}`, true, true}, {401, `{}`, true, true}, {403, `{"status":0}`, true, true},
		{200, `{"status":0,"errors":["x"],"token":"` + sampleToken + `"}`, false, false}, {200, `{"status":1}`, false, false}, {200, `{"status":1,"token":"../x"}`, false, false},
		{200, `{"token":"` + sampleToken + `"}`, false, false}, {200, `{"status":2,"token":"` + sampleToken + `"}`, false, false},
		{429, `{"status":0,"errors":["x"]}`, false, false}, {500, `{"status":0,"errors":["x"]}`, false, false}, {502, "<html>", false, false},
	} {
		g.status["/api/v4/send"], g.answers["/api/v4/send"] = c.status, c.body
		if _, err = p.Create(t.Context(), o); err == nil || errors.Is(err, payment.ErrRefused) != c.refused || errors.Is(err, payment.ErrOperator) != c.operator {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}
