package doors

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Shops that verify by themselves and whose calls don't pass through us: their plugins ask
// the gateway. What must hold, by the documentation: their customers' requests pass as they
// are, we settle nothing, the ledger says "delivered" of what the shop has verified and of
// nothing else, and whoever paid and was not verified is known to a person where we can
// know of it.

// bareNames are the gateways of such shops; each may be asked without settling.
var bareNames = []string{"zarinpal", "zibal", "idpay3"}

// bares gives some of the worlds that have no plugin such shops, with a randomness of
// its own, so that the other worlds stay what they are.
func (p *plan) bares() {
	d := newDraw(p.Seed ^ 0xba2e)
	if !d.chance(16) || slices.ContainsFunc(p.Blocks, func(b block) bool { return b.Plugin != nil }) {
		return
	}
	provider := d.one(bareNames...)
	given := false
	for i := range p.Blocks {
		if b := &p.Blocks[i]; b.Serve != "files" && (!given || d.chance(50)) {
			b.Plugin, given = d.bare(provider), true
			b.Around = slices.DeleteFunc(b.Around, func(s string) bool { return s == "auth" })
		}
	}
	if !given && len(p.Blocks) < most {
		b := d.block(p, len(p.Blocks))
		b.Serve, b.Checkouts, b.Verifies = d.one("proxy", "proxy", "php"), nil, nil
		b.Around = slices.DeleteFunc(b.Around, func(s string) bool { return s == "auth" })
		b.Plugin = d.bare(provider)
		p.Blocks = append(p.Blocks, b)
	}
}

func (d draw) bare(provider string) *plugin {
	g := d.plugin(true)
	g.Provider, g.Listener, g.Observe, g.Bare, g.Leaves = provider, false, true, true, 0
	if g.Query != "" {
		g.Query = "wc-api=" + provider
	}
	g.PaidWhen = d.one("", "", "", "header X-Shop:paid*", "redirect */order-received/*", "status 201")
	g.Rescue, g.Orders, g.Ack = d.one("", "", "on", "off"), d.one("", "", "many", "once"), d.one("", "", "status", "relay")
	g.Keeps, g.Tells, g.Own = d.one("", "", "cookie", "store"), d.chance(50), d.own(g)
	return g
}

// own draws a parameter that the shop has in its callback beside its order.
func (d draw) own(g *plugin) string {
	all := []string{"", "", "", "lang=fa", "items[]=1&items[]=2", "a=1&a=2", "q=%D8%B3+x", "empty=", "flag", "u.id=7", "next=%2Fthanks%3Fa%3D1"}
	if g.Reads == "php" { // of two values the last one counts, which is the gateway's
		all = append(all, g.speech().claim+"=pending", g.speech().claim+"=pending")
	}
	return d.one(all...)
}

// gateway makes a call of the gateway's API, beside us.
func (w *world) gateway(g *plugin, call string, fields map[string]any) gatewaySaid {
	kind, _ := kindOf(g.Provider)
	req := w.bank.post("/"+kind+call, fields)
	if kind == "idpay" {
		req.Header.Set("X-Api-Key", apiKey(g.Provider))
	}
	rec := httptest.NewRecorder()
	w.bank.ServeHTTP(rec, req)
	w.say("# the plugin asks the gateway for %s%s and hears: %d %s", kind, call, rec.Code, rec.Body)
	return g.hears(rec.Body.Bytes())
}

// thanks is the page of a plugin that has credited, as `paid_when` knows it.
func (g *plugin) thanks(rw http.ResponseWriter, b *block, order string) {
	how, _, _ := strings.Cut(g.PaidWhen, " ")
	switch how {
	case "redirect":
		rw.Header().Set("Location", b.at("/order-received/")+order)
		rw.WriteHeader(http.StatusFound)
		return
	case "header":
		rw.Header().Set("X-Shop", "paid "+order)
	case "status":
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(http.StatusCreated)
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(rw, "thank you")
}

// judgeUntouched: a request of a customer reaches a shop that is only observed as it was
// sent. What a site does to its addresses by itself is not looked at.
func (w *world) judgeUntouched(b *block, r *http.Request, body []byte) {
	w.mu.Lock()
	q := w.sending
	w.mu.Unlock()
	if q == nil || w.working || len(b.Around) > 0 || b.Prefix != "" || plain(q.Target) == "" || strings.Contains(q.Target, "track_id=abcdefgh/") || strings.HasSuffix(q.Target, "track_id=abcdefgh") {
		return
	}
	sent := func(name string) string {
		var all []string
		for _, h := range q.all() {
			if http.CanonicalHeaderKey(h[0]) == name {
				all = append(all, h[1])
			}
		}
		return strings.Join(all, "; ")
	}
	_, query, _ := strings.Cut(q.Target, "?")
	switch got := strings.ReplaceAll(strings.Join(r.Header["Cookie"], "; "), ", ", "; "); {
	case r.Method != q.Method:
		w.fail("observed-changed", "a %s reaches the shop of site %d, which is only observed, as %s", q.Method, b.Number, r.Method)
	case r.URL.RawQuery != query:
		w.fail("observed-changed", "the query %q reaches the shop of site %d, which is only observed, as %q", query, b.Number, r.URL.RawQuery)
	case string(body) != q.Body:
		w.fail("observed-changed", "the body %q reaches the shop of site %d, which is only observed, as %q", q.Body, b.Number, body)
	case got != sent("Cookie") && (b.Plugin.Provider != "zarinpal" || w.gone == 0): // its list tells the address
		w.fail("observed-changed", "the cookies %q reach the shop of site %d, which is only observed, as %q", sent("Cookie"), b.Number, got)
	}
}

// owedByBare: this customer has paid, and neither has an order, nor knows a person of it.
func (w *world) owedByBare(p *purchase, rec *payment.Record) bool {
	g := w.blockNumbered(p.Block).Plugin
	switch {
	case w.tampered[p.ID], rec != nil && (rec.State != payment.Created || rec.Reason == payment.ReasonUnclaimed):
		return false
	case p.Brought:
		// By `paid_when` nothing is known but what the shop says.
		return g.PaidWhen == "" && rec == nil
	}
	// Zarinpal's list names the callback, and is read while something may be in it.
	return g.Provider == "zarinpal" && g.Rescue != "off" && p.Closed && rec == nil && !w.late
}

// judgeSeen compares the ledger with what such shops have verified.
func (w *world) judgeSeen() {
	for _, p := range w.all() {
		b := w.blockNumbered(p.Block)
		if !p.Plugin || b == nil || b.Plugin == nil || len(w.faults) > 0 {
			continue
		}
		if w.bank.verified(p.ID) && w.times(w.asked, p.ID) == 0 {
			w.fail("settled-unasked", "payment %s of %s is verified at the gateway, and its shop never asked for that", p.ID, p.Site)
		}
		g := b.Plugin
		if !g.Bare {
			continue
		}
		if w.times(w.replayed, p.ID) > 0 && (g.Rescue == "off" || g.Provider != "zarinpal") {
			w.fail("replayed-unasked", "the return of payment %s is made for its customer, with `rescue %s` and %s", p.ID, g.Rescue, g.Provider)
		}
		rec := w.record(p)
		switch delivered := rec != nil && rec.State == payment.Delivered; {
		case delivered && !w.bank.verified(p.ID):
			truth, _ := w.bank.truth(p.ID)
			w.fail("observed-unverified", "payment %s of %s counts as delivered, and is %s at the gateway", p.ID, p.Site, truth.State)
		case !delivered && !w.refused && w.times(w.shown, p.ID) > 0 && p.Browser == 0 && p.Brought && !w.tampered[p.ID]:
			w.fail("observed-missed", "the shop of %s has credited payment %s on its customer's return, and the ledger has %s", p.Site, p.ID, w.ledger(p))
		}
	}
}

// bareShops is a world of two shops of one account that verify by themselves.
func bareShops() *plan {
	shop := func(n int, host string, g plugin) block {
		g.Bare, g.Observe = true, true
		return block{Number: n, Hosts: []string{host}, Names: []string{host}, Port: "80", Serve: "proxy", Trim: true, Track: []string{}, Plugin: &g}
	}
	return &plan{
		Seed: 4, Keys: true,
		Blocks: []block{
			shop(0, "a.test", plugin{Provider: "zarinpal", Back: "/pay/back", Reads: "request", Refused: true, Tells: true, Own: "a=1&a=2"}),
			shop(1, "b.test", plugin{Provider: "zarinpal", Back: "/back.php", Reads: "first", PaidWhen: "header X-Shop:paid*", Keeps: "store", Tells: true, Rescue: "off"}),
		},
		Steps: []step{
			{Do: "visit"},
			{Do: "plugin", Slot: 100}, {Do: "bank", Slot: 100, How: "pay"}, {Do: "return", Slot: 100}, {Do: "back", Slot: 100},
			{Do: "plugin", Site: 1, Slot: 101}, {Do: "bank", Slot: 101, How: "pay"}, {Do: "return", Slot: 101},
			{Do: "plugin", Slot: 102, Other: 1}, {Do: "bank", Slot: 102, How: "close"},
			{Do: "plugin", Site: 1, Slot: 104, Other: 2}, {Do: "bank", Slot: 104, How: "close"},
			{Do: "plugin", Browser: 1, Site: 1, Slot: 103, Other: 2}, {Do: "bank", Slot: 103, How: "decline"}, {Do: "return", Slot: 103},
		},
	}
}

// late: the world began so long ago that a list of unverified payments may not be read any
// more.
const late = 50 * time.Minute

// The oracle names each fault that a shop which verifies by itself can meet. In a world
// without a fault it names nothing.
func TestBareOracle(t *testing.T) {
	shorten(t)
	each := func(f func(route map[string]any)) func([]any, int) []any {
		return func(list []any, at int) []any {
			routes, _ := list[at].(map[string]any)["observe"].([]any) //nolint:forcetypeassert // seen to be one
			for _, r := range routes {
				f(r.(map[string]any)) //nolint:forcetypeassert // the adapter's shape
			}
			return list
		}
	}
	for _, c := range []struct {
		name string
		f    func([]any, int) []any
		want string
	}{
		{"nothing", nil, ""},
		{"no observe", without("observe"), "observed-missed"},
		{"tell the observed", beside("tell the observed", 1), "observed-with-headers"},
		{"change the observed", beside("change the observed", 1), "observed-changed"},
		{"drop cookies", beside("drop cookies", 1), "observed-changed"},
		// The gateway is asked all the same.
		{"any page is a success", each(func(r map[string]any) {
			if r["paid_when"] != nil {
				r["paid_when"] = []any{map[string]any{"mode": "status", "patterns": []any{"2xx", "3xx"}}}
			}
		}), ""},
		{"no page is a success", each(func(r map[string]any) {
			if r["paid_when"] != nil {
				r["paid_when"] = []any{map[string]any{"mode": "status", "patterns": []any{"418"}}}
			}
		}), "observed-missed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if broken = nil; c.f != nil {
				broken = func(config map[string]any) { spoil(config["apps"].(map[string]any)["http"], c.f) } //nolint:forcetypeassert // the adapter's shape
			}
			was := *but
			*but = "shared-cache,silent-return" // a fault that has these consequences as well is looked for by its other one
			t.Cleanup(func() { broken, *but = nil, was })
			w := live(bareShops())
			got := ""
			if len(w.faults) > 0 {
				got = w.faults[0].Kind
			}
			if got != c.want {
				t.Errorf("it says %q, want %q\n%s", got, c.want, strings.Join(w.lines, "\n"))
			}
		})
	}
}
