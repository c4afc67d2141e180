package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/affiliates/notify"
	"github.com/rahgir/caddy-payments/affiliates/webhook"
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
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
			return fmt.Errorf("%s is already defined; give this one a name of its own: `name <name>`", quote.Called("webhook", name))
		}
		if !toldName.MatchString(name) || strings.HasPrefix(name, notify.Prefix) {
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
		a.hooks[notify.Prefix+name] = n
	}
	a.teller = &teller{observer: a.observer, hooks: a.Webhooks, notifiers: a.Notify, log: a.log}
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
	v.Note = ""
	for i := range v.Refunds {
		v.Refunds[i].Note, v.Refunds[i].Settled = "", ""
	}
	v.Explanation.Fields, v.Explanation.Decisions = nil, nil
	return v
}

// teller hands the engine's events on, and tells notifiers and webhooks of what is
// about no single payment. It never waits for them. What is about a payment they hear
// from the ledger's outbox.
type teller struct {
	*observer
	hooks     []*webhook.Hook
	notifiers map[string]*notify.Notifier
	log       *zap.Logger
}

// Observe implements engine.Observer.
func (t *teller) Observe(e engine.Event) {
	t.observer.Observe(e)
	if len(t.hooks) == 0 && len(t.notifiers) == 0 {
		return
	}
	note := notify.Event{Kind: kindOf(e), Provider: e.Provider, Order: e.Order, Reason: string(e.Reason)}
	if r := e.Record; r != nil {
		note.Provider, note.Order, note.Reason = r.Provider, r.Order, string(r.Reason)
	}
	switch e.Name {
	case engine.EventAsked, engine.EventStarting, engine.EventOperator, engine.EventBreaker:
		if turned, ok := processWatch.ProviderTurn(note.Provider); ok {
			t.tellTurn(turned)
		}
	}
	if r := e.Record; r != nil && (e.Name == engine.EventMissed || e.Name == engine.EventDelivered) {
		if down, ok := processWatch.ShopTurn(r.Site); ok && down {
			t.note(notify.Event{Kind: "shop_down", Provider: r.Site})
		}
	}
	if !e.Alert || note.Kind == "" {
		return
	}
	switch note.Kind {
	case "disk_low":
		note.Provider, note.Order, note.Reason = "", "", "" // it is the ledger's, whoever met it
	case "operator_fault":
		note.Order, note.Reason = "", ""
	}
	t.note(note)
}

func (t *teller) note(e notify.Event) {
	for _, n := range t.notifiers {
		n.Note(e)
	}
}

// tellTurn tells that a provider or the ledger went down or came back.
func (t *teller) tellTurn(turned watch.Turn) {
	if turned.Provider == "" {
		if turned.Down {
			t.note(notify.Event{Kind: "disk_low"})
		}
		return
	}
	kind, note := webhook.ProviderUp, notify.Event{Kind: "provider_up", Provider: turned.Provider}
	if turned.Down {
		kind, note.Kind = webhook.ProviderDown, "provider_down"
		if turned.Cause == watch.CauseCreate {
			note.Kind = "not_starting"
		}
	}
	if !turned.Down || turned.Cause != watch.CauseRefused { // that is an event of its own
		t.note(note)
	}
	processNews.put(t.hooks, kind, map[string]string{"provider": turned.Provider, "cause": turned.Cause}, t.log)
}

// kindOf is what notifiers call an event; "" where they hear of it in another way: from
// the ledger's outbox, or by a turn of its provider.
func kindOf(e engine.Event) string {
	switch e.Name {
	case engine.EventReview, engine.EventParked, engine.EventUnconverted, engine.EventBreaker, engine.EventStarting, engine.EventAsked:
		return ""
	case engine.EventUnknown:
		if e.Record != nil && e.Record.Reason == payment.ReasonOperator {
			return "" // one cause is one line
		}
	case engine.EventOperator:
		return "operator_fault"
	case engine.EventStore:
		if errors.Is(e.Err, payment.ErrFull) {
			return "disk_low"
		}
	case engine.EventUntold, engine.EventPaused:
		return "report_failed"
	case engine.EventUnclaimed:
		return "unclaimed"
	case engine.EventUnannounced, engine.EventUnusable, engine.EventUnknownOrder:
		return "unannounced"
	}
	return "other"
}

// run tells until ctx ends.
func (t *teller) run(ctx context.Context) {
	for _, n := range t.notifiers {
		go func() {
			defer n.Close()
			n.Run(ctx, func(err error) { t.log.Warn("a notification could not be sent; it is tried again", zap.Error(err)) })
		}()
	}
	processNews.run(ctx, t.hooks, t.log)
}

// Interface guards.
var (
	_ engine.Observer = (*teller)(nil)
	_ engine.Timer    = (*teller)(nil)
)
