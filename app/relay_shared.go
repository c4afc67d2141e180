package app

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/operate"
)

// sharedRelays notes for which sites a relay without a site of its own creates payments.
// Such a relay can't tell which shop asks: only the callback of a create names one. Where
// several shops use one account there, nothing but the `payments` block of its site keeps a
// customer from bringing one shop's payment to another shop's return page.
type sharedRelays struct {
	mu sync.Mutex
	// sites says for each provider and site whether its returns are compared with their
	// creates.
	sites map[string]map[string]bool
}

// sharedMost bounds the sites that are noted for a provider: callbacks name them.
const sharedMost = 32

// Created implements relay.App.
func (a *App) Created(provider, site string, watched bool) { a.shared.created(provider, site, watched) }

func (s *sharedRelays) created(provider, site string, watched bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sites := s.sites[provider]
	if sites == nil {
		if s.sites == nil {
			s.sites = make(map[string]map[string]bool)
		}
		sites = make(map[string]bool)
		s.sites[provider] = sites
	}
	was, known := sites[site]
	if known || len(sites) < sharedMost {
		sites[site] = watched && (was || !known) // one callback that nobody watches is enough
	}
}

// findings warns of accounts that several sites use, where the returns of one aren't watched.
func (s *sharedRelays) findings() (out []operate.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, provider := range slices.Sorted(maps.Keys(s.sites)) {
		sites := s.sites[provider]
		var unwatched []string
		for _, site := range slices.Sorted(maps.Keys(sites)) {
			if !sites[site] {
				unwatched = append(unwatched, site)
			}
		}
		if len(sites) < 2 || len(unwatched) == 0 {
			continue
		}
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "relay_shared", Where: provider, Text: fmt.Sprintf(
			"%s use one account through one relay, which can't tell which of them asks, and there is no `payments` block where the customers of %s return: a payment of another shop can be brought there and credited; write `payments` into the site of each of them, or give each shop a `relay` path of its own",
			block.Join(slices.Sorted(maps.Keys(sites)), "and"), block.Join(unwatched, "and"))})
	}
	return out
}
