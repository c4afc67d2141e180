package relay

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// reading is a provider that notes how large a call's body was.
type reading struct {
	gate
	got int
}

func (*reading) Dialect() payment.Dialect {
	return payment.Dialect{Routes: []payment.RelayRoute{{Method: http.MethodPost, Path: "/call", Kind: payment.RelayHarmless}}}
}
func (*reading) Protocol() payment.Protocol                         { return payment.Protocol{Name: "gate"} }
func (*reading) Traits() payment.Traits                             { return payment.Traits{Issuer: "gate|1|live"} }
func (*reading) Owns(payment.RelayCall) (payment.RelayOwner, error) { return payment.RelayOwn, nil }
func (r *reading) ForwardCall(_ context.Context, c payment.RelayCall) payment.RelayReply {
	r.got = len(c.Body)
	return payment.RelayReply{Status: 200, Body: []byte("said")}
}

// A call's body is forwarded whole up to the bound, and not at all beyond it, whether its
// length is said or not.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, maxBody - 1, maxBody, maxBody + 1, 20 * maxBody} {
		for _, said := range []bool{true, false} {
			g := &reading{got: -1}
			eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil), Providers: map[string]engine.Provider{"gate": {Provider: g, Timeout: time.Second}}})
			if err != nil {
				t.Fatal(err)
			}
			s := &Server{App: &fakeApp{eng: eng, rel: g}, Options: Options{Providers: []string{"gate"}}}
			r := httptest.NewRequest(http.MethodPost, "/gate/call", strings.NewReader(strings.Repeat("x", n)))
			r.RemoteAddr = "127.0.0.1:1"
			if !said {
				r.ContentLength = -1
			}
			w := httptest.NewRecorder()
			if err := s.Serve(w, r, "/gate/call"); err != nil {
				t.Fatal(err)
			}
			want, got := 200, n
			if n > maxBody {
				want, got = http.StatusRequestEntityTooLarge, -1
			}
			if w.Code != want || g.got != got {
				t.Errorf("%d bytes, length said %v: %d, %d were forwarded", n, said, w.Code, g.got)
			}
		}
	}
}
