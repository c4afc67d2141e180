package doors

import (
	"net/url"
	"slices"
	"strings"
)

// plugin is a shop's own payment plugin: it starts and verifies its payments by
// itself, through the relay, and credits what it hears "first" of. Its switches
// are what published plugins do.
type plugin struct {
	Provider string
	Listener bool   // it calls a relay on a port of its own, else one under its shop's address
	Observe  bool   // the site has an observe route where its customers return
	Back     string // where they return: a path, or a query of the home page
	Query    string
	Refused  bool   // the site knows the shop's page of failure
	Reads    string // which of a parameter's values it takes: first, php or request
	Again    bool   // it takes "already verified" for paid, and compares no id
	Session  bool   // without its customer's cookie it asks nothing
	Lenient  bool   // it takes white space from an id
	Twice    bool   // it asks twice at the same time
	Leaves   int    // its first question of a payment is broken off, after so many bytes of the answer
	Dies     bool   // it hears "first" on its page, and dies
	Forward  bool   // `when_down forward`
	Ack      string // the observe route's `ack`, where it is written
	Own      string // a parameter that the shop has in its callback, as it writes it
	Bare     bool   // its calls don't pass through us, see bare_test.go
	PaidWhen string // the observe route's options of that name
	Rescue   string
	Orders   string
	Keeps    string // "cookie": it reads the id from a cookie of its own, "store": it compares the id with the order's
	Tells    bool   // it tells order and amount of a payment, in the headers of its redirect to the bank
}

// The relay as worlds have it.
const (
	relayPath = "/-/pay/5ecret5ecret5ecret"
	relayPort = "9180"
	accountID = "1344b5d4-0048-11e8-94db-005056a205be"
	failPage  = "/sorry"
	orderName = "wc_order" // the parameter that a plugin puts into its callback
)

// pluginNames are the providers whose API is relayed.
var pluginNames = []string{"zarinpal", "zibal"}

// plugins gives some worlds shops with a plugin, with a randomness of its own, so
// that the other worlds stay what they are.
func (p *plan) plugins() {
	d := newDraw(p.Seed ^ 0x91096)
	if !d.chance(25) {
		return
	}
	listener := d.chance(25)
	// Draws of their own, so that the worlds before them stay what they are.
	more := newDraw(p.Seed ^ 0x21ba1)
	zibal, forward := more.chance(40), more.chance(30)
	one := func(b *block) {
		b.Plugin = d.plugin(listener)
		if zibal {
			b.Plugin.Provider = "zibal"
		}
		if more.chance(30) {
			b.Plugin.Own = more.own(b.Plugin)
		}
		b.Plugin.Forward, b.Plugin.Ack = forward && !listener, more.one("", "", "status", "relay")
		if slices.Contains(b.Around, "auth") {
			b.Around = slices.DeleteFunc(b.Around, func(s string) bool { return s == "auth" })
		}
	}
	var backs []*block
	for i := range p.Blocks {
		if p.Blocks[i].Serve != "files" {
			backs = append(backs, &p.Blocks[i])
		}
	}
	switch {
	case len(backs) > 0 && d.chance(60):
		one(backs[0])
		if len(backs) > 1 && d.chance(60) {
			one(backs[1])
		}
	case len(p.Blocks) < most:
		b := d.block(p, len(p.Blocks))
		b.Serve, b.Checkouts, b.Verifies = d.one("proxy", "proxy", "php"), nil, nil
		one(&b)
		p.Blocks = append(p.Blocks, b)
		if len(backs) > 0 && d.chance(50) {
			one(backs[0])
		}
	case len(backs) > 0:
		one(backs[0])
	}
}

func (d draw) plugin(listener bool) *plugin {
	g := &plugin{Provider: "zarinpal", Listener: listener, Observe: listener || d.chance(70)}
	g.Back = d.one("/pay/back", "/back.php", "/wc-api/zarinpal")
	if g.Observe && d.chance(25) {
		g.Back, g.Query = "/", "wc-api=zarinpal"
	}
	g.Refused = g.Observe && d.chance(60)
	g.Reads = d.one("first", "php", "request", "request")
	g.Again, g.Session, g.Twice, g.Dies, g.Lenient = g.Observe && d.chance(50), d.chance(15), d.chance(20), g.Observe && d.chance(12), d.chance(50)
	if d.chance(20) {
		g.Leaves = 1 + d.IntN(300)
	}
	return g
}

// pluginSteps are what happens at such shops, drawn into what happens anyway.
func (p *plan) pluginSteps() {
	var at []int
	n := 0
	for _, b := range p.Blocks {
		for range b.Names {
			if b.Plugin != nil {
				at = append(at, n)
			}
			n++
		}
	}
	if len(at) == 0 {
		return
	}
	d := newDraw(p.Seed ^ 0x57e95)
	var out []step
	add := func(s step) { out = append(out, s) }
	slot := 100
	for range 1 + d.IntN(3) {
		s := step{Do: "plugin", Site: at[d.IntN(len(at))], Slot: slot, Dear: d.chance(25), Other: d.IntN(3)}
		if d.chance(30) {
			add(step{Do: "visit", Site: s.Site, How: d.one("", "form")})
		}
		add(s)
		add(step{Do: "bank", Slot: slot, How: d.one("pay", "pay", "pay", "pay", "close", "decline", "cancel")})
		if d.chance(85) {
			add(step{Do: "return", Slot: slot})
			if d.chance(40) {
				add(step{Do: "back", Slot: slot})
			}
		}
		slot++
	}
	for range 1 + d.IntN(2) {
		add(step{Do: "plugin", Browser: 1, Site: at[d.IntN(len(at))], Slot: slot, Dear: d.chance(10), Other: d.IntN(3)})
		add(step{Do: "bank", Slot: slot, How: d.one("pay", "pay", "pay", "decline")})
		if d.chance(30) {
			add(step{Do: "return", Slot: slot})
		}
		for range 2 + d.IntN(4) {
			s := step{Do: "move", Browser: 1 + d.IntN(2), Slot: slot, Other: 100 + d.IntN(slot-100), Pick: d.IntN(len(moves)), How: d.one("GET", "GET", "POST", "JSON", "parts")}
			if d.chance(40) {
				s.Spell = []string{d.one("slash", "info", "double", "dot", "percent", "index.php", "slash-2f", "tail-2f", "upper", "track", "host-upper", "host-dot", "under-shop")}
			}
			add(s)
		}
		slot++
	}
	if d.chance(35) || p.Blocks[p.blockAt(at[0])].Plugin.Bare && d.chance(30) {
		add(step{Do: "job", Site: at[d.IntN(len(at))]})
	}
	for range d.IntN(3) {
		s := step{Do: "stranger", Browser: 1, Site: at[d.IntN(len(at))], Slot: 100 + d.IntN(slot-100), Pick: d.IntN(3)}
		if s.Pick == 1 {
			s.Headers = []string{d.one("X-Forwarded-For: 198.51.100.7", "X-Real-IP: 198.51.100.7", "Forwarded: for=198.51.100.7", "Via: 1.1 near", "CF-Connecting-IP: 198.51.100.7")}
		}
		if s.Pick == 2 {
			s.Spell = []string{d.one("double", "percent", "dot", "slash", "upper", "under-shop", "2f", "tail-2f", "track", "info", "semi")}
		}
		add(s)
	}
	// Both orders stay as they are.
	var all []step
	rest := p.Steps
	for len(rest)+len(out) > 0 {
		if len(rest) > 0 && d.IntN(len(rest)+len(out)) < len(rest) {
			all, rest = append(all, rest[0]), rest[1:]
		} else {
			all, out = append(all, out[0]), out[1:]
		}
	}
	p.Steps = all
}

// blockAt is the number in the list of the block that has the nth name.
func (p *plan) blockAt(n int) int {
	for i := range p.Blocks {
		if n -= len(p.Blocks[i].Names); n < 0 {
			return i
		}
	}
	return 0
}

// lines are the lines of the site's own block.
func (g *plugin) lines(w *writer, b *block) {
	if !g.Listener && !g.Bare {
		if g.Forward {
			w.line("relay %s %s {", b.in(relayPath), g.Provider)
			w.line("when_down forward")
			w.line("}")
		} else {
			w.line("relay %s %s", b.in(relayPath), g.Provider)
		}
	}
	if !g.Observe {
		return
	}
	where := b.in(g.Back)
	if g.Query != "" {
		where = "@plugin"
	}
	if !g.Refused && g.Ack+g.PaidWhen+g.Rescue+g.Orders == "" {
		w.line("observe %s %s", where, g.Provider)
		return
	}
	w.line("observe %s %s {", where, g.Provider)
	if g.Refused {
		w.line("refused redirect *%s*", failPage)
	}
	for _, o := range [][2]string{{"ack", g.Ack}, {"paid_when", g.PaidWhen}, {"rescue", g.Rescue}, {"orders", g.Orders}} {
		if o[1] != "" {
			w.line("%s %s", o[0], o[1])
		}
	}
	w.line("}")
}

// less are all plugins that do one thing less.
func (g *plugin) less() []func(*plugin) {
	return []func(*plugin){
		func(g *plugin) { g.Again = false }, func(g *plugin) { g.Session = false }, func(g *plugin) { g.Twice = false }, func(g *plugin) { g.Leaves = 0 },
		func(g *plugin) { g.Dies = false }, func(g *plugin) { g.Lenient = false }, func(g *plugin) { g.Reads = "first" }, func(g *plugin) { g.Listener = false },
		func(g *plugin) { g.Back, g.Query = "/pay/back", "" }, func(g *plugin) { g.Refused = false },
		func(g *plugin) { g.Forward = false }, func(g *plugin) { g.Ack = "" }, func(g *plugin) { g.Own = "" }, func(g *plugin) { g.PaidWhen = "" }, func(g *plugin) { g.Rescue = "" },
		func(g *plugin) { g.Orders = "" }, func(g *plugin) { g.Keeps = "" }, func(g *plugin) { g.Tells = false }, func(g *plugin) { g.Provider = "zarinpal" },
	}
}

// isBack: a page of the shop's is where the plugin's customers return. Its router takes
// the query of one on whatever page, as WordPress does, and `route`, as OpenCart does.
func (g *plugin) isBack(page, query string) bool {
	if g.Query != "" && strings.Contains(query, g.Query) {
		return true
	}
	return g.Query == "" && page == g.Back || strings.Contains(query, "route="+url.QueryEscape(g.Back))
}
