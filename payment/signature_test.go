package payment_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// The vectors are computed by another program in another language.
type vectors struct {
	Secret  string
	KID     string
	Keys    map[payment.Purpose]string
	Returns []struct {
		Origin, Route, Provider, Order, Signature string
		SignedURL                                 string `json:"signed_url"`
		SignedURLShort                            string `json:"signed_url_short"`
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	b, err := os.ReadFile("../examples/php/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDerivedKeysEqualTheVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	key, err := payment.NewSigningKey([]byte(v.Secret), "")
	if err != nil {
		t.Fatal(err)
	}
	if key.KID != v.KID {
		t.Errorf("kid %s, want %s", key.KID, v.KID)
	}
	for purpose, want := range v.Keys {
		if got, err := key.Derive(purpose); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", purpose, got, err, want)
		}
	}
	if _, err := payment.NewSigningKey([]byte(v.Secret[:31]), ""); !errors.Is(err, payment.ErrShortSecret) {
		t.Errorf("a secret of 31 bytes: %v", err)
	}
}

func TestReadSignedAcceptsTheVectorsAndNothingElse(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	key := []byte(v.Keys[payment.PurposeReturn])
	for _, ret := range v.Returns {
		for _, address := range []string{ret.SignedURL, ret.SignedURLShort} {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			s, err := payment.ReadSigned(q.Get, ret.Origin, ret.Route, ret.Provider, [][]byte{[]byte("another"), key})
			if err != nil || s.Order != ret.Order {
				t.Errorf("%s: %+v, %v", address, s, err)
			}
			for _, broken := range [][3]string{
				{ret.Origin, ret.Route + "x", ret.Provider}, {ret.Origin, ret.Route, ret.Provider + "x"},
				{"https://sister.example.com", ret.Route, ret.Provider}, {"", ret.Route, ret.Provider},
			} {
				if _, err := payment.ReadSigned(q.Get, broken[0], broken[1], broken[2], [][]byte{key}); !errors.Is(err, payment.ErrSignature) {
					t.Errorf("%v is accepted: %v", broken, err)
				}
			}
			for name, values := range map[string][]string{
				payment.ParamOrder:     {ret.Order + "1", "", "a\nb"},
				payment.ParamAmount:    {"1", "010", "1e3", ""},
				payment.ParamExpires:   {"1", "-1", ""},
				payment.ParamSignature: {"", q.Get(payment.ParamSignature)[:31], q.Get(payment.ParamSignature) + "0", "0" + q.Get(payment.ParamSignature)[1:] + "z"},
			} {
				for _, value := range values {
					changed, _ := url.ParseQuery(q.Encode())
					changed.Set(name, value)
					if s, err := payment.ReadSigned(changed.Get, ret.Origin, ret.Route, ret.Provider, [][]byte{key}); err == nil {
						t.Errorf("%s = %q is accepted: %+v", name, value, s)
					}
				}
			}
		}
	}
}

func TestRefsAreStableAndDistinct(t *testing.T) {
	t.Parallel()
	a := payment.NewRef("shop", "idpay|x|live", "K1", "101")
	if a != payment.NewRef("shop", "idpay|x|live", "K1", "101") {
		t.Error("the same payment has two names")
	}
	// Joining the parts differently must not give the same name.
	if a == payment.NewRef("shop", "idpay|x|live", "K11", "01") || a == payment.NewRef("shopidpay", "|x|live", "K1", "101") {
		t.Error("two payments have one name")
	}
	if got, err := payment.ParseRef(string(a)); err != nil || got != a {
		t.Errorf("%s: %v", got, err)
	}
	for _, bad := range []string{"", "x", string(a) + "0", "ABCDEFGHJKMNPQRSTVWXYZ0123", "../../../../../../etc/pass", string(a[:25]) + "1", string(a[:25]) + "2"} {
		if _, err := payment.ParseRef(bad); !errors.Is(err, payment.ErrRef) {
			t.Errorf("%q is accepted: %v", bad, err)
		}
	}
}

// M15: ids are unique within an issuer only; what another issuer gave out is no
// receipt of this one.
func TestKeysOfDifferentIssuersDiffer(t *testing.T) {
	t.Parallel()
	if payment.ReceiptKey("a", "7") == payment.ReceiptKey("b", "7") || payment.NumberKey("a", "7") == payment.NumberKey("b", "7") || payment.IntentKey("a", "7") == payment.IntentKey("b", "7") {
		t.Error("two providers cannot give out one id")
	}
	if payment.OrderKey("a", "p", "7") == payment.OrderKey("b", "p", "7") || payment.OrderKey("a", "p", "7") == payment.OrderKey("a", "q", "7") {
		t.Error("two shops cannot give out one order number")
	}
}
