package token

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSetCookie(t *testing.T) {
	for _, c := range []struct {
		name   string
		life   time.Duration
		secure bool
		want   string
	}{
		{"track", time.Hour, true, "__Host-payment_track=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		{"track", time.Hour, false, "payment_track=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		{"nonce", 0, true, "__Host-payment_nonce=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		SetCookie(w, c.name, "v", c.life, View{Secure: c.secure})
		if got := w.Header().Get("Set-Cookie"); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	w := httptest.NewRecorder()
	DropCookie(w, "track", View{Secure: true})
	if got, want := w.Header().Get("Set-Cookie"), "__Host-payment_track=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Shops that share a host share no cookie, not even where one's path is below the
// other's and a browser sends both.
func TestCookiesOfPathsAreApart(t *testing.T) {
	seen := make(map[string]View)
	for _, v := range []View{{}, {Path: "/a"}, {Path: "/b"}, {Path: "/a/b"}, {Path: "/A"}} {
		for _, v.Secure = range []bool{false, true} {
			name := CookieName("paid_x", v)
			if other, ok := seen[name]; ok {
				t.Errorf("%v and %v have the cookie %s", v, other, name)
			}
			seen[name] = v
			r := &http.Request{Header: http.Header{"Cookie": {name + "=1"}}}
			for _, other := range seen {
				if got := len(ReadCookies(r, "paid_", other, func(string) bool { return true })); got > 0 && other != v {
					t.Errorf("%v reads the cookie of %v", other, v)
				}
			}
		}
	}
}

func TestReadCookie(t *testing.T) {
	for _, c := range []struct {
		header []string
		secure bool
		want   string
	}{
		{nil, true, ""},
		{[]string{"__Host-payment_track=a"}, true, "a"},
		{[]string{"a=b; __Host-payment_track=a=b; c"}, true, "a=b"},
		{[]string{"a=b", "__Host-payment_track=a"}, true, "a"},
		{[]string{"payment_track=evil"}, true, ""},
		{[]string{"payment_track=evil; __Host-payment_track=a"}, true, "a"},
		{[]string{"__Host-payment_track=a"}, false, ""},
		{[]string{"payment_track=a"}, false, "a"},
		{[]string{"payment_track=a; payment_track=a"}, false, "a"},
		{[]string{"payment_track=a; payment_track=b"}, false, ""},
		{[]string{"payment_track=a; payment_track=b; payment_track=b"}, false, ""},
		{[]string{"payment_track=; payment_track=a"}, false, ""},
		{[]string{"payment_track=a; payment_track"}, false, ""},
		{[]string{"payment_track_x=a; Payment_Track=b; xpayment_track=c"}, false, ""},
		{[]string{"..Host-payment_track=a; __Host_payment_track=b; __host-payment_track=c"}, true, ""},
		{[]string{"payment_track"}, false, ""},
		{[]string{"payment_track=" + strings.Repeat("a", maxToken+1)}, false, ""},
		{[]string{strings.Repeat(";", 1000) + "payment_track=a"}, false, ""},
	} {
		r := &http.Request{Header: http.Header{"Cookie": c.header}}
		if got := ReadCookie(r, "track", View{Secure: c.secure}); got != c.want {
			t.Errorf("%q: %q, want %q", c.header, got, c.want)
		}
	}
}

func TestReadCookies(t *testing.T) {
	r := &http.Request{Header: http.Header{"Cookie": {"__Host-payment_paid_a=1; payment_paid_b=2; __Host-payment_paid_=3; __Host-payment_paid_c=4; __Host-payment_track=5"}}}
	all := func(string) bool { return true }
	got := ReadCookies(r, "paid_", View{Secure: true}, all)
	if len(got) != 2 || got[0] != (Named{"a", "1"}) || got[1] != (Named{"c", "4"}) {
		t.Errorf("%v", got)
	}
	var many []string
	for i := range 50 {
		many = append(many, "payment_paid_"+strconv.Itoa(i)+"=x")
	}
	r.Header = http.Header{"Cookie": {strings.Join(many, "; ")}}
	if got := ReadCookies(r, "paid_", View{Secure: false}, all); len(got) != MaxCookies {
		t.Errorf("%d cookies", len(got))
	}
}

// However many cookies somebody plants before them, ours are read.
func TestPlantedCookiesKeepNoneOut(t *testing.T) {
	for _, planted := range []int{0, 1, MaxCookies - 1, MaxCookies, MaxCookies + 1, 9 * MaxCookies, maxScan - MaxCookies} {
		for _, genuine := range []int{0, 1, MaxCookies - 1, MaxCookies, MaxCookies + 1} {
			var all, want []string
			for i := range planted {
				all = append(all, "payment_paid_p"+strconv.Itoa(i)+"=planted")
			}
			for i := range genuine {
				name := strconv.Itoa(i)
				all = append(all, "payment_paid_"+name+"=ours")
				if i < MaxCookies {
					want = append(want, name)
				}
			}
			r := &http.Request{Header: http.Header{"Cookie": {strings.Join(all, "; ")}}}
			var got []string
			for _, c := range ReadCookies(r, "paid_", View{}, func(v string) bool { return v == "ours" }) {
				got = append(got, c.Name)
			}
			if !slices.Equal(got, want) && planted+genuine <= maxScan {
				t.Errorf("%d behind %d planted ones: %d are read", genuine, planted, len(got))
			}
		}
	}
}

func TestReadCookieAllocates(t *testing.T) {
	r := &http.Request{Header: http.Header{"Cookie": {"PHPSESSID=1; __Host-payment_track=a; b=c"}}}
	if n := testing.AllocsPerRun(100, func() { ReadCookie(r, "track", View{Secure: true}) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
