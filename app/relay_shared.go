package app

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/operate"
)

// sharedRelays notes for which sites a relay without a site of its own creates payments.
// Such a relay can't tell which shop asks: only the callback of a create names one. Where
// several shops use one account there, nothing but the `payments` block of its site keeps a
// customer from bringing one shop's payment to another shop's return page.
//
// Invariant: a reload forgets no shop, and what is said of it afterwards is true of the new
// configuration. So callbacks are kept, and each question looks again where they lead.
type sharedRelays struct {
	mu sync.Mutex
	// accounts has, by issuer and site, a callback of that site: one that nobody watches, if
	// there was any.
	accounts map[string]map[string]sharedSite
}

type sharedSite struct {
	callback *url.URL
	watched  bool
	at       time.Time
}

// processShared is the process's: shops create seldom, and configurations change in between.
var processShared sharedRelays

const (
	// sharedMost bounds the sites that are noted for an account: callbacks name them.
	sharedMost = 32
	// sharedFor is how long a shop that creates nothing is still taken for one that shares.
	sharedFor = 30 * 24 * time.Hour
	// sharedQuery is how long a query is kept with a callback: only routes that match a query
	// need it.
	sharedQuery = 1024
)

// Created implements relay.App.
func (a *App) Created(provider, site string, callback *url.URL, watched bool) {
	processShared.created(a.providers[provider].Terms().Issuer, site, callback, watched, time.Now())
}

func (s *sharedRelays) created(issuer, site string, callback *url.URL, watched bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sites := s.accounts[issuer]
	if sites == nil {
		if s.accounts == nil {
			s.accounts = make(map[string]map[string]sharedSite)
		}
		sites = make(map[string]sharedSite)
		s.accounts[issuer] = sites
	}
	maps.DeleteFunc(sites, func(_ string, was sharedSite) bool { return now.Sub(was.at) >= sharedFor })
	was, known := sites[site]
	switch {
	case !known && len(sites) >= sharedMost:
	case known && !was.watched && watched: // one callback that nobody watches is enough
		was.at = now
		sites[site] = was
	default:
		if len(callback.RawQuery) > sharedQuery {
			short := *callback
			short.RawQuery = ""
			callback = &short
		}
		sites[site] = sharedSite{callback, watched, now}
	}
}

// findings warns of an account that several sites use, where the returns of one aren't
// watched. leads is where a callback leads to now.
func (s *sharedRelays) findings(issuer, provider string, leads func(*url.URL) (site string, watched bool), now time.Time) []operate.Finding {
	s.mu.Lock()
	noted := maps.Clone(s.accounts[issuer])
	s.mu.Unlock()
	sites := make(map[string]bool) // whether all of its callbacks are watched
	for name, was := range noted {
		if now.Sub(was.at) >= sharedFor {
			continue
		}
		site, watched := leads(was.callback)
		if !watched {
			site = name
		}
		if all, known := sites[site]; !known || all {
			sites[site] = watched
		}
	}
	var unwatched []string
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		if !sites[site] {
			unwatched = append(unwatched, site)
		}
	}
	if len(sites) < 2 || len(unwatched) == 0 {
		return nil
	}
	return []operate.Finding{{Level: operate.LevelWarn, Code: "relay_shared", Where: provider, Text: fmt.Sprintf(
		"%s use one account through one relay, which can't tell which of them asks, and there is no `payments` block where the customers of %s return: a payment of another shop can be brought there and credited; write `payments` into the site of each of them, or give each shop a `relay` path of its own",
		block.Join(slices.Sorted(maps.Keys(sites)), "and"), block.Join(unwatched, "and"))}}
}
