package engine_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// bank is a provider with a script: each verify takes the next answer, the last
// one for ever. It notices when it is asked before the claim is on record.
type bank struct {
	t      *testing.T
	store  *memory.Store
	traits payment.Terms

	mu       sync.Mutex
	script   []payment.Answer
	inquiry  []payment.Answer
	took     time.Duration
	calls    int
	inquired int
	inFlight int
	echo     bool // every id is paid
	unmarked bool // a person has it verified: the claim is no state of its own
	most     int
	last     payment.Query
	creates  func(payment.Order) (payment.Started, error)
}

// lastQuery is what it was asked with last.
func (b *bank) lastQuery() payment.Query {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

func (b *bank) Protocol() payment.Protocol { return b.traits.Protocol }
func (b *bank) Traits() payment.Traits     { return b.traits.Traits }
func (b *bank) CanCreate() bool            { return true }
func (b *bank) ReadReturn(func(string) string) (payment.Claimed, error) {
	return payment.Claimed{}, nil
}
func (b *bank) PayPage(*url.URL) (string, bool)                { return "", false }
func (b *bank) ReturnParams(*payment.Record) map[string]string { return nil }
func (b *bank) Create(_ context.Context, o payment.Order) (payment.Started, error) {
	if b.creates != nil {
		return b.creates(o)
	}
	return payment.Started{ID: "K1", PayURL: "https://bank.example/pay/K1"}, nil
}

func (b *bank) Verify(ctx context.Context, q payment.Query) payment.Answer {
	b.mu.Lock()
	b.calls++
	b.last = q
	b.inFlight++
	b.most = max(b.most, b.inFlight)
	took := b.took
	b.mu.Unlock()
	b.markerIsDurable(q)
	defer func() {
		b.mu.Lock()
		b.inFlight--
		b.mu.Unlock()
	}()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return payment.Answer{Err: ctx.Err()}
	}
	b.mu.Lock()
	echo := b.echo
	b.mu.Unlock()
	if echo {
		return payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: q.ID, Order: q.Order, Amount: 50000}}
	}
	return b.next(&b.script)
}

func (b *bank) Inquire(context.Context, payment.Query) payment.Answer {
	b.mu.Lock()
	b.inquired++
	b.mu.Unlock()
	return b.next(&b.inquiry)
}

// asked are the calls so far.
func (b *bank) asked() (verifies, inquiries int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls, b.inquired
}

func (b *bank) verifies() int {
	n, _ := b.asked()
	return n
}

func (b *bank) play(script ...payment.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script = script
}

// tell is what an inquiry is answered from now on.
func (b *bank) tell(inquiry ...payment.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inquiry = inquiry
}

func (b *bank) next(script *[]payment.Answer) payment.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(*script) == 0 {
		return payment.Answer{Err: errors.New("no script")}
	}
	a := (*script)[0]
	if len(*script) > 1 {
		*script = (*script)[1:]
	}
	return a
}

// markerIsDurable is rule 1, looked at from where it matters.
func (b *bank) markerIsDurable(q payment.Query) {
	if b.unmarked {
		return
	}
	page, err := b.store.List(context.Background(), payment.Listing{ID: q.ID, States: []payment.State{payment.Verifying}})
	if err != nil || len(page.Records) == 0 {
		b.t.Errorf("rule 1: the provider is asked and no claim is on record (%v)", err)
		return
	}
	r := page.Records[0]
	if !r.Attempts.Open || r.Attempts.Count == 0 || !r.Expect.Known() {
		b.t.Errorf("rule 1: the claim on record is incomplete: %+v, %+v", r.Attempts, r.Expect)
	}
}

// shop is the sites of a configuration: one route, and what it does with
// deliveries.
type shop struct {
	mu      sync.Mutex
	policy  engine.Policy
	gone    bool
	hang    time.Duration // how long it takes
	panics  int           // so many deliveries panic, at first
	answers []engine.Handed
	told    []*payment.Record
	expect  func() (payment.Expectation, error)
	// priced, where it is set, answers in place of expect.
	priced func(id, order string) (payment.Expectation, error)
}

func (s *shop) Policy(*payment.Record) (engine.Policy, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return engine.Policy{}, false
	}
	return s.policy, true
}

// leave takes the site out of the configuration for a while.
func (s *shop) leave(d time.Duration) {
	set := func(gone bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gone = gone
	}
	set(d > 0)
	time.AfterFunc(d, func() { set(false) })
}

func (s *shop) Deliver(_ context.Context, r *payment.Record) engine.Handed {
	time.Sleep(s.hang)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, r)
	if s.panics > 0 {
		s.panics--
		panic("secret-canary")
	}
	if len(s.answers) == 0 {
		return engine.Handed{Acked: true, Status: 200}
	}
	h := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return h
}

func (s *shop) Expect(_ context.Context, r *payment.Record) (payment.Expectation, error) {
	if s.priced != nil {
		return s.priced(r.ID, r.Order)
	}
	if s.expect == nil {
		return payment.Expectation{}, engine.ErrUnanswered
	}
	return s.expect()
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.told)
}

// network is an affiliate with a script.
type network struct {
	mu     sync.Mutex
	script []payment.ReportAnswer
	calls  []time.Time
	// during happens while the network is being told.
	during func()
}

func (n *network) Report(context.Context, payment.Sale) payment.ReportAnswer {
	if n.during != nil {
		n.during()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, time.Now())
	a := n.script[0]
	if len(n.script) > 1 {
		n.script = n.script[1:]
	}
	return a
}

// say is what it answers from now on.
func (n *network) say(script ...payment.ReportAnswer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = script
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.calls)
}

// events keeps what an observer heard.
type events struct {
	mu   sync.Mutex
	list []engine.Event
}

func (o *events) Observe(e engine.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, e)
}

func (o *events) alerts(name string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, e := range o.list {
		if e.Name == name && e.Alert {
			n++
		}
	}
	return n
}

// world is everything around one engine.
type world struct {
	*engine.Engine
	t      *testing.T
	store  *memory.Store
	bank   *bank
	shop   *shop
	net    *network
	events *events
	hooks  map[string]payment.Subscriber
	// affiliate stands in for net.
	affiliate payment.Reporter
	tick      time.Duration
	// ledger, if set, stands between the engine and the store.
	ledger func(*memory.Store) payment.Store
	down   downtime
	ref    payment.Ref // of the payment that a test is about
	stop   context.CancelFunc
	done   chan struct{}
}

var idpayTraits = payment.Terms{
	Traits:   payment.Traits{Issuer: "idpay|bank.example|live", Environment: "live"},
	Protocol: payment.Protocol{AnswersOrder: true, AnswersAmount: true, TellsFirst: true, GivesBack: true, Window: 10 * time.Minute},
}

// newWorld starts an engine with its worker; only within synctest.
func newWorld(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(nil), shop: &shop{}, events: &events{}, net: &network{script: []payment.ReportAnswer{{Outcome: payment.ReportAccepted}}}}
	w.bank = &bank{t: t, store: w.store, traits: idpayTraits, script: []payment.Answer{paid(payment.OutcomePaid)}, took: 100 * time.Millisecond}
	for _, c := range change {
		c(w)
	}
	w.start(w.store)
	return w
}

func (w *world) start(s *memory.Store) {
	w.t.Helper()
	w.store, w.bank.store = s, s
	var p payment.Provider = w.bank
	if w.bank.inquiry == nil {
		p = struct {
			payment.Provider
			payment.Creator
		}{w.bank, w.bank}
	}
	var net payment.Reporter = w.net
	if w.affiliate != nil {
		net = w.affiliate
	}
	var ledger payment.Store = s
	if w.ledger != nil {
		ledger = w.ledger(s)
	}
	e, err := engine.New(context.Background(), engine.Config{
		Store: ledger, Sites: w.shop, Observer: w.events, Tick: w.tick, Rand: func() float64 { return 0.5 },
		Providers:  map[string]engine.Provider{"idpay": {Provider: p, Timeout: 8 * time.Second}},
		Affiliates: map[string]payment.Reporter{"hamekar": net}, Webhooks: w.hooks,
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

// halt ends the worker as a crash would find it: whatever is committed stays.
func (w *world) halt() {
	w.stop()
	<-w.done
}

func paid(o payment.Outcome) payment.Answer {
	return payment.Answer{Outcome: o, Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50000, Number: "77", Reference: "ref", Card: "123456******1234"}}
}

// announce makes the intent that most tests begin with.
func (w *world) announce() *payment.Record {
	w.t.Helper()
	rec, err := w.Announce(context.Background(), engine.Announcement{
		Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000,
		Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"},
		Track:  &payment.Track{ID: "trk", Affiliate: "hamekar"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return rec
}

// ask is a return of the announced payment.
func (w *world) ask() engine.Ask {
	return engine.Ask{
		Site: "shop", Route: "/callback idpay", Provider: "idpay",
		Claimed: payment.Claimed{ID: "K1", Order: "101", Hint: payment.HintPaid}, Order: "101",
		Policy: w.shop.policy, Client: "192.0.2.1", Patience: 8 * time.Second,
		Return: payment.Return{Method: "GET", Host: "shop", URI: "/callback?id=K1"},
	}
}

// stranger is a return that only the provider's answer can explain.
func (w *world) stranger(id, order string) engine.Ask {
	a := w.ask()
	a.Claimed.ID, a.Claimed.Order, a.Order = id, order, order
	a.Expect = func(context.Context, string) (payment.Expectation, error) {
		return payment.Expectation{Source: payment.FromNone}, nil
	}
	return a
}

func (w *world) record(ref payment.Ref) *payment.Record {
	w.t.Helper()
	r, err := w.store.Get(context.Background(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) wantState(ref payment.Ref, s payment.State) *payment.Record {
	w.t.Helper()
	r := w.record(ref)
	if r.State != s {
		w.t.Fatalf("it is %s (%s), want %s", r.State, r.Reason, s)
	}
	return r
}

// deliver is what the site's handler does with a verified payment.
func (w *world) deliver(ref payment.Ref, h engine.Handed) (*payment.Record, error) {
	ctx := context.Background()
	return w.Deliver(ctx, w.record(ref), w.byBrowser(), func(context.Context, *payment.Record) engine.Handed { return h })
}

func (w *world) byBrowser() engine.Delivery {
	return engine.Delivery{Via: payment.ViaBrowser, Browser: "browser", Policy: w.shop.policy}
}
