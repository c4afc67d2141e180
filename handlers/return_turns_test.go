package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// seller is a provider that starts payments.
type seller struct {
	titled
	started chan string
}

func (seller) CanCreate() bool { return true }

func (s seller) Create(_ context.Context, o payment.Order) (payment.Started, error) {
	s.started <- o.Number
	return payment.Started{ID: "K" + o.Number, PayURL: "https://bank.example/" + o.Number}, nil
}

// Returns that prove nothing and presses of Pay have lines of their own: one line that
// stands still holds up nothing of another.
func TestReturnsAndPressesHaveLinesOfTheirOwn(t *testing.T) {
	bank := seller{started: make(chan string, 1)}
	eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil), Providers: map[string]engine.Provider{"bank": {Provider: bank, Timeout: time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(payment.SigningKey{Secret: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/back")
	h.app, h.keys, h.server = withEngine{eng: eng}, keys, serving("80")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	h.Verify[0].route.provider.Provider = bank
	c := &Checkout{Path: "/buy", Providers: []string{"bank"}}
	c.conf.gateways = []*gateway{{provider: h.Verify[0].route.provider, back: "/back", route: h.Verify[0]}}
	h.Checkout = []*Checkout{c}
	mug := &ware{Item: catalogue.Item{SKU: "mug", Title: "A mug", Price: 50_000}, most: 1}
	press := func(ctx context.Context) (status int) {
		w := httptest.NewRecorder()
		r := asked(httptest.NewRequest(http.MethodPost, "http://shop.test/buy/mug", nil).WithContext(ctx))
		if err := h.purchase(w, r, c, mug, &filledForm{gateway: "bank", pieces: 1}); err != nil {
			t.Error(err)
		}
		return w.Code
	}

	r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/back?id=K1", nil))
	back := &returnRequest{h: h, v: h.Verify[0], r: r, w: httptest.NewRecorder(), eng: eng, keys: keys, site: h.siteOf(r)}
	if err := back.read(); err != nil {
		t.Fatal(err)
	}
	ask, err := back.ask(named{}, payment.Claimed{ID: "K1"})
	if err != nil || ask.Turn == nil {
		t.Fatalf("a return takes no turns: %v", err)
	}
	leave := ask.Turn(t.Context())
	if len(processRecords.one) != 1 || len(processPresses.one) != 0 || len(processTurnstile.one) != 0 {
		t.Error("a return waits in another's line")
	}
	// Its turn has not ended, and the press of Pay goes on.
	if status := press(t.Context()); status != http.StatusSeeOther || len(bank.started) != 1 {
		t.Errorf("beside a return's turn a press of Pay is answered %d", status)
	}
	leave()
	<-bank.started

	// Behind another press it doesn't, and starts nothing once its browser has left.
	leave = processPresses.pass(t.Context())
	ctx, left := context.WithCancel(t.Context())
	answered := make(chan int, 1)
	go func() { answered <- press(ctx) }()
	select {
	case <-bank.started:
		t.Error("a payment was started before its turn")
	case <-time.After(longestTurn / 10):
	}
	left()
	if status := <-answered; status != http.StatusTooManyRequests || len(bank.started) != 0 {
		t.Errorf("whose browser has left is answered %d, %d payments were started", status, len(bank.started))
	}
	leave()
	if status := press(t.Context()); status != http.StatusSeeOther || len(processPresses.one) != 0 {
		t.Errorf("the next is answered %d, and %d turns have not ended", status, len(processPresses.one))
	}
}
