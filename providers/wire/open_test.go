package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
)

func testContext(t *testing.T) caddy.Context {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	return ctx
}

// TestOpen: an open block knows its secret, its address, who gives out its receipts
// and for which environment, and shows none of the secret.
func TestOpen(t *testing.T) {
	t.Setenv("TEST_OPEN_KEY", canary)
	for _, sandbox := range []bool{false, true} {
		c := ProviderConfig{Config: Config{BaseURL: "http://localhost:9/x"}}
		ran := false
		d := Document{Type: "mygate", Protocol: "gate", API: "https://api.example", Credential: "token", Written: "{env.TEST_OPEN_KEY}", Sandbox: sandbox}
		if err := c.Open(testContext(t), d, func() error {
			ran = c.Key().Reveal() == canary && c.API().URL("/v") == "http://localhost:9/x/v"
			return nil
		}); err != nil || !ran {
			t.Fatalf("%v, own checks found secret and address: %v", err, ran)
		}
		c.BearFee(func(payment.Rials) payment.Rials { return 7 })
		want := map[bool]string{false: payment.Live, true: payment.Sandbox}[sandbox]
		if tr := c.Traits(); tr.Issuer != payment.Issuer("gate", payment.AccountID("gate", canary), want) || tr.Environment != want || tr.PayerFee(1) != 7 || c.Elsewhere() == "" {
			t.Errorf("%+v", tr)
		}
		written, err := json.Marshal(c)
		if err != nil || string(written) != `{"base_url":"http://localhost:9/x"}` || strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), canary) {
			t.Errorf("%s %v", written, err)
		}
		if err := c.Cleanup(); err != nil {
			t.Error(err)
		}
	}
	if err := new(ProviderConfig).Cleanup(); err != nil {
		t.Error(err)
	}
}

// TestOpenFormerly: a block answers for the keys that its account had before, in its own
// environment, and for no others. What can't be one is refused, and no key is shown.
func TestOpenFormerly(t *testing.T) {
	t.Setenv("TEST_OPEN_KEY", canary)
	t.Setenv("TEST_OPEN_OLD", canary+"-old")
	for name, c := range map[string]struct {
		formerly   []string
		credential string
		want       string
	}{
		"none":            {nil, "token", ""},
		"one":             {[]string{"{env.TEST_OPEN_OLD}"}, "token", ""},
		"two":             {[]string{"{env.TEST_OPEN_OLD}", "older"}, "token", ""},
		"the present key": {[]string{"{env.TEST_OPEN_KEY}"}, "token", "formerly: this is the present key"},
		"twice":           {[]string{"{env.TEST_OPEN_OLD}", canary + "-old"}, "token", "written twice"},
		"empty":           {[]string{"{env.TEST_OPEN_NONE}"}, "token", "formerly"},
		"without a key":   {[]string{"older"}, "", "leave it out"},
	} {
		t.Run(name, func(t *testing.T) {
			p := ProviderConfig{Formerly: c.formerly}
			err := p.Open(testContext(t), Document{Type: "mygate", Protocol: "gate", API: "https://api.example", Credential: c.credential, Written: "{env.TEST_OPEN_KEY}"})
			switch {
			case c.want != "":
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
					t.Errorf("%v, want %q", err, c.want)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			of := func(key, env string) string { return payment.Issuer("gate", payment.AccountID("gate", key), env) }
			tr := p.Traits()
			if len(tr.Former) != len(c.formerly) || !tr.AnswersFor(tr.Issuer) || tr.AnswersFor(of("another", payment.Live)) || tr.AnswersFor("") ||
				tr.AnswersFor(of(canary+"-old", payment.Live)) != (len(c.formerly) > 0) || tr.AnswersFor(of(canary+"-old", payment.Sandbox)) {
				t.Errorf("%+v", tr)
			}
		})
	}
}

// TestOpenRefuses: what is wrong is told with the type and the option, and what a
// document gives to everybody needs no option.
func TestOpenRefuses(t *testing.T) {
	good := Document{Type: "mygate", Protocol: "gate", API: "https://api.example", Key: NewSecret("everybody's")}
	if err := new(ProviderConfig).Open(testContext(t), good); err != nil {
		t.Error(err)
	}
	own := errors.New("own")
	for name, c := range map[string]struct {
		config ProviderConfig
		change func(*Document)
		want   string
	}{
		"no secret":    {change: func(d *Document) { d.Key, d.Credential = Secret{}, "token" }, want: "token"},
		"no address":   {change: func(d *Document) { d.API = "" }, want: "base_url"},
		"odd address":  {config: ProviderConfig{Config: Config{BaseURL: "ftp://x"}}, want: "base_url"},
		"odd time-out": {config: ProviderConfig{Config: Config{Timeout: -1}}, want: "timeout"},
		"own":          {want: "own"},
	} {
		d := good
		if c.change != nil {
			c.change(&d)
		}
		err := c.config.Open(testContext(t), d, func() error {
			if name == "own" {
				return own
			}
			return nil
		})
		if err == nil || !strings.HasPrefix(err.Error(), "mygate: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCallsOfAnOpenBlock: a form's fields keep their order, and what can't be
// written as JSON is not sent.
func TestCallsOfAnOpenBlock(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-Own")+" "+string(body))
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer s.Close()
	c := ProviderConfig{Config: Config{BaseURL: s.URL}}
	if err := c.Open(testContext(t), Document{Type: "x", Protocol: "x", Key: NewSecret("k")}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Cleanup() }()
	h := map[string]string{"X-Own": "1"}
	for _, r := range []Reply{
		c.PostForm(t.Context(), s.URL, Field{"b", "1 & 2"}, Field{"a", "ر"}), c.PostJSON(t.Context(), s.URL, map[string]int{"n": 1}, h), c.Get(t.Context(), s.URL, h),
	} {
		if !r.Object.True("ok") {
			t.Errorf("%+v", r)
		}
	}
	if want := "[POST application/x-www-form-urlencoded  b=1+%26+2&a=%D8%B1 POST application/json 1 {\"n\":1} GET  1 ]"; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
	if r := c.PostJSON(t.Context(), s.URL, func() {}, nil); !r.Unsent || len(got) != 3 {
		t.Errorf("%+v", r)
	}
}

func TestCut(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "abcd", "abcde": "abcd", "سلام‌ها": "سلام", "aébc": "aébc"} {
		if got := Cut(in, 4); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
