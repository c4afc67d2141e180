package handlers

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// turnstile sends the refusals of strangers one at a time, after everybody else's answers.
//
// Invariant: returns that prove nothing get the processor only when nobody with proof needs
// it, however many come. Only the answer that refuses them is delayed, at most for
// longestTurn.
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
	// busyTurn is the duration from which on a turn shows that others need the processor.
	// Then strangers rest restFor times as long, at most for longestRest.
	busyTurn    = 250 * time.Microsecond
	restFor     = 4
	longestRest = 50 * time.Millisecond
)

// processTurnstile serves all sites and configurations, because they share the processor.
var processTurnstile = newTurnstile()

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
	// Let all other goroutines run first. The time that this takes shows how many there are.
	began := time.Now()
	runtime.Gosched()
	if took := time.Since(began); took > busyTurn {
		time.Sleep(min(restFor*took, longestRest))
	}
	return func() { <-t.one }
}
