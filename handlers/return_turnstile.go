package handlers

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// turnstile lets refusals of strangers out one at a time, behind everybody else.
//
// Its invariant: however many returns that prove nothing come, they have the
// processor when nobody with proof wants it, and what is held back is only the
// answer that refuses them, for longestTurn at most.
//
// Go runs whatever can run in turn, so without it a customer's payment waits at
// each of its steps (the ledger, the provider, the shop) behind every stranger who
// is connected. Refusing one costs next to nothing, so no bound on work helps: what
// helps is that a client who waits for an answer sends nothing meanwhile.
type turnstile struct{ one chan struct{} }

const (
	// longestTurn is how long a stranger waits for a turn: one that does not end,
	// because a client does not take its answer, holds up nobody for longer.
	longestTurn = time.Second
	// busyTurn is how long a turn takes where the processor is wanted by others.
	// Strangers rest for restFor times as long then, for longestRest at most.
	busyTurn    = 250 * time.Microsecond
	restFor     = 4
	longestRest = 50 * time.Millisecond
)

// processTurnstile is one for all sites and configurations: they share a processor.
var processTurnstile = newTurnstile()

func newTurnstile() *turnstile { return &turnstile{make(chan struct{}, 1)} }

// refuses reports whether an answer goes to somebody who proved nothing.
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
	// Whoever can run goes first. How long that takes tells how many they are.
	began := time.Now()
	runtime.Gosched()
	if took := time.Since(began); took > busyTurn {
		time.Sleep(min(restFor*took, longestRest))
	}
	return func() { <-t.one }
}
