package payping

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const (
	sampleID    = "aB3kQ9"
	sampleRef   = 123456789012
	sampleToken = "payping-token-canary"
	bare        = `{"amount":5000,"cardNumber":"603799******1234","cardHashPan":"AB","paymentRefId":123456789012,"code":"aB3kQ9","payedDate":"2024-08-03 10:30:00Z","payerWage":50,"businessWage":0,"gatewayAmount":5050,"paypingVat":0}`
	returned    = `{"clientRefId":"7","paymentCode":"aB3kQ9","paymentRefId":123456789012,"amount":5000,"gatewayAmount":5000,"cardNumber":"603799******1234","cardHashPan":"AB"}`
)

var (
	query = payment.Query{ID: sampleID, Order: "7", Amount: 50_000, Proof: "123456789012"}
	order = payment.Order{Number: "7", Amount: 50_000, Return: "https://shop.example/return?x=1", Title: "کتاب"}
	named = strings.Replace(bare, `"code"`, `"clientRefId":"7","code"`, 1)
)

func provider(t testing.TB, base string, timeout time.Duration, change ...func(*Provider)) *Provider {
	t.Helper()
	t.Setenv("TEST_PAYPING_TOKEN", sampleToken)
	p := &Provider{Token: "{env.TEST_PAYPING_TOKEN}"}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	for _, f := range change {
		f(p)
	}
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
			return provider(t, base, timeout)
		},
		Query: query, Order: order,
		Verified: bare, Numbers: []string{"amount", "paymentRefId", "payerWage"},
		Inquired: `{"isPaid":true,"paymentStatus":5,"code":"aB3kQ9","amount":5000}`,
		Created:  `{"paymentCode":"aB3kQ9","url":"https://api.payping.ir/v3/pay/start/aB3kQ9"}`, CreatedStatus: http.StatusOK,
		GiveBack: payment.GiveBack{ID: query.ID, Number: query.Proof, Amount: query.Amount, Price: query.Amount, Key: "k"},
		Reversed: `{}`,
		Secrets:  []string{sampleToken},
		Genuine:  map[string]string{"status": "1", "errorCode": "", "data": returned},
	})
}

func gateway(t *testing.T, status int, body string) (base string, calls *[]string) {
	t.Helper()
	calls = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*calls = append(*calls, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(b))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

// Verify is told all three that the document requires, in toman.
func TestCallsAsDocumented(t *testing.T) {
	base, calls := gateway(t, 200, named)
	p := provider(t, base, 0)
	a := p.Verify(t.Context(), query)
	want := &payment.Receipt{ID: sampleID, Order: "7", Amount: 50_000, Number: "123456789012", Reference: "123456789012", Card: "603799******1234", Fee: 500, FeePayer: "payer", PaidAt: time.Date(2024, 8, 3, 10, 30, 0, 0, time.UTC)}
	if a.Outcome != payment.OutcomePaid || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("%+v, %+v", a, a.Receipt)
	}
	_ = p.Inquire(t.Context(), query)
	_, _ = p.Create(t.Context(), order)
	bearer := " Bearer " + sampleToken + " "
	sent := []string{
		"POST /v3/pay/verify" + bearer + `{"paymentRefId":123456789012,"paymentCode":"aB3kQ9","amount":5000}`,
		"GET /v1/report/aB3kQ9" + bearer,
		"POST /v3/pay" + bearer + `{"amount":5000,"returnUrl":"https://shop.example/return?x=1","description":"کتاب","clientRefId":"7"}`,
	}
	if !reflect.DeepEqual(*calls, sent) {
		t.Errorf("sent %q", *calls)
	}
	for _, q := range []payment.Query{{ID: sampleID, Amount: 50_000}, {ID: sampleID, Amount: 50_000, Proof: "x"}, {ID: "..", Amount: 50_000, Proof: "1"}, {ID: sampleID, Amount: 50_001, Proof: "1"}} {
		if a := p.Verify(t.Context(), q); !a.Unsent || a.Receipt != nil {
			t.Errorf("%+v: %+v", q, a)
		}
	}
	if len(*calls) != 3 {
		t.Errorf("sent %q", *calls)
	}
}

func reply(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

func read(t testing.TB, status int, body string) payment.Answer {
	t.Helper()
	return provider(t, "", 0).verifyAnswer(reply(status, body), sampleRef)
}

func failure(code string) string {
	return `{"title":"x","status":400,"detail":"x","metaData":{"code":` + code + `,"errors":[{"message":"x"}]}}`
}

// A repeated verify is a 409 with the payment inside, in PascalCase.
func TestConflictCarriesThePayment(t *testing.T) {
	const settled = `{"Amount":5000,"GatewayAmount":5000,"ClientRefId":"7","PaymentRefId":123456789012,"Code":"aB3kQ9","PayedDate":"2024-08-03 10:30:00Z","CardNumber":"603799******1234"}`
	want := &payment.Receipt{ID: sampleID, Order: "7", Amount: 50_000, Number: "123456789012", Reference: "123456789012", Card: "603799******1234", PaidAt: time.Date(2024, 8, 3, 10, 30, 0, 0, time.UTC), Again: true}
	for _, body := range []string{
		`{"title":"Conflict","metaData":{"code":110,"message":` + settled + `}}`,
		`{"MetaData":{"Code":"110","Message":` + settled + `}}`,
		`{"metaData":{"code":123,"message":"` + strings.ReplaceAll(settled, `"`, `\"`) + `"}}`,
	} {
		if a := read(t, 409, body); a.Outcome != payment.OutcomeAgain || !reflect.DeepEqual(a.Receipt, want) {
			t.Errorf("%s: %+v, %+v", body, a, a.Receipt)
		}
	}
	for body, outcome := range map[string]payment.Outcome{
		failure("110"): payment.OutcomeDoubt, failure("123"): payment.OutcomeDoubt,
		`{"metaData":{"code":110,"message":"پیش از این تایید شده"}}`:                     payment.OutcomeDoubt,
		`{"metaData":{"code":110,"message":{"Amount":5000}}}`:                            payment.OutcomeUnknown,
		`{"metaData":{"code":110,"message":{"Amount":"x","PaymentRefId":123456789012}}}`: payment.OutcomeUnknown,
		`{"metaData":{"code":110,"message":{"Amount":5000,"PaymentRefId":1}}}`:           payment.OutcomeDoubt,
	} {
		if a := read(t, 409, body); a.Outcome != outcome || a.Receipt != nil {
			t.Errorf("%s: %+v", body, a)
		}
	}
}

// 202 and 502 mean "still being settled": ask again, whatever the body is.
func TestStillSettlingIsAskedAgain(t *testing.T) {
	for _, status := range []int{202, 502} {
		for _, body := range []string{"", "<html>", "{}", named, failure("121")} {
			if a := read(t, status, body); a.Outcome != payment.OutcomeBusy || a.Reason != payment.ReasonProcessing || a.Receipt != nil {
				t.Errorf("%d %s: %+v", status, body, a)
			}
		}
	}
}

func TestEveryDocumentedCode(t *testing.T) {
	for code, want := range map[string]payment.Outcome{
		"104": payment.OutcomeOperator, "112": payment.OutcomeOperator, "109": payment.OutcomeBusy, "155": payment.OutcomeBusy,
		"121": payment.OutcomeRefused, "122": payment.OutcomeRefused, "127": payment.OutcomeRefused, "137": payment.OutcomeDoubt,
		"134": payment.OutcomeUnknown, "135": payment.OutcomeUnknown, "999": payment.OutcomeUnknown, `"121"`: payment.OutcomeRefused,
	} {
		for _, status := range []int{400, 404, 409, 422} {
			if a := read(t, status, failure(code)); a.Outcome != want {
				t.Errorf("%s under %d: %+v", code, status, a)
			}
		}
		if a := read(t, 500, failure(code)); a.Outcome != payment.OutcomeUnknown {
			t.Errorf("%s under 500: %+v", code, a)
		}
	}
	for _, status := range []int{401, 403} {
		if a := read(t, status, `{"title":"x"}`); a.Outcome != payment.OutcomeOperator {
			t.Errorf("%d: %+v", status, a)
		}
	}
	if a := read(t, 200, `{"metaData":{"code":121},"amount":5000,"paymentRefId":123456789012}`); a.Outcome != payment.OutcomeUnknown {
		t.Errorf("a success beside an error: %+v", a)
	}
}

// The browser brings the bank's number; another payment's must pay for nothing.
func TestTheAnsweredNumberMustBeTheOneAskedAbout(t *testing.T) {
	if a := read(t, 200, strings.Replace(named, "123456789012", "5", 1)); a.Outcome != payment.OutcomeDoubt || a.Reason != payment.ReasonIDDiffers {
		t.Errorf("%+v", a)
	}
	a := read(t, 200, `{"amount":5000,"paymentRefId":"123456789012"}`)
	if a.Outcome != payment.OutcomePaid || a.Receipt.Number != "123456789012" || a.Receipt.ID != "" {
		t.Errorf("the least answer: %+v", a)
	}
	for _, body := range []string{`{"amount":5000}`, `{"paymentRefId":123456789012}`, `{"amount":5000.5,"paymentRefId":123456789012}`, `{"amount":5000,"paymentRefId":123456789012,"code":"a/b"}`} {
		if a := read(t, 200, body); a.Outcome != payment.OutcomeUnknown {
			t.Errorf("%s: %+v", body, a)
		}
	}
}

func TestReport(t *testing.T) {
	p := provider(t, "", 0)
	for body, want := range map[string]payment.Outcome{
		`{"isPaid":false,"paymentStatus":0}`: payment.OutcomeOpen, `{"isPaid":false,"paymentStatus":2}`: payment.OutcomeOpen,
		`{"isPaid":false,"paymentStatus":3}`: payment.OutcomeRefused, `{"PaymentStatus":"4"}`: payment.OutcomeRefused,
		`{"isPaid":true,"paymentStatus":1,"amount":5000}`: payment.OutcomeAgain, `{"isPaid":true,"paymentStatus":5}`: payment.OutcomeAwaiting,
		`{"isPaid":true,"paymentStatus":3}`: payment.OutcomeUnknown, `{"isPaid":false,"paymentStatus":1}`: payment.OutcomeUnknown,
		`{"isPaid":true,"paymentStatus":6}`: payment.OutcomeUnknown, `{}`: payment.OutcomeUnknown, `{"paymentStatus":1,"amount":"x"}`: payment.OutcomeUnknown,
	} {
		if a := p.reportAnswer(reply(200, body)); a.Outcome != want {
			t.Errorf("%s: %+v", body, a)
		}
	}
	if a := p.reportAnswer(reply(404, failure("122"))); a.Outcome != payment.OutcomeRefused || a.Reason != payment.ReasonUnknownID {
		t.Errorf("%+v", a)
	}
	if a := p.reportAnswer(reply(401, "{}")); a.Outcome != payment.OutcomeOperator {
		t.Errorf("%+v", a)
	}
}

func TestCreate(t *testing.T) {
	for _, c := range []struct {
		status            int
		body, page        string
		refused, operator bool
	}{
		{200, `{"paymentCode":"aB3kQ9","url":"https://ipg.payping.ir/x?a=1"}`, "https://ipg.payping.ir/x?a=1", false, false},
		{201, `{"PaymentCode":"aB3kQ9"}`, "BASE/v3/pay/start/aB3kQ9", false, false},
		{200, `{"PAYMENTCODE":"aB3kQ9","Url":"javascript:x"}`, "BASE/v3/pay/start/aB3kQ9", false, false},
		{200, `{"paymentCode":"a/b"}`, "", false, false},
		{202, `{"paymentCode":"aB3kQ9"}`, "", false, false},
		{200, `{}`, "", false, false},
		{400, failure("104"), "", true, true},
		{400, failure("1"), "", true, false},
		{401, `{}`, "", true, true},
		{409, failure("1"), "", false, false},
		{500, failure("1"), "", false, false},
	} {
		base, _ := gateway(t, c.status, c.body)
		st, err := provider(t, base, 0).Create(t.Context(), order)
		if page := strings.Replace(c.page, "BASE", base, 1); c.page != "" && (err != nil || st.ID != sampleID || st.PayURL != page) {
			t.Errorf("%s: %+v, %v", c.body, st, err)
		}
		if c.page == "" && (err == nil || errors.Is(err, payment.ErrRefused) != c.refused || errors.Is(err, payment.ErrOperator) != c.operator) {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}

// The return is a JSON text in a field, or flat as in PayPing's own sample, or as
// version 2 had it.
func TestReturnForms(t *testing.T) {
	p := provider(t, "", 0)
	whole := payment.Claimed{ID: sampleID, Order: "7", Proof: "123456789012", Hint: payment.HintPaid}
	unpaid := payment.Claimed{ID: sampleID, Order: "7", Hint: payment.HintUnpaid, Cancelled: true}
	sample := whole
	sample.Hint = payment.HintNone
	for _, c := range []struct {
		m    map[string]string
		want payment.Claimed
	}{
		{map[string]string{"status": "1", "data": returned}, whole},
		{map[string]string{"status": "1", "data": strings.ReplaceAll(returned, ":123456789012", `:"123456789012"`)}, whole},
		{map[string]string{"Status": "1", "data": strings.ReplaceAll(returned, "payment", "Payment")}, whole},
		{map[string]string{"status": "1", "data": returned, "refid": "123456789012", "code": sampleID}, whole},
		{map[string]string{"Status": "-1", "PaymentCode": sampleID, "PaymentRefId": "123456789012", "ClientRefId": "7"}, sample},
		{map[string]string{"code": sampleID, "refid": "123456789012", "clientrefid": "7"}, sample},
		{map[string]string{"status": "0", "data": `{"clientRefId":"7","paymentCode":"aB3kQ9","paymentRefId":0}`}, unpaid},
		{map[string]string{"status": "0", "data": `{"clientRefId":"7","paymentCode":"aB3kQ9","paymentRefId":null}`}, unpaid},
		{map[string]string{"status": "0"}, payment.Claimed{Hint: payment.HintUnpaid, Cancelled: true}},
		{map[string]string{"status": "1", "data": "null"}, payment.Claimed{Hint: payment.HintPaid}},
	} {
		if got, err := p.ReadReturn(func(n string) string { return c.m[n] }); err != nil || got != c.want {
			t.Errorf("%v: %+v, %v", c.m, got, err)
		}
	}
	for _, m := range []map[string]string{
		{"data": "x"}, {"data": "[]"}, {"data": `{"paymentCode":"a","PaymentCode":"b"}`}, {"data": returned + strings.Repeat(" ", maxData)},
		{"data": returned, "refid": "5"}, {"data": returned, "code": "other"}, {"refid": "1e3"}, {"PaymentRefId": "-1"}, {"refid": "007"}, {"refid": "99999999999999999999"},
		{"status": "1", "Status": "0"}, {"data": `{"paymentCode":"../x"}`},
	} {
		if c, err := p.ReadReturn(func(n string) string { return m[n] }); !errors.Is(err, payment.ErrMalformed) {
			t.Errorf("%v: %+v, %v", m, c, err)
		}
	}
}

// The browser's data has the hashed card in it: the shop gets one that was written
// anew.
func TestDataIsWrittenAnew(t *testing.T) {
	p := provider(t, "", 0)
	rec := &payment.Record{ID: sampleID, Order: "7"}
	params := p.ReturnParams(rec)
	if params["data"] != `{"clientRefId":"7","paymentCode":"aB3kQ9"}` || params["refid"] != "" || params["cardHashPan"] != "" {
		t.Errorf("%v", params)
	}
	if _, ok := params["status"]; ok {
		t.Errorf("nothing is known of the status: %v", params)
	}
	rec.Proof = "5"
	if params = p.ReturnParams(rec); params["data"] != `{"clientRefId":"7","paymentCode":"aB3kQ9","paymentRefId":5}` || params["refid"] != "" {
		t.Errorf("%v", params)
	}
	rec.Receipt = &payment.Receipt{Amount: 50_000, Number: "123456789012", Card: "603799******1234"}
	params = p.ReturnParams(rec)
	if params["data"] != `{"clientRefId":"7","paymentCode":"aB3kQ9","paymentRefId":123456789012,"amount":5000,"cardNumber":"603799******1234"}` ||
		params["status"] != "1" || params["refid"] != "123456789012" || params["code"] != sampleID || params["cardhashpan"] != "" {
		t.Errorf("%v", params)
	}
}

func TestPayPage(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://api.payping.ir/v3/pay/start/aB3kQ9": true, "https://api.payping.ir/v2/pay/gotoipg/aB3kQ9": true, "https://ipg.payping.ir/v3/pay/start/aB3kQ9": true,
		"https://api.payping.ir/v3/pay/verify": false, "https://api.payping.ir.evil.example/v3/pay/start/aB3kQ9": false, "https://api.payping.ir/v3/pay/start/a%2Fb": false,
	} {
		u, _ := url.Parse(address)
		if id, got := provider(t, "", 0).PayPage(u); got != ok || ok && id != sampleID {
			t.Errorf("%s: %q, %v", address, id, got)
		}
		if _, got := provider(t, "http://localhost:9101/payping", 0).PayPage(u); got {
			t.Errorf("%s is a live page, and the sandbox is configured", address)
		}
	}
}

func TestConfig(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), "payping {\ntoken {env.K}\nsandbox\ncompare_order off\n}")
	if want := `{"token":"{env.K}","sandbox":true,"compare_order":"off"}`; got != want {
		t.Errorf("%s", got)
	}
	for block, want := range map[string]string{"payping {\n}": "token", "payping {\ntoken x\ncompare_order x\n}": "compare_order", "payping {\napi_key x\n}": "api_key"} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser(block)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", block, err)
		}
	}
	if err := providertest.Provision(t, &Provider{Token: "x", CompareOrder: "x"}); err == nil {
		t.Error("compare_order x")
	}
	test := provider(t, "", 0, func(p *Provider) { p.Sandbox, p.CompareOrder = true, wire.Off })
	if test.Traits().Environment != payment.Sandbox || test.Protocol().ReturnsOrder || test.Protocol().AnswersOrder {
		t.Errorf("%+v", payment.TermsOf(test))
	}
	c, err := test.ReadReturn(func(n string) string { return map[string]string{"data": returned}[n] })
	if err != nil || c.Order != "" || c.ID != sampleID {
		t.Errorf("%+v, %v", c, err)
	}
}
