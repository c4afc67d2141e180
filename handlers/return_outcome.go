package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// dispatch watches one hand-over. Its invariant: of one that is made once, no
// second upstream is told.
type dispatch struct {
	h      *Handler
	v      *Verify
	rec    *payment.Record
	r      *http.Request
	once   bool
	cancel context.CancelFunc

	status    int
	location  string
	acked     bool
	said      bool         // by X-Payment-Ack
	refused   bool         // the shop said no
	later     bool         // the shop said that it has not taken it
	wrote     int          // the status that was written, 0 for none
	pageless  bool         // nothing stands where our own checkout's customers come back to
	asked     atomic.Int32 // connections asked for (http transport only)
	connected atomic.Int32
	told      atomic.Value // the upstream that has it, a string
	answers   atomic.Bool  // it began to answer
}

// trace observes connections. The http transport reports when it asks for one and when it has
// it, FastCGI's transport only when it dials.
func (d *dispatch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) {
			// To the same upstream that has not answered it is net/http's own repeat on
			// a connection which was dead: nothing was written to it.
			if to := upstreamOf(d.r); d.answers.Load() || d.told.Load() != to {
				d.second(to)
			}
			d.asked.Add(1)
		},
		GotFirstResponseByte: func() {
			if _, gate := d.h.place().gates[upstreamOf(d.r)]; !gate {
				d.answers.Store(true)
			}
		},
		GotConn: func(httptrace.GotConnInfo) {
			d.connected.Add(1)
			d.tell()
		},
		ConnectStart: func(string, string) {
			to := upstreamOf(d.r)
			if d.asked.Load() > 0 && d.told.Load() == to {
				return // a spare connection of the http transport's
			}
			d.second(to)
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil && d.asked.Load() == 0 {
				d.tell()
			}
		},
	}
}

// upstreamOf returns the upstream that is being asked now.
func upstreamOf(r *http.Request) string {
	address, _ := placeholder(r, "http.reverse_proxy.upstream.hostport")
	text, _ := address.(string)
	return text
}

// proxyUpstream is the placeholder of the upstream that a proxy has chosen.
const proxyUpstream = "http.reverse_proxy.upstream.address"

// placeholder returns the value of one of a request's placeholders.
func placeholder(r *http.Request, name string) (value any, known bool) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return nil, false
	}
	return repl.Get(name)
}

// tell records that an upstream has received the delivery. A login server in front of the
// shop doesn't count.
func (d *dispatch) tell() {
	to := upstreamOf(d.r)
	if _, gate := d.h.place().gates[to]; !gate {
		d.told.Store(to)
	}
}

// second stops a delivery that goes on to another upstream (`handle_response`, `intercept`, a
// retry) after one has received it, if the shop is told only once: the first upstream may
// have credited the order.
func (d *dispatch) second(to string) {
	if _, gate := d.h.place().gates[to]; d.once && !gate && d.told.Load() != nil {
		d.cancel()
	}
}

// answered reads the shop's answer before our headers are removed from it.
func (d *dispatch) answered(status int, header http.Header) {
	d.status, d.location = status, header.Get("Location")
	for _, r := range d.v.Refused {
		d.refused = d.refused || r.fits(status, header)
	}
	d.acked = !d.refused && d.proof(status, header)
	// By its definition a 503 means that the request was not handled. With Retry-After it is
	// on purpose: the shop is under maintenance.
	d.later = status == http.StatusServiceUnavailable && header.Get("Retry-After") != "" && d.byUpstream(status)
	privately(header, forNobody)
}

// acks reports whether an answer has the shop's ack of a payment. An ack of another payment
// beside it makes it none.
func acks(header http.Header, id string) bool {
	said, one := agreed(header, "X-Payment-Ack")
	return one && said == id && id != ""
}

// proof reports whether the shop's answer proves that it credited the order.
func (d *dispatch) proof(status int, header http.Header) bool {
	ack := d.v.ack()
	d.said = acks(header, d.rec.ID)
	switch ack.Mode {
	case ackHeader:
		return d.said
	case ackRedirect:
		return status >= 300 && status <= 399 && d.byUpstream(status) &&
			slices.ContainsFunc(ack.Patterns, func(p string) bool { return glob(p, d.location) })
	case ackRelay:
		// What it proves, the record says: whether the shop's own call has heard it.
		return status >= 200 && status < 400 && d.byUpstream(status)
	}
	if d.said {
		return true
	}
	switch {
	case status >= 200 && status < 300:
		return d.byUpstream(status) || d.byFile(header)
	case status >= 300 && status < 400:
		// To a browser a redirect is a shop's "thank you"; to a request without
		// one it is as well the way to https or to the login.
		return d.rec.Delivery.Via != payment.ViaWorker && d.byUpstream(status)
	}
	return false
}

// byUpstream: an upstream answered with this status. Caddy's own redirects and login pages do
// not count.
func (d *dispatch) byUpstream(status int) bool { return d.h.byUpstream(d.r, status) }

func (h *Handler) byUpstream(r *http.Request, status int) bool {
	got, _ := placeholder(r, "http.reverse_proxy.status_code")
	if code, ok := got.(int); !ok || code != status {
		return false
	}
	// A login server's redirect says nothing about the shop, and its 2xx only lets the
	// request through.
	shared, gate := h.place().gates[upstreamOf(r)]
	return !gate || shared && status < 300
}

// byFile: a file server answered, or only a page was to be delivered (our own checkout). An
// empty 200 from the end of the handler chain proves nothing, because nobody gave it.
func (d *dispatch) byFile(header http.Header) bool {
	return d.rec.Expect.Checkout || fromFile(header)
}

// fromFile: a file server's mark.
func fromFile(header http.Header) bool {
	return header.Get("Etag") != "" && header.Get("Last-Modified") != ""
}

// outcome returns the result of the delivery. brokenOff: the answer broke off, and not because
// the browser had gone. Then a status is no proof, because a script that dies has sent it
// already.
func (d *dispatch) outcome(err error, panicked any, brokenOff bool) engine.Handed {
	if mode := d.v.ack().Mode; brokenOff && !d.said && (mode == ackStatus || mode == ackRelay) {
		d.acked = false
	}
	if panicked == nil && !d.refused && d.noPage(err) {
		// Nobody is there who could credit, or who could refuse to: it is paid, and a
		// page of ours says so.
		d.pageless = true
		return engine.Handed{Acked: true, NoPage: true, Status: d.status}
	}
	return engine.Handed{
		Acked: d.acked, IfHeard: d.v.ack().Mode == ackRelay, Refused: d.refused, Status: d.status, Location: d.location,
		Unsent: !d.acked && panicked == nil && (d.later || d.unsent(err)),
	}
}

// unsent reports that certainly nothing reached the shop: no attempt obtained a connection. A
// dial error alone is no proof, because it may belong to a retry.
func (d *dispatch) unsent(err error) bool {
	if d.connected.Load() > 0 {
		return false
	}
	if d.asked.Load() > 0 {
		return true // the http transport asked and never got one
	}
	if _, ok := d.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); !ok {
		return false
	}
	if _, chosen := placeholder(d.r, proxyUpstream); !chosen {
		// No upstream was ever chosen, and none of Caddy's handlers took it.
		return d.status == 0 || d.h.place().proxied
	}
	var dial reverseproxy.DialError
	if !errors.As(err, &dial) {
		return false
	}
	retries, _ := placeholder(d.r, "http.reverse_proxy.retries")
	n, isInt := retries.(int)
	return isInt && n == 0
}

// glob matches a pattern in which * stands for anything.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, last)
}
