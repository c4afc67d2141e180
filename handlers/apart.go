package handlers

import "fmt"

// Apart refuses `expect none` for a provider that several sites use: with
// nothing but the provider's answer to name the order, a receipt of one site's
// order 101 would pay the other's. Where nothing was written and the site's
// checkout uses the provider, only its intents count. It runs after Place,
// before the first return is served.
func (s *Sites) Apart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	users := make(map[string]map[string]bool)
	for _, h := range s.handlers {
		for _, v := range h.Verify {
			issuer := v.route.provider.traits.Issuer
			if users[issuer] == nil {
				users[issuer] = make(map[string]bool)
			}
			users[issuer][h.place().id] = true
		}
	}
	for _, h := range s.handlers {
		for _, v := range h.Verify {
			if v.route.expect != expectNone || len(users[v.Provider]) < 2 {
				continue
			}
			if v.Expect != nil && v.Expect.Mode != "" {
				return fmt.Errorf("site %s: verify %s %s: expect none: other sites use the same account, so a receipt of theirs could pay an order here; write `expect intent`, `expect signed` or `expect lookup <url>`",
					h.place().id, v.name(), v.Provider)
			}
			if !h.sells(v.Provider) {
				return fmt.Errorf("site %s: verify %s %s: other sites use the same account, so say how order and amount are known: `expect intent` where the shop announces its payments, else `expect signed` or `expect lookup <url>`",
					h.place().id, v.name(), v.Provider)
			}
			v.route.expect = expectIntent
		}
	}
	return nil
}

// sells: a checkout of this site uses the provider.
func (h *Handler) sells(provider string) bool {
	for _, c := range h.Checkout {
		if c.Provider == provider {
			return true
		}
	}
	return false
}
