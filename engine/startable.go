package engine

import (
	"sync"
	"time"
)

// troubledFor is how long a provider that started no payment is offered after the
// others.
const troubledFor = time.Minute

// creates remembers which providers started no payment when they were asked last.
// Losing it loses nothing: the next press of Pay finds out again.
type creates struct{ failed sync.Map } // when, by provider

// note keeps what came of a press of Pay. A refusal of one payment says nothing about
// the next one, and a busy lane on our side nothing about the provider.
func (c *creates) note(provider, outcome string, now time.Time) {
	switch outcome {
	case CreateUnreachable, CreateOperator:
		c.failed.Store(provider, now)
	case CreateOK:
		c.failed.Delete(provider)
	}
}

func (c *creates) troubled(provider string, now time.Time) bool {
	v, _ := c.failed.Load(provider)
	at, ok := v.(time.Time)
	return ok && now.Sub(at) < troubledFor && !now.Before(at)
}

// Startable reports whether a payment can probably be started at a provider: false while
// its breaker is open, and for a minute after it started none because it could not be
// reached or refused the shop's key. It is a hint for what a page offers first, and
// keeps nobody from pressing Pay.
func (e *Engine) Startable(provider string) bool {
	prov, err := e.provider(provider)
	if err != nil {
		return false
	}
	return !e.Shared.creates.troubled(provider, e.now()) && !e.Shared.hosts.Breaker(hostOf(prov.Terms())).Open(e.now())
}
