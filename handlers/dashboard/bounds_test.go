package dashboard

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// A form is read up to its bound, and refused as too large beyond it; a field whose value
// we don't know decides nothing.
func TestFormsAreBounded(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonTenfold, func(r *payment.Record) { r.Receipt.Amount = 5_000_000 })
	srv := serve(t, &Handler{}, l)
	query := "?lang=en&ref=" + string(r.Ref)
	f := form(t, send(t, srv, "GET", query, nil), "accept")
	with := func(name, value string) url.Values {
		c := url.Values{}
		maps.Copy(c, f)
		c.Set(name, value)
		return c
	}
	least := with("pad", "")
	least.Del("sure") // so nothing is done
	for _, over := range []int{len(least.Encode()) - maxForm, -1, 0, 1, 10 * maxForm} {
		body := with("pad", strings.Repeat("x", maxForm+over-len(least.Encode())))
		body.Del("sure")
		if got := len(body.Encode()); got != maxForm+over {
			t.Fatalf("%d bytes, want %d", got, maxForm+over)
		}
		want := http.StatusBadRequest // "Look first"
		if over > 0 {
			want = http.StatusRequestEntityTooLarge
		}
		if got := send(t, srv, "POST", query, body); got.status != want {
			t.Errorf("%d bytes: %d, want %d", maxForm+over, got.status, want)
		}
	}
	for _, c := range [][2]string{{"decision", "acceptt"}, {"decision", ""}, {"decision", "ACCEPT"}, {"version", "0"}, {"version", "-1"}, {"version", "x"}, {"version", strings.Repeat("9", 30)}, {"token", "x"}} {
		if got := send(t, srv, "POST", query, with(c[0], c[1])); got.status < 400 || got.status > 499 {
			t.Errorf("%s=%s: %d", c[0], c[1], got.status)
		}
	}
	if l.Get(r.Ref).Version != r.Version {
		t.Error("something was decided")
	}
}
