package handlers

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// turnstile lets those who have proved nothing through one at a time, after everybody else.
//
// Invariant: returns that prove nothing, and presses of Pay, get the processor only when
// nobody with proof needs it, however many come. What is delayed is the answer that refuses
// a return, the record of one that waits for the provider, and the start of a payment: each
// at most for longestTurn.
//
// Go runs all goroutines in turn. Without the turnstile a customer's payment would wait at
// each of its steps (ledger, provider, shop) behind every connected stranger. A refusal
// costs very little work, so a bound on work doesn't help. But a client that waits for its
// answer sends nothing meanwhile.
type turnstile struct{ one chan struct{} }

const (
	// longestTurn is how long a stranger waits for a turn. A turn that doesn't end, because
	// a client doesn't read its answer, delays nobody longer.
	longestTurn = time.Second
	// A turn begins with a sleep of glance. Whoever comes back later than busyTurn after it
	// has seen that others need the processor, be it other goroutines or other programs
	// (the provider's and the shop's answers pass through the same machine). Then strangers
	// rest restFor times as long, at most for longestRest.
	busyTurn    = 250 * time.Microsecond
	glance      = 100 * time.Microsecond
	restFor     = 4
	longestRest = 50 * time.Millisecond
)

// They serve all sites and configurations, because these share the processor. Each is a line
// of its own: who presses Pay doesn't wait behind returns, and what must be recorded doesn't
// wait behind refusals.
var (
	processTurnstile = newTurnstile() // refusals
	processRecords   = newTurnstile() // returns that prove nothing and are recorded
	processPresses   = newTurnstile() // presses of Pay
)

func newTurnstile() *turnstile { return &turnstile{make(chan struct{}, 1)} }

// refuses reports whether a page goes to a visitor who has proved nothing.
func refuses(p pages.Page, status int) bool {
	return status == http.StatusTooManyRequests || p.Kind == pages.Malformed
}

// pass waits for a turn; leave must be called when the answer is written.
func (t *turnstile) pass(ctx context.Context) (leave func()) {
	late := time.NewTimer(longestTurn)
	defer late.Stop()
	select {
	case t.one <- struct{}{}:
	case <-late.C:
		return func() {}
	case <-ctx.Done():
		return func() {}
	}
	// Let everybody else run first, in this process and in others. How late this goroutine
	// comes back shows how many there are.
	began := time.Now()
	time.Sleep(glance)
	runtime.Gosched()
	if took := time.Since(began) - glance; took > busyTurn {
		time.Sleep(min(restFor*took, longestRest))
	}
	return func() { <-t.one }
}
