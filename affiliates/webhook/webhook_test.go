package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rahgir/caddy-payments/payment"
)

func key(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
}

func hook(t testing.TB, url string, change ...func(*Hook)) *Hook {
	t.Helper()
	t.Setenv("TEST_HOOK_KEY", key(32))
	h := &Hook{URL: url, Secrets: []string{"{env.TEST_HOOK_KEY}"}, Timeout: caddy.Duration(5 * time.Second)}
	for _, c := range change {
		c(h)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return h
}

func sale() payment.Sale {
	return payment.Sale{EventID: "0123abcd", Kind: payment.TellVerified, Ref: "r1", At: time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC), Record: &payment.Record{Ref: "r1"}}
}

// A library of others verifies what is sent, by each of the keys, and refuses what was
// changed on the way.
func TestAnIndependentLibraryVerifies(t *testing.T) {
	var header http.Header
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header, body = r.Header, nil
		body, _ = io.ReadAll(r.Body)
	}))
	defer s.Close()
	old := key(64)
	h := hook(t, s.URL+"/hooks?t=1", func(h *Hook) {
		h.Secrets = append(h.Secrets, old)
		h.View = func(r *payment.Record) any {
			return map[string]string{"ref": string(r.Ref), "order": "سفارش \"1\""}
		}
	})
	if a := h.Report(t.Context(), sale()); a.Outcome != payment.ReportAccepted || a.Code != "200" {
		t.Fatalf("%+v", a)
	}
	for _, k := range []string{key(32), old} {
		wh, err := standardwebhooks.NewWebhook(k)
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(body, header); err != nil {
			t.Errorf("%v", err)
		}
		if err := wh.Verify(append(body, ' '), header); err == nil {
			t.Error("a changed body passes")
		}
		changed := header.Clone()
		changed.Set("webhook-id", "msg_other")
		if err := wh.Verify(body, changed); err == nil {
			t.Error("a changed id passes")
		}
	}
	if wh, _ := standardwebhooks.NewWebhook(key(24)); wh.Verify(body, header) == nil {
		t.Error("another key verifies")
	}
	var m struct {
		Type, Timestamp string
		Data            map[string]string
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Type != "payment.verified" || m.Timestamp != "2026-03-21T08:00:00Z" || m.Data["order"] != "سفارش \"1\"" {
		t.Errorf("%s, %v", body, err)
	}
	if header.Get("webhook-id") != "msg_0123abcd" || header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", header)
	}
}

func TestAnswers(t *testing.T) {
	status, wait, calls := 200, make(chan struct{}), 0
	close(wait)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-wait:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Location", "/elsewhere")
		w.Header().Set("Retry-After", "9")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html>")
	}))
	defer s.Close()
	h := hook(t, s.URL, func(h *Hook) { h.Timeout = caddy.Duration(300 * time.Millisecond) })
	for code, want := range map[int]payment.ReportOutcome{
		200: payment.ReportAccepted, 204: payment.ReportAccepted, 299: payment.ReportAccepted,
		301: payment.ReportRetry, 302: payment.ReportRetry, 307: payment.ReportRetry, 308: payment.ReportRetry,
		400: payment.ReportRetry, 401: payment.ReportRetry, 404: payment.ReportRetry, 409: payment.ReportRetry,
		410: payment.ReportGone, 429: payment.ReportRetry, 500: payment.ReportRetry, 502: payment.ReportRetry, 504: payment.ReportRetry,
	} {
		status = code
		n := calls
		a := h.Report(t.Context(), sale())
		if a.Outcome != want || calls != n+1 || a.Code != fmt.Sprint(code) || a.RetryAfter != 9*time.Second || (want == payment.ReportRetry) != (a.Err != nil) {
			t.Errorf("%d: %+v, %d calls", code, a, calls-n)
		}
	}
	wait = make(chan struct{})
	if a := h.Report(t.Context(), sale()); a.Outcome != payment.ReportRetry || a.Err == nil {
		t.Errorf("silence: %+v", a)
	}
	close(wait)
	s.Close()
	if a := h.Report(t.Context(), sale()); a.Outcome != payment.ReportRetry || !a.Unsent {
		t.Errorf("nobody there: %+v", a)
	}
}

func TestConfig(t *testing.T) {
	h := new(Hook)
	err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("webhook https://shop.example.com/hooks {\nsecret {env.A}\nsecret {env.B}\nevents payment.verified payment.owed\ntimeout 3s\nname crm\n}"))
	if err != nil || len(h.Secrets) != 2 || len(h.Events) != 2 || h.Called() != "crm" || !h.Wants(payment.TellOwed) || h.Wants(payment.TellParked) {
		t.Errorf("%+v, %v", h, err)
	}
	text, err := json.Marshal(h)
	if err != nil || strings.Contains(string(text), "View") {
		t.Errorf("%s, %v", text, err)
	}
	for text, want := range map[string]string{
		"webhook {\nsecret {env.A}\n}":                                            "https://",
		"webhook https://a.example/ {\n}":                                         "secret is missing",
		"webhook http://a.example/ {\nsecret {env.A}\n}":                          "plain http",
		"webhook https://u:p@a.example/ {\nsecret {env.A}\n}":                     "without user name",
		"webhook https://a.example/ https://b.example/ {\nsecret {env.A}\n}":      "one address",
		"webhook https://a.example/ {\nsecret whsec_short\n}":                     "24 to 64 bytes",
		"webhook https://a.example/ {\nsecret " + key(23) + "\n}":                 "24 to 64 bytes",
		"webhook https://a.example/ {\nsecret " + key(65) + "\n}":                 "24 to 64 bytes",
		"webhook https://a.example/ {\nsecret {env.A}\nevents payment.verifed\n}": "did you mean payment.verified?",
		"webhook https://a.example/ {\nsecret {env.A}\nevents coffee\n}":          "provider.down",
		"webhook https://a.example/ {\nsecrt {env.A}\n}":                          "'secret'",
	} {
		if err := new(Hook).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, n := range []int{24, 64} {
		if err := (&Hook{URL: "https://a.example/", Secrets: []string{key(n)}}).Check(); err != nil {
			t.Error(err)
		}
	}
	if got := (&Hook{URL: "https://a.example:8443/x?token=canary"}).Called(); got != "a.example:8443" {
		t.Error(got)
	}
	if got := (&Hook{URL: "{env.URL}"}).Called(); got != "webhook" {
		t.Error(got)
	}
}
