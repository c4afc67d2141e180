package token

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// FuzzForged: no token is taken but one that was signed by this key for this
// use: whatever header and payload, whichever of our keys it is signed with,
// and whatever becomes of a genuine one on its way.
func FuzzForged(f *testing.F) {
	k := newKeys(f, "a", "b")
	for i, s := range samples {
		text, _ := s.make(k)
		header, payload := parts(f, text)
		f.Add(header, payload, uint8(i), uint8(i+1), uint16(7), byte('x'))
		f.Add(header, payload, uint8(i), uint8(i), uint16(300), byte('='))
		f.Add(`{"alg":"none","typ":"`+s.kind.typ+`"}`, payload, uint8(i), uint8(i), uint16(0), byte('.'))
		f.Add(`{"alg":"HS512","typ":"`+s.kind.typ+`"}`, payload, uint8(i), uint8(i), uint16(0), byte('\n'))
	}
	f.Fuzz(func(t *testing.T, header, payload string, which, purpose uint8, at uint16, b byte) {
		s := samples[int(which)%len(samples)]
		// Signed with a key that the shop knows, or one of another use.
		p := purposes[int(purpose)%len(purposes)]
		text := remake(t, k, p, header, payload)
		if err := s.open(k, text, site, now); err == nil {
			if p != s.kind.purpose {
				t.Fatalf("a token signed with the %s key is taken as a %s", p, s.name)
			}
			var h struct{ Alg, Typ string }
			if json.Unmarshal([]byte(header), &h) != nil || h.Alg != "HS256" || h.Typ != s.kind.typ {
				t.Fatalf("a header %s is taken as a %s", header, s.name)
			}
		}
		// A genuine one, with one byte changed, left out or added.
		text, err := s.make(k)
		if err != nil {
			t.Fatal(err)
		}
		i := int(at) % len(text)
		for _, bent := range []string{text[:i] + string([]byte{b}) + text[i+1:], text[:i] + text[i+1:], text[:i] + string([]byte{b}) + text[i:], text[:i]} {
			if bent != text && s.open(k, bent, site, now) == nil {
				t.Fatalf("%q, bent to %q, is taken as a %s", text, bent, s.name)
			}
		}
		for _, other := range samples {
			if other.name != s.name && other.open(k, text, site, now) == nil {
				t.Fatalf("a %s is taken as a %s", s.name, other.name)
			}
		}
		signed := k.SignRef(ref, site)
		i = int(at) % len(signed)
		if bent := signed[:i] + string([]byte{b}) + signed[i+1:]; bent != signed {
			if _, err := k.OpenRef(bent, []string{site}); err == nil {
				t.Fatalf("%q is taken for a reference", bent)
			}
		}
	})
}

// FuzzRoundTrip: what is signed is read as it was, whatever it says.
func FuzzRoundTrip(f *testing.F) {
	k := newKeys(f, "a")
	f.Add("101", "book", "123456******1234", "abcdefgh", int64(50000), 1)
	f.Add("سفارش <&>\u2028", "\"\\", "", "a.b", int64(-1), 0)
	f.Fuzz(func(t *testing.T, order, item, card, track string, amount int64, delivery int) {
		r := record()
		r.Order, r.Expect.Item, r.Receipt.Card, r.Track.ID = valid(order), valid(item), valid(card), valid(track)
		r.Expect.Amount, r.Delivery.Count = payment.Rials(amount), delivery
		want := ClaimsOf(r, site)
		text, err := k.SignReceipt(want, now)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > maxToken {
			return
		}
		got, err := k.VerifyReceipt(text, site, now)
		want.Issuer, want.IssuedAt, want.Expires = got.Issuer, got.IssuedAt, got.Expires
		if err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if strings.ContainsAny(text, "\r\n ;,\"") {
			t.Fatalf("%q is no header value", text)
		}
	})
}

// valid is what survives JSON: UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "?") }

// FuzzReadCookie compares with a reader that was written differently.
func FuzzReadCookie(f *testing.F) {
	for _, h := range []string{"payment_track=a", "a=b; __Host-payment_track=a=b; c", "payment_track=a; payment_track=b", "payment_track=evil; __Host-payment_track=a", "..Host-payment_track=a", ";;;payment_track"} {
		f.Add(h, true)
		f.Add(h, false)
	}
	f.Fuzz(func(t *testing.T, header string, secure bool) {
		name := "payment_track"
		if secure {
			name = "__Host-" + name
		}
		values := make(map[string]bool)
		pairs := strings.Split(header, ";")
		for _, pair := range pairs {
			n, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if n == name && len(v) <= maxToken {
				values[v] = true
			}
		}
		want := ""
		if len(values) == 1 {
			for v := range values {
				want = v
			}
		}
		got := ReadCookie(&http.Request{Header: http.Header{"Cookie": {header}}}, "track", View{Secure: secure})
		if len(pairs) <= maxScan && got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
		if len(pairs) > maxScan && got != "" && !values[got] {
			t.Errorf("%q: made up %q", header, got)
		}
		for _, c := range ReadCookies(&http.Request{Header: http.Header{"Cookie": {header}}}, "tr", View{Secure: secure}, func(string) bool { return true }) {
			if !strings.Contains(header, c.Name) || !strings.Contains(header, c.Value) || c.Name == "" {
				t.Errorf("%q: made up %+v", header, c)
			}
		}
	})
}

// FuzzKid: a name of a key in a header chooses nothing, since a key may have been renamed.
func FuzzKid(f *testing.F) {
	k := newKeys(f, "a", "b")
	f.Add("a")
	f.Add("../../dev/null")
	f.Fuzz(func(t *testing.T, kid string) {
		s := samples[0]
		header, _ := json.Marshal(map[string]string{"alg": "HS256", "typ": s.kind.typ, "kid": valid(kid)})
		text, _ := s.make(k)
		_, payload := parts(t, text)
		err := s.open(k, remake(t, k, s.kind.purpose, string(header), payload), site, now)
		if err != nil {
			t.Errorf("kid %q: %v", kid, err)
		}
	})
}
