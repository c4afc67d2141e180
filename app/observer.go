package app

import (
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pace"
	"github.com/rahgir/caddy-payments/operate/meters"
	"github.com/rahgir/caddy-payments/payment"
)

// observer turns the engine's events into log lines, metrics and events of Caddy's events app.
// They contain no secrets. Ids and orders are the shop's own; cards are left out, even
// masked.
//
// Invariant: one cause is one alert, which is repeated while it lasts and counted as often as
// it is reported. Events that strangers can cause without a payment fill neither the log nor
// the queue of events.
type observer struct {
	log    *zap.Logger
	meters *meters.Meters
	events *bus
	alerts *pace.Alerts
	lines  *pace.Lines
}

// The pauses belong to the process, so that a reload does not report old causes as new.
var (
	processAlerts pace.Alerts
	processLines  pace.Lines
)

func newObserver(ctx caddy.Context, log *zap.Logger) *observer {
	return &observer{
		log: log, meters: registerMeters(ctx.GetMetricsRegistry(), log),
		events: processBus(), alerts: &processAlerts, lines: &processLines,
	}
}

// Observe implements engine.Observer.
func (o *observer) Observe(e engine.Event) {
	o.meters.Observe(e)
	processWatch.Note(e)
	if silent(e) {
		return
	}
	level := levelOf(e)
	alert := e.Alert || level >= zapcore.WarnLevel
	if !alert {
		o.tell(e, level, telling{})
		return
	}
	last := time.Now()
	again := func(held int) { o.tell(e, level, telling{true, held, last}) }
	if o.alerts.Let(causeOf(e), again) {
		o.tell(e, level, telling{alert: true})
		return
	}
	o.tell(e, zapcore.InfoLevel, telling{})
}

func levelOf(e engine.Event) zapcore.Level {
	switch e.Name {
	case engine.EventStore, engine.EventPaused:
		return zapcore.ErrorLevel
	case engine.EventMissed:
		if e.Record != nil && e.Record.Reason == payment.ReasonNoProof {
			return zapcore.WarnLevel // most often a line that the shop lacks
		}
	case engine.EventStarting:
		if e.Err == nil {
			return zapcore.DebugLevel
		}
	case engine.EventAsked, engine.EventDelivering, engine.EventCreated:
		if !e.Alert {
			return zapcore.DebugLevel
		}
	}
	if e.Alert {
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// causeOf returns the cause of an alert: state and reason of a payment, else the error. A ledger
// that can't be reached says so in other words at each step; only that it is full is another cause.
func causeOf(e engine.Event) pace.Cause {
	f := factsOf(e)
	c := pace.Cause{Kind: e.Name, Provider: f.provider, Site: f.site}
	switch {
	case e.Name == engine.EventStore && errors.Is(e.Err, payment.ErrFull):
		return pace.Cause{Kind: e.Name, Why: payment.ErrFull.Error()}
	case e.Name == engine.EventStore:
		return pace.Cause{Kind: e.Name}
	case e.Record != nil:
		c.Why = f.reason + " " + e.Record.Code
	case e.Err != nil:
		c.Why = f.reason + " " + e.Err.Error()
	default:
		c.Why = f.reason
	}
	return c
}

// Committed implements engine.Timer.
func (o *observer) Committed(took time.Duration, synced bool, err error) {
	o.meters.Committed(took, synced, err)
}

// telling is whether an event is told as an alert. One at the end of a pause says how many were
// held back meanwhile, and when the last of them was: what it tells of may be over.
type telling struct {
	alert bool
	again int
	last  time.Time
}

// tell logs an event and emits it. An alert is always reported. Other events without a payment
// are reported as far as there is room.
func (o *observer) tell(e engine.Event, level zapcore.Level, as telling) {
	if as.alert {
		o.meters.Alert(e.Name)
	}
	skipped := 0
	if e.Record == nil && !as.alert {
		var ok bool
		if skipped, ok = o.lines.Let(e.Name); !ok {
			return
		}
	}
	if ce := o.log.Check(level, e.Name); ce != nil {
		fs := fields(e)
		if as.again > 0 {
			fs = append(fs, zap.Int("again", as.again), zap.Time("last", as.last))
		}
		if skipped > 0 {
			fs = append(fs, zap.Int("not_logged", skipped))
		}
		ce.Write(fs...)
	}
	if !o.events.wants(e.Name) {
		return
	}
	data := eventData(e)
	data["alert"], data["again"] = as.alert, as.again
	if as.again > 0 {
		data["last"] = as.last
	}
	if !o.events.put(e.Name, data) {
		o.meters.Alert(meters.KindDropped)
		o.dropping()
	}
}

var errDropped = errors.New("an event handler is too slow: it misses some events; they are logged and counted all the same")

// dropping reports once, and again while it lasts, that events are dropped.
func (o *observer) dropping() {
	say := func(held int) { o.log.Warn(meters.KindDropped, zap.Error(errDropped), zap.Int("again", held)) }
	if o.alerts.Let(pace.Cause{Kind: meters.KindDropped}, say) {
		say(0)
	}
}

// facts is what is known of an event's payment or, if there is none yet, of its return.
type facts struct{ provider, site, id, order, reason string }

func factsOf(e engine.Event) facts {
	if r := e.Record; r != nil {
		return facts{r.Provider, r.Site, r.ID, r.Order, string(r.Reason)}
	}
	return facts{e.Provider, e.Site, e.ID, e.Order, string(e.Reason)}
}

func fields(e engine.Event) []zap.Field {
	fs := make([]zap.Field, 0, 12)
	text := func(key, value string) {
		if value != "" {
			fs = append(fs, zap.String(key, value))
		}
	}
	if r := e.Record; r != nil {
		text("ref", string(r.Ref))
	}
	f := factsOf(e)
	text("site", f.site)
	text("provider", f.provider)
	text("id", f.id)
	text("order", f.order)
	if r := e.Record; r != nil {
		text("state", string(r.State))
		fs = append(fs, zap.Int64("amount_rials", int64(r.Price())))
		if n := len(r.Refunds); n > 0 && (e.Name == engine.EventRefunded || e.Name == engine.EventRefundUnknown) {
			fs = append(fs, zap.Int64("refund_rials", int64(r.Refunds[n-1].Amount)), zap.String("refund", string(r.Refunds[n-1].State)))
		}
		text("code", r.Code)
	}
	text("reason", f.reason)
	text("to", e.To)
	text("answer", e.Code)
	text("outcome", e.Outcome)
	text("traceID", e.TraceID)
	if e.Took > 0 {
		fs = append(fs, zap.Duration("took", e.Took))
	}
	if e.Err != nil {
		fs = append(fs, zap.Error(e.Err))
	}
	return fs
}

// eventData copies an event's values, because a handler may read them after the record has
// changed.
func eventData(e engine.Event) map[string]any {
	data := make(map[string]any, 12)
	f := factsOf(e)
	data["provider"], data["site"], data["id"], data["order"], data["reason"] = f.provider, f.site, f.id, f.order, f.reason
	if r := e.Record; r != nil {
		data["ref"], data["state"], data["code"] = string(r.Ref), string(r.State), r.Code
		data["amount"] = int64(r.Price())
	}
	if e.Err != nil {
		data["error"] = e.Err.Error()
	}
	return data
}

// Interface guards.
var (
	_ engine.Observer = (*observer)(nil)
	_ engine.Timer    = (*observer)(nil)
)
