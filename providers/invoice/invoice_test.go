package invoice

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
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
	sampleID  = "Ab1-99"
	sampleKey = "terminal-canary-key"
)

var query = payment.Query{ID: sampleID, Order: "7", Amount: 50000}

func provider(t testing.TB, base string, timeout time.Duration) *Provider {
	t.Helper()
	t.Setenv("TEST_INVOICE_KEY", sampleKey)
	p := &Provider{Account: Account{APIKey: "{env.TEST_INVOICE_KEY}"}}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func suite(n func(testing.TB, string, time.Duration) payment.Provider) providertest.Suite {
	return providertest.Suite{
		New:   n,
		Query: query, Order: payment.Order{Number: "7", Amount: 50000, Return: "https://shop.example/return?x=1&y=2"},
		Verified:      `{"status":1,"amount":50000,"bank_code":"123456"}`,
		Numbers:       []string{"status", "amount", "bank_code"},
		Created:       `{"status":1,"invoice_key":"` + sampleID + `"}`,
		CreatedStatus: http.StatusOK,
		Secrets:       []string{sampleKey},
		Genuine:       map[string]string{"invoice_key": sampleID, "status": "0", "bank_code": "1"},
	}
}

func TestConformance(t *testing.T) {
	providertest.Run(t, suite(func(t testing.TB, base string, timeout time.Duration) payment.Provider {
		return provider(t, base, timeout)
	}))
}

// TestPal24 checks what differs; the protocol is one.
func TestPal24(t *testing.T) {
	t.Setenv("TEST_INVOICE_KEY", sampleKey)
	n := func(base string) *Pal24 {
		p := &Pal24{Account: Account{APIKey: "{env.TEST_INVOICE_KEY}", Used: "none"}}
		p.BaseURL = base
		if err := providertest.Provision(t, p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := n("")
	if p.Traits().Issuer != "invoice|"+payment.AccountID("invoice", sampleKey)+"|live" || p.Traits().Host != "invoice|24pal.ir|live" || p.UsedIDs() != "none" {
		t.Errorf("%+v", p.Traits())
	}
	// The document's own link is plain http.
	u, _ := url.Parse("http://24pal.ir/invoice/pay/" + sampleID)
	if id, ok := p.PayPage(u); !ok || id != sampleID {
		t.Errorf("%q, %v", id, ok)
	}
	if a, b := n("https://x.example/a"), provider(t, "https://y.example", 0); a.Traits().Issuer != b.Traits().Issuer {
		t.Errorf("one account, two issuers: %s, %s", a.Traits().Issuer, b.Traits().Issuer)
	}
	plain := &Pal24{Account: Account{APIKey: "{env.TEST_INVOICE_KEY}"}}
	plain.BaseURL = "http://24pal.ir"
	if err := providertest.Provision(t, plain); err == nil || !strings.Contains(err.Error(), "insecure_http") {
		t.Errorf("%v", err)
	}
	plain.InsecureHTTP = true
	if err := providertest.Provision(t, plain); err != nil {
		t.Error(err)
	}
}

func TestCallsAsDocumented(t *testing.T) {
	var path, form, kind string
	answer := `{"status":1,"invoice_key":"` + sampleID + `"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, form, kind = r.Method+" "+r.URL.EscapedPath(), string(b), r.Header.Get("Content-Type")
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	p := provider(t, s.URL+"/invoice", 0)
	st, err := p.Create(t.Context(), payment.Order{Amount: 50000, Return: "https://shop.example/r?a=1&b=2"})
	if err != nil || st.ID != sampleID || st.PayURL != s.URL+"/invoice/invoice/pay/"+sampleID {
		t.Errorf("%+v, %v", st, err)
	}
	if path != "POST /invoice/invoice/request" || kind != wire.Form ||
		form != "api_key="+sampleKey+"&amount=50000&return_url=https%3A%2F%2Fshop.example%2Fr%3Fa%3D1%26b%3D2" {
		t.Errorf("%s %s %s", path, kind, form)
	}
	answer = `{"status":"1","amount":"50000","bank_code":"888"}`
	a := p.Verify(t.Context(), query)
	if path != "POST /invoice/invoice/check/"+sampleID || form != "api_key="+sampleKey {
		t.Errorf("%s %s", path, form)
	}
	want := &payment.Receipt{Amount: 50000, Reference: "888", Number: "ab1-99"}
	if a.Outcome != payment.OutcomePaid || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("%+v, %+v", a, a.Receipt)
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

// documentedCodes reads the codes out of the documents' own tables, which print
// them in Persian digits.
func documentedCodes(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)(?:^([۰-۹]{3})\t|\t([۰-۹]{3})$)`).FindAllStringSubmatch(string(b), -1)
	var out []string
	for _, c := range codes {
		out = append(out, c[1]+c[2])
	}
	return out
}

func TestErrorTable(t *testing.T) {
	want := map[string]struct {
		o                 payment.Outcome
		r                 payment.Reason
		refused, operator bool
	}{
		"100": {payment.OutcomeOperator, payment.ReasonOperator, true, true},
		"101": {payment.OutcomeOperator, payment.ReasonOperator, true, true},
		"102": {payment.OutcomeUnknown, payment.ReasonBadAnswer, true, false},
		"103": {payment.OutcomeUnknown, payment.ReasonBadAnswer, true, true},
		"200": {payment.OutcomeRefused, payment.ReasonUnknownID, false, false},
		"201": {payment.OutcomeRefused, payment.ReasonNotPaid, false, false},
		"202": {payment.OutcomeRefused, payment.ReasonCancelled, false, false},
		"301": {payment.OutcomeUnknown, payment.ReasonBusy, false, false},
	}
	p := provider(t, "http://localhost", 0)
	for _, doc := range []string{"invoice_errors.txt", "24pal_errors.txt"} {
		codes := documentedCodes(t, doc)
		if len(codes) != len(want) || len(codes) != len(errorCodes) {
			t.Fatalf("%s: %q", doc, codes)
		}
		for _, persian := range codes {
			code := payment.ASCIIDigits(persian)
			w, ok := want[code]
			if !ok {
				t.Errorf("code %s", code)
			}
			for _, form := range []string{code, `"` + code + `"`, `"` + persian + `"`} {
				for _, status := range []int{200, 400} {
					r := respond(status, `{"status":0,"errorCode":`+form+`,"errorDescription":"x"}`)
					if a := checkAnswer(r, sampleID); a.Outcome != w.o || a.Reason != w.r || a.Code != code || a.Receipt != nil {
						t.Errorf("%s: %+v", form, a)
					}
					if _, err := p.started(r); err == nil || errors.Is(err, payment.ErrRefused) != w.refused || errors.Is(err, payment.ErrOperator) != w.operator {
						t.Errorf("%s: %v", form, err)
					}
				}
			}
		}
	}
	for _, c := range []struct {
		status int
		body   string
	}{
		{500, `{"status":0,"errorCode":201}`}, {200, `{"status":0,"errorCode":999}`}, {200, `{"status":0}`},
		{200, `{"status":1}`}, {200, `{"status":1,"amount":0}`}, {200, `{"status":1,"amount":"5e4"}`}, {200, `{"status":true,"amount":50000}`},
		{200, `{"status":1,"amount":50000,"errorCode":201}`}, {200, `{"status":0,"amount":50000,"errorCode":201}`},
		{404, `{"status":1,"amount":50000}`}, {200, `{"status":2,"amount":50000}`},
	} {
		if a := checkAnswer(respond(c.status, c.body), sampleID); a.Outcome != payment.OutcomeUnknown || a.Receipt != nil {
			t.Errorf("%d %s: %+v", c.status, c.body, a)
		}
	}
}

func TestReturn(t *testing.T) {
	p := provider(t, "http://localhost", 0)
	for key, ok := range map[string]bool{"": true, "1": true, "a.b": true, sampleID: true, ".a": false, "..": false, "a/b": false, "۱": false, strings.Repeat("a", 129): false} {
		c, err := p.ReadReturn(func(n string) string {
			if n == "invoice_key" {
				return key
			}
			return ""
		})
		if (err == nil) != ok || (ok && c != (payment.Claimed{ID: key})) || (!ok && !errors.Is(err, payment.ErrMalformed)) {
			t.Errorf("%q: %+v, %v", key, c, err)
		}
	}
	got := p.ReturnParams(&payment.Record{ID: sampleID, Receipt: &payment.Receipt{Reference: "888"}})
	if want := map[string]string{"invoice_key": sampleID, "bank_code": "888", "card_number": ""}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestWage(t *testing.T) {
	for price, want := range map[payment.Rials]payment.Rials{
		0: 0, 1: 1, 1000: 10, 49_999: 500, 50_000: 5_000, 9_999_999: 5_000, 10_000_000: 7_000, 19_999_999: 7_000, 20_000_000: 9_000,
	} {
		if got := wage(price); got != want {
			t.Errorf("wage(%d) = %d, want %d", price, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	var p Provider
	err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser("invoice poolam {\nbase_url https://poolam.example\napi_key {env.K}\nused_ids imported\nfee payer\n}"))
	if err != nil || p.Fee != "payer" || p.UsedIDs() != "imported" || p.BaseURL == "" {
		t.Errorf("%+v, %v", p, err)
	}
	for input, want := range map[string]string{
		"used_ids import": "did you mean 'imported'", "fee nobody": "merchant or payer", "used_id none": "did you mean 'used_ids'",
	} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser("invoice {\n" + input + "\n}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", input, err)
		}
	}
	if err := new(Pal24).UnmarshalCaddyfile(caddyfile.NewTestDispenser("24pal {\nfee payer\n}")); err == nil {
		t.Error("24pal has no fee option")
	}
	for _, p := range []*Provider{
		{Account: Account{APIKey: "k"}},
		{Account: Account{APIKey: "k", Used: "perhaps"}},
		{Account: Account{APIKey: "k"}, Fee: "both"},
	} {
		if err := providertest.Provision(t, p); err == nil {
			t.Errorf("accepted %+v", p)
		}
	}
	payer := &Provider{Account: Account{APIKey: "k"}, Fee: "payer"}
	payer.BaseURL = "https://x.example"
	if err := providertest.Provision(t, payer); err != nil || payer.Traits().PayerFee == nil || provider(t, "http://localhost", 0).Traits().PayerFee != nil {
		t.Errorf("fee: %v", err)
	}
}

// Nothing documents how a return of the script says "not paid" (in one client
// status 0 means paid), so whatever it says is asked about (M9).
func TestNoReturnIsBelievedUnpaid(t *testing.T) {
	p := provider(t, "https://pay.example", 0)
	for _, status := range []string{"", "0", "1", "2", "-1", "NOK", "cancel", "202"} {
		c, err := p.ReadReturn(func(n string) string {
			return map[string]string{"invoice_key": sampleID, "status": status}[n]
		})
		if err != nil || c != (payment.Claimed{ID: sampleID, Hint: payment.HintNone}) {
			t.Errorf("status %q: %+v, %v", status, c, err)
		}
	}
}
