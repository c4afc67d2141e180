package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// replayReturn makes the customer's return to the shop, as the customer would have
// made it.
func (h *Handler) replayReturn(ctx context.Context, o *Observe, rec *payment.Record) engine.Replayed {
	d := &replayed{said: payment.PageBad}
	r, err := h.returnTo(ctx, o.conf.provider, rec)
	if err != nil {
		h.log.Error("the shop's own return can't be made", zap.String("ref", string(rec.Ref)), zap.Error(err))
		return engine.Replayed{Unsent: true, Down: "its address can't be read"}
	}
	r = r.WithContext(context.WithValue(r.Context(), replayKey{}, d))
	r.Pattern = workerPattern
	func() {
		defer func() {
			p := recover()
			if p != nil {
				d.down = "its answer broke off"
			}
			if err, ok := p.(error); p != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
				h.log.Error("making the shop's own return panicked", zap.String("ref", string(rec.Ref)), zap.Any("panic", p))
			}
		}()
		h.server.ServeHTTP(&discard{header: make(http.Header)}, r)
	}()
	return engine.Replayed{Taken: d.taken, Unsent: !d.taken, Down: d.down, Page: d.said}
}

// down is why an answer says nothing of the shop's plugin; empty for every other answer. The
// shop's server, or Caddy in front of it, gives 429 and 5xx also where no plugin has run.
func down(status int, err error, ended bool) string {
	var coded caddyhttp.HandlerError
	if status == 0 && errors.As(err, &coded) {
		status = coded.StatusCode
	}
	switch {
	case status >= http.StatusInternalServerError || status == http.StatusTooManyRequests:
		return fmt.Sprintf("it was answered with status %d", status)
	case err != nil && status < http.StatusBadRequest:
		return "it was not answered"
	case ended:
		return "its answer took too long"
	}
	return ""
}

// returnMethod is how a customer came back.
func returnMethod(r *http.Request) string {
	if r.Method == http.MethodPost {
		return http.MethodPost
	}
	return http.MethodGet
}

// posted reports whether a return is made by POST: as its customer came, or, if nobody has
// come, as the document says.
func posted(p *provider, ret *payment.Return) bool {
	if ret.Arrived.IsZero() {
		return p.terms.PostsReturn
	}
	return ret.Method == http.MethodPost
}

// returnTo is the request: to the create's callback, with the parameters that the
// provider adds to the return of a paid payment, in the query or in a form.
func (h *Handler) returnTo(ctx context.Context, p *provider, rec *payment.Record) (*http.Request, error) {
	ret := rec.Return
	u, err := url.ParseRequestURI(ret.URI)
	if err != nil {
		return nil, err
	}
	told := *rec
	if told.Receipt == nil {
		told.Receipt = new(payment.Receipt) // the inquiry says that it is paid
	}
	add := p.ReturnParams(&told)
	form := ""
	if posted(p, ret) {
		form = returned(p, rec.ID, "", add)
	} else {
		u.RawQuery = returned(p, rec.ID, u.RawQuery, add)
	}
	r := (&http.Request{
		Method: http.MethodGet, URL: u, RequestURI: u.RequestURI(), Host: h.hostFor(ret.Host, rec.Site),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header), Body: http.NoBody,
	}).WithContext(ctx)
	replay(r, ret.By)
	if form != "" {
		r.Method, r.ContentLength, r.Body = http.MethodPost, int64(len(form)), io.NopCloser(strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	secured(r, ret, h.place().secure)
	return r, nil
}

// returned is the query of a payment's return, of that of the shop's address: with the
// parameters of the provider behind it, as a provider writes it.
//
// Its invariant: what the shop put there stays byte for byte, and what the provider adds is
// all there, also where the shop's own parameter has its name. Only an address that names
// the payment already, because it is the one that its customer came to, gets none twice.
func returned(p *provider, id, query string, add map[string]string) string {
	had, _ := url.ParseQuery(query)
	claimed, err := p.ReadReturn(had.Get)
	came := err == nil && claimed.ID == id
	for _, name := range slices.Sorted(maps.Keys(add)) {
		if add[name] == "" || came && had.Has(name) {
			continue
		}
		if query != "" {
			query += "&"
		}
		query += url.QueryEscape(name) + "=" + url.QueryEscape(add[name])
	}
	return query
}
