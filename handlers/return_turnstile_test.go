package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// Strangers go one at a time; a turn that does not end holds up the next for a
// second and no longer, and nobody who has left.
func TestATurnThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 500} {
		synctest.Test(t, func(t *testing.T) {
			s := newTurnstile()
			began := time.Now()
			var all sync.WaitGroup
			for range n {
				all.Go(func() { s.pass(context.Background()) }) // nobody leaves
			}
			all.Wait()
			want := longestTurn
			if n == 1 {
				want = glance
			}
			if took := time.Since(began); took != want {
				t.Errorf("%d waited %s, want %s", n, took, want)
			}
			gone, cancel := context.WithCancel(context.Background())
			cancel()
			began = time.Now()
			s.pass(gone)()
			if took := time.Since(began); took != 0 {
				t.Errorf("one who has left waited %s", took)
			}
		})
	}
}

// A turn that ends is the next one's, however many wait.
func TestTurnsFollowEachOther(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 500} {
		synctest.Test(t, func(t *testing.T) {
			s := newTurnstile()
			began := time.Now()
			inside, most := 0, 0
			var mu sync.Mutex
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					leave := s.pass(context.Background())
					defer leave()
					mu.Lock()
					inside++
					most = max(most, inside)
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					inside--
					mu.Unlock()
				})
			}
			all.Wait()
			if took := time.Since(began); most != 1 || took != time.Duration(n)*(time.Millisecond+glance) {
				t.Errorf("%d at once, %d together in %s", n, most, took)
			}
		})
	}
}

// What somebody with proof may be told is never held back; what refuses a stranger
// is.
func TestOnlyRefusalsWaitForTheirTurn(t *testing.T) {
	held := processTurnstile.pass(context.Background())
	defer held()
	h := routed("/back")
	for _, p := range []pages.Page{
		{Kind: pages.Declined}, {Kind: pages.Confirming}, {Kind: pages.Parked}, {Kind: pages.Duplicate}, {Kind: pages.Bounce}, {Kind: pages.Review},
		{Kind: pages.OrderPaid}, {Kind: pages.Unavailable}, {Kind: pages.NotStarted}, {Kind: pages.Checkout}, {Kind: pages.NeedPayment},
		{Kind: pages.Malformed}, {Kind: pages.Busy}, {Kind: pages.NotStarted, Status: http.StatusTooManyRequests},
	} {
		wait := p.Kind == pages.Malformed || p.Kind == pages.Busy || p.Status != 0
		r := asked(httptest.NewRequest(http.MethodGet, "https://shop/back", nil))
		began := time.Now()
		if err := h.write(httptest.NewRecorder(), r, p, nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); wait != (took >= longestTurn) {
			t.Errorf("%s %d waited %s", p.Kind, p.Status, took)
		}
	}
}
