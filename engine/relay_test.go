package engine_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// relayBank is a provider with a ledger of its own, spoken to by the shop's calls.
type relayBank struct {
	*bank
	mu      sync.Mutex
	paid    bool
	settled bool
	back    bool
	made    int
	calls   int
	atOnce  int
	most    int
	asked   []string // the paths of forwarded calls
	// lose are so many answers to verify that get lost after it settled, down so many
	// calls that don't arrive.
	lose, down int
	took       time.Duration
	// inquiry is what an inquiry says of the amount, mute are so many that get no answer.
	inquiry payment.Rials
	mute    int
	// order and amount are what an answer to verify says of the payment.
	order  string
	amount payment.Rials
	say    func(body string) payment.RelayReply // instead
	slow   chan payment.RelayReply
	log    *forwarded.Log
	busy   bool // every inquiry is one too many
	// needs is the proof that verify must name, if any; unwritten are questions without one.
	needs     string
	unwritten int
}

func (b *relayBank) Dialect() payment.Dialect { return payment.Dialect{} }
func (b *relayBank) Owns(payment.RelayCall) (payment.RelayOwner, error) {
	return payment.RelayOwn, nil
}
func (b *relayBank) ReadCall(payment.RelayKind, payment.RelayCall) (payment.RelayAsk, error) {
	return payment.RelayAsk{}, nil
}

func (b *relayBank) ForwardCall(ctx context.Context, c payment.RelayCall) payment.RelayReply {
	b.mu.Lock()
	b.calls++
	b.asked = append(b.asked, c.Path)
	b.atOnce++
	b.most = max(b.most, b.atOnce)
	took := b.took
	b.mu.Unlock()
	if c.Path == "verify" && !b.log.Any() { // else the marker is in the file
		b.markerIsDurable(payment.Query{ID: "K1"})
	}
	if b.slow != nil {
		return <-b.slow
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.atOnce--
	if b.down > 0 {
		b.down--
		return payment.RelayReply{Err: errors.New("refused"), Unsent: true}
	}
	if b.say != nil {
		return b.say(string(c.Body))
	}
	reply := func(code int) payment.RelayReply {
		return payment.RelayReply{Status: 200, Type: "application/json", Body: fmt.Appendf(nil, `{"code":%d,"card_hash":"secret-hash"}`, code)}
	}
	switch c.Path {
	case "create":
		b.made++
		return payment.RelayReply{Status: 200, Body: []byte("K1")}
	case "reverse":
		b.back = true
		return reply(100)
	case "verify":
		switch {
		case string(c.Body) == "none": // it doesn't say what it misses
			return payment.RelayReply{Status: 400, Body: []byte(`{"title":"-50?"}`)}
		case len(c.Body) > 0: // another amount, or one that it can't read
			return reply(-50)
		case !b.paid:
			return reply(-51)
		case b.settled:
			if b.lose > 0 {
				b.lose--
				return payment.RelayReply{Err: errors.New("time-out")}
			}
			return reply(101)
		}
		b.settled = true
		if b.lose > 0 {
			b.lose--
			return payment.RelayReply{Err: errors.New("time-out")}
		}
		return reply(100)
	}
	return payment.RelayReply{Status: 200, Body: []byte("raw")}
}

func (b *relayBank) ReadCreated(r payment.RelayReply) (string, bool) {
	return string(r.Body), r.Status == 200
}

func (b *relayBank) ReadVerified(r payment.RelayReply) payment.Answer {
	switch s := string(r.Body); {
	case strings.Contains(s, ":100,"):
		return payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Reference: "r", Order: b.order, Amount: b.amount}}
	case strings.Contains(s, ":101,"):
		return payment.Answer{Outcome: payment.OutcomeAgain, Receipt: &payment.Receipt{Reference: "r"}}
	case strings.Contains(s, ":-50,"):
		return payment.Answer{Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount, Code: "-50"}
	case strings.Contains(s, ":-51,"):
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid}
	}
	return payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer, Unsent: r.Unsent, Err: r.Err}
}

func (b *relayBank) ReadGivenBack(r payment.RelayReply) payment.Outcome {
	if strings.Contains(string(r.Body), ":100,") {
		return payment.OutcomePaid
	}
	return payment.OutcomeUnknown
}

func (b *relayBank) WriteReply(w payment.RelayWord, _ payment.RelayAsk, _ *payment.Record) payment.RelayReply {
	return payment.RelayReply{Status: 200, Body: []byte(map[payment.RelayWord]string{
		payment.RelayFirst: "first made anew", payment.RelayAgain: "again", payment.RelayAwaiting: "awaiting",
		payment.RelayOtherAmount: "other amount", payment.RelayDown: "down", payment.RelayNoPayment: "no such payment",
	}[w])}
}
func (b *relayBank) UnpaidParams() map[string]string { return nil }

// Verify is how the worker asks again.
func (b *relayBank) Verify(ctx context.Context, q payment.Query) payment.Answer {
	if b.needs != "" && q.Proof == "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.unwritten++
		return payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer, Unsent: true, Unmade: true, Err: errUnwritten}
	}
	if q.Proof != b.needs {
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid}
	}
	return b.ReadVerified(b.ForwardCall(ctx, payment.RelayCall{Path: "verify"}))
}

func (b *relayBank) Inquire(context.Context, payment.Query) payment.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inquired++
	switch {
	case b.busy:
		return payment.Answer{Outcome: payment.OutcomeBusy}
	case b.mute > 0:
		b.mute--
		return payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer}
	case !b.paid:
		return payment.Answer{Outcome: payment.OutcomeOpen}
	case b.settled:
		return payment.Answer{Outcome: payment.OutcomeAgain, Receipt: &payment.Receipt{Amount: b.inquiry, Again: true}}
	}
	return payment.Answer{Outcome: payment.OutcomeAwaiting, Receipt: &payment.Receipt{}}
}

// says is what every call is answered from now on.
func (b *relayBank) says(say func(body string) payment.RelayReply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.say = say
}

// became is whether it has settled, and how often it was inquired of.
func (b *relayBank) became() (settled bool, inquired int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settled, b.inquired
}

// plugins are the sites: shops that ask by themselves.
type plugins struct {
	shop
	mu     sync.Mutex
	rescue bool
	// written: `rescue on` is. away: no route is there.
	written, away bool
	visit         func(r *payment.Record) engine.Replayed
	visits        int
	// settles: a verify route takes the returns; hand is what its shop does.
	settles atomic.Bool
	hand    func(r *payment.Record) engine.Handed
}

func (p *plugins) Settles(*payment.Record) bool { return p.settles.Load() }

func (p *plugins) Deliver(ctx context.Context, r *payment.Record) engine.Handed {
	if p.hand == nil {
		return p.shop.Deliver(ctx, r)
	}
	p.shop.Deliver(ctx, r)
	return p.hand(r)
}

func (p *plugins) Rescues(*payment.Record) engine.Rescue {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.away:
		return engine.RescueAway
	case p.written:
		return engine.RescueOn
	case p.rescue:
		return engine.RescueDefault
	}
	return engine.RescueOff
}

func (p *plugins) Replay(_ context.Context, r *payment.Record) engine.Replayed {
	p.mu.Lock()
	p.visits++
	visit := p.visit
	p.mu.Unlock()
	return visit(r)
}

// rescues says whether a shop's return may be made, while the worker runs.
func (p *plugins) rescues(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rescue = yes
}

// isAway takes the route out of the configuration, or puts it back.
func (p *plugins) isAway(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = yes
}

// visited is what a visit does from now on.
func (p *plugins) visited(visit func(r *payment.Record) engine.Replayed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.visit = visit
}

// seen is how many visits there were.
func (p *plugins) seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.visits
}

// seal is no secret, but bound to the payment.
type seal struct{}

func (seal) Seal(ref payment.Ref, b []byte) ([]byte, error) {
	sum := sha256.Sum256([]byte(ref))
	return append(sum[:], b...), nil
}

func (seal) Open(ref payment.Ref, b []byte) ([]byte, error) {
	sum := sha256.Sum256([]byte(ref))
	rest, ok := strings.CutPrefix(string(b), string(sum[:]))
	if !ok {
		return nil, errors.New("another's")
	}
	return []byte(rest), nil
}

type relayWorld struct {
	// mute: the provider can\'t be asked without settling.
	mute bool
	*world
	gate  *relayBank
	sites *plugins
	log   *forwarded.Log
	// listing and recovers, if any, are the gate and the sites instead.
	listing  payment.Provider
	recovers engine.Sites
	// unsynced are the states of records that were written so that a power cut may
	// lose them; unsyncedMu guards them while several payments are written.
	unsynced   []string
	unsyncedMu sync.Mutex
	// onCommit, if set, sees every change before it is made.
	onCommit func(payment.Change)
	// unsure, if set, says of a change that was made that its answer is lost.
	unsure func(payment.Change) bool
	// patience is how long a relayed call may take.
	patience time.Duration
}

// synced notes which commits are not.
type synced struct {
	*memory.Store
	lazy *[]string
	mu   *sync.Mutex
	on   *func(payment.Change)
	// unsure is the world's.
	unsure *func(payment.Change) bool
}

var errUnsure = errors.New("nobody knows whether it was written")

func (s synced) Commit(ctx context.Context, c payment.Change) error {
	if *s.on != nil {
		(*s.on)(c)
	}
	if l := c.Record.Relay; c.Lazy && l != nil {
		s.mu.Lock()
		*s.lazy = append(*s.lazy, fmt.Sprint(c.Record.State, l.Open(), l.Heard()))
		s.mu.Unlock()
	}
	err := s.Store.Commit(ctx, c)
	if f := *s.unsure; err == nil && f != nil && f(c) {
		return errUnsure
	}
	return err
}

// mute is a provider that can do nothing but what all can.
type mute struct{ payment.Provider }

// newRelayWorld starts an engine whose provider can be relayed; only within synctest.
func newRelayWorld(t *testing.T, change ...func(*relayWorld)) *relayWorld {
	t.Helper()
	w := &relayWorld{world: &world{t: t, store: memory.New(nil), shop: &shop{}, events: &events{}, net: &network{script: []payment.ReportAnswer{{Outcome: payment.ReportAccepted}}}}, patience: payment.RelayPatience}
	w.bank = &bank{t: t, store: w.store, traits: payment.Terms{
		Traits:   payment.Traits{Issuer: "zarinpal|x|live", Environment: "live"},
		Protocol: payment.Protocol{SendsAmount: true, ComparesAmount: true, TellsFirst: true},
	}}
	w.gate = &relayBank{bank: w.bank, paid: true, took: 50 * time.Millisecond}
	w.sites = &plugins{}
	for _, c := range change {
		c(w)
	}
	w.gate.log = w.log
	w.run(w.store)
	return w
}

// run starts another engine on a store, as a restart does.
func (w *relayWorld) run(s *memory.Store) {
	w.t.Helper()
	w.store, w.bank.store = s, s
	var gate payment.Provider = w.gate
	if w.listing != nil {
		gate = w.listing
	}
	if w.mute {
		gate = mute{gate}
	}
	var sites engine.Sites = w.sites
	if w.recovers != nil {
		sites = w.recovers
	}
	e, err := engine.New(context.Background(), engine.Config{
		Store: synced{s, &w.unsynced, &w.unsyncedMu, &w.onCommit, &w.unsure}, Sites: sites, Observer: w.events, Rand: func() float64 { return 0.5 }, Seal: seal{}, Tick: w.tick, Forwarded: w.log, Forwards: func() bool { return w.log != nil },
		Providers:  map[string]engine.Provider{"zarinpal": {Provider: gate, Timeout: 8 * time.Second, Patience: w.patience}},
		Affiliates: map[string]payment.Reporter{"hamekar": w.net},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Engine = e
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan struct{})
	go func() {
		e.Run(ctx)
		close(w.done)
	}()
}

// rarely is a worker for tests that last for weeks.
func rarely(w *relayWorld) { w.tick = time.Hour }

// heard is what a plugin heard.
type heard struct {
	body string
	// broke: the connection was closed without an answer.
	broke bool
}

// call makes one call of the shop's; taken says whether it takes the answer whole.
func (w *relayWorld) call(kind, id string, change ...func(*engine.Relay)) heard {
	return w.callFor(kind, id, time.Hour, change...)
}

// callFor is a call whose caller leaves after a while.
func (w *relayWorld) callFor(kind, id string, stays time.Duration, change ...func(*engine.Relay)) (h heard) {
	ctx, leave := context.WithTimeout(context.Background(), stays)
	defer leave()
	c := engine.Relay{
		Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Policy: engine.Policy{Once: true, Many: true},
		Call: payment.RelayCall{Path: kind},
		Ask:  payment.RelayAsk{ID: id, Number: 5000, Unit: payment.Toman},
		Say:  func(r payment.RelayReply) bool { h.body = string(r.Body); return true }, Break: func() { h.broke = true },
	}
	if kind == "create" {
		c.Ask.ID, c.Ask.Callback = "", "https://shop.test/cb?o=101"
		c.Return = &payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}
	} else {
		c.Ask.Unit = 0
	}
	for _, f := range change {
		f(&c)
	}
	switch kind {
	case "create":
		w.RelayCreate(ctx, c)
	case "verify":
		w.RelayVerify(ctx, c)
	case "inquire":
		w.RelayInquire(ctx, c)
	case "reverse":
		w.RelayGiveBack(ctx, c)
	default:
		w.RelayForward(ctx, c)
	}
	return h
}

func (w *relayWorld) only() *payment.Record {
	w.t.Helper()
	page, err := w.store.List(context.Background(), payment.Listing{})
	if err != nil || len(page.Records) != 1 {
		w.t.Fatalf("%d records, %v", len(page.Records), err)
	}
	return page.Records[0]
}

func isFirst(h heard) bool {
	return strings.Contains(h.body, ":100,") || h.body == "first made anew"
}

// unheard is a plugin that gives up before the answer is whole.
func unheard(c *engine.Relay) {
	say := c.Say
	c.Say = func(r payment.RelayReply) bool { say(r); return false }
}

func amount(n int64) func(*engine.Relay) { return func(c *engine.Relay) { c.Ask.Number = n } }

func TestRelayPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		if h := w.call("create", ""); h.body != "K1" {
			t.Fatalf("%+v", h)
		}
		r := w.only()
		if r.State != payment.Created || r.Expect.Amount != 50000 || r.Order != "K1" || r.Relay.Callback == "" || r.Relay.Number != 5000 {
			t.Fatalf("%+v %+v", r, r.Relay)
		}
		if h := w.call("verify", "K1"); !strings.Contains(h.body, `"card_hash":"secret-hash"`) || !isFirst(h) {
			t.Fatalf("the shop didn't hear the provider's own bytes: %+v", h)
		}
		r = w.only()
		if r.State != payment.Delivered || !r.Relay.Heard() || r.Relay.Kept != nil || r.Delivery.Via != payment.ViaRelay {
			t.Fatalf("%s %+v", r.State, r.Relay)
		}
		for range 2 {
			if h := w.call("verify", "K1"); h.body != "again" {
				t.Fatalf("%+v", h)
			}
		}
		if w.gate.calls != 2 {
			t.Error("calls:", w.gate.asked)
		}
		// Only that it was heard, and what follows, may be lost with the power.
		for _, s := range w.unsynced {
			if !strings.HasSuffix(s, "false true") {
				t.Error("not synced:", s)
			}
		}
	})
}

// R2, R4: heard is for ever, also after a restart; told without an end is parked.
func TestRelayToldIsDurable(t *testing.T) {
	for name, commit := range map[string]bool{"crash while telling": false, "crash after": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				w.call("create", "")
				block := make(chan bool)
				go w.call("verify", "K1", func(c *engine.Relay) {
					c.Say = func(payment.RelayReply) bool { return <-block }
				})
				time.Sleep(time.Second)
				if r := w.only(); r.State != payment.Delivering || !r.Relay.Open() {
					t.Fatalf("not told on record while the first byte goes out: %s %+v", r.State, r.Relay)
				}
				if commit {
					block <- true
					synctest.Wait()
				}
				w.halt()
				old := w.store
				w.run(old.Restart())
				defer w.halt()
				if !commit {
					defer func() { block <- true }()
				}
				time.Sleep(time.Minute)
				r := w.only()
				if want := map[bool]payment.State{true: payment.Delivered, false: payment.Parked}[commit]; r.State != want {
					t.Fatalf("%s (%s)", r.State, r.Reason)
				}
				if h := w.call("verify", "K1"); h.body != "again" {
					t.Fatalf("told twice: %+v", h)
				}
				if !commit && w.events.alerts(engine.EventParked) == 0 {
					t.Error("nobody was told")
				}
			})
		})
	}
}

// R1: an answer that was not taken whole leaves "first" untold; the next ask hears the
// same bytes.
func TestRelayUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		for range 3 {
			if h := w.call("verify", "K1", unheard); !isFirst(h) {
				t.Fatalf("%+v", h)
			}
			if r := w.only(); r.State != payment.Verified || len(r.Relay.Kept) == 0 {
				t.Fatalf("%s %+v", r.State, r.Relay)
			}
		}
		if h := w.call("verify", "K1"); !strings.Contains(h.body, "secret-hash") {
			t.Fatalf("%+v", h)
		}
		w.wantState(w.only().Ref, payment.Delivered)
		if w.gate.calls != 2 {
			t.Error("calls:", w.gate.asked)
		}
	})
}

// 256 asks at once: one call that settles, and one "first".
func TestRelayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
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
		if said["first"] != 1 || said["again"] != 255 || w.gate.calls != 2 {
			t.Fatalf("%v, %d calls", said, w.gate.calls)
		}
	})
}

// R12: an answer that was lost is asked for again while the caller stays, and the
// "again" is explained: the caller hears "first".
func TestRelayLostAnswer(t *testing.T) {
	for lost := 1; lost <= 3; lost++ {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			w.gate.lose = lost
			w.call("create", "")
			if h := w.call("verify", "K1"); !isFirst(h) {
				t.Fatalf("lost %d: %+v", lost, h)
			}
			w.wantState(w.only().Ref, payment.Delivered)
		})
	}
}

// Silence is never a status: the connection is closed after 25 s at most, and what
// comes later is kept for the next ask.
func TestRelaySilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.gate.mu.Lock()
		w.gate.down = 20
		w.gate.mu.Unlock()
		start := time.Now()
		if h := w.call("verify", "K1"); !h.broke || h.body != "" {
			t.Fatalf("%+v", h)
		}
		if d := time.Since(start); d > 26*time.Second || d < 10*time.Second {
			t.Error("it was held for", d)
		}
		w.gate.mu.Lock()
		w.gate.down = 0
		w.gate.mu.Unlock()
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Fatalf("%+v", h)
		}
	})
}

// A "no" and an error go to the shop as they came, each time anew.
func TestRelayNo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.gate.paid = false
		w.call("create", "")
		for range 2 {
			if h := w.call("verify", "K1"); !strings.Contains(h.body, "-51") {
				t.Fatalf("%+v", h)
			}
		}
		time.Sleep(time.Hour)
		if w.gate.calls != 3 {
			t.Error("asked without the shop:", w.gate.asked)
		}
		w.gate.say = func(string) payment.RelayReply { return payment.RelayReply{Status: 502, Body: []byte("<html>")} }
		if h := w.call("verify", "K1"); h.body != "<html>" {
			t.Fatalf("%+v", h)
		}
		w.gate.say = nil
		w.gate.paid = true
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Fatalf("he paid later: %+v", h)
		}
	})
}

// Another amount than the create's settles nothing; at, below and above.
func TestRelayOtherAmount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		for _, n := range []int64{1, 4999, 5001, 50000, 500} {
			if h := w.call("verify", "K1", amount(n)); h.body != "other amount" {
				t.Fatalf("%d: %+v", n, h)
			}
		}
		if w.gate.calls != 1 || w.events.alerts(engine.EventRelayAmount) != 5 {
			t.Error(w.gate.asked)
		}
		if h := w.call("verify", "K1", func(c *engine.Relay) { c.Ask.Number, c.Ask.Unread = 0, true }); !isFirst(h) {
			t.Fatalf("an amount that can't be read is forwarded: %+v", h)
		}
	})
}

// What the ledger answers, it answers as the gateway would: whoever asks with another amount,
// with what is none, or with none at all, hears neither "first" nor "again", before and after
// the shop has heard.
func TestRelayOtherAmountOnceHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		wrong := func(when string) {
			t.Helper()
			for _, n := range []int64{-1, 0, 1, 4999, 5001, 50000, 500} {
				if h := w.call("verify", "K1", amount(n)); h.body != "other amount" {
					t.Errorf("%s, %d: %+v", when, n, h)
				}
			}
		}
		w.gate.paid = true
		if h := w.callFor("verify", "K1", 0); isFirst(h) {
			t.Fatalf("whoever has gone hears %+v", h)
		}
		wrong("before")
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Fatalf("%+v", h)
		}
		wrong("heard")
		for range 2 {
			if h := w.call("verify", "K1"); h.body == "other amount" || isFirst(h) {
				t.Errorf("the same amount hears %+v", h)
			}
		}
		if h := w.call("verify", "K1", func(c *engine.Relay) { c.Ask.Number, c.Ask.Unread = 0, true }); h.body == "other amount" {
			t.Errorf("an amount that can't be read hears %+v", h)
		}
	})
}

// Two shops share an account: what one of them sold, by a relay or by a checkout of its
// own, is neither settled nor told by the other's relay.
func TestRelayOfAnotherSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		other := func(c *engine.Relay) { c.Site, c.Bound = "other", true }
		for range 2 {
			if h := w.call("verify", "K1", other); h.body != "other amount" {
				t.Fatalf("the other shop hears %+v", h)
			}
		}
		if w.gate.calls != 1 || w.events.alerts(engine.EventForeign) != 2 {
			t.Errorf("%d calls, %d events", w.gate.calls, w.events.alerts(engine.EventForeign))
		}
		if h := w.call("verify", "K1", func(c *engine.Relay) { c.Site, c.Bound, c.Formerly = "new", true, []string{"shop"} }); !isFirst(h) {
			t.Fatalf("the shop under its new name hears %+v", h)
		}
		if h := w.call("verify", "K1", other); h.body != "other amount" {
			t.Fatalf("when it is settled the other shop hears %+v", h)
		}
	})
}

// R18: "again" at the very first ask is told as it came and blocks nobody.
func TestRelayVerifiedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.bank.unmarked = true // in review the claim is no state of its own
		w.gate.settled = true
		for range 3 {
			if h := w.call("verify", "K1"); !strings.Contains(h.body, ":101,") {
				t.Fatalf("%+v", h)
			}
		}
		if r := w.only(); r.State != payment.Review || r.Reason != payment.ReasonElsewhere {
			t.Fatalf("%s (%s)", r.State, r.Reason)
		}
	})
}

// An id that was used up before this ledger began is told as such, however often its
// provider says "paid", and whoever asks is answered.
func TestRelayReceiptUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.bank.unmarked = true
		if _, err := w.store.Reserve(context.Background(), []payment.Key{payment.ReceiptKey("zarinpal|x|live", "K1")}); err != nil {
			t.Fatal(err)
		}
		w.gate.say = func(string) payment.RelayReply { return payment.RelayReply{Status: 200, Body: []byte(`{"code":100,}`)} }
		for range 3 {
			if h := w.call("verify", "K1"); isFirst(h) || h.body != "again" {
				t.Fatalf("%+v", h)
			}
		}
		if r := w.only(); r.State != payment.Review || r.Reason != payment.ReasonReceiptUsed {
			t.Fatalf("%s (%s)", r.State, r.Reason)
		}
	})
}

// A verify route settles and hands over, and the plugin behind it asks the relay
// meanwhile: it hears "first", once, and the hand-over ends as its answer says.
func TestRelayBehindVerifyRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.bank.unmarked = true
		w.call("create", "")
		ref := w.only().Ref
		res := w.Admit(context.Background(), engine.Ask{
			Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Claimed: payment.Claimed{ID: "K1", Hint: payment.HintPaid},
			Policy: engine.Policy{Once: true, Many: true}, Patience: 8 * time.Second, Return: payment.Return{Method: "GET", Host: "shop", URI: "/cb"},
		})
		if res.Kind != engine.Verified {
			t.Fatalf("%v %v", res.Kind, res.Err)
		}
		_, err := w.Deliver(context.Background(), res.Record, engine.Delivery{Via: payment.ViaBrowser, Browser: "b", Policy: engine.Policy{Once: true, Many: true}}, func(context.Context, *payment.Record) engine.Handed {
			if h := w.call("verify", "K1"); !isFirst(h) {
				t.Errorf("%+v", h)
			}
			if h := w.call("verify", "K1"); h.body != "again" {
				t.Errorf("%+v", h)
			}
			return engine.Handed{Acked: true, Status: 302}
		})
		if err != nil {
			t.Fatal(err)
		}
		if r := w.wantState(ref, payment.Delivered); !r.Relay.Heard() || r.Delivery.Via != payment.ViaBrowser {
			t.Errorf("%+v %+v", r.Relay, r.Delivery)
		}
		if h := w.call("verify", "K1"); h.body != "again" {
			t.Fatalf("%+v", h)
		}
	})
}

// What our books hold for a person is asked for all the same, and its "first" is told
// once.
func TestRelayHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.bank.unmarked = true
		w.call("create", "")
		w.gate.settled = true
		w.call("verify", "K1")
		w.wantState(w.only().Ref, payment.Review)
		w.gate.settled = false
		var wg sync.WaitGroup
		var mu sync.Mutex
		firsts := 0
		for range 8 {
			wg.Go(func() {
				if h := w.call("verify", "K1"); isFirst(h) {
					mu.Lock()
					firsts++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if firsts != 1 {
			t.Errorf("%d heard first", firsts)
		}
		w.wantState(w.only().Ref, payment.Review)
	})
}

// An id that no create of ours explains is the shop's word.
func TestRelayUnknownCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		if h := w.call("verify", "K1", func(c *engine.Relay) { c.Ask.Unit = payment.Toman }); !isFirst(h) {
			t.Fatalf("%+v", h)
		}
		if r := w.wantState(w.only().Ref, payment.Delivered); r.Expect.Amount != 50000 {
			t.Errorf("%+v", r.Expect)
		}
		if h := w.call("verify", "K1"); h.body != "again" {
			t.Fatalf("%+v", h)
		}
	})
}

// R5's second half, R6 and R2: what the page of a return says decides whether it is
// credited; heard and no page that proves it is left to a person.
func TestRelayPage(t *testing.T) {
	for _, c := range []struct {
		name  string
		said  payment.ShopPage
		asks  []func(*engine.Relay)
		state payment.State
		why   payment.Reason
	}{
		{"credited", payment.PageGood, nil, payment.Delivered, ""},
		{"refused", payment.PageRefused, nil, payment.Parked, payment.ReasonShopRefused},
		{"died", payment.PageBad, nil, payment.Parked, payment.ReasonHeardNoAck},
		{"first was lost, the second ask took it", payment.PageGood, []func(*engine.Relay){unheard}, payment.Delivered, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.call("create", "")
				ref := w.only().Ref
				at, err := w.RelayReturn(context.Background(), ref, payment.Return{URI: "/cb?o=101&Authority=K1"}, time.Second)
				if err != nil || at.IsZero() {
					t.Fatal(at, err)
				}
				for _, f := range c.asks {
					w.call("verify", "K1", f)
				}
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Fatalf("%+v", h)
				}
				w.wantState(ref, payment.Delivering)
				w.RelayPage(context.Background(), ref, at, c.said)
				if r := w.record(ref); r.State != c.state || r.Reason != c.why {
					t.Fatalf("%s (%s)", r.State, r.Reason)
				}
				if h := w.call("verify", "K1"); h.body != "again" {
					t.Fatalf("%+v", h)
				}
				time.Sleep(time.Hour)
				if w.net.count() != 0 {
					t.Error("a conversion without a track was reported")
				}
			})
		})
	}
}

// R3: a return that comes while another of the payment is with the shop waits for it;
// if it can't, no page proves anything any more.
func TestRelayReturnsBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		ref := w.only().Ref
		ctx := context.Background()
		at, _ := w.RelayReturn(ctx, ref, payment.Return{URI: "/cb"}, time.Second)
		second := make(chan time.Time)
		go func() {
			at, _ := w.RelayReturn(ctx, ref, payment.Return{URI: "/other"}, 10*time.Second)
			second <- at
		}()
		time.Sleep(time.Second)
		w.call("verify", "K1")
		w.RelayPage(ctx, ref, at, payment.PageGood)
		if got := <-second; !got.IsZero() {
			t.Error("a page is noted though it can say nothing more")
		}
		w.wantState(ref, payment.Delivered)
	})
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		ref := w.only().Ref
		ctx := context.Background()
		at, _ := w.RelayReturn(ctx, ref, payment.Return{URI: "/cb"}, time.Second)
		if got, _ := w.RelayReturn(ctx, ref, payment.Return{URI: "/other"}, time.Second); !got.IsZero() {
			t.Error("two pages at once")
		}
		w.call("verify", "K1")
		w.RelayPage(ctx, ref, at, payment.PageGood)
		if r := w.wantState(ref, payment.Parked); r.Reason != payment.ReasonHeardNoAck {
			t.Error(r.Reason)
		}
		if r := w.record(ref); r.Return == nil || r.Return.URI != "/cb?o=101" || r.Return.Arrived.IsZero() {
			t.Errorf("the return is not fixed: %+v", r.Return)
		}
	})
}

// The node that waits for a page dies: what was heard is left to a person.
func TestRelayPageLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		w.call("create", "")
		ref := w.only().Ref
		_, _ = w.RelayReturn(context.Background(), ref, payment.Return{URI: "/cb"}, time.Second)
		w.call("verify", "K1")
		w.halt()
		w.run(w.store.Restart())
		defer w.halt()
		time.Sleep(5 * time.Minute)
		if r := w.wantState(ref, payment.Parked); r.Reason != payment.ReasonHeardNoAck {
			t.Error(r.Reason)
		}
	})
}

// R8: for a customer who isn't there nothing is settled by us; the shop's own return is
// made once, and its plugin settles.
func TestRelayReplay(t *testing.T) {
	type result struct {
		state    payment.State
		why      payment.Reason
		visits   int
		settled  bool
		sessions bool
	}
	for _, c := range []struct {
		name string
		make func(w *relayWorld)
		want result
	}{
		{"paid, and nobody came back", func(w *relayWorld) {
			w.sites.visited(func(*payment.Record) engine.Replayed {
				h := w.call("verify", "K1")
				return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
			})
		}, result{payment.Delivered, "", 1, true, false}},
		{"its plugin needs the session: the money goes back", func(w *relayWorld) {
			w.sites.visited(func(*payment.Record) engine.Replayed {
				return engine.Replayed{Taken: true, Page: payment.PageGood}
			})
		}, result{payment.Created, "", 1, false, true}},
		{"no rescue", func(w *relayWorld) { w.sites.rescues(false) }, result{payment.Created, "", 0, false, false}},
		{"the shop wants the money back", func(w *relayWorld) {
			w.gate.says(func(string) payment.RelayReply { return payment.RelayReply{Status: 500, Body: []byte("?")} })
			w.call("reverse", "K1")
		}, result{payment.Created, "", 0, false, false}},
		{"settled, and its answer was lost", func(w *relayWorld) {
			w.call("verify", "K1", unheard)
			w.sites.visited(func(*payment.Record) engine.Replayed {
				h := w.call("verify", "K1")
				return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
			})
		}, result{payment.Delivered, "", 1, true, false}},
		{"settled, and its plugin doesn't ask again", func(w *relayWorld) {
			w.call("verify", "K1", unheard)
			w.sites.visited(func(*payment.Record) engine.Replayed {
				return engine.Replayed{Taken: true, Page: payment.PageGood}
			})
		}, result{payment.Parked, payment.ReasonNeedsSession, 1, true, true}},
		{"its plugin keeps the amount in the session, and asks without one", func(w *relayWorld) {
			w.sites.visited(func(*payment.Record) engine.Replayed {
				w.call("verify", "K1", misread["null"])
				return engine.Replayed{Taken: true, Page: payment.PageBad}
			})
		}, result{payment.Created, "", 1, false, true}},
		{"its plugin asks with another amount", func(w *relayWorld) {
			w.sites.visited(func(*payment.Record) engine.Replayed {
				w.call("verify", "K1", amount(1))
				return engine.Replayed{Taken: true, Page: payment.PageBad}
			})
		}, result{payment.Created, "", 1, false, true}},
		{"its plugin asks without an amount, and then with it", func(w *relayWorld) {
			w.sites.visited(func(*payment.Record) engine.Replayed {
				w.call("verify", "K1", misread["5000.0"])
				w.call("verify", "K1")
				return engine.Replayed{Taken: true, Page: payment.PageGood}
			})
		}, result{payment.Delivered, "", 1, true, false}},
		{"settled, and its plugin asks without an amount", func(w *relayWorld) {
			w.call("verify", "K1", unheard)
			w.sites.visited(func(*payment.Record) engine.Replayed {
				w.call("verify", "K1", misread["null"])
				return engine.Replayed{Taken: true, Page: payment.PageBad}
			})
		}, result{payment.Parked, payment.ReasonNeedsSession, 1, true, true}},
		{"it panics", func(w *relayWorld) {
			w.call("verify", "K1", unheard)
			w.sites.visited(func(*payment.Record) engine.Replayed { panic("secret-canary") })
		}, result{payment.Parked, payment.ReasonAbsent, 1, true, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
				defer w.halt()
				w.call("create", "")
				c.make(w)
				time.Sleep(2 * time.Hour)
				r := w.only()
				settled, inquired := w.gate.became()
				got := result{r.State, r.Reason, w.sites.seen(), settled, w.NeedsSession(r)}
				if got != c.want {
					t.Fatalf("%+v, want %+v", got, c.want)
				}
				if got.state == payment.Created && inquired > 20 {
					t.Error("asked", inquired, "times")
				}
			})
		})
	}
}

// R9: a reverse is recorded, makes it reversed, and nothing is told afterwards.
func TestRelayGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		block := make(chan bool)
		go w.call("verify", "K1", func(c *engine.Relay) { c.Say = func(payment.RelayReply) bool { return <-block } })
		time.Sleep(time.Second)
		if h := w.call("reverse", "K1"); h.body != "down" || w.gate.back {
			t.Fatalf("given back while it is being told: %+v", h)
		}
		block <- false
		synctest.Wait()
		if h := w.call("reverse", "K1"); !strings.Contains(h.body, ":100,") {
			t.Fatalf("%+v", h)
		}
		w.wantState(w.only().Ref, payment.Reversed)
		w.bank.unmarked = true // it is only passed on
		if h := w.call("verify", "K1"); isFirst(h) && !strings.Contains(h.body, "card_hash") {
			t.Fatalf("told after it was reversed: %+v", h)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1", unheard)
		w.gate.says(func(string) payment.RelayReply { return payment.RelayReply{Err: errors.New("time-out")} })
		if h := w.call("reverse", "K1"); !h.broke {
			t.Fatalf("%+v", h)
		}
		r := w.wantState(w.only().Ref, payment.Parked)
		if r.Reason != payment.ReasonGiveBack || r.Tellable() {
			t.Error(r.Reason)
		}
		time.Sleep(time.Hour)
		if w.sites.seen() != 0 {
			t.Error("replayed")
		}
	})
}

// While the shop asks for the money back, and where nobody knows what became of that, no
// verify route hands the payment over.
func TestNothingIsHandedOverWhoseMoneyMayGoBack(t *testing.T) {
	verified := func(t *testing.T) (*relayWorld, *payment.Record) {
		w := newRelayWorld(t)
		w.bank.unmarked = true
		w.call("create", "")
		res := w.Admit(context.Background(), engine.Ask{
			Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Claimed: payment.Claimed{ID: "K1", Hint: payment.HintPaid},
			Policy: engine.Policy{Once: true, Many: true}, Patience: 8 * time.Second, Return: payment.Return{Method: "GET", Host: "shop", URI: "/cb"},
		})
		if res.Kind != engine.Verified {
			t.Fatalf("%v %v", res.Kind, res.Err)
		}
		return w, res.Record
	}
	deliver := func(w *relayWorld, rec *payment.Record) error {
		_, err := w.Deliver(context.Background(), rec, engine.Delivery{Via: payment.ViaBrowser, Policy: engine.Policy{Once: true, Many: true}}, func(context.Context, *payment.Record) engine.Handed {
			return engine.Handed{Acked: true}
		})
		return err
	}
	t.Run("its call is under way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, rec := verified(t)
			defer w.halt()
			var err error
			w.gate.says(func(string) payment.RelayReply {
				err = deliver(w, rec)
				return payment.RelayReply{Err: errors.New("time-out")}
			})
			w.call("reverse", "K1")
			if !errors.Is(err, engine.ErrNotNow) {
				t.Errorf("%v", err)
			}
			if r := w.wantState(rec.Ref, payment.Parked); r.Reason != payment.ReasonGiveBack {
				t.Error(r.Reason)
			}
		})
	})
	t.Run("the process ended before its answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, rec := verified(t)
			defer w.halt()
			marked := w.only()
			marked.Relay.GivingBack = time.Now()
			if err := w.store.Commit(context.Background(), payment.Change{Record: marked}); err != nil {
				t.Fatal(err)
			}
			if err := deliver(w, rec); !errors.Is(err, engine.ErrNotNow) {
				t.Errorf("%v", err)
			}
			time.Sleep(10 * time.Minute)
			if r := w.wantState(rec.Ref, payment.Parked); r.Reason != payment.ReasonGiveBack {
				t.Error(r.Reason)
			}
		})
	})
}

// R22: until "first" was heard an inquiry answers as before the verify.
func TestRelayInquiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		if h := w.call("inquire", "K1"); h.body != "raw" {
			t.Fatalf("%+v", h)
		}
		w.call("verify", "K1", unheard)
		if h := w.call("inquire", "K1"); h.body != "awaiting" {
			t.Fatalf("%+v", h)
		}
		w.call("verify", "K1")
		if h := w.call("inquire", "K1"); h.body != "raw" {
			t.Fatalf("%+v", h)
		}
	})
}

// R23: what can't be remembered isn't begun.
func TestRelayStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.store.Break(payment.ErrFull)
		if h := w.call("create", ""); h.body != "down" || w.gate.calls != 0 {
			t.Fatalf("%+v, %d calls", h, w.gate.calls)
		}
		w.store.Break(nil)
		if h := w.call("create", ""); h.body != "K1" {
			t.Fatalf("%+v", h)
		}
	})
}

// R29: the kept bytes are gone after a week; "first" is made from the receipt then.
func TestRelayKeptForAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, rarely)
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1", unheard)
		time.Sleep(6 * 24 * time.Hour)
		if r := w.only(); r.State != payment.Parked || len(r.Relay.Kept) == 0 {
			t.Fatalf("%s %+v", r.State, r.Relay)
		}
		time.Sleep(2 * 24 * time.Hour)
		if r := w.only(); len(r.Relay.Kept) != 0 {
			t.Fatal("kept for more than a week")
		}
		if h := w.call("verify", "K1"); h.body != "first made anew" {
			t.Fatalf("a customer who comes back late: %+v", h)
		}
		w.wantState(w.only().Ref, payment.Delivered)
	})
}

// A person lets it be told once more.
func TestRelayRedeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		ref := w.only().Ref
		at, _ := w.RelayReturn(context.Background(), ref, payment.Return{URI: "/cb"}, time.Second)
		w.call("verify", "K1")
		w.RelayPage(context.Background(), ref, at, payment.PageBad)
		r := w.wantState(ref, payment.Parked)
		if _, err := w.Decide(context.Background(), ref, r.Version, payment.DecideRedeliver, payment.Note{By: "p", Text: "not credited"}); err != nil {
			t.Fatal(err)
		}
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Fatalf("%+v", h)
		}
	})
}

// One order, several ids: each is one payment (R16), and siblings alarm nobody (R33).
func TestRelaySiblings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, rarely)
		defer w.halt()
		w.bank.unmarked = true
		next := 0
		w.gate.say = func(body string) payment.RelayReply {
			if body == "create" {
				next++
				return payment.RelayReply{Status: 200, Body: fmt.Appendf(nil, "K%d", next)}
			}
			return payment.RelayReply{Status: 200, Body: []byte(`{"code":100,}`)}
		}
		order := func(c *engine.Relay) { c.Ask.Order, c.Call.Body = "101", []byte("create") }
		for range 3 {
			w.call("create", "", order)
		}
		for i := 2; i <= 3; i++ {
			if h := w.call("verify", fmt.Sprint("K", i)); !isFirst(h) {
				t.Fatalf("%d: %+v", i, h)
			}
		}
		time.Sleep(40 * 24 * time.Hour)
		w.events.mu.Lock()
		defer w.events.mu.Unlock()
		for _, e := range w.events.list {
			if e.Alert {
				t.Errorf("%s: %v", e.Name, e.Err)
			}
		}
		page, _ := w.store.List(context.Background(), payment.Listing{})
		if len(page.Records) != 2 {
			t.Errorf("%d records are left", len(page.Records))
		}
	})
}

var _ payment.Relayer = (*relayBank)(nil)

// An intent that can't be written down is answered "later", though its provider made
// the payment: no customer is sent to pay it.
func TestRelayCreateNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		if _, err := w.store.Reserve(context.Background(), []payment.Key{payment.ReceiptKey("zarinpal|x|live", "K1")}); err != nil {
			t.Fatal(err)
		}
		if h := w.call("create", ""); h.body != "down" {
			t.Fatalf("%+v", h)
		}
	})
}
