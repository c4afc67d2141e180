package postback

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rahgir/caddy-payments/affiliates/hamekar"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

const key = "canary-key"

func sale() payment.Sale {
	return payment.Sale{
		Kind: payment.ReportSale, Ref: "r1", Order: "ORD/1&x=\"2\"", Item: "mug", Amount: 1_200_005, Environment: payment.Live,
		Track: payment.Track{ID: "064ee72930404724974761b0b41e9e49"}, PaidAt: time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC),
	}
}

func load(t testing.TB, text string) (*Affiliate, error) {
	t.Helper()
	t.Setenv("TEST_KEY", key)
	kind, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	p, ok := presets[kind]
	if !ok {
		t.Fatalf("no preset %s", kind)
	}
	a := &Affiliate{preset: p}
	if err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		return nil, err
	}
	return a, providertest.Provision(t, a)
}

func mustLoad(t testing.TB, text string) *Affiliate {
	t.Helper()
	a, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// server answers with what it is told to and keeps what came.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string
	status int
	header map[string]string
	body   string
	wait   chan struct{}
}

func newServer(t testing.TB) *server {
	s := &server{status: 200, wait: make(chan struct{})}
	close(s.wait)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		s.mu.Lock()
		s.got = append(s.got, string(dump))
		status, body, header, wait := s.status, s.body, s.header, s.wait
		s.mu.Unlock()
		select {
		case <-wait:
		case <-r.Context().Done():
			return
		}
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) == 0 {
		return ""
	}
	return s.got[len(s.got)-1]
}

func (s *server) set(status int, body string) { s.status, s.body = status, body }

// Hamekar as lines of the configuration is, byte for byte on the wire and in every
// answer, what its Go module is.
func TestHamekarAsAPostback(t *testing.T) {
	s := newServer(t)
	t.Setenv("TEST_KEY", key)
	twin := &hamekar.Affiliate{StoreToken: "{env.TEST_KEY}"}
	twin.BaseURL = s.URL + "/hamekar"
	if err := providertest.Provision(t, twin); err != nil {
		t.Fatal(err)
	}
	a := mustLoad(t, `postback hamekar {
		param track_id
		report POST https://api.hamekar.ir/customer/callback
		header x-store-token {env.TEST_KEY}
		body json `+"`"+`{"track_id":"{click}","status":1}`+"`"+`
		success json /success true
		rejected 422
		base_url `+s.URL+`/hamekar
	}`)
	if !reflect.DeepEqual(a.Landing(), twin.Landing()) {
		t.Errorf("%+v, %+v", a.Landing(), twin.Landing())
	}
	for _, click := range []string{"064ee72930404724974761b0b41e9e49", "<&>\"\\\u2028 {env.HOME}\n\x00\xff", "", "شناسه"} {
		for _, c := range []struct {
			status int
			body   string
		}{
			{202, `{"data":{"message":"x"},"success":true}`}, {200, `{"success":true}`}, {200, `{"success":false}`}, {202, `{"success":"true"}`}, {202, `{"success":1}`},
			{202, ``}, {202, `{"success":true,"Success":false}`}, {422, `{"success":false}`}, {422, `<html>`}, {422, `{"success":true}`}, {401, `{"success":false}`},
			{401, `<html>`}, {403, `{"success":false}`}, {404, `{}`}, {410, `{}`}, {429, `{"success":false}`}, {500, `{"success":true}`}, {302, `{"success":true}`}, {400, `{"success":false}`},
		} {
			s.set(c.status, c.body)
			one := sale()
			one.Track.ID = click
			want := twin.Report(t.Context(), one)
			first := s.last()
			got := a.Report(t.Context(), one)
			if s.last() != first || !strings.Contains(first, key) {
				t.Errorf("sent\n%s\nnot\n%s", s.last(), first)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d %s: %+v, not %+v", c.status, c.body, got, want)
			}
		}
	}
}

// What each preset sends.
func TestPresets(t *testing.T) {
	s := newServer(t)
	for kind, c := range map[string]struct{ lines, want string }{
		"admitad":  {"campaign_code c1\npostback_key {env.TEST_KEY}\naction_code a1", "GET /r?campaign_code=c1&postback=1&postback_key=canary-key&action_code=a1&uid=064ee72930404724974761b0b41e9e49&order_id=ORD%2F1%26x%3D%222%22&tariff_code=1&price=1200005&quantity=1&position_id=1&position_count=1&currency_code=IRR&product_id=mug&payment_type=sale HTTP/1.1"},
		"cj":       {"cid 12\ntype 34", "GET /u?CID=12&TYPE=34&METHOD=S2S&CJEVENT=064ee72930404724974761b0b41e9e49&eventTime=2026-03-21T08%3A00%3A00Z&OID=ORD%2F1%26x%3D%222%22&CURRENCY=IRR&ITEM1=mug&AMT1=1200005&QTY1=1 HTTP/1.1"},
		"awin":     {"advertiser 77\napi_key {env.TEST_KEY}", `{"orders":[{"orderReference":"ORD/1&x=\"2\"","amount":1200005,"channel":"aw","currency":"IRR","isTest":false,"awc":"064ee72930404724974761b0b41e9e49","commissionGroups":[{"code":"DEFAULT","amount":1200005}]}]}`},
		"impact":   {"account_sid me\nauth_token {env.TEST_KEY}\ncampaign 1\naction_tracker 2", "Authorization: Basic bWU6Y2FuYXJ5LWtleQ=="},
		"everflow": {"domain n.example\nnid 5", "GET /?nid=5&transaction_id=064ee72930404724974761b0b41e9e49&amount=1200005&order_id=ORD%2F1%26x%3D%222%22&verification_token= HTTP/1.1"},
		"affili":   {"token {env.TEST_KEY}", `{"type":"sale","order_id":"ORD/1&x=\"2\"","amount":1200005,"referrer":"064ee72930404724974761b0b41e9e49"}`},
	} {
		a := mustLoad(t, kind+" {\n"+c.lines+"\nbase_url "+s.URL+"\n}")
		s.set(200, `{"data":{"id":"conv 9"}}`)
		ans := a.Report(t.Context(), sale())
		if ans.Outcome != payment.ReportAccepted || !strings.Contains(s.last(), c.want) {
			t.Errorf("%s: %+v\n%s", kind, ans, s.last())
		}
		if a.Landing().Param == "" || a.Landing().Param == "track_id" {
			t.Errorf("%s: %+v", kind, a.Landing())
		}
		if kind != "affili" {
			continue
		}
		if ans.Remember != "conv 9" || !a.Cancels() {
			t.Errorf("%+v", ans)
		}
		cancel := sale()
		cancel.Kind, cancel.Remembered = payment.ReportCancel, ans.Remember
		if ans := a.Report(t.Context(), cancel); ans.Outcome != payment.ReportAccepted || ans.Remember != "" || !strings.Contains(s.last(), "POST /services/conversions/conv%209 ") || !strings.HasSuffix(s.last(), `{"status":2}`) {
			t.Errorf("%+v\n%s", ans, s.last())
		}
	}
}

// A cancellation that names the network's own id isn't sent where the network never told it:
// its 200 would say nothing about the sale. One that names something else is.
func TestACancelWithoutTheNetworksIDIsNotSent(t *testing.T) {
	for where, c := range map[string]struct {
		lines string
		needs bool
	}{
		"address": {"cancel POST https://n.example/c/{remembered}/x json `{}`", true},
		"query":   {"cancel GET https://n.example/c?id={remembered}", true},
		"body":    {"cancel POST https://n.example/c form id={remembered}", true},
		"header":  {"header X-Sale {remembered}\ncancel GET https://n.example/c", true},
		"neither": {"cancel POST https://n.example/c form order={order}", false},
	} {
		s := newServer(t)
		a := mustLoad(t, "postback {\nreport GET https://n.example/r?o={order}\nremember /data/id\n"+c.lines+"\nbase_url "+s.URL+"\n}")
		for id, sent := range map[string]bool{"": !c.needs, "7": true} {
			before := s.last()
			x := sale()
			x.Kind, x.Remembered, x.Order = payment.ReportCancel, id, "of-"+where+id
			ans := a.Report(t.Context(), x)
			if got := s.last() != before; got != sent || (ans.Outcome == payment.ReportAccepted) != sent {
				t.Errorf("%s, id %q: sent %v, %+v", where, id, got, ans)
			}
			if !sent && (ans.Outcome != payment.ReportRejected || !ans.Unsent || ans.Code == "" || ans.Err == nil) {
				t.Errorf("%s: %+v", where, ans)
			}
		}
	}
}

// Each preset is a module of its own, and goes through JSON unchanged.
func TestPresetsAreModules(t *testing.T) {
	if len(presets) != 7 {
		t.Errorf("%d presets", len(presets))
	}
	for name, p := range presets {
		mod, err := caddy.GetModule("payments.affiliates." + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if a, ok := mod.New().(*Affiliate); !ok || a.preset != p {
			t.Errorf("%s: %T", name, mod.New())
		}
	}
	got := providertest.RoundTrip(t, &Affiliate{preset: presets["awin"]}, `awin {
		advertiser 77
		api_key {env.K}
		ttl 10d
		success status 200 201
	}`)
	if want := `{"options":{"advertiser":"77","api_key":"{env.K}"},"ttl":864000000000000,"report":{},"success":{"status":[200,201]}}`; got != want && got != strings.Replace(want, `"report":{},`, "", 1) {
		t.Errorf("%s", got)
	}
}

// Silence, redirects, 410, 429, broken and slow answers.
func TestReceivers(t *testing.T) {
	s := newServer(t)
	a := mustLoad(t, "postback {\nreport GET "+s.URL+"/p?c={click}\nparam cid\ntimeout 200ms\n}")
	for _, c := range []struct {
		status int
		want   payment.ReportOutcome
	}{
		{200, payment.ReportAccepted}, {204, payment.ReportAccepted}, {299, payment.ReportAccepted},
		{301, payment.ReportRetry}, {302, payment.ReportRetry}, {307, payment.ReportRetry},
		{400, payment.ReportRejected}, {401, payment.ReportUnauthorized}, {403, payment.ReportRetry}, {404, payment.ReportRetry},
		{408, payment.ReportRetry}, {410, payment.ReportRetry}, {422, payment.ReportRejected}, {429, payment.ReportRetry}, {500, payment.ReportRetry}, {503, payment.ReportRetry},
	} {
		s.set(c.status, "")
		s.header = map[string]string{"Location": s.URL + "/elsewhere", "Retry-After": "7"}
		n := len(s.got)
		ans := a.Report(t.Context(), sale())
		if ans.Outcome != c.want || len(s.got) != n+1 || ans.Code != fmt.Sprint(c.status) || ans.RetryAfter != 7*time.Second || (ans.Outcome == payment.ReportRetry) != (ans.Err != nil) {
			t.Errorf("%d: %+v, %d requests", c.status, ans, len(s.got)-n)
		}
	}
	s.wait = make(chan struct{})
	ans := a.Report(t.Context(), sale())
	close(s.wait)
	if ans.Outcome != payment.ReportRetry || ans.Err == nil {
		t.Errorf("silence: %+v", ans)
	}
	s.Close()
	if ans := a.Report(t.Context(), sale()); ans.Outcome != payment.ReportRetry || !ans.Unsent {
		t.Errorf("nobody there: %+v", ans)
	}
	if ans := a.Report(t.Context(), payment.Sale{Kind: payment.ReportCancel}); ans.Outcome != payment.ReportRejected || a.Cancels() {
		t.Errorf("%+v", ans)
	}
}

func TestBadConfigurations(t *testing.T) {
	for text, want := range map[string]string{
		"postback {\n}": "report is missing",
		"postback {\nreport PUT https://n.example/\n}":                                 "GET or POST",
		"postback {\nreport GET https://n.example/?c={clik}\n}":                        "did you mean {click}?",
		"postback {\nreport POST https://n.example/\n}":                                "needs a body",
		"postback {\nreport POST https://n.example/\nbody json `{\"a\":{order}}`\n}":   "put it in quotes",
		"postback {\nreport GET http://n.example/\n}":                                  "plain http",
		"postback {\nreport GET https://n.example/\nsuccess status ok\n}":              "HTTP statuses",
		"postback {\nreport GET https://n.example/\nsuccess json success true\n}":      "JSON pointer",
		"postback {\nreport GET https://n.example/\nremember id\n}":                    "JSON pointer",
		"postback {\nreport GET https://n.example/\npattern (\n}":                      "pattern",
		"postback {\nreprt GET https://n.example/\n}":                                  "'report'",
		"admitad {\ncampaign_code 1\n}":                                                "action_code is missing",
		"affili {\ntoken x\n}":                                                         "base_url is missing",
		"postback {\nreport GET https://n.example/\ncancel POST https://n.example/\n}": "needs a body",
		"postback {\nreport GET https://n.example/\nheader X\n}":                       "field and a value",
		"postback {\nreport GET https://n.example/?k={env.SURELY_NOT_SET_2}\n}":        "SURELY_NOT_SET_2",
		"awin {\nadvertiser 7\napi_key {env.SURELY_NOT_SET_2}\n}":                      "api_key",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			if kind := strings.Fields(text)[0]; !(kind == "admitad" && err != nil && strings.Contains(err.Error(), "is missing")) {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

// No secret shows in a log, an error or the module's own JSON.
func TestSecretsDoNotShow(t *testing.T) {
	s := newServer(t)
	a := mustLoad(t, "admitad {\ncampaign_code c\npostback_key {env.TEST_KEY}\naction_code a\nbase_url "+s.URL+"\n}")
	core, logs := observer.New(zapcore.DebugLevel)
	zap.New(core).Info("x", zap.Object("affiliate", a), zap.Any("any", a.Options))
	s.Close()
	ans := a.Report(t.Context(), sale())
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for what, shown := range map[string]string{"log": fmt.Sprint(logs.All()[0].ContextMap()), "answer": fmt.Sprintf("%+v %v", ans, ans.Err), "json": string(text)} {
		if strings.Contains(shown, key) {
			t.Errorf("%s shows the key: %s", what, shown)
		}
	}
}
