package handlers

import "testing"

// A relay answers all of its path, so no route of customers may be there.
func TestNoRouteBelowARelay(t *testing.T) {
	t.Parallel()
	l := &Relay{prefix: "/-/pay/5ecret"}
	for path, want := range map[string]bool{
		"/-/pay/5ecret": true, "/-/pay/5ecret/": true, "/-/pay/5ecret/cb": true, "/-/pay/5ecret/*": true, "/-/PAY/5ecret/cb": true,
		"/-/pay/5ecretive": false, "/-/pay": false, "/-/pay/*": false, "/cb": false, "/": false, "*": false,
	} {
		verify := routed(path)
		for route, h := range map[string]*Handler{
			"verify":   verify,
			"checkout": {Checkout: []*Checkout{{Path: path}}},
			"observe":  {Observe: []*Observe{{Match: Match{Paths: []string{"/other", path}}}}},
		} {
			if got := h.hiddenBy(l); (got == route) != want || got != "" && got != route {
				t.Errorf("%s %s: %q", route, path, got)
			}
		}
	}
}
