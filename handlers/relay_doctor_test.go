package handlers

import (
	"slices"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/handlers/relay"
)

type bothApps interface {
	App
	relay.App
}

// portRelay is an app with a relay on a port of its own.
type portRelay struct {
	bothApps
	names []string
}

func (p portRelay) Relays(name string) bool { return slices.Contains(p.names, name) }

// Shops that share an account and a relay which can't tell them apart are named, and
// only such.
func TestDoctorNamesShopsThatShareARelay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		relayed []string
		shops   []string // one observe each
		want    string
	}{
		"one shop":              {[]string{"zarinpal"}, []string{"zarinpal"}, ""},
		"two of one account":    {[]string{"zarinpal"}, []string{"zarinpal", "zarinpal"}, "shop0.test, shop1.test"},
		"two of two accounts":   {[]string{"zarinpal", "other"}, []string{"zarinpal", "other"}, ""},
		"of another's relay":    {[]string{"zibal"}, []string{"zarinpal", "zarinpal"}, ""},
		"three, two of one":     {[]string{"zarinpal", "other"}, []string{"zarinpal", "other", "zarinpal"}, "shop0.test, shop2.test"},
		"under their addresses": {nil, []string{"zarinpal", "zarinpal"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Sites{settled: true}
			var at []standing
			for i, provider := range c.shops {
				h := routed("/cb")
				h.app = portRelay{names: c.relayed}
				h.Observe = []*Observe{{Provider: provider}}
				s.handlers = append(s.handlers, h)
				at = append(at, standing{hosts: hosts{names: []string{"shop" + string(rune('0'+i)) + ".test"}}})
			}
			standAt(t, s.handlers, at...)
			found := s.shared()
			if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.Contains(found[0].Where, c.want)) {
				t.Errorf("%+v, want %q", found, c.want)
			}
		})
	}
}
