package sama

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
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
	sampleID    = "94b56de0-164d-4e8d-bfe9-21ec59247bcd"
	sampleToken = "GXyXvV72.woCX6cvclOvIvFB0KkR5OUbLMadMlIqg"
)

var query = payment.Query{ID: sampleID, Order: "A7", Amount: 12_000_000}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func provider(t testing.TB, base string, timeout time.Duration) *Provider {
	t.Helper()
	t.Setenv("TEST_SAMA_TOKEN", sampleToken)
	p := &Provider{MerchantID: "{env.TEST_SAMA_TOKEN}"}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
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
		Query:         query,
		Order:         payment.Order{Number: "A7", Amount: 12_000_000, Return: "https://shop.example/return"},
		Verified:      fixture(t, "verify_answer.200.json"),
		Numbers:       []string{"data.code", "data.fee", "data.ref_id"},
		Created:       `{"data":{"code":100,"authority":"` + sampleID + `"},"errors":[]}`,
		CreatedStatus: http.StatusCreated,
		Secrets:       []string{sampleToken},
		Genuine:       map[string]string{"Authority": strings.ToUpper(sampleID), "Status": "OK"},
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
		_, _ = io.WriteString(w, fixture(t, "verify_answer.200.json"))
	}))
	defer s.Close()
	a := provider(t, s.URL+"/sama/", 0).Verify(t.Context(), query)
	var sent, documented map[string]any
	if err := errors.Join(json.Unmarshal(body, &sent), json.Unmarshal([]byte(fixture(t, "verify_request.json")), &documented)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent, documented) {
		t.Errorf("sent %s", body)
	}
	// The slash at the end is a part of the documented path.
	if got.Method != http.MethodPost || got.URL.Path != "/sama/api/pg/v2/payment/verify.json/" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %s", got.Method, got.URL, got.Header)
	}
	want := &payment.Receipt{Reference: "1361082284", Card: "502229******5995", Fee: 150000, FeePayer: "payer", Again: true}
	if a.Outcome != payment.OutcomeAgain || a.Code != "101" || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("answer %+v, receipt %+v", a, a.Receipt)
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

func TestDocumentedErrors(t *testing.T) {
	want := map[string]payment.Answer{
		"error_token.401.json":       {Outcome: payment.OutcomeOperator, Reason: payment.ReasonOperator, Code: "not_authenticated"},
		"error_not_paid.400.json":    {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid, Code: "40131"},
		"error_authority.400.json":   {Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Code: "-9/authority"},
		"error_amount_high.400.json": {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount, Code: "-9/amount"},
		"error_amount_low.400.json":  {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount, Code: "-9/amount"},
	}
	files, _ := filepath.Glob("testdata/error_*.json")
	if len(files) != len(want) {
		t.Errorf("fixtures: %v", files)
	}
	for name, w := range want {
		status, _ := strconv.Atoi(strings.Split(name, ".")[1])
		if a := verifyAnswer(respond(status, fixture(t, name))); !reflect.DeepEqual(a, w) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestVerifyForms(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   payment.Outcome
	}{
		{200, `{"data":{"code":100},"errors":[]}`, payment.OutcomePaid},
		{201, `{"data":{"code":"100"},"errors":{}}`, payment.OutcomePaid},
		{200, `{"data":{"code":101}}`, payment.OutcomeAgain},
		{200, `{"data":{"code":102},"errors":[]}`, payment.OutcomeUnknown},
		{202, `{"data":{"code":100},"errors":[]}`, payment.OutcomeUnknown},
		{400, `{"data":{"code":100},"errors":[]}`, payment.OutcomeUnknown},
		{200, `{"data":{"code":100},"errors":{"code":"40131"}}`, payment.OutcomeUnknown},
		{200, `{"data":{"code":100},"errors":["x"]}`, payment.OutcomeUnknown},
		{200, `{"data":[{"code":100}],"errors":[]}`, payment.OutcomeUnknown},
		{200, `{"data":[],"errors":{"code":"40131"}}`, payment.OutcomeUnknown},
		{400, `{"data":[],"errors":{"code":40131}}`, payment.OutcomeRefused},
		{400, `{"data":[],"errors":{"code":"-50"}}`, payment.OutcomeUnknown},
		{400, `{"data":[],"errors":{"code":"-9","validations":[]}}`, payment.OutcomeUnknown},
		{400, `{"data":[],"errors":{"code":"-9","validations":[{"merchant_id":"x"}]}}`, payment.OutcomeOperator},
		{500, `{"data":[],"errors":{"code":"40131"}}`, payment.OutcomeUnknown},
		{401, `{"data":[],"errors":{"code":"other"}}`, payment.OutcomeOperator},
		{404, `{"data":[],"errors":{"code":"40131"}}`, payment.OutcomeUnknown},
	} {
		if a := verifyAnswer(respond(c.status, c.body)); a.Outcome != c.want {
			t.Errorf("%d %s: %+v", c.status, c.body, a)
		}
	}
	a := verifyAnswer(respond(200, `{"data":{"code":100,"card_pan":"6037991234567890","card_hash":"AB","fee":0,"fee_type":"none"},"errors":[]}`))
	if a.Receipt == nil || *a.Receipt != (payment.Receipt{Card: "603799******7890"}) {
		t.Errorf("%+v", a.Receipt)
	}
}

func TestCreate(t *testing.T) {
	status, answer := 200, ""
	var got map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/pg/v2/payment/request.json/" {
			t.Errorf("path %s", r.URL.Path)
		}
		got = nil
		_ = json.NewDecoder(r.Body).Decode(&got)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	p := provider(t, s.URL, 0)
	o := payment.Order{Number: "A7", Amount: 12_000_000, Return: "https://shop.example/return", Title: "Book"}
	upper := strings.ToUpper(sampleID)
	for _, c := range []struct {
		status            int
		body, page        string
		refused, operator bool
	}{
		{200, `{"data":{"code":100,"authority":"` + upper + `"},"errors":[]}`, s.URL + "/pg/StartPay/" + sampleID, false, false},
		{201, `{"data":{"authority":"` + sampleID + `","payment_url":"https://x.example/p?a=1"}}`, "https://x.example/p?a=1", false, false},
		{201, `{"data":{"authority":"` + sampleID + `","link":"javascript:x"}}`, s.URL + "/pg/StartPay/" + sampleID, false, false},
		{201, `{"data":{"authority":"x"}}`, "", false, false},
		{200, `{"data":{"code":-1,"authority":"` + sampleID + `"}}`, "", false, false},
		{400, `{"data":[],"errors":{"code":"-9","validations":[]}}`, "", true, false},
		{401, `{"data":[],"errors":{"code":"not_authenticated"}}`, "", true, true},
		{500, `{"data":[],"errors":{"code":"-9"}}`, "", false, false},
	} {
		status, answer = c.status, c.body
		st, err := p.Create(t.Context(), o)
		if c.page != "" && (err != nil || st.ID != sampleID || st.PayURL != c.page) {
			t.Errorf("%s: %+v, %v", c.body, st, err)
		}
		if c.page == "" && (err == nil || errors.Is(err, payment.ErrRefused) != c.refused || errors.Is(err, payment.ErrOperator) != c.operator) {
			t.Errorf("%s: %v", c.body, err)
		}
	}
	want := map[string]any{
		"amount": "12000000", "merchant_id": sampleToken, "description": "Book", "callback_url": o.Return,
		"currency": "IRR", "payment_type": "installment",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v", got)
	}
	p.Creates = "off"
	if _, err := p.Create(t.Context(), o); !errors.Is(err, payment.ErrOperator) || !errors.Is(err, payment.ErrRefused) {
		t.Errorf("off: %v", err)
	}
}

// An authority is a UUID that names something.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d": true, "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D": true, "00000000-0000-0000-0000-000000000001": true,
		"00000000-0000-0000-0000-000000000000": false, "": false, "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d": false, "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4": false,
		"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d0": false, "0a1b2c3g-4e5f-4a6b-8c7d-9e0f1a2b3c4d": false,
	} {
		if id, got := wire.UUID(text); got != ok || ok && id != strings.ToLower(text) {
			t.Errorf("%q: %q %v", text, id, got)
		}
	}
}

func TestReturnAndPage(t *testing.T) {
	p := provider(t, "", 0)
	read := func(m map[string]string) (payment.Claimed, error) {
		return p.ReadReturn(func(n string) string { return m[n] })
	}
	for _, m := range []map[string]string{
		{"Authority": sampleID}, {"authority": strings.ToUpper(sampleID)}, {"Authority": sampleID, "authority": strings.ToUpper(sampleID), "Status": "NOK"},
	} {
		if c, err := read(m); err != nil || c != (payment.Claimed{ID: sampleID}) {
			t.Errorf("%v: %+v, %v", m, c, err)
		}
	}
	if c, err := read(nil); err != nil || c != (payment.Claimed{}) {
		t.Errorf("nothing: %+v, %v", c, err)
	}
	for _, m := range []map[string]string{
		{"Authority": "1"}, {"authority": "{" + sampleID + "}"}, {"Authority": strings.ReplaceAll(sampleID, "-", "")},
		{"Authority": sampleID, "authority": strings.Replace(sampleID, "9", "8", 1)},
	} {
		if _, err := read(m); !errors.Is(err, payment.ErrMalformed) {
			t.Errorf("%v: %v", m, err)
		}
	}
	t.Setenv("TEST_PAGE", "https://pay.example")
	other := &Provider{MerchantID: "{env.TEST_SAMA_TOKEN}"}
	other.PayURL = "{env.TEST_PAGE}/start/{authority}/go"
	if err := providertest.Provision(t, other); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p       *Provider
		address string
		ok      bool
	}{
		{p, "https://app.sama.ir/pg/StartPay/" + strings.ToUpper(sampleID), true},
		{p, "https://app.sama.ir/pg/StartPay/1", false},
		{other, "https://pay.example/start/" + sampleID + "/go", true},
		{other, "https://pay.example/start/" + sampleID, false},
	} {
		u, _ := url.Parse(c.address)
		if id, ok := c.p.PayPage(u); ok != c.ok || (ok && id != sampleID) {
			t.Errorf("%s: %q, %v", c.address, id, ok)
		}
	}
}

func TestConfig(t *testing.T) {
	var p Provider
	err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser("sama {\nmerchant_id {file./x}\ncreate off\npay_url https://pay.example/{authority}\n}"))
	if err != nil || p.CanCreate() || p.MerchantID != "{file./x}" || p.PayURL != "https://pay.example/{authority}" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser("sama {\nmerchantid x\n}")); err == nil || !strings.Contains(err.Error(), "'merchant_id'") {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"https://x.example/?a={authority}", "ftp://x/{authority}", "https://{authority}", "http://x.example/{authority}"} {
		p := &Provider{MerchantID: "literal"}
		p.PayURL = bad
		if err := providertest.Provision(t, p); err == nil || !strings.Contains(err.Error(), "pay_url") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	tr := payment.TermsOf(provider(t, "", 0))
	if tr.Issuer != "sama|"+payment.AccountID("sama", sampleToken)+"|live" || tr.Host != "sama|app.sama.ir|live" || tr.AnswersOrder || tr.AnswersAmount || !tr.SendsAmount || !tr.TellsFirst {
		t.Errorf("%+v", tr)
	}
}
