package doors

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// strayVisit is the id of the visits that attackers make.
const strayVisit = "abcdefgh"

// visit is a customer's way to a shop by a network's link.
type visit struct {
	id      string
	browser int
	site    place
	before  int  // how many payments had been begun
	unsure  bool // the ledger may not have recorded it
}

// led: it was by the payment's customer to the same shop, by the same name.
func (v visit) led(p *purchase) bool {
	return v.browser == 0 && v.site.b.Number == p.Block && v.site.host() == p.Host
}

// visit follows a network's link, in either of its forms.
func (w *world) visit(i int, s step, pl place, b *browser) {
	id := fmt.Sprintf("visit-%04d", i)
	page := "/free"
	if pl.b.Serve == "files" {
		page = "/free.html"
	}
	target := pl.b.at(page) + "?track_id=" + id
	if s.How == "form" {
		target = pl.b.at(page) + "/track_id=" + id
	}
	before := len(w.all())
	a := w.do(&request{browser: b, Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: target, Doing: "follows a network's link"})
	if a != nil && pl.b.Track != nil && len(pl.b.Track) == 0 {
		w.visits = append(w.visits, visit{id, b.number, pl, before, w.out != "" && pl.b.Keep})
	}
}

// judgeTrackID: what a shop is told of a visit is one that was made.
func (w *world) judgeTrackID(id string, p *purchase) {
	if id != "" && !w.visited(id) {
		w.fail("visit-invented", "the shop of site %s is told that payment %s comes from the visit %s, which nobody made", p.Site, p.ID, id)
	}
}

func (w *world) visited(id string) bool {
	return id == strayVisit || slices.ContainsFunc(w.visits, func(v visit) bool { return v.id == id })
}

// judgeConversions: no sale is told to the network that no visit led to, nor is
// one more often than there are payments; and that of each customer who came by a
// link is told.
func (w *world) judgeConversions() {
	paid := 0
	for _, p := range w.all() {
		if w.bank.paid(p.ID) {
			paid++
		}
	}
	count := make(map[string]int)
	for _, c := range w.bank.sb.Ledger("", "", "").Conversions {
		if count[c.TrackID]++; !w.visited(c.TrackID) {
			w.fail("visit-invented", "the network is told of a sale of the visit %s, which nobody made", c.TrackID)
			return
		}
		if count[c.TrackID] > paid && !w.refused { // what could not be recorded is told again
			w.fail("sale-invented", "the network is told of %d sales of the visit %s; %d payments were made", count[c.TrackID], c.TrackID, paid)
			return
		}
	}
	if text := w.neverReported(); text != "" {
		w.fail("lost-sale", "%s", text)
	}
}

// neverReported is what unreported says at last. A hand-over may end, and a report
// be under way, in real time, of which hours of the world take little: so it looks
// again until one look finds nothing, and no later look can disagree with it.
func (w *world) neverReported() string {
	text := w.unreported()
	for end := time.Now().Add(hangs()); text != "" && time.Now().Before(end) && len(w.faults) == 0; text = w.unreported() {
		w.pass(10 * time.Minute)
		time.Sleep(20 * time.Millisecond)
	}
	return text
}

// unreported names an honest customer's delivered payment whose visit the network
// has not been told of; empty if there is none.
func (w *world) unreported() string {
	if len(w.visits) == 0 {
		return ""
	}
	told := w.bank.sb.Ledger("", "", "").Tracks
	for n, p := range w.all() {
		b := w.blockNumbered(p.Block)
		if p.Unnoted && b != nil && b.Plugin != nil && b.Plugin.Forward {
			continue // docs/relay.md: what is sold while the ledger refuses isn't reported
		}
		if p.Browser != 0 || b == nil || w.tampered[p.ID] || b.NoAnnounce && !p.Checkout || !p.Checkout && !p.Plugin && b.Verifies[p.Verify].Expect != "intent" {
			continue
		}
		var ids []string
		for _, v := range w.visits {
			if !v.led(p) {
				continue
			}
			if v.before <= n { // the last one before the payment was begun counts, or any after
				ids = nil
			}
			ids = append(ids, v.id)
		}
		if g := b.Plugin; p.Plugin && g != nil && g.Bare && (w.credits(p.ID) == 0 || !g.Tells && (g.PaidWhen != "" || g.Provider == "zarinpal")) {
			continue // nobody tells what it was worth
		}
		if slices.ContainsFunc(w.visits, func(v visit) bool { return v.unsure && v.led(p) }) {
			continue
		}
		if len(ids) == 0 || !slices.ContainsFunc(w.visits, func(v visit) bool { return v.led(p) && v.before <= n }) {
			continue
		}
		if slices.ContainsFunc(ids, func(id string) bool { return told[id] != nil }) {
			continue
		}
		r := w.record(p)
		if r != nil && r.ConversionState() == payment.OpenReport && r.Sale().Unanswered > 0 {
			continue // the network was asked, was too slow for a busy machine, and is asked again in a minute
		}
		if r != nil && r.State == payment.Delivered {
			return fmt.Sprintf("payment %s of %s is delivered, and the network has not been told of the visit %s: its report is %+v", p.ID, p.Site, strings.Join(ids, " or "), r.Reports)
		}
	}
	return ""
}
