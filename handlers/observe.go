package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// Observe is where customers of a shop return that verifies its payments by itself.
// Their requests pass untouched and without our headers, except a return whose address
// isn't that of its create: that gets our own page. Where the shop's calls pass
// through a relay, everything is known from them. Where they don't, the shop's answer
// tells (`paid_when`), or the provider is asked afterwards by inquiry.
type Observe struct {
	Match

	// The provider's name.
	Provider string `json:"provider"`

	// Answers by which the shop says that a payment is paid, where no relay tells:
	// `status`, `redirect` or `header`, as in `refused`. The provider is then asked by
	// inquiry about these only, where it can be asked without settling anything. Default:
	// it is asked about all.
	PaidWhen []Refused `json:"paid_when,omitempty"`

	// `off` never makes the shop's own return for a customer who did not come back;
	// `on` does it again after a plugin that needed its customer's session was
	// changed. Default: on, where the return's address is known.
	Rescue string `json:"rescue,omitempty"`

	// What the shop's answer must be for a payment to count as credited that the
	// shop has heard is paid. Default: relay, which is any 2xx or 3xx.
	Ack *Ack `json:"ack,omitempty"`

	// Answers by which the shop says that it does not take a payment. They go before
	// everything else.
	Refused []Refused `json:"refused,omitempty"`

	// Whether an order may be paid more than once: `once` or `many`. Default: many.
	Orders string `json:"orders,omitempty"`

	conf observeRoute
	// shared: a relay serves the provider that has no site of its own.
	shared bool
}

type observeRoute struct {
	name     string
	provider *provider
	// guarded are the provider's parameters, orders those of them that carry the order.
	guarded  *params.Names
	orders   []string
	inquires bool
	// quiet are the returns in a row that claim to be paid and were not asked about.
	quiet *atomic.Int32
}

// routeFor is what an observe route knows of its provider.
func routeFor(info ProviderInfo) observeRoute {
	terms := info.Terms()
	_, inquires := info.Provider.(payment.Inquirer)
	return observeRoute{provider: &provider{ProviderInfo: info, terms: terms}, guarded: params.NewNames(terms.Params...), orders: orderParams(info.Provider), inquires: inquires, quiet: new(atomic.Int32)}
}

// pagePatience is how long a return waits for the end of another of the same payment: longer than
// the engine waits for that one's page. If it went on before, nobody could tell to which return the
// page belongs, and a payment that its shop has credited would wait for a person.
const pagePatience = engine.PageLimit + 5*time.Second

func (o *Observe) provision(ctx caddy.Context, h *Handler) error {
	if err := o.Match.Narrow(); err != nil {
		return err
	}
	if err := o.Match.provision(ctx); err != nil {
		return err
	}
	if o.any() {
		return errors.New("a path or a matcher is missing")
	}
	info, ok := h.app.Provider(o.Provider)
	if !ok {
		return unconfigured(o.Provider, h.app.ProviderNames())
	}
	_, relays := info.Provider.(payment.Relayer)
	o.conf = routeFor(info)
	if !relays && !o.conf.inquires && len(o.PaidWhen) == 0 {
		return fmt.Errorf("%s can neither be relayed nor asked without settling, so nothing is known of the payments that return here: write `paid_when` with the answer by which the shop says that it is paid", quote.Called("provider", o.Provider))
	}
	for _, v := range h.Verify {
		if v.Provider == o.Provider && slices.ContainsFunc(o.Paths, func(p string) bool {
			return slices.ContainsFunc(v.Paths, func(other string) bool { return OneSpelling(p) == OneSpelling(other) })
		}) {
			return errors.New("a `verify` line takes the same path: a return is either verified by us or by the shop")
		}
	}
	if err := o.checkValues(); err != nil {
		return err
	}
	o.conf.name = o.name() + " " + o.Provider
	return nil
}

func (o *Observe) checkValues() error {
	if o.Rescue != "" && o.Rescue != "on" && o.Rescue != "off" {
		return fmt.Errorf("rescue must be on or off%s", quote.Not(o.Rescue, "on", "off"))
	}
	if o.Orders != "" && o.Orders != "once" && o.Orders != "many" {
		return fmt.Errorf("orders must be once or many%s", quote.Not(o.Orders, "once", "many"))
	}
	switch o.ack().Mode {
	case ackRelay, ackStatus, ackHeader:
	case ackRedirect:
		if len(o.Ack.Patterns) == 0 {
			return errors.New("ack redirect needs a pattern such as */order-received/*")
		}
	default:
		return fmt.Errorf("ack must be one of relay, status, header, redirect%s", quote.Not(o.Ack.Mode, "relay", "status", "header", "redirect"))
	}
	for _, r := range o.Refused {
		if err := r.Check(); err != nil {
			return fmt.Errorf("refused %w", err)
		}
	}
	for _, r := range o.PaidWhen {
		if r.Mode == refusedPreset {
			return errors.New("paid_when takes status, header or redirect: presets are of refusals")
		}
		if err := r.Check(); err != nil {
			return fmt.Errorf("paid_when %w", err)
		}
	}
	return nil
}

func (o *Observe) ack() Ack {
	if o.Ack == nil || o.Ack.Mode == "" {
		return Ack{Mode: ackRelay}
	}
	return *o.Ack
}

func (o *Observe) policy() engine.Policy {
	return engine.Policy{Once: true, Many: o.Orders != "once"}
}

// observing is the observe route of a provider that takes an address.
func (h *Handler) observing(ctx context.Context, u *url.URL, provider string) *Observe {
	for _, o := range h.Observe {
		if o.Provider != provider {
			continue
		}
		for _, path := range []string{u.EscapedPath(), strings.TrimSuffix(u.EscapedPath(), "/"), u.EscapedPath() + "/"} {
			at := *u
			if at.Path, _ = url.PathUnescape(path); path == "" {
				continue
			}
			at.RawPath = ""
			if probe := probeOf(ctx, &at, h.server); probe != nil {
				if ok, err := o.matches(probe, needsMatcher(at.Path)); ok && err == nil {
					return o
				}
			}
		}
	}
	return nil
}

// serveObserved lets a return pass, and looks how the shop answers it.
func (h *Handler) serveObserved(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, o *Observe, b brought) error {
	caddyhttp.SetVar(r.Context(), routedVar, true)
	page := &observedPage{route: o, said: payment.PageBad}
	if len(b.named) == 1 {
		page.id = b.named[0].ID
	}
	if d := replayOf(r); d != nil {
		d.taken = true
		page.to = d
		return page.serve(h, w, r, next)
	}
	eng, err := h.app.Engine(r.Context())
	if err == nil {
		defer eng.Page()()
	}
	rec, why := h.foreign(r, o, eng, b)
	switch {
	case why != nil:
		return h.refuseForeign(r, o, rec, why)(w, r)
	case err != nil:
		return page.serve(h, w, r, next) // the shop works without us
	case rec == nil && len(b.named) != 1:
		return page.serve(h, w, r, next) // which of them it is can't be told, and none is ours
	case rec == nil || rec.Relay == nil:
		return h.serveSeen(eng, w, r, next, page, b.named[0])
	}
	eng.RelayProof(r.Context(), rec, b.named[0].Proof)
	at, err := eng.RelayReturn(r.Context(), rec.Ref, payment.Return{
		Method: returnMethod(r), Secure: h.secureView(r), Host: r.Host, URI: r.URL.EscapedPath(), By: visitorOf(r),
	}, pagePatience)
	if errors.Is(err, engine.ErrLeft) {
		return caddyhttp.Error(statusLeft, err)
	}
	if err == nil && !at.IsZero() {
		ctx, over := outliving(r.Context(), engine.DeliveryTime)
		r = r.WithContext(ctx)
		defer func() {
			over()
			p := recover()
			if page.brokeOff(p) {
				page.said = payment.PageBad
			}
			eng.RelayPage(context.Background(), rec.Ref, at, page.said)
			if p != nil {
				panic(p)
			}
		}()
	}
	if rec.Relay.Asked == 0 && b.named[0].Hint == payment.HintPaid {
		defer func() {
			if now, err := eng.RelayOf(context.WithoutCancel(r.Context()), o.Provider, rec.ID); err == nil && now != nil {
				o.looked(now.Relay != nil && now.Relay.Asked > 0)
			}
		}()
	}
	return page.serve(h, w, r, next)
}

// statusLeft is what access logs have of a browser that has left, as of Caddy's reverse_proxy.
const statusLeft = 499

// outliving returns a context that goes on when the customer leaves, for so long: the shop's page
// is worth waiting for, because a plugin that asks in it credits all the same. Its end tells
// whether; without it a credited payment would wait for a person.
func outliving(parent context.Context, most time.Duration) (ctx context.Context, over func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		late := time.AfterFunc(most, cancel)
		context.AfterFunc(ctx, func() { late.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}

// findObserve is the site and observe route of a record.
func (s *Sites) findObserve(r *payment.Record) (*Handler, *Observe) {
	return routeOf(s, r, func(h *Handler) []*Observe { return h.Observe }, func(o *Observe) (*provider, string, string) { return o.conf.provider, o.Provider, o.conf.name })
}

// Rescues implements engine.Replayer.
//
// Invariant: only a line that is there says off, be it `rescue off` or a `verify` line that has
// taken the return over.
func (s *Sites) Rescues(r *payment.Record) engine.Rescue {
	h, o := s.findObserve(r)
	if h == nil || h.server == nil {
		if taken, _ := s.find(r); taken != nil {
			return engine.RescueOff
		}
		return engine.RescueAway
	}
	if o.Rescue == string(engine.RescueOff) {
		return engine.RescueOff
	}
	if served, _ := h.callable(o, r); !served {
		return engine.RescueAway // its plugin would ask in vain
	}
	if o.Rescue == "" {
		return engine.RescueDefault
	}
	return engine.RescueOn
}

// replayed is the shop's own return on its way through the site's server, made by the
// worker. It travels in the request's context, where no client can put it.
type replayed struct {
	taken bool
	said  payment.ShopPage
	// down is why the answer says nothing of the shop's plugin.
	down string
}

type replayKey struct{}

func replayOf(r *http.Request) *replayed {
	if r.Pattern != workerPattern {
		return nil
	}
	d, _ := r.Context().Value(replayKey{}).(*replayed)
	return d
}

// Replay implements engine.Replayer.
func (s *Sites) Replay(ctx context.Context, rec *payment.Record) engine.Replayed {
	h, o := s.findObserve(rec)
	if h == nil || h.server == nil || rec.Return == nil {
		return engine.Replayed{Unsent: true}
	}
	got := h.replayReturn(ctx, o, rec)
	_, same := h.callable(o, rec)
	got.Moved = !same
	return got
}

// callable reports whether a relay serves the plugin of a payment, at whatever address, and
// whether at the one to which its create came. Who has not called a relay needs none.
//
// Invariant: what doesn't ask under an address that it may not have been told proves nothing.
func (h *Handler) callable(o *Observe, rec *payment.Record) (served, same bool) {
	if rec.Relay == nil {
		return true, true
	}
	app, ok := h.app.(relay.App)
	if !ok {
		return false, false
	}
	through := rec.Relay.Through
	at := func(address string) { same = same || address == through }
	of := func(name string) (protocol string, ours bool) {
		rel, ok := app.Relayer(name)
		if !ok {
			return "", false
		}
		return rel.Protocol().Name, rel.Protocol().Name == o.conf.provider.Protocol().Name
	}
	for _, name := range app.ProviderNames() {
		if protocol, ours := of(name); ours && app.Relays(name) {
			served = true
			at(relay.Through("", name))
			at(relay.ThroughPlace(protocol))
		}
	}
	blocks := []*Handler{h}
	if h.sites != nil {
		blocks = h.sites.all()
	}
	for _, other := range blocks {
		if other != h && !other.owns(rec.Site) {
			continue // another shop's secret path is no answer to this one's plugin
		}
		for _, l := range other.Relay {
			for _, name := range l.server.Names() {
				if _, ours := of(name); ours {
					served = true
					at(relay.Through(l.prefix, name))
				}
			}
		}
	}
	if through == "" {
		same = o.Provider == rec.Provider
	}
	return served, served && same
}
