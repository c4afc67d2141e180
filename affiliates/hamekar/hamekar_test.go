package hamekar

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

const token = "canary-store-token"

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func affiliate(t testing.TB, base string, timeout time.Duration) *Affiliate {
	t.Helper()
	t.Setenv("TEST_HAMEKAR_TOKEN", token)
	a := &Affiliate{StoreToken: "{env.TEST_HAMEKAR_TOKEN}"}
	a.BaseURL, a.Timeout = base, caddy.Duration(timeout)
	if err := providertest.Provision(t, a); err != nil {
		t.Fatal(err)
	}
	return a
}

var conversion = payment.Sale{EventID: "e", Track: payment.Track{ID: "064ee72930404724974761b0b41e9e49"}}

// TestReportAsDocumented compares our request with the document's.
func TestReportAsDocumented(t *testing.T) {
	var got *http.Request
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"data":{"message":"x"},"success":true}`)
	}))
	defer s.Close()
	a := affiliate(t, s.URL+"/hamekar", 0)
	if ans := a.Report(t.Context(), conversion); ans.Outcome != payment.ReportAccepted || ans.Code != "202" || ans.Err != nil {
		t.Errorf("%+v", ans)
	}
	if body != `{"track_id":"064ee72930404724974761b0b41e9e49","status":1}` {
		t.Errorf("sent %s", body)
	}
	documented := strings.Replace(fixture(t, "request.json"), "{track-id}", conversion.Track.ID, 1)
	var one, two map[string]any
	if json.Unmarshal([]byte(body), &one) != nil || json.Unmarshal([]byte(documented), &two) != nil || !reflect.DeepEqual(one, two) {
		t.Errorf("sent %s, documented %s", body, documented)
	}
	// The request line and the header, as the document prints them.
	doc := strings.Replace(strings.SplitN(fixture(t, "request.http"), "\n\n", 2)[0], "{your-token}", token, 1)
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(doc, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if got.Method != req.Method || got.URL.Path != "/hamekar"+req.URL.Path {
		t.Errorf("%s %s", got.Method, got.URL)
	}
	for name := range req.Header {
		if got.Header.Get(name) != req.Header.Get(name) {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	if "https://"+req.Host != defaultAPI || a.Landing().Param != "track_id" {
		t.Errorf("%s, %s", req.Host, a.Landing().Param)
	}
	if !strings.Contains(fixture(t, "visit.http"), "?"+a.Landing().Param+"=") {
		t.Error("the visit's parameter")
	}
}

// documented parses one of the document's answers.
func documented(t *testing.T, name string) wire.Reply {
	t.Helper()
	head, body, _ := strings.Cut(fixture(t, name), "\n\n")
	var status int
	if _, err := fmt.Sscanf(regexp.MustCompile(`^HTTP/1.1 \d+`).FindString(head), "HTTP/1.1 %d", &status); err != nil {
		t.Fatal(err)
	}
	return respond(status, body)
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

func TestAnswers(t *testing.T) {
	for name, want := range map[string]payment.ReportAnswer{
		"accepted.http":     {Outcome: payment.ReportAccepted, Code: "202"},
		"rejected.http":     {Outcome: payment.ReportRejected, Code: "422"},
		"unauthorized.http": {Outcome: payment.ReportUnauthorized, Code: "401"},
	} {
		if a := answer(documented(t, name)); !reflect.DeepEqual(a, want) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for _, c := range []struct {
		status int
		body   string
		want   payment.ReportOutcome
	}{
		{200, `{"success":true}`, payment.ReportAccepted},
		{200, `{"success":false}`, payment.ReportRetry},
		{202, `{"success":"true"}`, payment.ReportRetry},
		{202, `{"success":1}`, payment.ReportRetry},
		{202, ``, payment.ReportRetry},
		{202, `{"success":true,"Success":false}`, payment.ReportRetry},
		{422, `<html>`, payment.ReportRetry},
		{422, `{"success":true}`, payment.ReportRetry},
		{401, `<html>`, payment.ReportRetry},
		{403, `{"success":false}`, payment.ReportRetry},
		{429, `{"success":false}`, payment.ReportRetry},
		{500, `{"success":true}`, payment.ReportRetry},
		{302, `{"success":true}`, payment.ReportRetry},
	} {
		a := answer(respond(c.status, c.body))
		if a.Outcome != c.want || (a.Outcome == payment.ReportRetry) != (a.Err != nil) {
			t.Errorf("%d %s: %+v", c.status, c.body, a)
		}
	}
}

func TestTransport(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/busy/customer/callback" {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	a := affiliate(t, s.URL, 100*time.Millisecond).Report(t.Context(), conversion)
	if a.Unsent { // a busy machine: the time-out was over before the request was out
		a = affiliate(t, s.URL, 5*time.Second).Report(t.Context(), conversion)
	}
	if a.Outcome != payment.ReportRetry || a.Unsent || a.Err == nil {
		t.Errorf("time-out: %+v", a)
	}
	if a := affiliate(t, s.URL+"/busy", 0).Report(t.Context(), conversion); a.RetryAfter != 7*time.Second || a.Code != "429" {
		t.Errorf("busy: %+v", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a = affiliate(t, s.URL, 0).Report(ctx, conversion)
	if a.Outcome != payment.ReportRetry || !a.Unsent || strings.Contains(fmt.Sprintf("%v %+v", a.Err, a), token) {
		t.Errorf("cancelled: %+v", a)
	}
}

func TestOddTrack(t *testing.T) {
	var body map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}))
	defer s.Close()
	id := "<&>\"\\\u2028 {env.HOME}"
	affiliate(t, s.URL, 0).Report(t.Context(), payment.Sale{Track: payment.Track{ID: id}})
	if body["track_id"] != id {
		t.Errorf("%v", body)
	}
}

func TestConfig(t *testing.T) {
	var a Affiliate
	err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser("hamekar {\nstore_token {env.X}\ntimeout 2s\nbase_url http://localhost:9101/hamekar\n}"))
	if err != nil || a.StoreToken != "{env.X}" || time.Duration(a.Timeout) != 2*time.Second {
		t.Errorf("%+v, %v", a, err)
	}
	if err := new(Affiliate).UnmarshalCaddyfile(caddyfile.NewTestDispenser("hamekar {\nstore_tokn x\n}")); err == nil || !strings.Contains(err.Error(), "'store_token'") {
		t.Errorf("%v", err)
	}
	if err := new(Affiliate).UnmarshalCaddyfile(caddyfile.NewTestDispenser("hamekar {\npay_url https://x\n}")); err == nil {
		t.Error("an affiliate has no pay page")
	}
	if err := providertest.Provision(t, &Affiliate{}); err == nil || !strings.Contains(err.Error(), "store_token") {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(202, []byte(`{"data":{"message":"x"},"success":true}`))
	f.Add(422, []byte(`{"data":{},"success":false}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		a := answer(r)
		if a.Outcome != payment.ReportRetry && r.Object == nil {
			t.Errorf("%d: %+v", status, a)
		}
		if a.Outcome == payment.ReportAccepted && (!r.Object.True("success") || status/100 != 2) {
			t.Errorf("%d: %+v", status, a)
		}
	})
}
