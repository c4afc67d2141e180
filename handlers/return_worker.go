package handlers

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// workerDelivery is a delivery by the worker on its way through the site's own
// server. It travels in the request's context, where no client can put it.
type workerDelivery struct {
	rec    *payment.Record
	route  *Verify
	site   string
	taken  bool
	handed engine.Handed
}

type workerKey struct{}

// workerPattern marks the worker's requests, so that others need not be searched
// for what they don't carry: a context is a long list. Caddy sets no pattern, and
// no client can.
const workerPattern = "payments worker"

func deliveryOf(r *http.Request) *workerDelivery {
	if r.Pattern != workerPattern {
		return nil
	}
	d, _ := r.Context().Value(workerKey{}).(*workerDelivery)
	return d
}

// deliverInProcess sends the return that a payment came with through the site's
// own route, as if its browser had come.
func (h *Handler) deliverInProcess(ctx context.Context, v *Verify, rec *payment.Record) engine.Handed {
	d := &workerDelivery{rec: rec, route: v, site: rec.Site, handed: engine.Handed{}}
	r, err := h.synthetic(ctx, v, rec)
	if err != nil {
		h.log.Error("the stored return cannot be used", zap.String("ref", string(rec.Ref)), zap.Error(err))
		return engine.Handed{}
	}
	r = r.WithContext(context.WithValue(r.Context(), workerKey{}, d))
	r.Pattern = workerPattern
	func() {
		defer func() {
			// reverse_proxy panics when a body is cut off; nobody else would catch
			// it here, and it would end the process.
			p := recover()
			if err, ok := p.(error); p != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
				h.log.Error("delivering a payment panicked", zap.String("ref", string(rec.Ref)), zap.Any("panic", p))
			}
		}()
		h.server.ServeHTTP(&discard{header: make(http.Header)}, r)
	}()
	if !d.taken {
		// No payments block met the request: whatever answered was not told that
		// anything is paid.
		return engine.Handed{Unsent: true}
	}
	return d.handed
}

// synthetic makes the request anew from what was kept of it: the one that the
// browser would have made, from its address, to the announced path or one that the
// route takes by its own.
func (h *Handler) synthetic(ctx context.Context, v *Verify, rec *payment.Record) (*http.Request, error) {
	ret := rec.Return
	host := h.hostFor(ret.Host, rec.Site)
	u, err := url.ParseRequestURI(ret.URI)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawPath, _ = v.handOverPath(ret, u)
	r := (&http.Request{
		Method: ret.Method, URL: u, RequestURI: u.RequestURI(), Host: host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody,
	}).WithContext(ctx)
	replay(r, ret.By)
	switch {
	case ret.Method != http.MethodPost:
	case v.byRedirect(rec):
		r.Method = http.MethodGet
	default:
		r.Header.Set("Content-Type", ret.Type)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(ret.Body)), int64(len(ret.Body))
	}
	secured(r, ret, h.place().secure)
	return r, nil
}

// secured gives a request of the worker's the connection that its browser had.
func secured(r *http.Request, ret *payment.Return, secure bool) {
	if ret.By != nil && ret.By.TLS || ret.By == nil && secure {
		name, _ := splitHost(r.Host)
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: name, Version: tls.VersionTLS13}
	}
}

// handOverPath returns the path of a hand-over without its browser. own is whether it
// is where the return came to, if anywhere: not, where whoever brought it chose
// the path, because the route is told by something else.
func (v *Verify) handOverPath(ret *payment.Return, came *url.URL) (path, raw string, own bool) {
	if address, err := url.ParseRequestURI(ret.Address()); err == nil {
		return address.Path, address.RawPath, true
	}
	if len(v.Paths) > 0 || v.byPath() || came.Path == "/" || came.Path == "/index.php" {
		return came.Path, came.RawPath, true
	}
	return "/", "", false
}

// byPath reports whether each of the route's matcher sets has a path in it.
func (v *Verify) byPath() bool {
	for _, set := range v.matchers {
		found := false
		for _, m := range set {
			switch m.(type) {
			case *caddyhttp.MatchPath, caddyhttp.MatchPath, *caddyhttp.MatchPathRE, caddyhttp.MatchPathRE:
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return len(v.matchers) > 0
}

// strayed reports a return whose path was chosen by the visitor who brought it: it is no
// address for the worker.
func (v *Verify) strayed(rec *payment.Record) bool {
	if rec.Return == nil {
		return false
	}
	u, err := url.ParseRequestURI(rec.Return.URI)
	if err != nil {
		return true
	}
	_, _, own := v.handOverPath(rec.Return, u)
	return !own
}

// serveWorker takes the worker's delivery when it reaches its site.
func (h *Handler) serveWorker(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, d *workerDelivery) error {
	if d.taken {
		return h.watch(w, r, next, "", nil) // a second block of the same site
	}
	begin(r, h)
	if !h.siteOf(r).is(d.site) {
		return caddyhttp.Error(http.StatusNotFound, engine.ErrForeign)
	}
	keys, err := h.allKeys(r.Context())
	if err != nil {
		return err
	}
	ret := d.rec.Return
	var body []byte
	if r.Method == http.MethodPost {
		body = ret.Body
		if body == nil {
			body = []byte{}
		}
	}
	set, err := d.route.parse(r.URL.RawQuery, body, ret.Type, ret.Address())
	if err != nil {
		return err
	}
	d.taken = true
	var passed passes
	caddyhttp.SetVar(r.Context(), paidVar, d.rec)
	if page, shut := h.ask(w, r, &passed); page != nil {
		d.handed = engine.Handed{Gated: shut, Unsent: !shut}
		return nil
	}
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(zap.String("payments", string(payment.ViaWorker)))
	}
	var panicked any
	f := newFilter(w)
	f.guards(h, r, passed)
	d.handed, panicked, err = h.hand(r.Context(), f, r, next, d.route, d.rec, set, body, keys)
	if panicked != nil {
		panic(panicked)
	}
	if err != nil {
		clearVerified(r)
	}
	return err
}

// discard is a browser that is not there.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Flush()                      {}

// Interface guards.
var (
	_ http.ResponseWriter = (*discard)(nil)
	_ http.Flusher        = (*discard)(nil)
)
