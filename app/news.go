package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/affiliates/webhook"
	"github.com/rahgir/caddy-payments/payment"
)

// news is what webhooks are told of providers, which is about no single payment and so
// in no record's outbox. There is one in a process.
//
// Invariant: a reload drops nothing: what waits, or was under way when the configuration
// ended, is sent by the next that has the webhook. What a process that ended has not
// sent is told anew by the next: a provider that is still down turns again.
type news struct {
	mu    sync.Mutex
	items []*item
	wake  chan struct{}
}

// item is one message to one webhook.
type item struct {
	to, id  string
	message webhook.Message
	tries   int
	next    time.Time
	flying  bool
}

var processNews = newNews()

func newNews() *news { return &news{wake: make(chan struct{}, 1)} }

const (
	// maxNews bounds the messages that wait; beyond it the oldest go.
	maxNews = 256
	// newsFor is how long one is tried.
	newsFor = 3 * 24 * time.Hour
)

// newsTries are the pauses between the tries; the last goes on.
var newsTries = []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}

// put queues a message for all webhooks that want it.
func (n *news) put(hooks []*webhook.Hook, kind payment.ReportKind, data any, log *zap.Logger) {
	now := time.Now()
	m := webhook.Message{Type: string(kind), Timestamp: now.UTC(), Data: data}
	id := fmt.Sprintf("msg_%s_%d", m.Type, now.UnixNano())
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range hooks {
		if h.Wants(kind) {
			n.items = append(n.items, &item{to: h.Called(), id: id, message: m, next: now})
		}
	}
	for len(n.items) > maxNews {
		log.Warn("a message to a webhook was dropped: too many wait", zap.String("webhook", n.items[0].to), zap.String("type", n.items[0].message.Type))
		n.items = n.items[1:]
	}
	n.poke()
}

func (n *news) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// run sends what the webhooks of a configuration are to be told, until it ends.
func (n *news) run(ctx context.Context, hooks []*webhook.Hook, log *zap.Logger) {
	byName := make(map[string]*webhook.Hook, len(hooks))
	for _, h := range hooks {
		byName[h.Called()] = h
	}
	for {
		x, wait := n.take(byName, time.Now())
		if x != nil {
			go n.send(ctx, byName[x.to], x, log)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			n.poke() // the next configuration's, which may wait already
			return
		case <-n.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take is a message that is due, or how long it is until one may be. A webhook is told
// one after the other, so that "up" never comes before "down".
func (n *news) take(hooks map[string]*webhook.Hook, now time.Time) (*item, time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wait := time.Minute
	first := make(map[string]bool)
	for _, x := range n.items {
		if hooks[x.to] == nil || first[x.to] {
			continue
		}
		first[x.to] = true
		switch in := x.next.Sub(now); {
		case x.flying:
		case in > 0:
			wait = min(wait, in)
		default:
			x.flying = true
			return x, 0
		}
	}
	return nil, wait
}

func (n *news) send(ctx context.Context, h *webhook.Hook, x *item, log *zap.Logger) {
	a := h.Send(ctx, x.id, x.message, time.Now())
	n.mu.Lock()
	defer n.mu.Unlock()
	x.flying = false
	now := time.Now()
	switch gone := a.Outcome != payment.ReportRetry; {
	case !gone && ctx.Err() != nil:
		x.next = now // the configuration ended: this was no try
	case !gone && now.Sub(x.message.Timestamp) < newsFor:
		x.next = now.Add(max(a.RetryAfter, newsTries[min(x.tries, len(newsTries)-1)]))
		x.tries++
	default:
		n.items = slices.DeleteFunc(n.items, func(y *item) bool { return y == x })
		if a.Outcome != payment.ReportAccepted {
			log.Warn("a webhook did not take a message", zap.Object("webhook", h), zap.String("type", x.message.Type), zap.String("code", a.Code), zap.Error(a.Err))
		}
	}
	n.poke()
}
