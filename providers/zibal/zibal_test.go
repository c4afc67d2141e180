package zibal

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
	sampleID     = "15966442233311"
	sampleKey    = "5e8f0a6c18f93400152e7c2a"
	sampleAccess = "zibal-access-canary-41"
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
	t.Setenv("TEST_ZIBAL_KEY", sampleKey+"\n")
	t.Setenv("TEST_ZIBAL_ACCESS", sampleAccess)
	p := &Provider{Merchant: "{env.TEST_ZIBAL_KEY}", AccessToken: "{env.TEST_ZIBAL_ACCESS}"}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	for _, f := range change {
		f(p)
	}
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func sandboxed(p *Provider) { p.Sandbox, p.Merchant = true, "" }

var query = payment.Query{ID: sampleID, Order: "2211", Amount: 1600}

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
			return provider(t, base, timeout)
		},
		Query:         query,
		Order:         payment.Order{Number: "2211", Amount: 1600, Return: "https://shop.example/return", Title: "A & B"},
		Verified:      fixture(t, "verify_answer.json"),
		Inquired:      strings.Replace(fixture(t, "inquiry_answer.json"), `"status": 1`, `"status": 2`, 1),
		Numbers:       []string{"result", "status", "amount", "refNumber"},
		Created:       `{"trackId":` + sampleID + `,"result":100,"message":"success"}`,
		CreatedStatus: http.StatusOK,
		GiveBack:      payment.GiveBack{ID: sampleID, Amount: 1600, Price: 1600, Key: "k"},
		Refunded:      `{"result":1,"message":"success","data":{"refundId":77}}`,
		Secrets:       []string{sampleKey, sampleAccess},
		Genuine:       map[string]string{"success": "1", "trackId": sampleID, "orderId": "2211", "status": "2"},
	})
}

// gateway answers by path, and keeps what was sent.
type gateway struct {
	answers map[string]string
	status  map[string]int
	paths   []string
	sent    map[string]any
	raw     string
}

func (g *gateway) start(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.paths, g.sent = append(g.paths, r.URL.Path), nil
		body, _ := io.ReadAll(r.Body)
		g.raw = string(body)
		_ = json.Unmarshal(body, &g.sent)
		if status := g.status[r.URL.Path]; status != 0 {
			w.WriteHeader(status)
		}
		_, _ = io.WriteString(w, g.answers[r.URL.Path])
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The id is sent as a number: as a text it was answered with HTTP 500.
func TestTrackIDIsSentAsANumber(t *testing.T) {
	g := &gateway{answers: map[string]string{"/v1/verify": fixture(t, "verify_answer.json")}}
	a := provider(t, g.start(t), 0).Verify(t.Context(), query)
	if g.raw != `{"merchant":"`+sampleKey+`","trackId":`+sampleID+`}` || len(g.paths) != 1 {
		t.Errorf("sent %s to %v", g.raw, g.paths)
	}
	want := &payment.Receipt{Amount: 1600, Reference: "12345678901", Card: "627412******4422", PaidAt: time.Date(2018, 3, 25, 20, 13, 1, 53_000_000, time.UTC)}
	if a.Outcome != payment.OutcomePaid || a.Err != nil || a.Code != "100" || !reflect.DeepEqual(a.Receipt, want) {
		t.Errorf("answer %+v, receipt %+v", a, a.Receipt)
	}
	g.raw = ""
	for _, id := range []string{"", "0", "01", "1e3", "-1", "x", "1234567890123456789"} {
		q := query
		q.ID = id
		if a := provider(t, g.start(t), 0).Verify(t.Context(), q); a.Outcome != payment.OutcomeUnknown || !a.Unsent || g.raw != "" {
			t.Errorf("%q: %+v, sent %s", id, a, g.raw)
		}
	}
	q := query
	q.Order = ""
	if provider(t, g.start(t), 0, sandboxed).Verify(t.Context(), q); g.sent["merchant"] != "zibal" {
		t.Errorf("sent %s", g.raw)
	}
}

// 201 has no details: inquiry has them.
func TestVerifiedBeforeLeadsToAnInquiry(t *testing.T) {
	thin, whole := `{"result":201,"message":"verified before"}`, strings.Replace(fixture(t, "verify_answer.json"), "100", "201", 1)
	details := fixture(t, "inquiry_answer.json")
	state := func(n string) string { return strings.Replace(details, `"status": 1`, `"status": `+n, 1) }
	for _, c := range []struct {
		name, verify, inquiry string
		status                int
		want                  payment.Outcome
		amount                payment.Rials
	}{
		{"thin, with details", thin, details, 200, payment.OutcomeAgain, 1600},
		{"whole, with details", whole, details, 200, payment.OutcomeAgain, 1600},
		{"thin, the inquiry fails", thin, "<html>", 502, payment.OutcomeUnknown, 0},
		{"whole, the inquiry fails", whole, "<html>", 502, payment.OutcomeAgain, 1600},
		{"thin, too many inquiries", thin, "", 429, payment.OutcomeUnknown, 0},
		{"given back since", thin, state("15"), 200, payment.OutcomeClosed, 0},
		{"reversed since", whole, state("18"), 200, payment.OutcomeClosed, 0},
		{"contradicted: unverified", thin, state("2"), 200, payment.OutcomeUnknown, 0},
		{"contradicted: not paid", whole, state("3"), 200, payment.OutcomeUnknown, 0},
		{"contradicted: unknown id", whole, `{"result":203}`, 200, payment.OutcomeUnknown, 0},
		{"details without an amount", thin, strings.Replace(details, `"amount": 1600,`, "", 1), 200, payment.OutcomeUnknown, 0},
	} {
		g := &gateway{answers: map[string]string{"/v1/verify": c.verify, "/v1/inquiry": c.inquiry}, status: map[string]int{"/v1/inquiry": c.status}}
		a := provider(t, g.start(t), 0).Verify(t.Context(), query)
		if a.Outcome != c.want || !reflect.DeepEqual(g.paths, []string{"/v1/verify", "/v1/inquiry"}) || a.Unsent {
			t.Errorf("%s: %+v, asked %v", c.name, a, g.paths)
		}
		if (a.Receipt != nil) != (c.want == payment.OutcomeAgain) || a.Receipt != nil && (a.Receipt.Amount != c.amount || !a.Receipt.Again || a.Code != "201") {
			t.Errorf("%s: receipt %+v", c.name, a.Receipt)
		}
		if c.name == "thin, with details" && (a.Receipt == nil || a.Receipt.VerifiedAt.IsZero()) {
			t.Errorf("%s: receipt %+v", c.name, a.Receipt)
		}
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

func TestVerifyStates(t *testing.T) {
	answer := fixture(t, "verify_answer.json")
	with := func(old, new string) string { return strings.Replace(answer, old, new, 1) }
	for _, c := range []struct {
		status int
		body   string
		want   payment.Outcome
	}{
		{200, answer, payment.OutcomePaid},
		{200, with(`"status": 1`, `"status": 2`), payment.OutcomePaid},
		{200, with(`"status": 1`, `"status": "1"`), payment.OutcomePaid},
		{200, with(`"status": 1,`, ``), payment.OutcomePaid},
		{200, with(`"status": 1`, `"status": 3`), payment.OutcomeUnknown},
		{200, with(`"status": 1`, `"status": 18`), payment.OutcomeUnknown},
		{201, answer, payment.OutcomeUnknown},
		{400, answer, payment.OutcomeUnknown},
		{200, with(`"amount": 1600,`, ``), payment.OutcomeUnknown},
		{200, with(`"amount": 1600`, `"amount": "1e3"`), payment.OutcomeUnknown},
		// The reference is a number, a text or null.
		{200, with(`12345678901`, `"12345678901"`), payment.OutcomePaid},
		{200, with(`12345678901`, `null`), payment.OutcomePaid},
		// Errors may come without a result.
		{500, `{"statusCode":500,"message":"Internal Server Error"}`, payment.OutcomeUnknown},
		{400, `{"message":"bad request"}`, payment.OutcomeUnknown},
	} {
		a := verifyAnswer(respond(c.status, c.body))
		if a.Outcome != c.want || (a.Receipt != nil) != (c.want == payment.OutcomePaid) {
			t.Errorf("%d %.60s: %+v", c.status, c.body, a)
		}
	}
}

func TestResultTable(t *testing.T) {
	tested := 0
	for outcome, codes := range map[payment.Outcome][]int64{
		payment.OutcomeOperator: {102, 103, 104, 115},
		payment.OutcomeRefused:  {202, 203},
		payment.OutcomeUnknown:  {105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 0, -1, 1, 999},
	} {
		for _, code := range codes {
			if _, known := results[code]; known {
				tested++
			}
			text := strconv.FormatInt(code, 10)
			for _, form := range []string{text, `"` + text + `"`} {
				for _, status := range []int{200, 400, 401, 404} {
					for _, read := range []func(wire.Reply) payment.Answer{verifyAnswer, inquiryAnswer} {
						if a := read(respond(status, `{"result":`+form+`,"message":"x"}`)); a.Outcome != outcome || a.Receipt != nil || a.Code != text {
							t.Errorf("%d %s: %+v", status, form, a)
						}
					}
				}
			}
			if a := verifyAnswer(respond(500, `{"result":`+text+`}`)); a.Outcome != payment.OutcomeUnknown {
				t.Errorf("500 %s: %+v", text, a)
			}
		}
	}
	if tested != len(results) {
		t.Errorf("%d of %d results are tested", tested, len(results))
	}
}

func TestInquiryStates(t *testing.T) {
	answer := fixture(t, "inquiry_answer.json")
	tested := 0
	for outcome, list := range map[payment.Outcome][]int64{
		payment.OutcomeAgain: {1}, payment.OutcomeAwaiting: {2}, payment.OutcomeOpen: {-1},
		payment.OutcomeRefused: {3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, payment.OutcomeClosed: {15, 16, 18},
		payment.OutcomeOperator: {21}, payment.OutcomeUnknown: {-2, 0, 13, 99},
	} {
		for _, state := range list {
			if _, known := states[state]; known {
				tested++
			}
			a := inquiryAnswer(respond(200, strings.Replace(answer, `"status": 1`, `"status": `+strconv.FormatInt(state, 10), 1)))
			if a.Outcome != outcome || (a.Receipt != nil) != (outcome == payment.OutcomeAgain || outcome == payment.OutcomeAwaiting) || a.Code != "status/"+strconv.FormatInt(state, 10) {
				t.Errorf("%d: %+v", state, a)
			}
		}
	}
	if tested != len(states) {
		t.Errorf("%d of %d states are tested", tested, len(states))
	}
}

// A time without a zone must never make a payment look younger than it is.
func TestTimesWithoutAZone(t *testing.T) {
	a := inquiryAnswer(respond(200, fixture(t, "inquiry_answer.json")))
	if want := time.Date(2018, 3, 25, 20, 13, 21, 21_000_000, time.UTC); a.Receipt == nil || !a.Receipt.VerifiedAt.Equal(want) {
		t.Errorf("%+v", a.Receipt)
	}
}

func TestCreate(t *testing.T) {
	g := &gateway{answers: map[string]string{"/v1/request": `{"trackId":` + sampleID + `,"result":100,"message":"success","payLink":"https://zibal.ir/x"}`}, status: map[string]int{}}
	base := g.start(t)
	p := provider(t, base, 0)
	o := payment.Order{Number: "2211", Amount: 1600, Return: "https://shop.example/r?a=1&b=2", Title: "A & B"}
	st, err := p.Create(t.Context(), o)
	if err != nil || !reflect.DeepEqual(st, payment.Started{ID: sampleID, PayURL: base + "/start/" + sampleID}) {
		t.Fatalf("%+v, %v", st, err)
	}
	want := map[string]any{"merchant": sampleKey, "amount": 1600.0, "callbackUrl": o.Return, "description": "A & B", "orderId": "2211"}
	if !reflect.DeepEqual(g.sent, want) {
		t.Errorf("sent %v", g.sent)
	}
	for _, c := range []struct {
		status            int
		body              string
		refused, operator bool
	}{
		{200, `{"result":102}`, true, true}, {200, `{"result":"103"}`, true, true}, {400, `{"result":104}`, true, true}, {200, `{"result":115}`, true, true},
		{200, `{"result":105}`, true, false}, {200, `{"result":113}`, true, false}, {200, `{"result":114}`, true, false},
		{200, `{"result":106}`, true, true}, {200, `{"result":107}`, true, true}, {200, `{"result":112}`, true, true},
		{200, `{"result":201}`, false, false}, {200, `{"result":202}`, false, false}, {200, `{"result":999}`, false, false},
		{500, `{"result":102}`, false, false}, {502, "<html>", false, false},
		{200, `{"result":100}`, false, false}, {200, `{"result":100,"trackId":"../x"}`, false, false}, {200, `{"result":100,"trackId":0}`, false, false},
	} {
		g.status["/v1/request"], g.answers["/v1/request"] = c.status, c.body
		if _, err = p.Create(t.Context(), o); err == nil || errors.Is(err, payment.ErrRefused) != c.refused || errors.Is(err, payment.ErrOperator) != c.operator {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
	// 1,000 rials is the table's least amount, and the text of 105 wants more: it is
	// Zibal's to refuse.
	g.status["/v1/request"], g.answers["/v1/request"], g.sent = 200, `{"result":105}`, nil
	o.Amount = 1000
	if _, err = p.Create(t.Context(), o); !errors.Is(err, payment.ErrRefused) || g.sent == nil {
		t.Errorf("%v", err)
	}
}
