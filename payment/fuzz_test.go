package payment_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

var strictAmount = regexp.MustCompile(`\A[1-9][0-9]{0,17}\z`)

// FuzzReadSigned: what is taken as signed by the shop was signed with a key of
// the site, for this route and provider, in the one way of writing it.
func FuzzReadSigned(f *testing.F) {
	key, old := []byte(strings.Repeat("ab", 32)), []byte(strings.Repeat("cd", 32))
	s := payment.Signed{Origin: "https://a.example", Route: "/cb", Provider: "24pal", Order: "101", Amount: 50000, Expires: time.Unix(1_800_000_000, 0)}
	f.Add("https://a.example", "/cb", "24pal", "101", "50000", "1800000000", s.Sign(key))
	f.Add("https://a.example", "/cb", "24pal", "101", "50000", "1800000000", s.Sign(old)[:32])
	f.Add("https://a.example", "/cb", "24pal", "101", "50000", "1800000000", s.Sign(key)[:31])
	f.Add("https://a.example", "/cb", "24pal", "101\n5", "050000", "1800000000", strings.ToUpper(s.Sign(key)))
	f.Fuzz(func(t *testing.T, origin, route, provider, order, amount, expires, signature string) {
		given := map[string]string{
			payment.ParamOrder: order, payment.ParamAmount: amount, payment.ParamExpires: expires, payment.ParamSignature: signature,
		}
		read := func() (payment.Signed, error) {
			return payment.ReadSigned(func(n string) string { return given[n] }, origin, route, provider, [][]byte{key, old})
		}
		digest := func(key []byte) string {
			m := hmac.New(sha256.New, key)
			m.Write([]byte("return-v2\n" + strings.TrimSuffix(origin, "/") + "\n" + route + "\n" + provider + "\n" + order + "\n" + amount + "\n" + expires))
			return hex.EncodeToString(m.Sum(nil))
		}
		genuine := func(sig string) bool {
			return len(sig) >= 32 && (strings.HasPrefix(digest(key), sig) || strings.HasPrefix(digest(old), sig))
		}
		wellFormed := payment.CheckOrder(order) == nil && strictAmount.MatchString(amount) && strictAmount.MatchString(expires)
		for _, sig := range []string{signature, digest(key), digest(old)[:32]} {
			given[payment.ParamSignature] = sig
			got, err := read()
			if (err == nil) != (wellFormed && genuine(sig)) {
				t.Fatalf("%q with %q: %v", given, sig, err)
			}
			if err != nil {
				if got != (payment.Signed{}) || (wellFormed && !errors.Is(err, payment.ErrSignature)) || (!wellFormed && !errors.Is(err, payment.ErrMalformed)) {
					t.Errorf("%+v, %v", got, err)
				}
				continue
			}
			if got.Order != order || got.Amount.String() != amount || strconv.FormatInt(got.Expires.Unix(), 10) != expires {
				t.Errorf("%+v of %q", got, given)
			}
		}
	})
}

// FuzzAmounts: one amount has one spelling on the wire, and what people may
// write means what it says.
func FuzzAmounts(f *testing.F) {
	for _, s := range []string{"50000", "0", "-1", "+1", "1e5", "0x10", "100000.0", " 100", "00100", "9223372036854775808", "120000toman", "۱۲۰٬۰۰۰ تومان", "1_000 Rial", "1,000irt"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := payment.ParseRials(s)
		if (err == nil) != strictAmount.MatchString(s) || (err == nil && n.String() != s) || (err != nil && (n != 0 || !errors.Is(err, payment.ErrAmount))) {
			t.Fatalf("%q: %d, %v", s, n, err)
		}
		m, err := payment.ParseAmount(s)
		switch {
		case err != nil && (m != 0 || !errors.Is(err, payment.ErrAmount)):
			t.Fatalf("%q: %d, %v", s, m, err)
		case err == nil && m <= 0:
			t.Fatalf("%q: %d", s, m)
		case err == nil && n != 0 && m != n:
			t.Fatalf("%q: %d bare, %d on the wire", s, m, n)
		case err == nil:
			digits := regexp.MustCompile(`[0-9]+`).FindAllString(payment.ASCIIDigits(s), -1)
			want, _ := new(big.Int).SetString(strings.Join(digits, ""), 10)
			ten := new(big.Int).Mul(want, big.NewInt(10))
			if got := big.NewInt(int64(m)); got.Cmp(want) != 0 && got.Cmp(ten) != 0 {
				t.Fatalf("%q: %d", s, m)
			}
			if again, err := payment.ParseAmount(m.Grouped()); err != nil || again != m {
				t.Fatalf("%q: %d, then %d, %v", m.Grouped(), m, again, err)
			}
		}
	})
}

// FuzzParseRef: a reference has one spelling.
func FuzzParseRef(f *testing.F) {
	f.Add("7m2k9q4v8x1c5z3b6n0pthjwr8")
	f.Add(string(payment.NewRef("a", "b", "c", "d")))
	f.Add("7M2K9Q4V8X1C5Z3B6N0PTHJWR8")
	f.Add("00000000000000000000000001")
	form := regexp.MustCompile(`\A[0-9a-hjkmnp-tv-z]{25}[048cgmrw]\z`)
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := payment.ParseRef(s)
		if (err == nil) != form.MatchString(s) || (err == nil) != (string(ref) == s && s != "") {
			t.Errorf("%q: %q, %v", s, ref, err)
		}
	})
}

// FuzzNames: payments that differ in any part never share a name, however the
// parts are cut, and no key of one kind is one of another.
func FuzzNames(f *testing.F) {
	f.Add("shop", "idpay|x|live", "id", "101", 1)
	f.Add("", "", "", "", 0)
	f.Add("a\x00", "\x00\x00\x00\x01", "b", "", 2)
	f.Fuzz(func(t *testing.T, site, issuer, id, order string, cut int) {
		a := payment.NewRef(site, issuer, id, order)
		if ref, err := payment.ParseRef(string(a)); err != nil || ref != a {
			t.Fatalf("%q: %v", a, err)
		}
		all := id + order
		at := 0
		if len(all) > 0 {
			at = int(uint(cut) % uint(len(all)+1)) //nolint:gosec // any cut will do
		}
		if b := payment.NewRef(site, issuer, all[:at], all[at:]); (a == b) != (at == len(id)) {
			t.Errorf("%q %q and %q %q share a name", id, order, all[:at], all[at:])
		}
		keys := []payment.Key{
			payment.ReceiptKey(issuer, id), payment.NumberKey(issuer, id), payment.IntentKey(issuer, id), payment.OrderKey(issuer, id, ""),
		}
		seen := make(map[string]payment.KeyKind)
		for _, k := range keys {
			h := string(k.Hash())
			if other, ok := seen[h]; ok {
				t.Errorf("%s and %s are one key", other, k.Kind)
			}
			seen[h] = k.Kind
		}
	})
}
