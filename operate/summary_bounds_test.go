package operate

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// filled is an engine over so many payments in one state, the newest last.
func filled(t *testing.T, n int, state payment.State) *engine.Engine {
	t.Helper()
	store := memory.New(nil)
	e, err := engine.New(t.Context(), engine.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		at := time.Unix(int64(1_790_000_000+i), 0)
		r := &payment.Record{Ref: payment.NewRef("shop", "i", strconv.Itoa(i), ""), Site: "shop", State: state, ID: strconv.Itoa(i), Issuer: "i", CreatedAt: at, UpdatedAt: at, Buyer: payment.Buyer{Name: "Sara"}}
		if err := store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// A summary counts what waits up to one bound and the newest payments up to another, and
// says so when it has not seen all.
func TestSummariesAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, lookedMost, CountedMost + 1} {
		s, err := Summarize(t.Context(), filled(t, n, payment.Review), nil)
		if err != nil || s.Counts[payment.Review] != min(n, CountedMost) || s.Looked != min(n, lookedMost) || s.Complete != (n <= lookedMost) {
			t.Errorf("%d that wait: %d counted, %d looked at, complete %v, %v", n, s.Counts[payment.Review], s.Looked, s.Complete, err)
		}
	}
	for _, n := range []int{lookedMost + 1} {
		s, err := Summarize(t.Context(), filled(t, n, payment.Declined), nil)
		if err != nil || s.Counts[payment.Declined] != min(n, lookedMost) || s.Complete != (n <= lookedMost) {
			t.Errorf("%d that wait for nobody: %d counted, complete %v, %v", n, s.Counts[payment.Declined], s.Complete, err)
		}
	}
}

// An erasure names the first open payments that it left, and counts all of them.
func TestErasuresNameSoMany(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, openMost - 1, openMost, openMost + 1, 50 * openMost} {
		e := filled(t, n, payment.Review)
		q := Erasing{Before: time.Now().Add(time.Hour), By: "timer", Note: "retention"}
		var refs []string
		for i := range n {
			refs = append(refs, string(payment.NewRef("shop", "i", strconv.Itoa(i), "")))
		}
		if n > 0 {
			q = Erasing{Refs: refs, By: "timer", Note: "retention"}
		}
		out, err := Erase(t.Context(), e, q)
		if err != nil || out.Open != n || len(out.OpenRefs) != min(n, openMost) || out.Erased != 0 {
			t.Errorf("%d: %d open, %d named, %d erased, %v", n, out.Open, len(out.OpenRefs), out.Erased, err)
		}
		for _, ref := range out.OpenRefs {
			if !slices.Contains(refs, string(ref)) {
				t.Errorf("%d: names %s", n, ref)
			}
		}
	}
}
