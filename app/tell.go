package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/affiliates/notify"
	"github.com/rahgir/caddy-payments/affiliates/webhook"
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// toldName is what a webhook or a notifier may be called.
var toldName = regexp.MustCompile(`^[A-Za-z0-9\[][A-Za-z0-9._:\]-]{0,127}$`)

// provisionTelling provisions webhooks and notifiers.
func (a *App) provisionTelling(ctx caddy.Context) error {
	a.hooks = make(map[string]payment.Subscriber)
	for _, h := range a.Webhooks {
		name := h.Called()
		if _, ok := a.hooks[name]; ok {
			return fmt.Errorf("webhook %s is already defined; give this one a name of its own: `name <name>`", name)
		}
		if !toldName.MatchString(name) {
			return errors.New("webhook: its name is up to 128 letters, digits and any of '._-'")
		}
		if err := h.Provision(ctx); err != nil {
			return fmt.Errorf("webhook %s: %w", name, err)
		}
		h.View = a.viewOf
		a.hooks[name] = h
	}
	for name, n := range a.Notify {
		if !toldName.MatchString(name) {
			return errors.New("notify: its name is up to 128 letters, digits and any of '._-'")
		}
		if err := n.Provision(ctx, name); err != nil {
			return fmt.Errorf("notify %s: %w", name, err)
		}
	}
	a.teller = newTeller(a.observer, a.Webhooks, a.Notify, a.log)
	return nil
}

// viewTimeout bounds the look-ups for a message. If they take longer, the message says less.
const viewTimeout = 5 * time.Second

// viewOf returns what a webhook is told about a payment: the output of `show` without the card,
// people's notes, and what only a reader of the dashboard can use.
func (a *App) viewOf(r *payment.Record) any {
	ctx, cancel := context.WithTimeout(context.Background(), viewTimeout)
	defer cancel()
	eng, err := a.Engine(ctx)
	if err != nil {
		return map[string]string{"ref": string(r.Ref)}
	}
	v := operate.NewView(ctx, eng, r, lang.EN)
	v.Card, v.History, v.Reports = "", nil, nil
	v.Explanation.Fields, v.Explanation.Decisions = nil, nil
	return v
}

// teller passes the engine's events on, and tells notifiers and webhooks about those that
// concern no single payment. It never waits for them.
type teller struct {
	engine.Observer
	hooks     []*webhook.Hook
	notifiers map[string]*notify.Notifier
	log       *zap.Logger

	mu   sync.Mutex
	down map[string]bool
	news chan webhook.Message
}

// maxNews bounds the news of providers that wait to be sent.
const maxNews = 64

func newTeller(next engine.Observer, hooks []*webhook.Hook, notifiers map[string]*notify.Notifier, log *zap.Logger) *teller {
	return &teller{Observer: next, hooks: hooks, notifiers: notifiers, log: log, down: make(map[string]bool), news: make(chan webhook.Message, maxNews)}
}

// Observe implements engine.Observer.
func (t *teller) Observe(e engine.Event) {
	t.Observer.Observe(e)
	if len(t.hooks) == 0 && len(t.notifiers) == 0 {
		return
	}
	note := notify.Event{Kind: kindOf(e), Provider: e.Provider, Order: e.Order, Reason: string(e.Reason)}
	if r := e.Record; r != nil {
		note.Provider, note.Order, note.Reason = r.Provider, r.Order, string(r.Reason)
	}
	if change, now := t.turn(e, note.Provider); change {
		note.Kind, note.Order, note.Reason = "provider_up", "", ""
		kind := webhook.ProviderUp
		if now {
			note.Kind, kind = "provider_down", webhook.ProviderDown
		}
		t.put(webhook.Message{Type: string(kind), Timestamp: time.Now().UTC(), Data: map[string]string{"provider": note.Provider}})
	} else if !e.Alert {
		return
	}
	if note.Kind == "provider_down" || note.Kind == "disk_low" {
		note.Order, note.Reason = "", ""
	}
	for _, n := range t.notifiers {
		n.Note(note)
	}
}

// Committed implements engine.Timer.
func (t *teller) Committed(took time.Duration, synced bool, err error) {
	if next, ok := t.Observer.(engine.Timer); ok {
		next.Committed(took, synced, err)
	}
}

// turn reports whether a provider has gone down or come back with this event.
func (t *teller) turn(e engine.Event, provider string) (change, down bool) {
	up := e.Name == engine.EventAsked && e.Err == nil
	broke := e.Name == engine.EventBreaker && e.Alert
	if provider == "" || !up && !broke {
		return false, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down[provider] == broke {
		return false, false
	}
	t.down[provider] = broke
	return true, broke
}

// kindOf returns the name that notifiers have for an event.
func kindOf(e engine.Event) string {
	switch e.Name {
	case engine.EventReview:
		return "review"
	case engine.EventParked:
		if e.Record != nil && e.Record.Reason == payment.ReasonShopRefused {
			return "shop_refused"
		}
		return "parked"
	case engine.EventOperator:
		return "operator_fault"
	case engine.EventBreaker:
		return "provider_down"
	case engine.EventStore:
		if errors.Is(e.Err, payment.ErrFull) {
			return "disk_low"
		}
	case engine.EventUnconverted, engine.EventUntold, engine.EventPaused:
		return "report_failed"
	case engine.EventUnclaimed:
		return "unclaimed"
	case engine.EventUnannounced, engine.EventUnusable, engine.EventUnknownOrder:
		return "unannounced"
	}
	return "other"
}

// put queues news for the webhooks. If there is no room, it is dropped and logged: the
// provider's state is reported again with its next change.
func (t *teller) put(m webhook.Message) {
	if len(t.hooks) == 0 {
		return
	}
	select {
	case t.news <- m:
	default:
		t.log.Warn("a message to the webhooks was dropped: too many wait", zap.String("type", m.Type))
	}
}

// run sends the news until ctx ends.
func (t *teller) run(ctx context.Context) {
	for _, n := range t.notifiers {
		go func() {
			defer n.Close()
			n.Run(ctx, func(err error) { t.log.Warn("a notification could not be sent; it is tried again", zap.Error(err)) })
		}()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-t.news:
			id := fmt.Sprintf("msg_%s_%d", m.Type, m.Timestamp.UnixNano())
			for _, h := range t.hooks {
				if h.Wants(payment.ReportKind(m.Type)) {
					go t.send(ctx, h, id, m)
				}
			}
		}
	}
}

// newsTries are the pauses between the tries of news about a provider, which is old
// soon.
var newsTries = []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute}

func (t *teller) send(ctx context.Context, h *webhook.Hook, id string, m webhook.Message) {
	for try := 0; ; try++ {
		a := h.Send(ctx, id, m, time.Now())
		if a.Outcome != payment.ReportRetry || try >= len(newsTries) {
			if a.Outcome != payment.ReportAccepted {
				t.log.Warn("a webhook did not take a message", zap.Object("webhook", h), zap.String("type", m.Type), zap.String("code", a.Code), zap.Error(a.Err))
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(newsTries[try]):
		}
	}
}

// Interface guards.
var (
	_ engine.Observer = (*teller)(nil)
	_ engine.Timer    = (*teller)(nil)
)
