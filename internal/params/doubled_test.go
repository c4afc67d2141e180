package params

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDoubled(t *testing.T) {
	names := NewNames("trackId", "success", "status")
	for _, c := range []struct {
		query, known string
		refused      bool
	}{
		{"route=pay/zibal&success=1&trackId=5", "", false},
		{"route=pay/zibal&route=home", "", true},
		{"route=home&route=pay/zibal", "", true},
		{"route=pay&route=pay", "", false},
		{"route=pay&%72oute=home", "", true},
		{"route=pay&+route=home", "", true},
		{"route=pay&route%00x=home", "", true},
		{"route=pay&route[]=home", "", true},
		{"route[]=home&route=pay", "", true},
		{"route=pay&route[a]=pay", "", true},
		{"ro.ute=pay&ro_ute=home", "", true},
		{"x=1;route=home&route=pay", "", true},
		{"route=pay;lang=fa", "", false},
		{"route=pay&Route=home", "", false}, // PHP tells them apart
		{"route=pay&route", "", true},
		{"a[]=1&a[]=2", "", false},
		{"a[b]=1&a[c]=2", "", false},
		{"a[b]=1&a[b]=2", "", true},
		{"a[b][]=1&a[b][]=2", "", false},
		{"a=1&a=2&trackId=5", "a=1&a=2", false},
		{"a=1&a=2&a=3", "a=1&a=2", true},
		{"trackId=5&trackId=5", "", false}, // ParseKnown's
		{"&&route=pay&", "", false},
	} {
		set, err := ParseKnown(c.query, nil, "", names, c.known)
		if err != nil {
			t.Fatal(c.query, err)
		}
		if err := set.Doubled(); errors.Is(err, ErrAmbiguous) != c.refused || !c.refused && err != nil {
			t.Errorf("%s: %v", c.query, err)
		}
	}
}

// Whoever reads the first copy of a parameter reads the same as who reads the last one.
func TestDoubledReadersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"r", "r", "%72", "+r", "s", "r[]", "r[1]", "r.x", "r_x"}).Draw(t, "name") + "=" + rapid.SampledFrom([]string{"1", "2", "%31"}).Draw(t, "value")
		})
		query := strings.Join(rapid.SliceOfN(pair, 0, 6).Draw(t, "pairs"), "&")
		set, err := ParseKnown(query, nil, "", NewNames("id"), "")
		if err != nil || set.Doubled() != nil {
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"r", "s", "r.x", "r_x"} {
			for _, v := range values[name] {
				if v != values[name][0] {
					t.Fatalf("%s: %s is %q", query, name, values[name])
				}
			}
		}
		if values.Has("r") && (values.Has("r[]") || values.Has("r[1]")) {
			t.Fatalf("%s: a value and an array", query)
		}
	})
}
