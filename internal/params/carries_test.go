package params_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/internal/params"
)

// The look at all names at once finds what the look at each finds, in whatever spelling.
func TestTheLookAtAllNamesFindsTheSame(t *testing.T) {
	t.Parallel()
	names := []string{"Authority", "Status", "order_id", "ref_id", "k"}
	bits := []string{
		"Authority", "aUTHORITY", "%41uthority", "Status", "ſtatus", "order_id", "order.id", "order id", "order+id", "order[id", "order_id[]", "ORDER%5Fid", "ref_id", "K", "\u212a",
		"x", "y%", "%zz", "%00", "é", " ", "\x00", "=", "=", "=", "&", "&", "&amp;", ";", "?", "&amp;&amp;", "Authorit", "k%20", "[", "]",
	}
	random := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 50_000 {
		texts := make([]string, 1+random.IntN(3))
		for i := range texts {
			var b strings.Builder
			for range random.IntN(7) {
				b.WriteString(bits[random.IntN(len(bits))])
			}
			texts[i] = b.String()
		}
		some := names[random.IntN(len(names)):]
		want := params.CarriesSome(1, some, texts...)
		if got := params.CarriesAny(some, texts...); got != want {
			t.Fatalf("%q in %q: %v, each by itself %v", some, texts, got, want)
		}
		if want {
			found++
		}
	}
	if found < 5_000 || found > 45_000 {
		t.Errorf("%d of 50,000 had a name: the texts prove little", found)
	}
	if params.CarriesAny(nil, "Authority=1") || params.CarriesAny(names) || params.CarriesAny(names, "") {
		t.Error("found where there is nothing")
	}
}

func TestTheLookAtPlainNamesAllocatesNothing(t *testing.T) {
	names := []string{"Authority", "Status", "order_id"}
	if n := testing.AllocsPerRun(100, func() { params.CarriesAny(names, "colour=blue&size=2", "session=a1; basket=2") }); n != 0 {
		t.Errorf("%.0f allocations for plain names", n)
	}
}
