package nextpay

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
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
	sampleID  = "f7c07568-c6d1-4bee-87b1-4a9e5ed2e4c1"
	sampleKey = "b11ee9c3-d23d-414e-8b6e-f2370baac97b"
	// without is a success as the oldest clients know it; the order is in named.
	without = `{"code":0,"amount":74250,"card_holder":"5022-29**-****-5020","customer_phone":"09121234567","Shaparak_Ref_Id":"141064894584","custom_json_fields":{"productName":"x"}}`
	named   = `{"code":"0","amount":"74250","order_id":"85NX85s427","card_holder":"5022-29**-****-5020","Shaparak_Ref_Id":141064894584,"custom":null}`
)

var (
	query = payment.Query{ID: sampleID, Order: "85NX85s427", Amount: 742_500}
	order = payment.Order{Number: "85NX85s427", Amount: 742_500, Return: "https://shop.example/return?x=1&y=2", Title: "کتاب"}
)

func provider(t testing.TB, base string, timeout time.Duration, change ...func(*Provider)) *Provider {
	t.Helper()
	t.Setenv("TEST_NEXTPAY_KEY", sampleKey)
	p := &Provider{APIKey: "{env.TEST_NEXTPAY_KEY}"}
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
	for _, unit := range []string{unitToman, unitRial} {
		t.Run(unit, func(t *testing.T) {
			s := providertest.Suite{
				New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
					return provider(t, base, timeout, func(p *Provider) { p.Unit = unit })
				},
				Query: query, Order: order,
				Verified: without, Numbers: []string{"code", "amount", "Shaparak_Ref_Id"},
				Created: `{"code":-1,"trans_id":"` + sampleID + `"}`, CreatedStatus: http.StatusOK,
				GiveBack: payment.GiveBack{ID: query.ID, Amount: query.Amount, Price: query.Amount, Key: "k"},
				Refunded: `{"code":-90}`,
				Secrets:  []string{sampleKey},
				Genuine:  map[string]string{"trans_id": strings.ToUpper(sampleID), "order_id": "85NX85s427", "amount": "74250", "np_status": "OK"},
			}
			if unit == unitRial {
				s.Verified = strings.Replace(without, "74250", "742500", 1)
			}
			providertest.Run(t, s)
		})
	}
}

// gateway answers every call with what *status and *body are, and keeps the forms.
func gateway(t *testing.T, status int, body string) (base string, forms *[]string) {
	t.Helper()
	forms = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*forms = append(*forms, r.Method+" "+r.URL.Path+" "+string(b))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, forms
}

// −1 is create's success and 0 is verify's; each is no success of the other.
func TestCreateSucceedsWithMinusOneAndVerifyWithZero(t *testing.T) {
	base, forms := gateway(t, 200, `{"code":-1,"trans_id":"`+strings.ToUpper(sampleID)+`"}`)
	p := provider(t, base, 0)
	st, err := p.Create(t.Context(), order)
	if err != nil || !reflect.DeepEqual(st, payment.Started{ID: sampleID, PayURL: base + "/nx/gateway/payment/" + sampleID}) {
		t.Errorf("%+v, %v", st, err)
	}
	if a := p.Verify(t.Context(), query); a.Outcome != payment.OutcomeRefused || a.Reason != payment.ReasonNotPaid {
		t.Errorf("−1 as an answer to verify: %+v", a)
	}
	want := []string{
		"POST /nx/gateway/token api_key=" + sampleKey + "&order_id=85NX85s427&amount=74250&callback_uri=" + url.QueryEscape(order.Return) + "&currency=IRT&payer_desc=" + url.QueryEscape(order.Title),
		"POST /nx/gateway/verify api_key=" + sampleKey + "&trans_id=" + sampleID + "&amount=74250&currency=IRT",
	}
	if !reflect.DeepEqual(*forms, want) {
		t.Errorf("sent %q", *forms)
	}
	base, _ = gateway(t, 200, `{"code":0,"trans_id":"`+sampleID+`"}`)
	if st, err := provider(t, base, 0).Create(t.Context(), order); err == nil || errors.Is(err, payment.ErrRefused) {
		t.Errorf("0 as an answer to create: %+v, %v", st, err)
	}
}

func read(t testing.TB, status int, body string, change ...func(*Provider)) payment.Answer {
	t.Helper()
	now := time.Now()
	return provider(t, "", 0, change...).verifyAnswer(wire.ReadReply(status, http.Header{}, []byte(body), now, now))
}

// A PHP client took the text "0" for an empty code, and a success for none.
func TestZeroMayBeAText(t *testing.T) {
	want := &payment.Receipt{Order: "85NX85s427", Amount: 742_500, Reference: "141064894584", Card: "502229******5020"}
	if a := read(t, 200, named); a.Outcome != payment.OutcomePaid || a.Code != "0" || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("%+v, %+v", a, a.Receipt)
	}
	for _, body := range []string{`{"amount":74250}`, `{"code":"","amount":74250}`, `{"code":null,"amount":74250}`, `{"code":false,"amount":74250}`} {
		if a := read(t, 200, body); a.Outcome != payment.OutcomeUnknown {
			t.Errorf("%s: %+v", body, a)
		}
	}
}

func TestUnits(t *testing.T) {
	inRials := func(p *Provider) { p.Unit = unitRial }
	if a := read(t, 200, named, inRials); a.Receipt == nil || a.Receipt.Amount != 74_250 {
		t.Errorf("%+v", a.Receipt)
	}
	base, forms := gateway(t, 200, named)
	odd := query
	odd.Amount = 742_501
	if a := provider(t, base, 0).Verify(t.Context(), odd); a.Outcome != payment.OutcomeDoubt || a.Reason != payment.ReasonAmount || !a.Unsent || len(*forms) != 0 {
		t.Errorf("a price that is no whole toman: %+v, sent %q", a, *forms)
	}
	_ = provider(t, base, 0, inRials).Verify(t.Context(), odd)
	if len(*forms) != 1 || !strings.HasSuffix((*forms)[0], "&amount=742501&currency=IRR") {
		t.Errorf("sent %q", *forms)
	}
	if step := provider(t, "", 0).Protocol().Step; step != 10 {
		t.Errorf("step %d", step)
	}
	if step := provider(t, "", 0, inRials).Protocol().Step; step > 1 {
		t.Errorf("step in rials %d", step)
	}
	for _, amount := range []string{"74250.5", "1e5", "-74250", "0x10", "74,250", "999999999999999999"} {
		if a := read(t, 200, `{"code":0,"amount":"`+amount+`"}`); a.Outcome != payment.OutcomeUnknown || a.Receipt != nil {
			t.Errorf("%s: %+v", amount, a)
		}
	}
}

func TestEveryDocumentedCode(t *testing.T) {
	want := map[payment.Outcome][]int64{
		payment.OutcomeRefused:  {-1, -2, -4, -34, -37, -38},
		payment.OutcomeBusy:     {-3},
		payment.OutcomeOperator: {-20, -33, -35, -39, -40, -47, -48, -50, -51, -52},
		payment.OutcomeDoubt:    {-24, -25},
		payment.OutcomeAgain:    {-49},
		payment.OutcomeClosed:   {-90},
	}
	outcome := map[int64]payment.Outcome{}
	for o, list := range want {
		for _, code := range list {
			outcome[code] = o
		}
	}
	for code := int64(-99); code < 5; code++ {
		if code == 0 {
			continue
		}
		for _, status := range []int{200, 400, 422} {
			a := read(t, status, `{"code":`+strconv.FormatInt(code, 10)+`}`)
			if a.Outcome != outcome[code] || a.Code != strconv.FormatInt(code, 10) {
				t.Errorf("%d under %d: %+v", code, status, a)
			}
		}
		if a := read(t, 500, `{"code":`+strconv.FormatInt(code, 10)+`}`); a.Outcome != payment.OutcomeUnknown {
			t.Errorf("%d under 500: %+v", code, a)
		}
	}
	// The documented codes are −1 to −4, −20 to −52, −60 to −73 and −90 to −94.
	if n := 4 + 33 + 14 + 5; len(codes) != n {
		t.Errorf("%d codes, want %d", len(codes), n)
	}
	for _, c := range []struct {
		code              int
		refused, operator bool
	}{{-20, true, true}, {-22, true, false}, {-30, true, false}, {-32, true, true}, {-73, true, true}, {-42, false, false}, {-72, false, false}, {-99, false, false}, {-3, false, false}} {
		base, _ := gateway(t, 200, `{"code":`+strconv.Itoa(c.code)+`}`)
		_, err := provider(t, base, 0).Create(t.Context(), order)
		if err == nil || errors.Is(err, payment.ErrRefused) != c.refused || errors.Is(err, payment.ErrOperator) != c.operator {
			t.Errorf("create %d: %v", c.code, err)
		}
	}
}

// Whether −49 and −25 mean "verified before" is not confirmed.
func TestAlreadyIsTheOwnersWord(t *testing.T) {
	for word, again := range map[string][2]bool{"": {true, false}, "49": {true, false}, "both": {true, true}, "none": {false, false}} {
		for i, code := range []string{"-49", "-25"} {
			a := read(t, 200, `{"code":`+code+`}`, func(p *Provider) { p.Already = word })
			want := payment.OutcomeDoubt
			if again[i] {
				want = payment.OutcomeAgain
			}
			if a.Outcome != want || (a.Receipt != nil && a.Receipt.Again) != again[i] {
				t.Errorf("already %q, %s: %+v", word, code, a)
			}
		}
	}
	if a := read(t, 200, `{"code":-49,"amount":74250,"order_id":"other"}`); a.Receipt == nil || a.Receipt.Amount != 742_500 || a.Receipt.Order != "other" {
		t.Errorf("what comes with it is compared: %+v", a.Receipt)
	}
	if a := read(t, 200, `{"code":-49,"amount":"x"}`); a.Outcome != payment.OutcomeUnknown {
		t.Errorf("%+v", a)
	}
}

// A bank's reference beside a refusal is a contradiction, and decides nothing.
func TestARefusalWithABankReferenceIsUnread(t *testing.T) {
	if a := read(t, 200, `{"code":-4,"Shaparak_Ref_Id":"141064894584"}`); a.Outcome != payment.OutcomeUnknown {
		t.Errorf("%+v", a)
	}
	if a := read(t, 200, `{"code":-4,"amount":74250,"order_id":"7","Shaparak_Ref_Id":null}`); a.Outcome != payment.OutcomeRefused {
		t.Errorf("%+v", a)
	}
}

func TestTheAnsweredOrderIsComparedUnlessTold(t *testing.T) {
	p := provider(t, "", 0, func(p *Provider) { p.CompareOrder = wire.Off })
	if a := read(t, 200, named, func(p *Provider) { p.CompareOrder = wire.Off }); a.Receipt == nil || a.Receipt.Order != "" || p.Protocol().ReturnsOrder {
		t.Errorf("%+v", a.Receipt)
	}
	c, err := p.ReadReturn(func(n string) string { return map[string]string{paramID: sampleID, paramOrder: "wc-1"}[n] })
	if err != nil || c != (payment.Claimed{ID: sampleID}) {
		t.Errorf("%+v, %v", c, err)
	}
	rec := &payment.Record{ID: sampleID, Order: "7", Receipt: &payment.Receipt{Amount: 742_500}}
	if params := p.ReturnParams(rec); params[paramOrder] != "" || params[paramAmount] != "74250" || params[paramID] != sampleID {
		t.Errorf("%v", params)
	}
}

func TestReturn(t *testing.T) {
	p := provider(t, "", 0)
	get := func(m map[string]string) func(string) string { return func(n string) string { return m[n] } }
	for _, status := range []string{"", "OK", "Unsuccessful"} {
		c, err := p.ReadReturn(get(map[string]string{paramID: strings.ToUpper(sampleID), paramOrder: "7", paramStatus: status}))
		if err != nil || c != (payment.Claimed{ID: sampleID, Order: "7"}) {
			t.Errorf("np_status %q is not confirmed, and decides nothing: %+v, %v", status, c, err)
		}
	}
	for _, m := range []map[string]string{
		{}, {paramID: "1"}, {paramID: "00000000-0000-0000-0000-000000000000"}, {paramID: strings.ReplaceAll(sampleID, "-", "")},
		{paramID: sampleID + "0"}, {paramID: sampleID, paramOrder: "a\x00b"},
	} {
		if _, err := p.ReadReturn(get(m)); !errors.Is(err, payment.ErrMalformed) {
			t.Errorf("%q: %v", m, err)
		}
	}
	params := p.ReturnParams(&payment.Record{ID: sampleID, Order: "7", Receipt: &payment.Receipt{Amount: 742_500, Card: "502229******5020"}})
	want := map[string]string{paramID: sampleID, paramOrder: "7", paramAmount: "74250", paramCard: "502229******5020", paramStatus: ""}
	if !reflect.DeepEqual(params, want) {
		t.Errorf("%v", params)
	}
}

func TestPayPage(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://nextpay.org/nx/gateway/payment/" + sampleID:                         true,
		"https://www.nextpay.org/nx/gateway/payment/" + strings.ToUpper(sampleID):    true,
		"http://nextpay.org/nx/gateway/payment/" + sampleID + "/":                    true,
		"https://nextpay.org/nx/gateway/payment/1":                                   false,
		"https://nextpay.org/nx/gateway/verify/" + sampleID:                          false,
		"https://nextpay.org.evil.example/nx/gateway/payment/" + sampleID:            false,
		"https://evil.example/?u=https://nextpay.org/nx/gateway/payment/" + sampleID: false,
	} {
		u, _ := url.Parse(address)
		if id, got := provider(t, "", 0).PayPage(u); got != ok || ok && id != sampleID {
			t.Errorf("%s: %q, %v", address, id, got)
		}
		if _, got := provider(t, "http://localhost:9101/nextpay", 0).PayPage(u); got {
			t.Errorf("%s is a live page, and the sandbox is configured", address)
		}
	}
}

func TestConfig(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), `nextpay shop {
		api_key {env.K}
		unit rial
		compare_order off
		already both
		used_ids imported
	}`)
	if want := `{"api_key":"{env.K}","unit":"rial","compare_order":"off","already":"both","used_ids":"imported"}`; got != want {
		t.Errorf("%s", got)
	}
	for block, want := range map[string]string{
		"nextpay {\nunit tomans\napi_key x\n}": "toman", "nextpay {\nalready -49\napi_key x\n}": "already", "nextpay {\n}": "api_key",
		"nextpay {\napi_keys x\n}": "'api_key'", "nextpay {\napi_key x\nused_ids all\n}": "used_ids",
	} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser(block)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", block, err)
		}
	}
	for _, bad := range []*Provider{{APIKey: "x", Unit: "x"}, {APIKey: "x", CompareOrder: "x"}, {APIKey: "x", Already: "x"}, {APIKey: "x", Used: "x"}, {}} {
		if err := providertest.Provision(t, bad); err == nil {
			t.Errorf("%+v", bad)
		}
	}
	// Nothing is the default that nobody confirms.
	says := new(Provider).Protocol()
	if says.AnswersOrder || says.TellsFirst || says.GivesBack || !says.AnswersAmount || !says.SendsAmount {
		t.Errorf("%+v", says)
	}
}
