package handlers

import (
	"context"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/payment"
)

// serveSeen lets a return pass whose payment no relay tells of, and notes what the shop
// has answered when the customer has its answer.
func (h *Handler) serveSeen(eng *engine.Engine, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, page *observedPage, claimed payment.Claimed) error {
	page.alone = true
	s := h.siteOf(r)
	seen := engine.Seen{
		Site: s.id, Formerly: s.formerly(), Route: page.route.conf.name, Provider: page.route.Provider,
		Claimed: claimed, Client: client(r), Asks: h.asksAfter(page.route),
	}
	if len(h.Track) > 0 {
		if keys, err := h.allKeys(r.Context()); err == nil {
			seen.Track = h.currentTrack(r, keys)
		}
	}
	ctx, over := outliving(r.Context(), engine.DeliveryTime)
	defer over()
	defer func() {
		p := recover()
		if !page.brokeOff(p) {
			h.noteSeen(eng, r, page, seen)
		}
		if p != nil {
			panic(p)
		}
	}()
	return page.serve(h, w, r.WithContext(ctx), next)
}

// noteSeen notes how the shop answered a return.
func (h *Handler) noteSeen(eng *engine.Engine, r *http.Request, page *observedPage, seen engine.Seen) {
	seen.Page, seen.Paid = page.said, page.paid && page.said != payment.PageRefused
	if page.order != "" && payment.CheckOrder(page.order) == nil {
		if amount, wrong := payment.ParseRials(page.amount); wrong == nil {
			seen.Order, seen.Amount = page.order, amount
		} else if page.amount != "" {
			h.log.Warn("the shop's answer to a return has an amount that can't be read: write whole rials, digits only", zap.String("header", headerAmount))
		}
	}
	if !seen.Paid && !seen.Asks {
		return
	}
	h.app.Enter()
	ctx := context.WithoutCancel(r.Context()) // the customer has the answer, and may be gone
	go func() {
		defer h.app.Leave()
		defer func() {
			if p := recover(); p != nil {
				h.log.Error("noting what a shop has answered panicked", zap.Any("panic", p))
			}
		}()
		if err := eng.Saw(ctx, seen); err != nil {
			h.log.Warn("what a shop has answered to a return was not noted", zap.String("provider", seen.Provider), zap.Error(err))
		}
	}()
}

// asksAfter: the provider is asked about all payments that return here. Through a relay
// everything is known, and where `paid_when` is written, the shop's answer tells which.
func (h *Handler) asksAfter(o *Observe) bool {
	return o.conf.inquires && len(o.PaidWhen) == 0 && !h.relays(o.Provider)
}

// relays: a relay of this site's, or one that has no site of its own, serves a provider.
func (h *Handler) relays(provider string) bool {
	app, ok := h.app.(relay.App)
	if !ok {
		return false
	}
	if app.Relays(provider) {
		return true
	}
	serves := func(l *Relay) bool { return slices.Contains(l.server.Names(), provider) }
	if h.sites == nil {
		return slices.ContainsFunc(h.Relay, serves)
	}
	return slices.ContainsFunc(h.sites.all(), func(other *Handler) bool {
		return (other == h || other.place().shopName() == h.place().shopName()) && slices.ContainsFunc(other.Relay, serves)
	})
}

// verifies: a verify route of this site is of a provider's payments.
func (h *Handler) verifies(p *provider) bool {
	for _, v := range h.Verify {
		if p != nil && v.Provider == p.Name {
			return true
		}
	}
	return false
}
