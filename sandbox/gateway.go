package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// gateway is a payment gateway, or an affiliate network, that the sandbox plays. The
// file of each registers it; nothing else knows it by name.
type gateway struct {
	// name is the first segment of its paths, and what settings, faults and the
	// ledger call it. fa and en are what people call it.
	name, fa, en string
	// serve answers a request; seg is the path behind the name. It shows the pay page
	// with serveBank and runs the calls of the API with serveCall.
	serve func(s *Server, w http.ResponseWriter, r *http.Request, seg []string)
	// fail is the answer with an error code of the document: the fault "error".
	fail func(code string) answer

	// The rest is of gateways that take payments; a network has no fields.

	// fields are what the payer's browser brings back, in the document's order and
	// with texts for values; post is whether it comes by POST.
	fields func(p *payment, post bool) object
	// low and high are the least and the greatest price in rials; 0 is none.
	low, high int64
	// window is how long a paid payment waits to be verified before the money goes
	// back, unless the settings say otherwise; 0 is for ever. It is nil if the
	// protocol has no verify that settles, so that no setting can give it a window
	// either: what is paid is the merchant's at once.
	window func(o *Options) time.Duration
	// number is the gateway's own receipt number, for the ledger; nil is none.
	number func(p *payment) string
}

// registered are all gateways and networks, by name.
var registered = make(map[string]*gateway)

func register(g gateway) { registered[g.name] = &g }

// gateways returns the names of those that take payments, sorted.
func gateways() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(registered)), func(name string) bool { return !isGateway(name) })
}

// services returns the names of all: the gateways, then the networks.
func services() []string {
	return append(gateways(), slices.DeleteFunc(slices.Sorted(maps.Keys(registered)), isGateway)...)
}

// isGateway reports whether a name is of one that takes payments.
func isGateway(name string) bool {
	g := registered[name]
	return g != nil && g.fields != nil
}

// paths returns the addresses below which something is served, for people.
func paths() string { return "/" + strings.Join(services(), "/, /") + "/ and /_control/" }
