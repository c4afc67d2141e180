package handlers

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/payment"
)

func TestWrittenSums(t *testing.T) {
	for text, want := range map[string]payment.Rials{
		"50000": 500_000, "۵۰۰۰۰ تومان": 500_000, "50 000": 500_000, "50,000": 500_000, "۵۰٬۰۰۰ تومن": 500_000,
		"50\u00a0000 Toman": 500_000, "۵۰۰٬۰۰۰ ریال": 500_000, "500000 rial": 500_000, "۵۰،۰۰۰": 500_000,
		" 1 234 567 تومان ": 12_345_670, "50 000": 500_000, "50'000": 500_000, "50_000": 500_000, "۵۰۰۰۰‌تومان": 500_000, "999": 9_990, "1,000": 10_000,
		"10000,50": 0, "12,34,56": 0, "10000،50": 0, "10000٬5": 0, "1,2": 0, "10 000 0": 0, "10000٫5": 0, "1,000,": 0, ",100": 0, "1,,000": 0, "1,000 000": 0, "1000,000": 0, "1 2": 0,
		"": 0, "fifty": 0, "50.000": 0, "-5": 0, "تومان": 0,
	} {
		got, err := payment.ParseAmount(written(text))
		if err != nil {
			got = 0
		}
		if got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestRefusedAnswers(t *testing.T) {
	header := http.Header{"Location": {"https://shop.test/checkout/?failed=1"}, "X-Order-State": {"ok", "failed: sum"}}
	for _, c := range []struct {
		r      Refused
		status int
		fits   bool
	}{
		{Refused{"redirect", []string{"*/cart*", "*/checkout/*"}}, 302, true},
		{Refused{"redirect", []string{"*/checkout/*"}}, 200, false},
		{Refused{"redirect", []string{"*/thanks"}}, 302, false},
		{Refused{"status", []string{"409", "4xx"}}, 404, true},
		{Refused{"status", []string{"409"}}, 404, false},
		{Refused{"status", []string{"5xx"}}, 499, false},
		{Refused{"header", []string{"X-Order-State:failed*"}}, 200, true},
		{Refused{"header", []string{"X-Order-State:paid"}}, 200, false},
	} {
		if err := c.r.Check(); err != nil {
			t.Errorf("%+v: %v", c.r, err)
		}
		if got := c.r.fits(c.status, header); got != c.fits {
			t.Errorf("%+v, %d: %v", c.r, c.status, got)
		}
	}
	for _, r := range []Refused{
		{"redirect", []string{"*"}}, {"redirect", nil}, {"status", []string{"600"}}, {"status", []string{"4x"}}, {"status", []string{"1xx"}},
		{"header", []string{"X-State"}}, {"header", []string{"X-State:*"}}, {"other", []string{"x"}},
	} {
		if r.Check() == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
}

// The worker goes to an address that the owner has named, never to one that
// whoever brought the return has chosen.
func TestHandOverPath(t *testing.T) {
	byQuery := &Verify{Match: Match{matchers: caddyhttp.MatcherSets{{caddyhttp.MatchQuery{"wc-api": {"idpay"}}}}}}
	byBoth := &Verify{Match: Match{matchers: caddyhttp.MatcherSets{{caddyhttp.MatchPath{"/shop/*"}, caddyhttp.MatchQuery{"wc-api": {"idpay"}}}}}}
	one := &Verify{Match: Match{matchers: caddyhttp.MatcherSets{byBoth.matchers[0], byQuery.matchers[0]}}}
	path := &Verify{Match: Match{Paths: []string{"/back"}}}
	for _, c := range []struct {
		v    *Verify
		ret  payment.Return
		want string
		own  bool
	}{
		{path, payment.Return{URI: "/back?x=1", Arrived: time.Now()}, "/back", true},
		{byQuery, payment.Return{URI: "/?wc-api=idpay", Arrived: time.Now()}, "/", true},
		{byQuery, payment.Return{URI: "/index.php?wc-api=idpay", Arrived: time.Now()}, "/index.php", true},
		{byQuery, payment.Return{URI: "/admin/do.php?wc-api=idpay", Arrived: time.Now()}, "/", false},
		{byQuery, payment.Return{URI: "/admin/do.php?wc-api=idpay", Arrived: time.Now(), Known: "/shop/?wc-api=idpay"}, "/shop/", true},
		{byQuery, payment.Return{URI: "/shop/?wc-api=idpay"}, "/shop/", true}, // announced, nobody came
		{byBoth, payment.Return{URI: "/shop/a?wc-api=idpay", Arrived: time.Now()}, "/shop/a", true},
		{one, payment.Return{URI: "/shop/a?wc-api=idpay", Arrived: time.Now()}, "/", false},
	} {
		u, err := url.ParseRequestURI(c.ret.URI)
		if err != nil {
			t.Fatal(err)
		}
		got, _, own := c.v.handOverPath(&c.ret, u)
		if got != c.want || own != c.own || c.v.strayed(&payment.Record{Return: &c.ret}) == own {
			t.Errorf("%+v: %s %v, want %s %v", c.ret, got, own, c.want, c.own)
		}
	}
}

// What a proxy said of the visitor is kept only where the server trusted it.
func TestVisitorIsReplayed(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		r, _ := http.NewRequest(http.MethodGet, "/back", nil)
		r.RemoteAddr = "203.0.113.7:5000"
		r.Header = http.Header{
			"X-Forwarded-For": {"198.51.100.9", "10.0.0.1"}, "X-Forwarded-Proto": {"http", "https"}, "X-Forwarded-Host": {"shop.test"},
			"User-Agent": {"Mozilla"}, "Accept-Language": {strings.Repeat("x", mostHeader+1)}, "Cookie": {"a=b"},
		}
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.TrustedProxyVarKey: trusted}))
		again, _ := http.NewRequest(http.MethodGet, "/back", nil)
		replay(again, visitorOf(r))
		want := http.Header{"User-Agent": {"Mozilla"}}
		if trusted {
			want = http.Header{
				"User-Agent": {"Mozilla"}, "X-Forwarded-For": {"198.51.100.9, 10.0.0.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"shop.test"},
			}
		}
		if again.RemoteAddr != r.RemoteAddr || len(again.Header) != len(want) {
			t.Errorf("trusted %v: %s %v", trusted, again.RemoteAddr, again.Header)
		}
		for name := range want {
			if again.Header.Get(name) != want.Get(name) {
				t.Errorf("trusted %v: %s: %q", trusted, name, again.Header.Get(name))
			}
		}
	}
	r, _ := http.NewRequest(http.MethodGet, "/back", nil)
	replay(r, nil)
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || at.Addr().IsLoopback() || at.Addr().IsPrivate() || at.Addr().IsUnspecified() {
		t.Errorf("a hand-over of nobody comes from %s, which may have rights: %v", r.RemoteAddr, err)
	}
}
