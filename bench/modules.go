package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger"
)

func init() {
	caddy.RegisterModule(&hops{})
	caddy.RegisterModule(&counted{})
	caddy.RegisterModule(commitCounts{})
	directive("bench_hops", parseHops)
	directive("bench_commits", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) { return commitCounts{}, nil })
}

// directive registers a handler of this command's, to stand where the payments block does.
func directive(name string, parse httpcaddyfile.UnmarshalHandlerFunc) {
	httpcaddyfile.RegisterHandlerDirective(name, parse)
	httpcaddyfile.RegisterDirectiveOrder(name, httpcaddyfile.Before, "respond")
}

// hops is what the price of trust is measured against: it asks the provider
// whether a return is paid and lets the request go on to the shop. It keeps no
// ledger, checks no signature and marks nothing.
type hops struct {
	URL    string `json:"url,omitempty"`
	client *http.Transport
}

// CaddyModule returns the Caddy module information.
func (*hops) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_hops", New: func() caddy.Module { return new(hops) }}
}

func parseHops(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(hops)
	h.Next()
	if !h.Args(&m.URL) {
		return nil, h.ArgErr()
	}
	return m, nil
}

// Provision implements caddy.Provisioner.
func (m *hops) Provision(caddy.Context) error {
	m.client = &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (m *hops) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	q := r.URL.Query()
	body, err := json.Marshal(map[string]string{"id": q.Get("id"), "order_id": q.Get("order_id")})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, m.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", apiKey)
	res, err := m.client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	var answer struct {
		Status  string `json:"status"`
		ID      string `json:"id"`
		OrderID string `json:"order_id"`
		Amount  string `json:"amount"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if answer.Status != "100" || answer.ID != q.Get("id") || answer.OrderID != q.Get("order_id") || answer.Amount != fmt.Sprint(price) {
		return caddyhttp.Error(http.StatusPaymentRequired, errors.New("not paid"))
	}
	return next.ServeHTTP(w, r)
}

// counted is the embedded store with a count of what is committed to it.
type counted struct{ badger.Module }

// CaddyModule implements [caddy.Module].
func (*counted) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.storage.bench_counted", New: func() caddy.Module { return new(counted) }}
}

// commitsSeen counts all commits of this process: those that somebody waits
// for until they are on the disk, and those that may be lost by a power cut.
var commitsSeen struct{ Synced, SyncedNanos, Lazy, Reads atomic.Int64 }

// Open implements storage.Opener.
func (m *counted) Open(ctx context.Context, log *zap.Logger) (payment.Store, func() error, error) {
	s, release, err := m.Module.Open(ctx, log)
	return countedStore{s}, release, err
}

type countedStore struct{ payment.Store }

// Commit implements [payment.Store].
func (s countedStore) Commit(ctx context.Context, c payment.Change) error {
	if c.Lazy {
		commitsSeen.Lazy.Add(1)
		return s.Store.Commit(ctx, c)
	}
	began := time.Now()
	err := s.Store.Commit(ctx, c)
	commitsSeen.Synced.Add(1)
	commitsSeen.SyncedNanos.Add(int64(time.Since(began)))
	return err
}

// Get implements [payment.Store].
func (s countedStore) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	commitsSeen.Reads.Add(1)
	return s.Store.Get(ctx, ref)
}

// Holder implements [payment.Store].
func (s countedStore) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	commitsSeen.Reads.Add(1)
	return s.Store.Holder(ctx, k)
}

// commitCounts tells them.
type commitCounts struct{}

// commitTotals is its answer.
type commitTotals struct {
	Synced int64 `json:"synced"`
	// SyncedNanos is how long those took, together.
	SyncedNanos int64 `json:"synced_nanos"`
	Lazy        int64 `json:"lazy"`
	Reads       int64 `json:"reads"`
}

// CaddyModule returns the Caddy module information.
func (commitCounts) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_commits", New: func() caddy.Module { return new(commitCounts) }}
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (commitCounts) ServeHTTP(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
	return json.NewEncoder(w).Encode(commitTotals{commitsSeen.Synced.Load(), commitsSeen.SyncedNanos.Load(), commitsSeen.Lazy.Load(), commitsSeen.Reads.Load()})
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*hops)(nil)
	_ caddyhttp.MiddlewareHandler = (*hops)(nil)
	_ caddyhttp.MiddlewareHandler = commitCounts{}
	_ caddyfile.Unmarshaler       = (*counted)(nil)
)
