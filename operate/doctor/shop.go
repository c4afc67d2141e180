package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// stuckAfter is how long a paid order may be on its way to its shop before that is
// worth a line: the browser has a minute.
const stuckAfter = 5 * time.Minute

// shops says what waits for the shops, and how their last hand-overs went.
func shops(f Facts, w waits) []operate.Finding {
	var out []operate.Finding
	all := f.Watch.Shops()
	sites := make(map[string]bool)
	for site := range all {
		sites[site] = true
	}
	for site := range w.shop {
		sites[site] = true
	}
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		s, h := all[site], w.shop[site]
		switch {
		case h != nil:
			out = append(out, operate.Finding{Level: h.level(), Code: "shop", Where: site,
				Text: "paid orders have not reached the shop: " + h.says(f.Now, w.more) + " (" + meaning(h) + "); each is handed over again by itself"})
		case s.Failing():
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "shop", Where: site,
				Text: fmt.Sprintf("it has not taken a paid order since %s ago (%d in a row, the last: %s)", ago(f.Now, s.Since), s.Fails, s.Why)})
		default:
			out = append(out, operate.Finding{Level: operate.LevelOK, Code: "shop", Where: site,
				Text: fmt.Sprintf("it took its last paid order %s ago", ago(f.Now, s.OK))})
		}
	}
	for _, site := range slices.Sorted(maps.Keys(w.onTheWay)) {
		if h := w.onTheWay[site]; f.Now.Sub(h.oldest) > stuckAfter {
			out = append(out, operate.Finding{Level: h.level(), Code: "shop", Where: site,
				Text: "paid orders are on their way to the shop for long: " + h.says(f.Now, w.more)})
		}
	}
	return out
}

// meaning is why orders have not reached their shop, in words where they are known.
func meaning(h *heap) string {
	texts := map[payment.Reason]string{
		payment.ReasonUnreachable: "it can't be connected to",
		payment.ReasonNoProof:     "it did not confirm",
		payment.ReasonNoRoute:     "no site of the running configuration takes their return",
	}
	var out []string
	for _, why := range strings.Split(h.why(), ", ") {
		if text, ok := texts[payment.Reason(why)]; ok {
			why += ": " + text
		}
		out = append(out, why)
	}
	return strings.Join(out, "; ")
}

// The forecasts that are worth a line, and worth a warning.
const (
	fullSoon  = 7 * 24 * time.Hour
	fullWorth = 365 * 24 * time.Hour
)

// ledger says how much room there is, for how long, and who else works on it.
func ledger(f Facts) []operate.Finding {
	var out []operate.Finding
	l := f.Watch.Ledger()
	if l.Seen.IsZero() {
		return nil
	}
	if l.Nodes > 1 {
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "nodes", Text: fmt.Sprintf("%d nodes work on the ledger", l.Nodes)})
	}
	if l.Trouble != "" || l.Room < 0 {
		return out // the store's own findings say it
	}
	room := humanize.IBytes(uint64(l.Room)) //nolint:gosec // not negative here
	finding := operate.Finding{Level: operate.LevelOK, Code: "disk", Text: room + " may be written before new payments are refused"}
	if in, ok := f.Watch.Full(); ok && in < fullWorth {
		finding.Text += ", at the pace of the last hours in " + lang.Age(in, lang.EN)
		if in < fullSoon {
			finding.Level = operate.LevelWarn
			finding.Text += ": make room on the disk before that"
		}
	}
	return append(out, finding)
}
