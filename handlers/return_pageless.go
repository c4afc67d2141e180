package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// noPage reports that a delivery of our own checkout found no page: the file server has none,
// or no handler answered. No upstream was asked, so nobody could have credited the order.
//
// Invariant: a payment of our own checkout ends as delivered and with a thank-you page, the
// site's or ours. The owner must fix a missing file; no customer waits for it.
func (d *dispatch) noPage(err error) bool {
	if !d.rec.Expect.Checkout || d.asked.Load() > 0 || d.connected.Load() > 0 {
		return false
	}
	if _, chosen := placeholder(d.r, proxyUpstream); chosen || d.wrote > 0 {
		return false
	}
	var failed caddyhttp.HandlerError
	if err != nil && (!errors.As(err, &failed) || failed.StatusCode < 400 || failed.StatusCode > 499) {
		return false
	}
	d.status = http.StatusNotFound
	return true
}

var errNoPage = errors.New("there is no page where customers come back to: they get our thank-you page; make the page, or name the one that there is by `return` and `verify`")

// tellPageless tells the owner.
func (h *Handler) tellPageless(r *http.Request, v *Verify, rec *payment.Record) {
	h.app.Observe(engine.Event{
		Name: engine.EventNoPage, Site: rec.Site, Provider: v.Provider, ID: rec.ID, Order: rec.Order,
		Err: fmt.Errorf("%.80s: %w", r.URL.Path, errNoPage), Alert: true,
	})
}

// withoutPage finds checkouts that have no page to come back to. It requests the page like a
// visitor, but only from file servers, because an upstream might act on the request.
//
// Invariant: the page is requested at the address that customers are sent back to, of which a
// `handle_path` takes the beginning off.
func withoutPage(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		p := h.place()
		if h.server == nil || p.site == nil || len(upstreams(h.server, p.tops)) > 0 {
			continue
		}
		for _, c := range h.Checkout {
			for _, g := range c.conf.gateways {
				page := (&url.URL{Path: p.stripped}).EscapedPath() + g.back
				if g.back == "" || h.serves(page) {
					continue
				}
				out = adding(out, Finding{Code: "no_page", Where: p.shopName(), Text: fmt.Sprintf("checkout %s: no page at %s, where its customers come back to; they get our thank-you page", c.Path, page)})
			}
		}
	}
	return out
}

// serves reports whether a visitor who asks for a path of the site gets a page.
func (h *Handler) serves(path string) (found bool) {
	defer func() {
		if recover() != nil {
			found = true // whatever that was, it is no missing page
		}
	}()
	r, err := h.visitor(context.Background(), "", path)
	if err != nil {
		return true
	}
	w := &recorded{discard: discard{header: make(http.Header)}}
	h.server.ServeHTTP(w, r)
	return w.status != http.StatusNotFound && (w.status != 0 || w.wrote)
}

// recorded records the status that a visitor would get.
type recorded struct {
	discard
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *recorded) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *recorded) Write(b []byte) (int, error) {
	w.wrote = w.wrote || len(b) > 0
	return len(b), nil
}
