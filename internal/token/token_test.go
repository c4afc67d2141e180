package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	site   = "https://shop.example.com"
	ref    = payment.Ref("7m2k9q4v8x1c5z3b6n0pthjwr8")
	theRef = string(ref)
)

var now = time.Date(2026, 3, 21, 12, 0, 0, 0, time.UTC)

func newKeys(t testing.TB, names ...string) *Keys {
	t.Helper()
	var secrets []payment.SigningKey
	for _, name := range names {
		k, err := payment.NewSigningKey(bytes.Repeat([]byte(name), payment.MinSecret), name)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, k)
	}
	k, err := NewKeys(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sample makes one token of each kind, and says how it is read.
type sample struct {
	name string
	kind kind
	make func(k *Keys) (string, error)
	open func(k *Keys, text, site string, at time.Time) error
	life time.Duration
}

var samples = []sample{
	{"receipt", kindReceipt,
		func(k *Keys) (string, error) { return k.SignReceipt(ClaimsOf(record(), site), now) },
		func(k *Keys, text, site string, at time.Time) error {
			_, err := k.VerifyReceipt(text, site, at)
			return err
		}, ReceiptLife},
	{"paid", kindPaid,
		func(k *Keys) (string, error) { return k.SignPaid(Paid{Ref: ref, Items: []string{"book"}}, site, now) },
		func(k *Keys, text, site string, at time.Time) error {
			_, err := k.OpenPaid(text, []string{site}, at)
			return err
		}, PaidLife},
	{"bounce", kindBounce,
		func(k *Keys) (string, error) { return k.SignBounce(ref, site, "nonce", now) },
		func(k *Keys, text, site string, at time.Time) error {
			_, err := k.OpenBounce(text, []string{site}, at)
			return err
		}, BounceLife},
}

func record() *payment.Record {
	return &payment.Record{
		Ref: ref, Provider: "idpay", ID: "d2e353189823079e1e4181772cff5292", Order: "101", Environment: "live",
		Expect:   payment.Expectation{Amount: 50000, Source: payment.FromIntent, Item: "book"},
		Receipt:  &payment.Receipt{Amount: 50000, Paid: 51000, Reference: "888001", Card: "123456******1234", PaidAt: now.Add(-time.Minute)},
		Track:    payment.Track{ID: "abcdefgh"},
		Delivery: payment.Delivery{Count: 2, Via: payment.ViaWorker},
	}
}

// remake signs header and payload with a key of the given purpose.
func remake(t testing.TB, k *Keys, p payment.Purpose, header, payload string) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(header)) + "." + enc([]byte(payload))
	m := hmac.New(sha256.New, k.All(p)[0])
	m.Write([]byte(text))
	return text + "." + enc(m.Sum(nil))
}

func parts(t testing.TB, text string) (header, payload string) {
	t.Helper()
	p := strings.Split(text, ".")
	h, err1 := base64.RawURLEncoding.DecodeString(p[0])
	b, err2 := base64.RawURLEncoding.DecodeString(p[1])
	if len(p) != 3 || err1 != nil || err2 != nil {
		t.Fatal("not a JWS: ", text)
	}
	return string(h), string(b)
}

func TestEveryKind(t *testing.T) {
	k := newKeys(t, "a")
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			text, err := s.make(k)
			if err != nil {
				t.Fatal(err)
			}
			header, payload := parts(t, text)
			check := func(what, text string, at time.Time, want error) {
				t.Helper()
				if err := s.open(k, text, site, at); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			}
			check("as made", text, now, nil)
			check("at the end", text, now.Add(s.life), nil)
			check("expired", text, now.Add(s.life+leeway), ErrExpired)
			check("made in the future", text, now.Add(-leeway-time.Second), ErrInvalid)
			check("empty", "", now, ErrInvalid)
			check("long", text+strings.Repeat("a", maxToken), now, ErrInvalid)
			check("remade", remake(t, k, s.kind.purpose, header, payload), now, nil)
			if err := s.open(k, text, "https://other.example.com", now); !errors.Is(err, ErrInvalid) {
				t.Errorf("another site's: %v", err)
			}
			if err := s.open(newKeys(t, "b"), text, site, now); !errors.Is(err, ErrInvalid) {
				t.Errorf("another secret's: %v", err)
			}

			typ := `"typ":"` + s.kind.typ + `"`
			if !strings.Contains(header, typ) || !strings.Contains(header, `"kid":"a"`) || !strings.Contains(header, `"alg":"HS256"`) {
				t.Errorf("header %s", header)
			}
			for what, h := range map[string]string{
				"alg none":       strings.Replace(header, "HS256", "none", 1),
				"alg None":       strings.Replace(header, "HS256", "None", 1),
				"alg HS384":      strings.Replace(header, "HS256", "HS384", 1),
				"alg RS256":      strings.Replace(header, "HS256", "RS256", 1),
				"no alg":         strings.Replace(header, `"alg":"HS256",`, "", 1),
				"typ JWT":        strings.Replace(header, s.kind.typ, "JWT", 1),
				"typ in capital": strings.Replace(header, s.kind.typ, strings.ToUpper(s.kind.typ), 1),
				"typ prefixed":   strings.Replace(header, s.kind.typ, "application/"+s.kind.typ, 1),
				"typ a number":   strings.Replace(header, `"`+s.kind.typ+`"`, "1", 1),
				"no typ":         strings.Replace(header, typ, `"x":1`, 1),
				"crit":           strings.Replace(header, `"kid":"a"`, `"kid":"a","crit":["x"],"x":1`, 1),
				"not JSON":       "{",
			} {
				check(what, remake(t, k, s.kind.purpose, h, payload), now, ErrInvalid)
			}
			check("no kid", remake(t, k, s.kind.purpose, `{"alg":"HS256",`+typ+`}`, payload), now, nil)
			check("the name that the key had before", remake(t, k, s.kind.purpose, strings.Replace(header, `"kid":"a"`, `"kid":"b"`, 1), payload), now, nil)
			unsigned := strings.TrimSuffix(text, text[strings.LastIndexByte(text, '.')+1:])
			check("no signature", unsigned, now, ErrInvalid)
			none := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(header, "HS256", "none", 1)))
			check("none, unsigned", none+text[strings.IndexByte(text, '.'):strings.LastIndexByte(text, '.')+1], now, ErrInvalid)
			for n := 1; n < len(text); n += 7 {
				check("truncated", text[:n], now, ErrInvalid)
			}
			for _, payload := range []string{"", "{", "[]", "null", "{}", `"x"`} {
				if err := s.open(k, remake(t, k, s.kind.purpose, header, payload), site, now); err == nil {
					t.Errorf("payload %s was taken", payload)
				}
			}

			for _, other := range samples {
				if other.name == s.name {
					continue
				}
				o, _ := other.make(k)
				check("a "+other.name, o, now, ErrInvalid)
				h, _ := parts(t, o)
				check("our claims as a "+other.name, remake(t, k, other.kind.purpose, h, payload), now, ErrInvalid)
				check("our type with the key of a "+other.name, remake(t, k, other.kind.purpose, header, payload), now, ErrInvalid)
				check("the type of a "+other.name, remake(t, k, s.kind.purpose, h, payload), now, ErrInvalid)
			}
			check("with the shop's return key", remake(t, k, payment.PurposeReturn, header, payload), now, ErrInvalid)
		})
	}
}

// TestFlippedBits: no single changed or added character leaves a token valid.
func TestFlippedBits(t *testing.T) {
	k := newKeys(t, "a")
	receipt, _ := samples[0].make(k)
	for text, taken := range map[string]func(string) error{
		receipt: func(s string) error { _, err := k.VerifyReceipt(s, site, now); return err },
		k.SignTrack(payment.Track{ID: "abcdefgh", At: now}, site, time.Hour, now): func(s string) error { _, err := k.OpenTrack(s, []string{site}, now); return err },
	} {
		for i := range text {
			for _, c := range []byte{'A', 'B', 'b', '-', '.', '=', ' ', '\n'} {
				if text[i] == c {
					continue
				}
				for _, bad := range []string{text[:i] + string(c) + text[i+1:], text[:i] + string(c) + text[i:]} {
					if taken(bad) == nil {
						t.Fatalf("%q at byte %d is taken", c, i)
					}
				}
			}
		}
	}
}

func TestReceiptClaims(t *testing.T) {
	k := newKeys(t, "a")
	text, err := k.SignReceipt(ClaimsOf(record(), site), now)
	if err != nil {
		t.Fatal(err)
	}
	_, payload := parts(t, text)
	var got map[string]any
	if err := json.Unmarshal([]byte(payload), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"iss": "caddy-payments", "aud": site, "iat": float64(now.Unix()), "exp": float64(now.Add(5 * time.Minute).Unix()),
		"jti": theRef + ".2", "status": "verified", "provider": "idpay", "id": "d2e353189823079e1e4181772cff5292", "order": "101",
		"item": "book", "amount": 50000.0, "currency": "IRR", "paid": 51000.0, "amount_checked": "intent", "environment": "live",
		"reference": "888001", "card": "123456******1234", "paid_at": "2026-03-21T11:59:00Z", "track_id": "abcdefgh", "delivery": 2.0, "via": "worker",
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("also claimed: %v", got)
	}

	bare := record()
	bare.Receipt, bare.Track, bare.Expect.Item = nil, payment.Track{}, ""
	text, _ = k.SignReceipt(ClaimsOf(bare, site), now)
	_, payload = parts(t, text)
	for _, name := range []string{"item", "paid", "reference", "card", "paid_at", "track_id"} {
		if strings.Contains(payload, `"`+name+`"`) {
			t.Errorf("%s is claimed though unknown: %s", name, payload)
		}
	}
	c, err := k.VerifyReceipt(text, site, now)
	if err != nil || c.Order != "101" || c.Amount != 50000 {
		t.Errorf("%+v, %v", c, err)
	}
	// Provider's time of verification, else our last attempt, stand in.
	bare.Attempts.Last = now.In(time.FixedZone("", 12600))
	if got := ClaimsOf(bare, site).PaidAt; got != "2026-03-21T12:00:00Z" {
		t.Error(got)
	}
	bare.Receipt = &payment.Receipt{VerifiedAt: now.Add(time.Second)}
	if got := ClaimsOf(bare, site).PaidAt; got != "2026-03-21T12:00:01Z" {
		t.Error(got)
	}
}

func TestRotation(t *testing.T) {
	before, both, after := newKeys(t, "old"), newKeys(t, "new", "old"), newKeys(t, "new")
	for _, s := range samples {
		old, _ := s.make(before)
		fresh, _ := s.make(both)
		for what, c := range map[string]struct {
			k    *Keys
			text string
			want error
		}{
			"old by both": {both, old, nil}, "new by both": {both, fresh, nil}, "new by new": {after, fresh, nil},
			"old by new": {after, old, ErrInvalid}, "new by old": {before, fresh, ErrInvalid},
		} {
			if err := s.open(c.k, c.text, site, now); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v", s.name, what, err)
			}
		}
	}
	if _, err := both.OpenRef(before.SignRef(ref, site), []string{site}); err != nil {
		t.Error(err)
	}
	if _, err := after.OpenRef(before.SignRef(ref, site), []string{site}); err == nil {
		t.Error("a reference outlives its key")
	}
}

func TestNewKeys(t *testing.T) {
	good := payment.SigningKey{KID: "a", Secret: bytes.Repeat([]byte("x"), 32)}
	if _, err := NewKeys(); err == nil {
		t.Error("no key was taken")
	}
	if _, err := NewKeys(payment.SigningKey{KID: "a", Secret: []byte("short")}); !errors.Is(err, payment.ErrShortSecret) {
		t.Error(err)
	}
	if _, err := NewKeys(good, good); err == nil {
		t.Error("one name for two keys was taken")
	}
	k, err := NewKeys(good)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := good.Derive(payment.PurposeReturn)
	if got := k.All(payment.PurposeReturn); len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Errorf("%q", got)
	}
}

// pointersTellNoNumber: nobody reads a reference in pointers to it, nor by comparing those to
// payments of one's own; every key of the ring opens them, and so are those of earlier versions.
func pointersTellNoNumber(t *testing.T) {
	t.Helper()
	k, nonce := newKeys(t, "a"), NewNonce()
	seen := make(map[string]bool)
	for i := range 200 {
		own := payment.NewRef(site, "bank", "order", strconv.Itoa(i%50))
		text, _ := k.SignBounce(own, site, nonce, now)
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
		if err != nil || strings.Contains(string(payload), string(own[:4])) {
			t.Fatalf("%s: %v", payload, err)
		}
		var c bounceClaims
		_ = json.Unmarshal(payload, &c)
		if seen[c.Hidden] || c.Hidden == "" {
			t.Fatalf("%d: the same payment is hidden in the same way: %s", i, payload)
		}
		seen[c.Hidden] = true
		for _, ring := range []*Keys{k, newKeys(t, "b", "a")} {
			if b, err := ring.OpenBounce(text, []string{site}, now); err != nil || b.Ref != own || !b.Holds(nonce) {
				t.Fatalf("%d: %+v, %v", i, b, err)
			}
		}
		c.Hidden = c.Hidden[:len(c.Hidden)-1-i%30]
		short, _ := k.sign(kindBounce, c)
		if _, err := k.OpenBounce(short, []string{site}, now); !errors.Is(err, ErrInvalid) {
			t.Fatalf("cut: %v", err)
		}
	}
	old, _ := k.sign(kindBounce, bounceClaims{Ref: ref, Site: site, Hash: Hash(nonce), At: now.Unix(), Until: now.Add(BounceLife).Unix()})
	if b, err := k.OpenBounce(old, []string{site}, now); err != nil || b.Ref != ref {
		t.Errorf("an earlier version's: %+v, %v", b, err)
	}
}

func TestBounceAndPaid(t *testing.T) {
	k := newKeys(t, "a")
	nonce := NewNonce()
	text, _ := k.SignBounce(ref, site, nonce, now)
	b, err := k.OpenBounce(text, []string{site}, now)
	if err != nil || b.Ref != ref || !b.Holds(nonce) || b.Holds("") || b.Holds(NewNonce()) {
		t.Errorf("%+v, %v", b, err)
	}
	if strings.Contains(text, nonce) || (Bounce{}).Holds("") {
		t.Error("the nonce is in the token, or nothing is enough")
	}
	pointersTellNoNumber(t)
	cookie, _ := k.SignPaid(Paid{Ref: ref, Items: []string{"book", "course"}}, site, now)
	p, err := k.OpenPaid(cookie, []string{site}, now.Add(300*24*time.Hour))
	if err != nil || p.Ref != ref || len(p.Items) != 2 || !p.At.Equal(now) {
		t.Errorf("%+v, %v", p, err)
	}
	if len(cookie) > 400 {
		t.Errorf("%d bytes, and twenty of them have to fit a header", len(cookie))
	}
	bad, _ := k.SignPaid(Paid{Ref: "../../x"}, site, now)
	if _, err := k.OpenPaid(bad, []string{site}, now); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestTrack(t *testing.T) {
	k := newKeys(t, "a")
	visit := payment.Track{ID: "abcdefgh", Affiliate: "hamekar", Landing: "/product\n2", At: now}
	text := k.SignTrack(visit, site, time.Hour, now)
	if got, err := k.OpenTrack(text, []string{site}, now); err != nil || got != visit {
		t.Errorf("%+v, %v", got, err)
	}
	sealed := func(purpose payment.Purpose, mark string, body []byte) string {
		m := hmac.New(sha256.New, k.All(purpose)[0])
		m.Write([]byte(mark + "\n" + site + "\n" + string(body)))
		enc := base64.RawURLEncoding.EncodeToString
		return enc(body) + "." + enc(m.Sum(nil)[:trackMAC])
	}
	body, _ := base64.RawURLEncoding.DecodeString(text[:strings.IndexByte(text, '.')])
	if got := sealed(payment.PurposeTrack, "track-v1", body); got != text {
		t.Errorf("%q, want %q", got, text)
	}
	for _, secure := range []bool{true, false} {
		whole, parts := httptest.NewRecorder(), httptest.NewRecorder()
		for range 2 { // the second time on a used sheet
			clear(whole.Header())
			k.SetTrack(whole, "track", visit, site, time.Hour, now, View{Secure: secure})
		}
		SetCookie(parts, "track", text, time.Hour, View{Secure: secure})
		if got, want := whole.Header().Get("Set-Cookie"), parts.Header().Get("Set-Cookie"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, c := range []struct {
		what, text string
		at         time.Duration
		want       error
	}{
		{"at the end", text, time.Hour, nil},
		{"expired", text, time.Hour + leeway, ErrExpired},
		{"made in the future", text, -leeway - time.Second, ErrInvalid},
		{"empty", "", 0, ErrInvalid},
		{"long", text + strings.Repeat("a", maxToken), 0, ErrInvalid},
		{"no MAC", text[:strings.IndexByte(text, '.')+1], 0, ErrInvalid},
		{"the bounce's key", sealed(payment.PurposeBounce, "track-v1", body), 0, ErrInvalid},
		{"another mark", sealed(payment.PurposeTrack, "ref-v1", body), 0, ErrInvalid},
		{"more behind it", sealed(payment.PurposeTrack, "track-v1", append(body, 0)), 0, ErrInvalid},
		{"cut short", sealed(payment.PurposeTrack, "track-v1", body[:len(body)-1]), 0, ErrInvalid},
		{"no id", k.SignTrack(payment.Track{At: now}, site, time.Hour, now), 0, ErrInvalid},
		{"nothing in it", sealed(payment.PurposeTrack, "track-v1", nil), 0, ErrInvalid},
	} {
		if _, err := k.OpenTrack(c.text, []string{site}, now.Add(c.at)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	for n := range len(text) {
		if _, err := k.OpenTrack(text[:n], []string{site}, now); err == nil {
			t.Errorf("the first %d bytes are taken", n)
		}
	}
	if _, err := k.OpenTrack(text, []string{"https://other.example.com"}, now); !errors.Is(err, ErrInvalid) {
		t.Errorf("another site's: %v", err)
	}
	if _, err := newKeys(t, "b").OpenTrack(text, []string{site}, now); !errors.Is(err, ErrInvalid) {
		t.Errorf("another secret's: %v", err)
	}
	if got, err := newKeys(t, "b", "a").OpenTrack(text, []string{site}, now); err != nil || got != visit {
		t.Errorf("with the key before: %+v, %v", got, err)
	}
	for _, s := range samples {
		jws, _ := s.make(k)
		if _, err := k.OpenTrack(jws, []string{site}, now); err == nil {
			t.Errorf("a %s is taken", s.name)
		}
		if s.open(k, text, site, now) == nil {
			t.Errorf("it is taken as a %s", s.name)
		}
	}
}

func TestRef(t *testing.T) {
	k := newKeys(t, "a")
	text := k.SignRef(ref, site)
	if len(text) != 59 || !strings.HasPrefix(text, theRef+".") {
		t.Errorf("%q", text)
	}
	m := hmac.New(sha256.New, k.All(payment.PurposeBounce)[0])
	m.Write([]byte("ref-v1\n" + site + "\n" + theRef))
	if got, err := k.OpenRef(text, []string{site}); err != nil || got != ref {
		t.Errorf("%q, %v", got, err)
	}
	flip := func(i int) string {
		b := []byte(text)
		if b[i]++; b[i] == '9'+1 {
			b[i] = '0'
		}
		return string(b)
	}
	bad := []string{"", theRef, theRef + ".", text[:58], text + "0", strings.ToUpper(text), strings.Replace(text, ".", "-", 1)}
	for i := range text {
		bad = append(bad, flip(i))
	}
	for _, s := range bad {
		if _, err := k.OpenRef(s, []string{site}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := k.OpenRef(text, []string{"https://other.example.com"}); !errors.Is(err, ErrInvalid) {
		t.Error("another site's reference was taken")
	}
}

func FuzzOpen(f *testing.F) {
	k := newKeys(f, "a", "b")
	for _, s := range samples {
		text, _ := s.make(k)
		f.Add(text)
	}
	f.Add(k.SignRef(ref, site))
	f.Add(k.SignTrack(payment.Track{ID: "abcdefgh"}, site, time.Hour, now))
	other := newKeys(f, "c")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range samples {
			if s.open(other, text, site, now) == nil {
				t.Errorf("%q is taken as a %s", text, s.name)
			}
		}
		if _, err := other.OpenRef(text, []string{site}); err == nil {
			t.Errorf("%q is taken as a reference", text)
		}
		if _, err := other.OpenTrack(text, []string{site}, now); err == nil {
			t.Errorf("%q is taken as a track", text)
		}
	})
}

func BenchmarkSignReceipt(b *testing.B) {
	k, c := newKeys(b, "a"), ClaimsOf(record(), site)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.SignReceipt(c, now); err != nil {
			b.Fatal(err)
		}
	}
}

// SignTrack gives the value of the track cookie alone.
func (k *Keys) SignTrack(t payment.Track, site string, life time.Duration, now time.Time) string {
	d := &k.derived[payment.PurposeTrack][0]
	p := d.signer()
	defer d.signers.Put(p)
	at := p.track(t, site, life, now)
	return string(p.appendTrack(nil, at))
}

func BenchmarkSignTrack(b *testing.B) {
	k := newKeys(b, "a")
	visit := payment.Track{ID: "a1b2c3d4e5f60718", Affiliate: "hamekar", Landing: "/product/mug", At: now}
	b.ReportAllocs()
	for b.Loop() {
		k.SignTrack(visit, site, time.Hour, now)
	}
}

// M17: a shop can tell a test payment by its receipt.
func TestReceiptNamesTheEnvironment(t *testing.T) {
	r := record()
	r.Environment = "sandbox"
	if c := ClaimsOf(r, "https://shop.example"); c.Environment != "sandbox" {
		t.Errorf("the receipt of a test payment says %q", c.Environment)
	}
}
