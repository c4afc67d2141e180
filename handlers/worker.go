package handlers

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
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
	r, err := h.synthetic(ctx, rec)
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

// synthetic makes the request anew from what was kept of it.
func (h *Handler) synthetic(ctx context.Context, rec *payment.Record) (*http.Request, error) {
	ret := rec.Return
	u, err := url.ParseRequestURI(ret.URI)
	if err != nil {
		return nil, err
	}
	r := (&http.Request{
		Method: ret.Method, URL: u, RequestURI: u.RequestURI(), Host: ret.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), RemoteAddr: "127.0.0.1:0", Body: http.NoBody,
	}).WithContext(ctx)
	r.Header.Set("User-Agent", "caddy-payments")
	if ret.Method == http.MethodPost {
		r.Header.Set("Content-Type", ret.Type)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(ret.Body)), int64(len(ret.Body))
	}
	if h.place().secure {
		host := ret.Host
		if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
		}
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: host, Version: tls.VersionTLS13}
	}
	return r, nil
}

// serveWorker takes the worker's delivery when it reaches its site.
func (h *Handler) serveWorker(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, d *workerDelivery) error {
	if d.taken {
		return h.watch(w, r, next, "") // a second block of the same site
	}
	begin(r, h)
	if d.site != h.siteOf(r).id {
		return caddyhttp.Error(http.StatusNotFound, engine.ErrForeign)
	}
	keys, err := h.allKeys(r.Context())
	if err != nil {
		return err
	}
	set, err := params.Parse(r.URL.RawQuery, d.rec.Return.Body, d.rec.Return.Type, d.route.route.guarded)
	if err != nil {
		return err
	}
	d.taken = true
	var passed uint64
	caddyhttp.SetVar(r.Context(), paidVar, d.rec)
	if page, shut := h.ask(w, r, &passed); page != nil {
		d.handed = engine.Handed{Gated: shut, Unsent: !shut}
		return nil
	}
	var body []byte
	if r.Method == http.MethodPost {
		body = d.rec.Return.Body
		if body == nil {
			body = []byte{}
		}
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
