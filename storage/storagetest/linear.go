package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	// HistoriesVariable names the environment variable that sets how many
	// histories are tried; a release tries a thousand.
	HistoriesVariable = "PAYMENTS_TEST_HISTORIES"

	defaultHistories = 40
	historyClients   = 6
	historyOps       = 10 // of each client
	// checkFor bounds the search for an order; it takes milliseconds.
	checkFor = 30 * time.Second
)

func testHistories(t *testing.T, h Harness) {
	n := defaultHistories
	if v := os.Getenv(HistoriesVariable); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	ss := nodes(t, h)
	unknown, ended := 0, 0
	for i := range n {
		hist := newHistory(i, ss)
		var end func(*testing.T, payment.Store) payment.Store
		switch i % 10 {
		case 3:
			end = h.Reopen
		case 7:
			end = h.Crash
		}
		if end != nil {
			ended++
			hist.end = func(s payment.Store) payment.Store { return end(t, s) }
		}
		ss = hist.run()
		unknown += hist.unknown()
		if err := hist.check(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d histories of %d operations, over %d handles; in %d of them a handle came to its end; %d outcomes stayed unknown",
		n, historyClients*historyOps, len(ss), ended, unknown)
}

// history is what several clients do at the same time, to records and keys of
// its own, and what they were told.
type history struct {
	n    int
	refs [modelRefs]payment.Ref
	keys [modelKeys]payment.Key
	// end ends the first handle in the middle and gives one to go on with.
	end func(payment.Store) payment.Store

	handles []atomic.Pointer[payment.Store]
	clock   atomic.Int64
	done    atomic.Int64
	half    chan struct{} // closed when half of the operations are done
	ended   chan struct{} // closed when a handle has come to its end, if one does

	mu  sync.Mutex
	ops []porcupine.Operation
}

func newHistory(n int, ss []payment.Store) *history {
	h := &history{n: n, handles: make([]atomic.Pointer[payment.Store], len(ss)), half: make(chan struct{}), ended: make(chan struct{})}
	name := "history-" + itoa(n)
	for i := range h.refs {
		h.refs[i] = payment.NewRef(name, "", itoa(i), "")
	}
	for i := range h.keys {
		h.keys[i] = payment.ReceiptKey(name, itoa(i))
		if i == intentKey {
			h.keys[i] = payment.IntentKey(name, itoa(i))
		}
	}
	for i := range ss {
		h.handles[i].Store(&ss[i])
	}
	return h
}

// run returns the handles that are open afterwards.
func (h *history) run() []payment.Store {
	var wg sync.WaitGroup
	for c := range historyClients {
		wg.Go(func() { h.client(c) })
	}
	if h.end != nil {
		<-h.half
		s := h.end(*h.handles[0].Load())
		h.handles[0].Store(&s)
	}
	close(h.ended)
	wg.Wait()
	ss := make([]payment.Store, len(h.handles))
	for i := range ss {
		ss[i] = *h.handles[i].Load()
	}
	// What it came to in the end, seen by each node.
	for i, s := range ss {
		for ref := range modelRefs {
			h.get(historyClients+i, s, ref)
		}
		for key := range modelKeys {
			h.holder(historyClients+i, s, key)
		}
	}
	return ss
}

func (h *history) client(c int) {
	src := rand.New(rand.NewPCG(uint64(h.n), uint64(c)))
	var known [modelRefs]uint64
	states := []payment.State{payment.Verifying, payment.Verified, payment.Declined, payment.Declined, payment.Expired}
	for i := range historyOps {
		s := *h.handles[src.IntN(len(h.handles))].Load()
		ref, key := src.IntN(modelRefs), src.IntN(modelKeys)
		switch what := src.IntN(20); {
		case what < 10:
			in := commitOp{ref: ref, version: known[ref], tag: 1 + c*historyOps + i, state: states[src.IntN(len(states))]}
			for k := range in.take {
				in.take[k] = src.IntN(4) == 0
			}
			if h.commit(c, s, in, src.IntN(2) == 0, src.IntN(20) == 0) {
				known[ref]++
			} else {
				s = *h.handles[src.IntN(len(h.handles))].Load()
				known[ref] = h.get(c, s, ref)
			}
		case what < 14:
			known[ref] = h.get(c, s, ref)
		case what < 17:
			h.holder(c, s, key)
		case what < 19:
			if h.forget(c, s, forgetOp{ref, known[ref]}) {
				known[ref] = 0
			}
		default:
			h.reserve(c, s, key)
		}
		if h.done.Add(1) == historyClients*historyOps/2 {
			close(h.half)
		}
	}
}

// tell keeps what happened. An operation whose outcome nobody knows may take
// effect at any later time: it stays open until the end.
func (h *history) tell(client int, call int64, in, out any) {
	back := h.clock.Add(1)
	if o, ok := out.(written); ok && o.unknown {
		back = math.MaxInt64
	}
	h.mu.Lock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: back})
	h.mu.Unlock()
	if back == math.MaxInt64 {
		h.rest()
	}
}

// rest waits, after an operation that failed, for the handle that comes after
// the one that has ended: an open operation is work for the check.
func (h *history) rest() {
	if h.end == nil {
		return
	}
	select {
	case <-h.half:
		<-h.ended
	default:
	}
}

func (h *history) unknown() (n int) {
	for _, o := range h.ops {
		if o.Return == math.MaxInt64 {
			n++
		}
	}
	return n
}

// commit reports whether the commit succeeded. If leave is set, the caller does
// not wait for it.
func (h *history) commit(client int, s payment.Store, in commitOp, lazy, leave bool) bool {
	r := &payment.Record{Ref: h.refs[in.ref], Version: in.version, CreatedAt: base, State: in.state, Code: itoa(in.tag)}
	c := payment.Change{Record: r, Lazy: lazy}
	for k, take := range in.take {
		if take {
			c.Take = append(c.Take, h.keys[k])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if leave {
		go cancel()
	}
	call := h.clock.Add(1)
	out := h.outcome(s.Commit(ctx, c))
	h.tell(client, call, in, out)
	return out == written{}
}

func (h *history) forget(client int, s payment.Store, in forgetOp) bool {
	call := h.clock.Add(1)
	out := h.outcome(s.Forget(context.Background(), h.refs[in.ref], in.version))
	h.tell(client, call, in, out)
	return out == written{}
}

func (h *history) reserve(client int, s payment.Store, key int) {
	call := h.clock.Add(1)
	n, err := s.Reserve(context.Background(), []payment.Key{h.keys[key]})
	out := h.outcome(err)
	out.fresh = n
	h.tell(client, call, reserveOp{key}, out)
}

func (h *history) outcome(err error) (out written) {
	var taken *payment.TakenError
	switch {
	case err == nil:
	case errors.Is(err, payment.ErrConflict):
		out.conflict = true
	case errors.As(err, &taken):
		out.taken = 1 + slices.Index(h.keys[:], taken.Key)
		out.holder = h.holderNumber(taken.Holder)
	default:
		out.unknown = true
	}
	return out
}

func (h *history) holderNumber(ref payment.Ref) int {
	if ref == "" {
		return reserved
	}
	return 1 + slices.Index(h.refs[:], ref)
}

// get returns the version that was seen. A read that failed says nothing.
func (h *history) get(client int, s payment.Store, ref int) uint64 {
	call := h.clock.Add(1)
	r, err := s.Get(context.Background(), h.refs[ref])
	out := modelRecord{}
	if err == nil {
		out.version, out.state = r.Version, r.State
		out.tag, _ = strconv.Atoi(r.Code)
	} else if !errors.Is(err, payment.ErrNotFound) {
		h.rest()
		return 0
	}
	h.tell(client, call, getOp{ref}, out)
	return out.version
}

func (h *history) holder(client int, s payment.Store, key int) {
	call := h.clock.Add(1)
	ref, err := s.Holder(context.Background(), h.keys[key])
	out := 0
	if err == nil {
		out = h.holderNumber(ref)
	} else if !errors.Is(err, payment.ErrNotFound) {
		h.rest()
		return
	}
	h.tell(client, call, holderOp{key}, out)
}

// check looks for an order in which everything that was told is true.
func (h *history) check() error {
	res := porcupine.CheckOperationsTimeout(ledgerModel(), h.ops, checkFor)
	if res == porcupine.Ok {
		return nil
	}
	ops := slices.Clone(h.ops)
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var text strings.Builder
	for _, o := range ops {
		fmt.Fprintf(&text, "\n%4d…%-4s client %d: %s", o.Call, returned(o.Return), o.ClientId, describe(o.Input, o.Output))
	}
	if res == porcupine.Unknown {
		return fmt.Errorf("history %d: no order was found in %s:%s", h.n, checkFor, text.String())
	}
	return fmt.Errorf("history %d: in no order of these is everything true that was told:%s", h.n, text.String())
}

func returned(at int64) string {
	if at == math.MaxInt64 {
		return ""
	}
	return strconv.FormatInt(at, 10)
}
