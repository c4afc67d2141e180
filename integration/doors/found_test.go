package doors

import (
	"strings"
	"testing"
)

// Worlds like those in which drawn ones found a leak.
func TestFound(t *testing.T) {
	for name, p := range map[string]*plan{
		// An empty block guards the site that invokes the shop: it watches the answers
		// first, and knows nothing of the shop's routes and address.
		"an announcement behind a guard": {
			Keys: true,
			Blocks: []block{{
				Number: 0, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Public: "http://a.test", Serve: "proxy", Return: "named", Around: []string{"invoke", "errors"},
				Verifies: []verify{{Path: "/thanks", Provider: "inv", Expect: "intent"}},
			}},
			Steps: []step{{Do: "order"}, {Do: "bank", How: "close"}},
		},
		// Both accounts have one pay page: only the return address tells whose payment it is.
		"an announcement of the second account": {
			Keys: true,
			Blocks: []block{{
				Number: 0, Hosts: []string{"*.b.test"}, Names: []string{"one.b.test"}, Port: "80", Serve: "proxy", Return: "named",
				Verifies: []verify{{Path: "/done", Provider: "idpay", Expect: "signed"}, {Path: "/thanks", Provider: "idpay2", Expect: "intent"}},
			}},
			Steps: []step{{Do: "order", Pick: 1}, {Do: "bank", How: "close"}},
		},
		// Without a return address the shop names the account.
		"a named second account": {
			Keys: true,
			Blocks: []block{{
				Number: 0, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Serve: "proxy",
				Verifies: []verify{{Path: "/back", Provider: "idpay", Expect: "intent"}, {Path: "/thanks", Provider: "idpay2", Expect: "intent"}},
			}},
			Steps: []step{{Do: "order", Pick: 1}, {Do: "bank", How: "pay"}, {Do: "return"}},
		},
		// Nor does it name the account: it is recorded for both.
		"an unnamed second account": {
			Keys: true,
			Blocks: []block{{
				Number: 1, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Serve: "proxy",
				Verifies: []verify{{Path: "/back", Provider: "idpay", Expect: "intent"}, {Path: "/thanks", Provider: "idpay2", Expect: "intent"}},
			}},
			Steps: []step{{Do: "order", Pick: 1}, {Do: "bank", How: "pay"}, {Do: "return"}},
		},
		// The file server behind `intercept` takes no POST, so the shop's answer is
		// dropped, and our own page comes in its place.
		"a dropped answer": {
			Keys: true,
			Blocks: []block{{
				Number: 0, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Serve: "php", Return: "named", Around: []string{"intercept"}, Post: true,
				Verifies: []verify{{Path: "/nothing", Provider: "idpay", Expect: "intent"}}, Caching: "Surrogate-Control: max-age=600",
			}},
			Steps: []step{{Do: "order"}, {Do: "bank", How: "pay"}, {Do: "misreturn", How: "POST", Spell: []string{"dot-end"}}},
		},
		// A request that Caddy refuses before it routes is held to the gates of all sites,
		// and its page tells nothing of a site whose name it did not ask for.
		"a gate of another shop": {
			Blocks: []block{
				{Number: 0, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Serve: "files", Around: []string{"bad-errors"}},
				{
					Number: 1, Hosts: []string{"b.test"}, Names: []string{"b.test"}, Port: "80", Serve: "proxy", Brand: true,
					Requires: []require{{Paths: []string{"/members/*"}, Items: []string{"cheap"}}},
				},
			},
			Steps: []step{{Do: "ask", Browser: 1, How: strings.Repeat("A", 34)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if w := live(p); len(w.faults) > 0 {
				t.Errorf("%s: %s\n%s\n%s", w.faults[0].Kind, w.faults[0].Text, w.plan.caddyfile(w.at), strings.Join(w.lines, "\n"))
			}
		})
	}
}
