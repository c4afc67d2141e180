package handlers

import (
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

// Each gate is asked for itself, however many a site has: that others are open to a
// request says nothing of it.
func TestGatesBeyondSixtyFour(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 63, 64, 65, 200} {
		for shut := range n {
			if !slices.Contains([]int{0, 1, 8, n - 65, n - 64, n / 2, n - 2, n - 1}, shut) {
				continue
			}
			h := &Handler{app: idle{}, log: zap.NewNop()}
			for i := range n {
				q := &Require{Match: Match{Paths: []string{"/open/*", "/final/*"}}, Items: []string{"bought"}}
				if i == shut {
					q = &Require{Match: Match{Paths: []string{"/final/*"}}, Items: []string{"dear"}}
				}
				q.filter = newPathFilter(q.Paths)
				_ = q.filter.matcher.Provision(caddy.Context{})
				q.guarded = newResource(q.filter, q.Paths, nil)
				h.Require = append(h.Require, q)
			}
			var passed passes
			r := asking(t, "/open/x")
			caddyhttp.SetVar(r.Context(), paidVar, &payment.Record{Expect: payment.Expectation{Item: "bought"}})
			if page, _ := h.ask(httptest.NewRecorder(), r, &passed); page != nil {
				t.Fatalf("%d gates: what is bought is shut", n)
			}
			for i := range n {
				if passed.has(i) == (i == shut) {
					t.Errorf("%d gates, number %d is shut: %d has passed: %v", n, shut, i, passed.has(i))
				}
			}
			r.URL.Path = "/final/x"
			if page, _ := h.ask(httptest.NewRecorder(), r, &passed); page == nil {
				t.Errorf("%d gates: number %s was not asked", n, strconv.Itoa(shut))
			}
		}
	}
}
