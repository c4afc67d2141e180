package attacks_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const reportsNothing = "it reports no sale"

// affiliates: sales that are reported to a network, here Hamekar. The corpus
// speaks of web hooks of ours; what stands here instead is the report.
func affiliates() []attack {
	track := "track /product/*"
	return []attack{
		{
			// A report counts by the store's token, which leaves us only towards
			// the network.
			id: "A73", name: "forged_report", title: "an outsider reports a sale", none: reportsNothing, block: track, ours: []string{announced},
			run: func(x *trial) {
				forged := x.track("forged")
				req, err := http.NewRequest(http.MethodPost, x.w.boxes+"/t/hamekar/hamekar/customer/callback", strings.NewReader(`{"track_id":"`+forged+`","status":1}`))
				if err != nil {
					x.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Store-Token", "wrong")
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					x.Fatal(err)
				}
				_ = res.Body.Close()
				x.ours(res.StatusCode == http.StatusUnauthorized && x.reported(forged, "accepted") == 0, "%s", res.Status)
				// The visitor's own requests report nothing either.
				b := x.customer()
				x.get(b, "/product/mug?track_id="+forged)
				x.refused(x.send(b, x.forged(x.invented(), x.order(50_000))))
				real := x.track("real")
				x.sell(real)
				x.waitReport(real)
				x.ours(x.reported(forged, "accepted") == 0 && x.reported(real, "accepted") == 1, "forged %d, real %d", x.reported(forged, ""), x.reported(real, ""))
			},
		},
		{
			// Hamekar has no key for repeats: it says 202 again. A report whose
			// answer was lost is made again and marked there.
			id: "A74", name: "report_repeated", title: "a sale reported twice: refresh, lost answer", none: reportsNothing, block: track, ours: []string{announced},
			run: func(x *trial) {
				plain := x.track("plain")
				b, ret := x.sell(plain)
				for range 5 {
					x.come(b, ret)
				}
				x.waitReport(plain)
				silent := x.track("silent")
				if _, err := x.network().SetFault(sandbox.Fault{Kind: "after", Provider: "hamekar", Operation: "conversion", Payment: silent, Count: 1}); err != nil {
					x.Fatal(err)
				}
				x.sell(silent)
				x.waitReport(silent)
				x.ours(x.reported(plain, "accepted") == 1 && x.reported(plain, "repeat") == 0, "reported %d times", x.reported(plain, ""))
				x.ours(x.reported(silent, "accepted") == 1 && x.reported(silent, "repeat") <= 1, "reported %d times", x.reported(silent, ""))
			},
		},
		{
			id: "A75", name: "report_of_what_was_not_sold", title: "a report of a payment that was declined, is in review or parked", none: reportsNothing, block: track, ours: []string{announced},
			run: func(x *trial) {
				declined, review, parked := x.track("declined"), x.track("review"), x.track("parked")
				b := x.customer()
				x.get(b, "/product/mug?track_id="+declined)
				order := x.order(50_000)
				x.refused(x.come(b, x.act(x.begin(b, order), "cancel")))
				b = x.customer()
				x.get(b, "/product/mug?track_id="+review)
				id, order, ret := x.paid(b, 50_000)
				x.fault(sandbox.Fault{Kind: "wrong_amount", Operation: "verify", Payment: id, Count: 1})
				x.come(b, ret)
				x.waitState(id, order, "review")
				x.behave(`{"status":500}`)
				b = x.customer()
				x.get(b, "/product/mug?track_id="+parked)
				id, order, ret = x.paid(b, 50_000)
				x.come(b, ret)
				x.waitState(id, order, "parked")
				x.behave(`{}`)
				real := x.track("real")
				x.sell(real)
				x.waitReport(real)
				x.ours(x.reported(declined, "")+x.reported(review, "")+x.reported(parked, "") == 0, "reported")
			},
		},
		{
			id: "A76", name: "report_inflated", title: "sum and currency of a report from a cookie or parameter", none: reportsNothing, block: track, ours: []string{announced},
			run: func(x *trial) {
				track := x.track("inflated")
				b := x.customer()
				x.get(b, "/product/mug?track_id="+track+"&amount=98765432&price=98765432", "Cookie", "amount=98765432; price=98765432")
				_, order, ret := x.paid(b, 50_000)
				ret.URL += "&commission=98765432"
				ret.Form["amount"] = "98765432"
				x.come(b, ret)
				x.waitReport(track)
				for _, c := range x.network().Ledger("", "", "").Conversions {
					x.ours(c.TrackID != track || !strings.Contains(c.Body, "98765432"), "%s", c.Body)
				}
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
		{
			id: "A77", name: "which_visit_counts", title: "two visits, and one between paying and coming back: which counts is decided", none: reportsNothing, block: track, ours: []string{announced},
			run: func(x *trial) {
				first, last, late := x.track("first"), x.track("last"), x.track("late")
				b := x.customer()
				x.get(b, "/product/mug?track_id="+first)
				x.get(b, "/product/mug?track_id="+last)
				_, order, ret := x.paid(b, 50_000)
				x.get(b, "/product/mug?track_id="+late)
				x.come(b, ret)
				x.waitReport(last)
				x.ours(x.reported(first, "") == 0 && x.reported(late, "") == 0 && x.credited(order) == 1, "first %d, late %d", x.reported(first, ""), x.reported(late, ""))
			},
		},
	}
}

// track is a track id of this trial's.
func (x *trial) track(what string) string { return fmt.Sprintf("%s-%s-0123456789", x.name, what) }

func (x *trial) network() *sandbox.Server { return x.w.by.all["hamekar"].Server }

func (x *trial) reported(track, result string) (n int) {
	for _, c := range x.network().Ledger("", "", "").Conversions {
		if c.TrackID == track && (result == "" || c.Result == result) {
			n++
		}
	}
	return n
}

// sell is a sale to a visitor whom the network sent.
func (x *trial) sell(track string) (*harness.Browser, *sandbox.Return) {
	x.Helper()
	b := x.customer()
	x.get(b, "/product/mug?track_id="+track)
	_, order, ret := x.paid(b, 50_000)
	x.status(x.come(b, ret), http.StatusOK)
	x.ours(x.credited(order) == 1, "%+v", x.credits())
	return b, ret
}

func (x *trial) waitReport(track string) {
	x.Helper()
	harness.Wait(x.T, "the network hears of "+track, 40*time.Second, func() bool { return x.reported(track, "accepted") > 0 })
}

// behave tells the shop how to answer.
func (x *trial) behave(how string) {
	x.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, "behave"), []byte(how), 0o644); err != nil { //nolint:gosec // PHP reads it
		x.Fatal(err)
	}
}
