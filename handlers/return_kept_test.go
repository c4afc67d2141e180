package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A large return is kept small: what the route reads stays, and so does what may
// be the way in the shop's router. A small one is kept as it came.
func TestWhatIsKeptOfALargeReturn(t *testing.T) {
	t.Parallel()
	v := routed("/back").Verify[0]
	v.Bind = []string{"wc_order"}
	for _, bytes := range []int{0, engine.LeanMost - 500, engine.LeanMost + 1, 60 << 10} {
		for _, posted := range []bool{false, true} {
			fat := "big=" + strings.Repeat("x", bytes)
			ret := payment.Return{Method: http.MethodGet, Host: "shop", URI: "/back?wc-api=wc_bank&id=K1&" + fat + "&wc_order=7"}
			if posted {
				ret = payment.Return{Method: http.MethodPost, Host: "shop", URI: "/back?wc-api=wc_bank", Type: "application/x-www-form-urlencoded", Body: []byte(fat + "&id=K1&wc_order=7")}
			}
			lean := v.lean(ret)
			if ret.Size() <= engine.LeanMost {
				if lean != nil {
					t.Errorf("%d bytes: a small return is cut: %+v", bytes, lean)
				}
				continue
			}
			u, err := url.Parse(lean.URI)
			if err != nil || lean.Size() > engine.LeanMost {
				t.Fatalf("%d bytes: %d are kept, %v", bytes, lean.Size(), err)
			}
			all := u.Query()
			form, _ := url.ParseQuery(string(lean.Body))
			maps.Copy(all, form)
			if got := fmt.Sprint(u.Path, all); got != "/back"+fmt.Sprint(url.Values{"wc-api": {"wc_bank"}, "id": {"K1"}, "wc_order": {"7"}}) {
				t.Errorf("%d bytes, posted %v: %s", bytes, posted, got)
			}
		}
	}
}

// What the route reads is never dropped, though it be what is large.
func TestWhatARouteReadsIsNotCut(t *testing.T) {
	t.Parallel()
	v := routed("/back").Verify[0]
	lean := v.lean(payment.Return{URI: "/back?x=1&id=" + strings.Repeat("K", 5<<10)})
	if lean == nil || !strings.Contains(lean.URI, "id=KKK") || strings.Contains(lean.URI, "x=1") {
		t.Errorf("%+v", lean)
	}
}
