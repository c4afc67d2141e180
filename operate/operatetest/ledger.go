// Package operatetest makes a real engine over a real store, with payments in every state
// that people look at, for the tests of operate, admin and the dashboard.
package operatetest

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger"
)

// Issuer gives out the ids of these tests.
const Issuer = "test:api.example/live"

// Ledger is an app with a store of its own.
type Ledger struct {
	T      *testing.T
	Eng    *engine.Engine
	Store  payment.Store
	Answer payment.Answer
	// GiveBack is what the provider answers when it is asked to give money back.
	GiveBack func(payment.GiveBack) payment.GivenBack
	// Closed makes Engine fail, as while the store is not open.
	Closed bool
	// Found is what the doctor says.
	Found []operate.Finding

	mu        sync.Mutex
	delivered []payment.Ref
	handed    engine.Handed
	many      bool
	base      time.Time
	n         int
}

// New opens a ledger that lives as long as the test.
func New(t *testing.T) *Ledger {
	t.Helper()
	store, err := badger.Open(t.TempDir() + "/ledger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &Ledger{T: t, Store: store, base: time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Second), handed: engine.Handed{Acked: true, Status: 200}}
	l.Eng, err = engine.New(t.Context(), engine.Config{
		Store: store, Sites: sites{l},
		Providers:  map[string]engine.Provider{"idpay": {Provider: provider{l}, Timeout: time.Second}},
		Affiliates: map[string]payment.Reporter{"hamekar": affiliate{}},
		Webhooks:   map[string]payment.Subscriber{"crm": webhook{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Put writes a record in a state; f may change it before.
func (l *Ledger) Put(state payment.State, why payment.Reason, f func(*payment.Record)) *payment.Record {
	l.T.Helper()
	l.mu.Lock()
	l.n++
	n := l.n
	l.mu.Unlock()
	id := "id-" + string(rune('a'+n/26)) + string(rune('a'+n%26))
	at := l.base.Add(time.Duration(n) * time.Minute)
	r := &payment.Record{
		Site: "shop.example", Route: "/callback", Provider: "idpay", Issuer: Issuer, Environment: "live",
		ID: id, Order: "1" + id, State: state, Reason: why, Generation: 1,
		Expect:    payment.Expectation{Amount: 500_000, Source: payment.FromIntent},
		Attempts:  payment.Attempts{Count: 1, First: at, Last: at},
		Return:    &payment.Return{Method: "GET", Host: "shop.example", URI: "/callback?key=SECRETQUERY", Arrived: at},
		CreatedAt: at, UpdatedAt: at.Add(time.Minute),
	}
	if state.Captured() || state == payment.Review {
		r.Receipt = &payment.Receipt{ID: id, Order: r.Order, Amount: 500_000, Number: "n" + id, Reference: "882211", Card: "603799******1234", PaidAt: at, VerifiedAt: at}
	}
	if f != nil {
		f(r)
	}
	if r.Ref == "" {
		r.Ref = payment.NewRef(r.Site, r.Issuer, r.ID, r.Order)
	}
	c := payment.Change{Record: r}
	if state.Captured() {
		c.Take = r.Keys(false)
	}
	if err := l.Store.Commit(l.T.Context(), c); err != nil {
		l.T.Fatal(err)
	}
	return r
}

// Get reads a record.
func (l *Ledger) Get(ref payment.Ref) *payment.Record {
	l.T.Helper()
	r, err := l.Store.Get(l.T.Context(), ref)
	if err != nil {
		l.T.Fatal(err)
	}
	return r
}

// Delivered are the payments that were handed to the shop.
func (l *Ledger) Delivered() []payment.Ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]payment.Ref(nil), l.delivered...)
}

// Hand sets what becomes of deliveries.
func (l *Ledger) Hand(h engine.Handed) { l.handed = h }

// Engine implements operate.App.
func (l *Ledger) Engine(context.Context) (*engine.Engine, error) {
	if l.Closed {
		return nil, errors.New("the payments store is not open yet")
	}
	return l.Eng, nil
}

// ProviderNames implements operate.App.
func (l *Ledger) ProviderNames() []string { return []string{"idpay"} }

// ProviderIssuer implements operate.App.
func (l *Ledger) ProviderIssuer(name string) (string, bool) { return Issuer, name == "idpay" }

// Doctor implements operate.App.
func (l *Ledger) Doctor(context.Context, lang.Lang) []operate.Finding { return l.Found }

// Money implements operate.App.
func (l *Ledger) Money(context.Context, lang.Lang) []operate.Finding { return l.Found }

// Health implements operate.App.
func (l *Ledger) Health() operate.Health {
	return operate.Health{
		Providers: []operate.ProviderHealth{{Name: "idpay", Up: true, Answered: time.Now()}},
		Shops:     []operate.ShopHealth{{Site: "shop.example", Took: time.Now()}},
		Ledger:    operate.LedgerHealth{Seen: time.Now(), Bytes: 1 << 20, Room: 1 << 30, Generation: 1, Nodes: 2},
	}
}

type provider struct{ l *Ledger }

func (p provider) Protocol() payment.Protocol {
	return payment.Protocol{AnswersOrder: true, AnswersAmount: true, TellsFirst: true, GivesBack: true, Window: 10 * time.Minute}
}

func (p provider) Traits() payment.Traits {
	return payment.Traits{Issuer: Issuer, Environment: "live"}
}
func (p provider) ReadReturn(func(string) string) (payment.Claimed, error) {
	return payment.Claimed{}, nil
}
func (p provider) PayPage(*url.URL) (string, bool) { return "", false }
func (p provider) Verify(_ context.Context, q payment.Query) payment.Answer {
	a := p.l.Answer
	if a.Outcome == payment.OutcomePaid {
		a.Receipt = &payment.Receipt{ID: q.ID, Order: q.Order, Amount: q.Amount}
	}
	return a
}
func (p provider) ReturnParams(*payment.Record) map[string]string { return nil }

type affiliate struct{}

func (affiliate) Report(context.Context, payment.Sale) payment.ReportAnswer {
	return payment.ReportAnswer{Outcome: payment.ReportAccepted}
}
func (affiliate) Param() string { return "track_id" }

// webhook is told nothing by itself.
type webhook struct{ affiliate }

func (webhook) Wants(payment.ReportKind) bool { return false }

type sites struct{ l *Ledger }

func (s sites) Policy(*payment.Record) (engine.Policy, bool) {
	return engine.Policy{Once: true, Many: s.l.many}, true
}
func (s sites) Deliver(_ context.Context, r *payment.Record) engine.Handed {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.delivered = append(s.l.delivered, r.Ref)
	return s.l.handed
}
func (s sites) Expect(context.Context, *payment.Record) (payment.Expectation, error) {
	return payment.Expectation{}, engine.ErrUnanswered
}

// Interface guards.
var (
	_ operate.App        = (*Ledger)(nil)
	_ payment.Provider   = provider{}
	_ payment.Subscriber = webhook{}
	_ engine.Sites       = sites{}
)
