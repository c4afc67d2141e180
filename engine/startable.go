package engine

import (
	"errors"
	"sync"
	"time"
)

// troubledFor is how long a provider that started no payment is offered after the
// others.
const troubledFor = time.Minute

const (
	// startedFor is how long a started payment shows that the provider takes our account.
	startedFor = 24 * time.Hour
	// startersMost bounds the memory for sites, of which a wildcard has any number.
	startersMost = 1000
)

// ErrSiteRefused says that a provider refuses the address of one site, which the request's
// Host has named, while it starts payments for others: nothing is wrong with the account.
var ErrSiteRefused = errors.New("the provider refuses this site's address, and starts payments for others")

// creates remembers which providers started no payment when they were asked last, and for
// which sites they have started one. Losing it loses nothing: the next press of Pay finds
// out again.
type creates struct {
	failed sync.Map // when, by provider

	mu       sync.Mutex
	starters map[string]*starters // by provider
}

// starters are the sites for which a provider has started a payment, the last time at last.
type starters struct {
	sites map[string]bool
	last  time.Time
}

// note keeps what came of a press of Pay. A refusal of one payment says nothing about
// the next one, and a busy lane on our side nothing about the provider.
func (c *creates) note(provider, site, outcome string, now time.Time) {
	switch outcome {
	case CreateUnreachable, CreateOperator:
		c.failed.Store(provider, now)
	case CreateOK:
		c.failed.Delete(provider)
		c.start(provider, site, now)
	}
}

func (c *creates) start(provider, site string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.starters[provider]
	if s == nil {
		if c.starters == nil {
			c.starters = make(map[string]*starters)
		}
		s = &starters{sites: make(map[string]bool)}
		c.starters[provider] = s
	}
	s.last = now
	if len(s.sites) < startersMost {
		s.sites[site] = true
	}
}

// others reports whether the provider has started payments lately, and never one for this
// site. If not all sites are known any more, it says no: an alarm too many is better than
// none about a key that is refused.
func (c *creates) others(provider, site string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.starters[provider]
	return s != nil && len(s.sites) < startersMost && !s.sites[site] && now.Sub(s.last) < startedFor
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
