package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lookup"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// Values of a verify route's options.
const (
	expectIntent = "intent"
	expectLookup = "lookup"
	expectSigned = "signed"
	expectNone   = "none"

	deliverOnce       = "once"
	deliverIdempotent = "idempotent"

	ackStatus   = "status"
	ackHeader   = "header"
	ackRedirect = "redirect"
	ackRelay    = "relay"

	modePlugin = "plugin"

	answerPage     = "page"
	answerPass     = "pass"
	answerRedirect = "redirect"

	absentDeliver = "deliver"
	absentPark    = "park"

	bounceAuto     = "auto"
	bounceRedirect = "redirect"
	bounceResubmit = "resubmit"
	bounceOff      = "off"
)

// defaultPatience is how long a browser waits.
const defaultPatience = 8 * time.Second

// provider is a configured provider with its terms read once.
type provider struct {
	ProviderInfo
	terms payment.Terms
}

// live reports whether real money is paid there.
func (p *provider) live() bool { return p != nil && p.terms.Environment != payment.Sandbox }

// readID returns an id that a shop has written as the provider's returns are read. An
// announced id in another form would be found by no return, and its customer's money by
// nobody.
func (p *provider) readID(said string) (string, error) {
	if r, ok := p.Provider.(payment.IDReader); ok {
		return r.ReadID(said)
	}
	return said, nil
}

// verifyRoute is what a verify route makes of its options when provisioned.
type verifyRoute struct {
	// name names the route in records.
	name     string
	provider *provider
	expect   string
	lookup   *lookup.Client
	guarded  *params.Names
	order    orderSource
	patience time.Duration
}

func (v *Verify) provision(ctx caddy.Context, h *Handler) error {
	if err := v.Match.Narrow(); err != nil {
		return err
	}
	if err := v.Match.provision(ctx); err != nil {
		return err
	}
	if v.any() {
		return errors.New("a path or a matcher is missing")
	}
	info, ok := h.app.Provider(v.Provider)
	if !ok {
		return unconfigured(v.Provider, h.app.ProviderNames())
	}
	v.route.provider = &provider{ProviderInfo: info, terms: info.Terms()}
	v.route.name = v.name() + " " + v.Provider
	v.route.patience = cmp.Or(max(time.Duration(v.Timeout), 0), defaultPatience)
	if err := v.checkValues(); err != nil {
		return err
	}
	if err := v.provisionMode(); err != nil {
		return err
	}
	if err := v.provisionOrder(); err != nil {
		return err
	}
	if err := v.provisionExpect(h); err != nil {
		return err
	}
	if err := v.checkBind(); err != nil {
		return err
	}
	names := append(slices.Clone(v.route.provider.terms.Params),
		token.ParamRef, paramBounce, payment.ParamOrder, payment.ParamAmount, payment.ParamExpires, payment.ParamSignature)
	if v.route.order.guards() != "" {
		names = append(names, v.route.order.guards())
	}
	lent := slices.DeleteFunc(slices.Clone(v.route.provider.terms.Params), func(name string) bool { return name == v.route.order.guards() })
	v.route.guarded = params.NewNames(names...).Bind(v.Bind...).Lend(lent...)
	return nil
}

// checkBind refuses a parameter of the gateway's: its value names the payment, or what became of it,
// and never the order.
func (v *Verify) checkBind() error {
	order := v.route.order.guards()
	for _, name := range v.Bind {
		for _, theirs := range v.route.provider.terms.Params {
			if theirs != order && name != order && params.NewNames(theirs).Carries(url.QueryEscape(name)+"=1") {
				return fmt.Errorf("bind %s: that is a parameter of the gateway, which names no order; bind one that your shop writes into the return address, or leave it out", quote.This(name))
			}
		}
	}
	return nil
}

func (v *Verify) checkValues() error {
	for _, c := range []struct {
		option, value string
		allowed       []string
	}{
		{"deliver", v.Deliver, []string{deliverOnce, deliverIdempotent}},
		{"orders", v.Orders, []string{"once", "many"}},
		{"absent", v.Absent, []string{absentDeliver, absentPark}},
		{"bounce", v.Bounce, []string{bounceAuto, bounceRedirect, bounceResubmit, bounceOff}},
		{"declined", v.Declined.mode(), []string{answerPage, answerPass, answerRedirect}},
		{"duplicate", v.Duplicate.mode(), []string{answerPage, answerPass, answerRedirect}},
		{"ack", v.ack().Mode, []string{ackStatus, ackHeader, ackRedirect, ackRelay}},
		{"mode", v.Mode, []string{modePlugin}},
	} {
		if c.value != "" && !slices.Contains(c.allowed, c.value) {
			return fmt.Errorf("%s must be one of %s%s", c.option, strings.Join(c.allowed, ", "), quote.Not(c.value, c.allowed...))
		}
	}
	if v.ack().Mode == ackRedirect && len(v.ack().Patterns) == 0 {
		return errors.New("ack redirect needs a pattern such as */order-received/*")
	}
	for _, r := range v.Refused {
		if err := r.Check(); err != nil {
			return fmt.Errorf("refused %w", err)
		}
	}
	for option, a := range v.away() {
		if a.mode() != answerRedirect {
			continue
		}
		if a.To == "" {
			return fmt.Errorf("%s redirect needs a target", option)
		}
		path, _, _ := strings.Cut(a.To, "?")
		if len(v.Paths) > 0 && strings.HasPrefix(path, "/") && v.filter.takes(path) {
			return fmt.Errorf("%s redirect %s: that is this route's own path, where it would be taken for a return that names no payment; write a page of the shop, such as /cart", option, a.To)
		}
	}
	return nil
}

// provisionMode writes out what `mode` is short for.
func (v *Verify) provisionMode() error {
	_, relayed := v.route.provider.Provider.(payment.Relayer)
	switch {
	case v.ack().Mode == ackRelay && !relayed:
		return fmt.Errorf("ack relay: the API of %s can't be relayed, so nobody hears what the shop is told; use ack status, header or redirect", v.Provider)
	case v.Mode == "":
		return nil
	case v.Expect != nil && v.Expect.Mode != expectNone:
		return fmt.Errorf("mode plugin is short for `expect none` and `deliver idempotent`: leave out `mode plugin` or `expect %s`", v.Expect.Mode)
	case v.Deliver == deliverOnce:
		return errors.New("mode plugin is short for `expect none` and `deliver idempotent`: leave out `mode plugin` or `deliver once`")
	}
	v.Expect, v.Deliver = &Expect{Mode: expectNone}, deliverIdempotent
	return nil
}

// provisionExpect settles how order and amount are known, and refuses what
// cannot be made safe.
func (v *Verify) provisionExpect(h *Handler) error {
	t := v.route.provider.terms
	mode := ""
	if v.Expect != nil {
		mode = v.Expect.Mode
	}
	switch mode {
	case "":
		return v.defaultExpect(h)
	case expectIntent:
	case expectNone:
		if !t.AnswersOrder {
			return fmt.Errorf("expect none: the answer of %s names no order, so any receipt would pay any order", v.Provider)
		}
		h.log.Warn("expect none: a cart that grows after the payment was started is not noticed; let the shop announce order and amount",
			zapRoute(v))
	case expectSigned:
		if !h.app.HasKeys() && h.keys == nil {
			return errors.New("expect signed needs a signing_key that the shop knows: write one in the global options or in this block")
		}
		if !t.MayBeSigned() {
			return fmt.Errorf("expect signed: the answer of %s names neither order nor amount, so a cheap receipt could pay a dear order; use announcements or expect lookup", v.Provider)
		}
		if !t.TellsFirst && v.route.provider.UsedIDs == "" {
			return fmt.Errorf("expect signed: %s cannot tell a used receipt from a new one: write `used_ids imported` or `used_ids none` in its block", v.Provider)
		}
	case expectLookup:
		c, err := lookup.New(v.Expect.URL, !t.AnswersOrder && !t.AnswersAmount)
		if err != nil {
			return fmt.Errorf("expect lookup: %w", err)
		}
		v.route.lookup = c
		if !h.app.HasKeys() && h.keys == nil {
			h.log.Warn("expect lookup without a signing_key: the shop cannot check who asks, and its answers are open to everybody", zapRoute(v))
		}
	default:
		return fmt.Errorf("expect must be one of intent, lookup, signed, none%s", quote.Not(mode, "intent", "lookup", "signed", "none"))
	}
	v.route.expect = mode
	return nil
}

func (v *Verify) defaultExpect(h *Handler) error {
	if v.route.provider.terms.AnswersOrder {
		v.route.expect = expectNone
		h.log.Warn("no `expect` is written: without an announcement only the provider's answer names the order, and nobody checks the price; write `expect intent` and let the shop announce order and amount",
			zapRoute(v))
		return nil
	}
	for _, c := range h.Checkout {
		if slices.Contains(c.Providers, v.Provider) {
			v.route.expect = expectIntent
			return nil
		}
	}
	others := "`expect lookup <url>`"
	if v.route.provider.terms.MayBeSigned() {
		others += " or `expect signed`"
	}
	return fmt.Errorf("say how order and amount are known: `expect intent` where the shop announces its payments, else %s", others)
}

// policy returns what the engine needs to know. A payment of our own checkout is
// delivered without its customer whatever the default.
func (v *Verify) policy() engine.Policy {
	p := engine.Policy{Once: v.Deliver != deliverIdempotent, Many: v.Orders == "many"}
	switch v.Absent {
	case absentPark:
		p.Park = true
	case "":
		p.Park = p.Once && v.ack().Mode != ackHeader && v.ack().Mode != ackRedirect
	}
	return p
}

func (v *Verify) ack() Ack {
	if v.Ack == nil {
		return Ack{Mode: ackStatus}
	}
	return *v.Ack
}

func (v *Verify) bounce() string { return cmp.Or(v.Bounce, bounceAuto) }

func (a *Answer) mode() string {
	if a == nil {
		return ""
	}
	return a.Mode
}

// unconfigured is the error about a provider that a route names and the app has not.
func unconfigured(name string, there []string) error {
	if quote.Known(name, there...) {
		return fmt.Errorf("%s is not configured; there are: %s", quote.Called("provider", name), strings.Join(quote.Names(there), ", "))
	}
	return fmt.Errorf("this provider is not configured; there are: %s", strings.Join(quote.Names(there), ", "))
}
