package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// slowGate is a gateway that decides when a call arrives, and answers it after a while.
// Whoever hangs up before hears nothing, and changes nothing.
type slowGate struct {
	*relayBank
	mu sync.Mutex
	// after is when the calls are answered, one by one; the last is for all others.
	after []time.Duration
	// elsewhere: somebody else has verified it before.
	elsewhere bool
	settled   bool
	// denies: it answers with a "no" where others say "already verified".
	denies bool
	// overtaken is how many of the next calls are decided when they are answered.
	overtaken int
	open      int
	most      int
}

func (g *slowGate) ForwardCall(ctx context.Context, c payment.RelayCall) payment.RelayReply {
	g.mu.Lock()
	after := g.after[0]
	if len(g.after) > 1 {
		g.after = g.after[1:]
	}
	code := 100
	decide := func() {
		if c.Path != "verify" {
			return
		}
		if g.settled || g.elsewhere {
			code = 101
			if g.denies {
				code = -51
			}
		}
		g.settled = true
	}
	arrived, late := time.Now(), g.overtaken > 0
	switch {
	case string(c.Body) == "quick":
		after = 0
	case late:
		g.overtaken--
	default:
		decide()
	}
	g.open++
	g.most = max(g.most, g.open)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open--
	}()
	decideLate := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if late {
			decide()
		}
	}
	select {
	case <-time.After(after):
		decideLate()
	case <-ctx.Done():
		time.AfterFunc(time.Until(arrived.Add(after)), decideLate)
		return payment.RelayReply{Err: errors.New("time-out")}
	}
	if c.Path != "verify" {
		return payment.RelayReply{Status: 200, Body: []byte("K1")}
	}
	return payment.RelayReply{Status: 200, Type: "application/json", Body: fmt.Appendf(nil, `{"code":%d,"card_hash":"secret-hash"}`, code)}
}

func (g *slowGate) Verify(ctx context.Context, _ payment.Query) payment.Answer {
	return g.ReadVerified(g.ForwardCall(ctx, payment.RelayCall{Path: "verify"}))
}

// answers is when calls are answered from now on.
func (g *slowGate) answers(after ...time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.after = after
}

func (g *slowGate) underWay() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func slowWorld(t *testing.T, change ...func(*relayWorld)) (*relayWorld, *slowGate) {
	t.Helper()
	g := &slowGate{after: []time.Duration{0}}
	return newRelayWorld(t, append(change, func(w *relayWorld) {
		g.relayBank = w.gate
		w.listing = g
	})...), g
}

const never = time.Hour

// A plugin that waits longer than our own time-out gets what it would have got from the
// gateway itself, up to 25 s; one that leaves earlier is told at its next question.
func TestRelaySlowGateway(t *testing.T) {
	for _, c := range []struct {
		name  string
		after []time.Duration
		stays time.Duration
		first time.Duration // when it hears "first"; 0: its connection is closed
	}{
		{"below our time-out", []time.Duration{7 * time.Second}, never, 7 * time.Second},
		{"at it", []time.Duration{8 * time.Second}, never, 8 * time.Second},
		{"above it", []time.Duration{9 * time.Second}, never, 9 * time.Second},
		{"far above it", []time.Duration{17 * time.Second}, never, 17 * time.Second},
		{"just in time", []time.Duration{24 * time.Second}, never, 24 * time.Second},
		{"too late", []time.Duration{26 * time.Second}, never, 0},
		{"never", []time.Duration{never}, never, 0},
		{"never, and our own question at once", []time.Duration{never, 0}, never, 9 * time.Second},
		{"never, and our own question slowly", []time.Duration{never, 7 * time.Second}, never, 16 * time.Second},
		{"slowly, and our own question not", []time.Duration{15 * time.Second, never}, never, 15 * time.Second},
		{"it left before", []time.Duration{9 * time.Second}, 5 * time.Second, 0},
		{"it left while our question ran", []time.Duration{20 * time.Second}, 12 * time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				w.call("create", "")
				g.answers(c.after...)
				start := time.Now()
				h := w.callFor("verify", "K1", c.stays)
				took := time.Since(start)
				switch {
				case c.first == 0 && h.body != "" || c.first == 0 && c.stays == never && !h.broke:
					t.Fatalf("after %s: %+v", took, h)
				case c.first != 0 && (!isFirst(h) || took < c.first || took > c.first+time.Second):
					t.Fatalf("after %s: %+v", took, h)
				case took > 26*time.Second:
					t.Error("it was held for", took)
				}
				if g.most > 2 {
					t.Errorf("%d questions at a time", g.most)
				}
				g.answers(0)
				want := "again"
				if c.first == 0 {
					want = "first"
				}
				h = w.call("verify", "K1")
				if isFirst(h) != (want == "first") || !isFirst(h) && h.body != "again" {
					t.Errorf("its next question: %+v, want %q", h, want)
				}
				w.wantState(w.only().Ref, payment.Delivered)
				synctest.Wait()
				if g.open != 0 {
					t.Error("questions that nobody waits for:", g.open)
				}
			})
		})
	}
}

// "Already verified" to our first question is never taken for ours, however late it comes,
// and to the second it is unless the first says the same.
func TestRelaySlowElsewhere(t *testing.T) {
	for _, after := range [][]time.Duration{{7 * time.Second}, {8500 * time.Millisecond}, {9500 * time.Millisecond, time.Second}} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				w.call("create", "")
				g.answers(after...)
				g.elsewhere = true
				if h := w.call("verify", "K1"); !strings.Contains(h.body, ":101,") {
					t.Fatalf("%+v", h)
				}
				if r := w.only(); r.State != payment.Review || r.Reason != payment.ReasonElsewhere {
					t.Errorf("%s %s", r.State, r.Reason)
				}
			})
		})
	}
}

// The gateway decides our question before the shop's, which it answers with "already verified"
// then: the shop hears "first" all the same.
func TestRelaySlowOvertaken(t *testing.T) {
	for _, c := range []struct {
		after []time.Duration
		first time.Duration
	}{
		{[]time.Duration{9500 * time.Millisecond, 0}, 9 * time.Second},
		{[]time.Duration{9500 * time.Millisecond, time.Second}, 10 * time.Second},
		{[]time.Duration{14 * time.Second, 7 * time.Second}, 16 * time.Second},
		{[]time.Duration{14 * time.Second, never}, 17 * time.Second},
		{[]time.Duration{17500 * time.Millisecond, never}, 17500 * time.Millisecond},
		{[]time.Duration{18500 * time.Millisecond, never}, 18500 * time.Millisecond},
		{[]time.Duration{24 * time.Second, never, never}, 25 * time.Second},
		{[]time.Duration{30 * time.Second, never, 0}, 19 * time.Second},
	} {
		t.Run(fmt.Sprint(c.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				w.call("create", "")
				g.answers(c.after...)
				g.overtaken = 1
				start := time.Now()
				h := w.call("verify", "K1")
				if took := time.Since(start); !isFirst(h) || took < c.first || took > c.first+500*time.Millisecond {
					t.Errorf("after %s: %+v, %s (%s)", took, h, w.only().State, w.only().Reason)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// Both are answered at the same instant, in either order.
func TestRelaySlowBothAnswered(t *testing.T) {
	for _, overtaken := range []int{0, 1} {
		for range 64 {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				w.call("create", "")
				g.answers(10*time.Second, time.Second)
				g.overtaken = overtaken
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Fatalf("%d overtaken: %+v, %s (%s)", overtaken, h, w.only().State, w.only().Reason)
				}
			})
		}
	}
}

// Nobody knows whether the claim of our own question was written: it wasn't asked, and what the
// shop's is answered is committed all the same.
func TestRelaySlowUnsure(t *testing.T) {
	for _, until := range []int{2, 3, 4} {
		synctest.Test(t, func(t *testing.T) {
			w, g := slowWorld(t)
			defer w.halt()
			w.call("create", "")
			g.answers(12*time.Second, 0)
			g.denies = true
			w.unsure = func(c payment.Change) bool {
				n := c.Record.Attempts.Count
				return c.Record.State == payment.Verifying && n > 1 && n <= until
			}
			h := w.call("verify", "K1")
			if r := w.only(); !isFirst(h) || r.State != payment.Delivered {
				t.Errorf("%d: %+v, %s (%s)", until, h, r.State, r.Reason)
			}
		})
	}
}

// A gateway may answer our question with a "no" because the shop's own has settled the payment:
// it doesn't end that one, and the shop hears what it would have heard without us.
func TestRelaySlowDenied(t *testing.T) {
	for _, c := range []struct {
		after []time.Duration
		first time.Duration // 0: the shop's own question is never answered
	}{
		{[]time.Duration{8500 * time.Millisecond, 0}, 8500 * time.Millisecond},
		{[]time.Duration{9 * time.Second, 0}, 9 * time.Second},
		{[]time.Duration{9001 * time.Millisecond, 0}, 9001 * time.Millisecond},
		{[]time.Duration{15 * time.Second, 0}, 15 * time.Second},
		{[]time.Duration{20 * time.Second, 3 * time.Second}, 20 * time.Second},
		{[]time.Duration{14 * time.Second, never, 0}, 14 * time.Second},
		{[]time.Duration{24 * time.Second, never, 0}, 24 * time.Second},
		{[]time.Duration{26 * time.Second, 0}, 0},
	} {
		t.Run(fmt.Sprint(c.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				w.call("create", "")
				g.answers(c.after...)
				g.denies = true
				start := time.Now()
				h := w.call("verify", "K1")
				took := time.Since(start)
				switch r := w.only(); {
				case c.first > 0 && (!isFirst(h) || took < c.first || took > c.first+100*time.Millisecond || r.State != payment.Delivered):
					t.Errorf("after %s: %+v, %s (%s)", took, h, r.State, r.Reason)
				case c.first == 0 && (isFirst(h) || took > 26*time.Second || r.State != payment.Unknown && r.State != payment.Review):
					t.Errorf("after %s: %+v, %s (%s)", took, h, r.State, r.Reason)
				}
				synctest.Wait()
				if n := g.underWay(); n > 0 || g.most > 2 {
					t.Errorf("%d calls under way, %d at a time", n, g.most)
				}
			})
		})
	}
}

// 256 asks of one payment at a slow gateway are one question and one of our own beside it,
// and one "first".
func TestRelaySlowTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, g := slowWorld(t)
		defer w.halt()
		w.call("create", "")
		g.answers(10 * time.Second)
		var wg sync.WaitGroup
		var mu sync.Mutex
		said := map[string]int{}
		for range 256 {
			wg.Go(func() {
				h := w.call("verify", "K1")
				mu.Lock()
				defer mu.Unlock()
				if isFirst(h) {
					said["first"]++
				} else {
					said[h.body]++
				}
			})
		}
		wg.Wait()
		if said["first"] != 1 || said["again"] != 255 || g.most > 2 {
			t.Fatalf("%v, %d at a time", said, g.most)
		}
	})
}

// A shop's call never outlives its claim: where the claim can't be renewed beside it, because
// the ledger records nothing, the call ends before another node or the worker may ask.
func TestRelaySlowWithoutTheLedger(t *testing.T) {
	for name, c := range map[string]struct{ away, back time.Duration }{
		"from the beginning": {time.Second, never},
		"for a while":        {time.Second, 10 * time.Second},
		"since the renewal":  {10 * time.Second, never},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				w.call("create", "")
				g.answers(never)
				start := time.Now()
				var asks sync.WaitGroup
				defer asks.Wait()
				asks.Go(func() { w.callFor("verify", "K1", never) })
				for time.Since(start) < 30*time.Second {
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
					switch time.Since(start) {
					case c.away:
						w.store.Break(payment.ErrBroken)
					case c.back:
						w.store.Break(nil)
					}
					if n := g.underWay(); n > 0 && !w.store.Alive(w.only().Lease) {
						t.Errorf("after %s no claim is left, and %d calls are under way", time.Since(start), n)
						break
					}
				}
				w.store.Break(nil)
				synctest.Wait()
			})
		})
	}
}

// A gateway that hangs is asked by no more than a bound of calls at a time, and those that it
// hangs on keep no place from those that it answers.
func TestRelaySlowCrowd(t *testing.T) {
	// The last is beyond both bounds.
	for _, n := range []int{255, 256, 257, 600, 900} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := slowWorld(t)
				defer w.halt()
				g.answers(never)
				var asks sync.WaitGroup
				defer asks.Wait()
				start := time.Now()
				for i := range n {
					// One after another, so that what they wait for doesn't end at one instant: a crowd
					// of timers that fire at once breaks the race detector itself (go.dev/issue/78156).
					time.Sleep(time.Millisecond)
					asks.Go(func() { w.callFor("verify", fmt.Sprint("H", i), never) })
				}
				for i, at := range []time.Duration{time.Second, 10 * time.Second, 12 * time.Second, 15 * time.Second} {
					time.Sleep(time.Until(start.Add(at)))
					if n > 600 {
						continue // more than have places
					}
					began := time.Now()
					h := w.call("verify", fmt.Sprint("Q", i), func(c *engine.Relay) { c.Call.Body = []byte("quick") })
					if took := time.Since(began); !isFirst(h) || took > time.Second {
						t.Errorf("after %s a call that is answered at once takes %s: %+v", at, took, h)
					}
				}
				g.mu.Lock()
				defer g.mu.Unlock()
				if g.most > 640+256 {
					t.Errorf("%d calls at a time", g.most)
				}
			})
		})
	}
}

// Where `timeout` is written, it is what a call may take.
func TestRelayWrittenTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, g := slowWorld(t, func(w *relayWorld) { w.patience = 8 * time.Second })
		defer w.halt()
		w.call("create", "")
		g.answers(9*time.Second, 0)
		start := time.Now()
		if h := w.call("verify", "K1"); !isFirst(h) || time.Since(start) < 9*time.Second || g.most != 1 {
			t.Errorf("%+v after %s, %d at a time", h, time.Since(start), g.most)
		}
	})
}

// A create and a call that settles nothing wait as long as the shop does.
func TestRelaySlowCalls(t *testing.T) {
	for _, kind := range []string{"create", "list"} {
		for _, c := range []struct{ after, stays, ends time.Duration }{
			{7 * time.Second, never, 7 * time.Second},
			{9 * time.Second, never, 9 * time.Second},
			{24 * time.Second, never, 24 * time.Second},
			{26 * time.Second, never, -25 * time.Second},
			{never, 5 * time.Second, -8 * time.Second},
			{never, 12 * time.Second, -12 * time.Second},
			{7 * time.Second, 5 * time.Second, 7 * time.Second}, // it is recorded all the same
		} {
			t.Run(fmt.Sprint(kind, c.after, c.stays), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, g := slowWorld(t)
					defer w.halt()
					g.answers(c.after)
					start := time.Now()
					h := w.callFor(kind, "", c.stays)
					took := time.Since(start).Round(100 * time.Millisecond)
					if took != max(c.ends, -c.ends) || h.broke != (c.ends < 0) {
						t.Errorf("%+v after %s", h, took)
					}
				})
			})
		}
	}
}

// While calls pass unrecorded, a shop waits as long for its gateway.
func TestForwardedSlowCalls(t *testing.T) {
	for after, first := range map[time.Duration]bool{7 * time.Second: true, 9 * time.Second: true, 24 * time.Second: true, 26 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			w := forwardWorld(t)
			defer w.halt()
			w.call("create", "")
			w.store.Break(payment.ErrBroken)
			gate := &slowGate{relayBank: w.gate, after: []time.Duration{after}}
			h := w.call("verify", "K1", func(c *engine.Relay) {
				c.Ask.Kind = payment.RelayVerify
				call := *c
				c.Down = func(_ error, made *payment.RelayReply) { _ = engine.PassThrough(t.Context(), gate, w.log, call, made) }
			})
			if isFirst(h) != first || h.broke == first {
				t.Errorf("after %s: %+v", after, h)
			}
			w.store.Break(nil)
		})
	}
}
