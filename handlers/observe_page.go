package handlers

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/payment"
)

// observedPage sees how the shop answers a return. It changes nothing of it.
type observedPage struct {
	watcher
	route *Observe
	// id is the provider's.
	id   string
	said payment.ShopPage
	// paid: by its answer the shop says that it is paid.
	paid bool
	// alone: no relay tells of the payment, so that what the answer's headers say of an
	// order is about this return, in order and amount.
	alone         bool
	order, amount string
	// to is told how the shop answered a return of the worker's.
	to    *replayed
	inner headerReader
}

// answered implements headerReader.
func (p *observedPage) answered(status int, header http.Header) {
	p.said = payment.PageBad
	if p.credits(status, header) {
		p.said = payment.PageGood
	}
	fits := func(r Refused) bool { return r.fits(status, header) }
	if slices.ContainsFunc(p.route.Refused, fits) {
		p.said = payment.PageRefused
	}
	p.paid = slices.ContainsFunc(p.route.PaidWhen, fits)
	order, one := agreed(header, headerOrder)
	amount, alike := agreed(header, headerAmount)
	switch {
	case p.alone && len(header[headerID]) == 0 && len(header["Location"]) <= 1 && order != "" && one && alike && !p.starts(status, header):
		p.order, p.amount = order, amount
	case p.inner != nil:
		p.inner.answered(status, header)
	}
	privately(header, forNobody)
}

// starts: the answer sends the customer to pay another payment.
func (p *observedPage) starts(status int, header http.Header) bool {
	to, _ := p.h.payPage(status, header)
	return to != nil
}

// credits reports whether the answer is one by which the shop credits.
func (p *observedPage) credits(status int, header http.Header) bool {
	redirect := status >= 300 && status < 400
	switch ack := p.route.ack(); ack.Mode {
	case ackHeader:
		return acks(header, p.id)
	case ackRedirect:
		return redirect && slices.ContainsFunc(ack.Patterns, func(pattern string) bool { return glob(pattern, header.Get("Location")) })
	case ackStatus:
		return (redirect || status >= 200 && status < 300) && p.h.byUpstream(p.r, status) || status >= 200 && status < 300 && fromFile(header)
	}
	return status >= 200 && status < 400
}

// brokeOff reports whether a panic means that the shop's answer has no end. A browser that has left
// takes no whole page either, and then what the shop said in its header stands.
func (p *observedPage) brokeOff(panicked any) bool {
	return panicked != nil && (panicked != http.ErrAbortHandler || !p.gone) //nolint:errorlint // net/http compares so
}

// serve lets the shop answer, through the gates.
func (p *observedPage) serve(h *Handler, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	var passed passes
	if page, _ := h.ask(w, r, &passed); page != nil {
		return page(w, r)
	}
	p.ResponseWriter = w
	p.guards(h, r, passed)
	if h.Announce != "off" {
		p.inner = &p.watcher
	}
	p.reader = p
	err := p.filter.serve(next, r)
	if err != nil && p.status == 0 {
		p.said = payment.PageBad
	}
	if p.to != nil {
		p.to.said, p.to.down = p.said, down(p.status, err, r.Context().Err() != nil)
	}
	return err
}
