package zarinpal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func relayCall(path, body string) payment.RelayCall {
	return payment.RelayCall{Method: http.MethodPost, Path: path, Type: "application/json", Body: []byte(body)}
}

func TestRelayKinds(t *testing.T) {
	for _, c := range []struct {
		method, path string
		want         payment.RelayKind
	}{
		{"POST", "/pg/v4/payment/request.json", payment.RelayCreate},
		{"POST", "/pg/v4/payment/request.json/", payment.RelayCreate},
		{"POST", "/pg/v4/payment/verify.json", payment.RelayVerify},
		{"POST", "/pg/v4/payment/inquiry.json", payment.RelayInquire},
		{"POST", "/pg/v4/payment/unVerified.json", payment.RelayHarmless},
		{"POST", "/pg/v4/payment/reverse.json", payment.RelayGiveBack},
		{"GET", "/pg/StartPay/" + sampleID, payment.RelayPayPage},
		{"GET", "/pg/StartPay/" + sampleID + "/ZarinGate", payment.RelayPayPage},
		{"GET", "/pg/v4/payment/verify.json", payment.RelayUnknown},
		{"POST", "/pg/v4/payment/verify.json//", payment.RelayUnknown},
		{"POST", "/pg/v4/payment/Verify.json", payment.RelayUnknown},
		{"POST", "/pg/v4/payment/../payment/verify.json", payment.RelayUnknown},
		{"GET", "/pg/StartPay/", payment.RelayUnknown},
		{"GET", "/pg/StartPay/..", payment.RelayUnknown},
		{"GET", "/pg/StartPay/%2e%2E", payment.RelayUnknown},
		{"POST", "/pg/rest/WebGate/PaymentVerification.json", payment.RelayUnknown}, // R7: another dialect fails at create
		{"POST", "/pg/rest/WebGate/PaymentRequest.json", payment.RelayUnknown},
		{"POST", "/pg/services/WebGate/wsdl", payment.RelayUnknown},
	} {
		if got := dialect.Kind(c.method, c.path); got != c.want {
			t.Errorf("%s %s is %v, not %v", c.method, c.path, got, c.want)
		}
	}
}

func TestRelayReadsCreate(t *testing.T) {
	p := provider(t, "", time.Second)
	for _, c := range []struct {
		name, body string
		want       payment.RelayAsk
		amount     payment.Rials
	}{
		{"rial", `{"merchant_id":"m","amount":10000,"callback_url":"https://shop.test/cb?o=1","metadata":{"order_id":"101"}}`,
			payment.RelayAsk{Number: 10000, Unit: payment.Rial, Order: "101", Callback: "https://shop.test/cb?o=1"}, 10000},
		{"toman", `{"amount":1000,"currency":"IRT","callback_url":"https://shop.test/cb"}`,
			payment.RelayAsk{Number: 1000, Unit: payment.Toman, Callback: "https://shop.test/cb"}, 10000},
		{"a PHP float, a list for metadata", `{"amount":1000.0,"metadata":[],"callback_url":"x"}`,
			payment.RelayAsk{Number: 1000, Unit: payment.Rial, Callback: "x"}, 1000},
		{"as a text", `{"amount":"1000","callback_url":"x"}`, payment.RelayAsk{Number: 1000, Unit: payment.Rial, Callback: "x"}, 1000},
		{"unread", `{"amount":"1,000","callback_url":"x"}`, payment.RelayAsk{Unread: true, Unit: payment.Rial, Callback: "x"}, 0},
		{"another currency", `{"amount":1000,"currency":"USD"}`, payment.RelayAsk{Number: 1000, Unread: true}, 0},
	} {
		c.want.Kind = payment.RelayCreate
		got, err := p.ReadCall(payment.RelayCreate, relayCall(pathRequest, c.body))
		if err != nil || got != c.want || got.Amount() != c.amount {
			t.Errorf("%s: %+v (%d), %v", c.name, got, got.Amount(), err)
		}
	}
}

func TestRelayReadsVerify(t *testing.T) {
	p := provider(t, "", time.Second)
	got, err := p.ReadCall(payment.RelayVerify, relayCall(pathVerify, `{"merchant_id":"m","amount":1000,"authority":"`+sampleID+`"}`))
	if err != nil || got.ID != sampleID || got.Number != 1000 || got.Unit != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, body := range []string{
		`{"amount":1000}`, `{"authority":"x"}`, `{"authority":"` + sampleID + `","authority":"` + sampleID + `"}`, `{`, ``, `[]`, "\xff",
		`authority=` + sampleID + `&authority=` + sampleID,
	} {
		if _, err := p.ReadCall(payment.RelayVerify, relayCall(pathVerify, body)); !errors.Is(err, payment.ErrMalformed) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestRelayOwner(t *testing.T) {
	live, play := provider(t, "", time.Second), provider(t, "", time.Second, sandboxed)
	mine, other := relayCall(pathVerify, `{"merchant_id":"`+sampleKey+`"}`), relayCall(pathVerify, `{"merchant_id":"`+sampleKey[:35]+`0"}`)
	at := func(c payment.RelayCall, host string) payment.RelayCall { c.Host = host; return c }
	for _, c := range []struct {
		p    *Provider
		call payment.RelayCall
		want payment.RelayOwner
	}{
		{live, mine, payment.RelayOwn}, {live, other, payment.RelayStranger}, {play, mine, payment.RelayOwn},
		{live, at(mine, "payment.zarinpal.com"), payment.RelayOwn}, {live, at(mine, "sandbox.zarinpal.com"), payment.RelayOtherEnvironment},
		{play, at(mine, "payment.zarinpal.com"), payment.RelayOtherEnvironment}, {play, at(mine, "sandbox.zarinpal.com"), payment.RelayOwn},
	} {
		if got, err := c.p.Owns(c.call); err != nil || got != c.want {
			t.Errorf("%s at %q: %v, %v", c.call.Body, c.call.Host, got, err)
		}
	}
	if _, err := live.Owns(relayCall(pathVerify, `{}`)); !errors.Is(err, payment.ErrMalformed) {
		t.Error("no credentials:", err)
	}
}

// TestRelayWordsAreReadBack: what we write is read by our own client as what it says.
func TestRelayWordsAreReadBack(t *testing.T) {
	p := provider(t, "", time.Second)
	rec := &payment.Record{Receipt: &payment.Receipt{Reference: "9007199254740993", Card: "502229******5995", Fee: 100, FeePayer: "merchant"}}
	for word, want := range map[payment.RelayWord]payment.Outcome{
		payment.RelayFirst: payment.OutcomePaid, payment.RelayAgain: payment.OutcomeAgain,
		payment.RelayOtherAmount: payment.OutcomeDoubt, payment.RelayDown: payment.OutcomeUnknown,
		payment.RelayNoSuchCall: payment.OutcomeUnknown, payment.RelayForbidden: payment.OutcomeOperator,
	} {
		r := p.WriteReply(word, payment.RelayAsk{}, rec)
		a := p.ReadVerified(r)
		if a.Outcome != want || !json.Valid(r.Body) {
			t.Errorf("word %d is read as %v: %s", word, a.Outcome, r.Body)
		}
		if a.Receipt != nil && (a.Receipt.Reference != rec.Receipt.Reference || a.Receipt.Card != rec.Receipt.Card || a.Receipt.Fee != 100) {
			t.Errorf("word %d lost something: %+v", word, a.Receipt)
		}
		// As published plugins read it: data.code, else errors.code.
		var said struct {
			Data   json.RawMessage `json:"data"`
			Errors json.RawMessage `json:"errors"`
		}
		if err := json.Unmarshal(r.Body, &said); err != nil || len(said.Data) == 0 || len(said.Errors) == 0 {
			t.Errorf("word %d has not both data and errors: %s", word, r.Body)
		}
	}
	if a := p.inquiryAnswer(wire.OfRelay(p.WriteReply(payment.RelayAwaiting, payment.RelayAsk{}, rec))); a.Outcome != payment.OutcomeAwaiting {
		t.Error("awaiting is read as", a.Outcome)
	}
	if r := p.WriteReply(payment.RelayAgain, payment.RelayAsk{}, nil); p.ReadVerified(r).Outcome != payment.OutcomeAgain {
		t.Error("again without a record:", string(r.Body))
	}
}

func TestRelayGivenBack(t *testing.T) {
	p := provider(t, "", time.Second)
	for body, want := range map[string]payment.Outcome{
		`{"data":{"code":100,"message":"Reversed"},"errors":[]}`: payment.OutcomePaid,
		`{"data":[],"errors":{"code":-62}}`:                      payment.OutcomeRefused,
		`{"data":[],"errors":{"code":-63}}`:                      payment.OutcomeRefused,
		`{"data":[],"errors":{"code":-61}}`:                      payment.OutcomeUnknown, // perhaps reversed before
		`<html>`:                                                 payment.OutcomeUnknown,
	} {
		if got := p.ReadGivenBack(payment.RelayReply{Status: 200, Body: []byte(body)}); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// TestRelayForwards: the bytes go as they came, and nothing else of the caller does.
func TestRelayForwards(t *testing.T) {
	const body = `{ "merchant_id":"m",  "amount":1000.0 }`
	var got *http.Request
	var sent []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		sent, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"data":[],"errors":{"code":-54}}`)
	}))
	defer srv.Close()
	p := provider(t, srv.URL+"/prefix", time.Second)
	r := p.ForwardCall(context.Background(), relayCall(pathVerify+"/", body))
	if r.Status != 422 || r.Type != "application/json" || !strings.Contains(string(r.Body), "-54") || r.Err != nil {
		t.Fatalf("%+v", r)
	}
	if string(sent) != body || got.URL.Path != "/prefix"+pathVerify+"/" || got.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("%s %s %v", got.URL, sent, got.Header)
	}
	if a := p.ReadVerified(r); a.Outcome != payment.OutcomeRefused {
		t.Error(a)
	}
	for name := range got.Header {
		if !slices.Contains([]string{"Accept", "Accept-Encoding", "Content-Type", "Content-Length", "User-Agent"}, name) {
			t.Errorf("the provider gets the header %s", name)
		}
	}
	// What can't be passed on byte for byte is no answer.
	for name, odd := range map[string]struct {
		encoding string
		size     int
		err      error
	}{
		"identity": {"identity", 2, nil}, "packed": {"gzip", 2, wire.ErrEncoded},
		"the most": {"", wire.MaxBody, nil}, "one more": {"", wire.MaxBody + 1, wire.ErrTooLarge}, "far more": {"", 9 * wire.MaxBody, wire.ErrTooLarge},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if odd.encoding != "" {
				w.Header().Set("Content-Encoding", odd.encoding)
			}
			_, _ = io.WriteString(w, strings.Repeat("x", odd.size))
		}))
		p := provider(t, srv.URL, time.Second)
		r := p.ForwardCall(context.Background(), relayCall(pathVerify, body))
		srv.Close()
		if !errors.Is(r.Err, odd.err) || odd.err == nil && len(r.Body) != odd.size || p.ReadVerified(r).Outcome != payment.OutcomeUnknown {
			t.Errorf("%s: %v, %d bytes", name, r.Err, len(r.Body))
		}
	}
	srv.Close()
	p = provider(t, srv.URL, time.Second)
	if r := p.ForwardCall(context.Background(), relayCall(pathVerify, body)); r.Err == nil || !r.Unsent || p.ReadVerified(r).Outcome != payment.OutcomeUnknown {
		t.Errorf("%+v", r)
	}
}

func FuzzRelayCall(f *testing.F) {
	f.Add(`{"merchant_id":"m","amount":1,"authority":"`+sampleID+`"}`, "application/json")
	f.Add("authority="+sampleID+"&amount=1", "application/x-www-form-urlencoded")
	p := &Provider{}
	f.Fuzz(func(t *testing.T, body, kind string) {
		c := payment.RelayCall{Method: "POST", Path: pathVerify, Type: kind, Body: []byte(body)}
		for k := payment.RelayCreate; k <= payment.RelayGiveBack; k++ {
			if a, err := p.ReadCall(k, c); err == nil && k != payment.RelayCreate && !checkAuthority(a.ID) {
				t.Fatalf("%q gave the id %q", body, a.ID)
			}
		}
	})
}
