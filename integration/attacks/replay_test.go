package attacks_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// replays: receipts that were real once.
func replays() []attack {
	everyone := []string{announced, silent, sama, script}
	all := []string{tolerant, strict, authority, believing}
	return []attack{
		{
			id: "A03", name: "replay_of_a_delivered_return", title: "a delivered return again: refresh, back button, a stranger, days later", ours: everyone, plugins: all,
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.status(x.come(b, ret), http.StatusOK)
				asked, ran := x.box.about(id), len(x.runs())
				for i, who := range []*harness.Browser{b, x.stranger(), b} {
					if i == 2 {
						x.box.Advance(3 * 24 * time.Hour)
					}
					x.status(x.come(who, ret), http.StatusOK)
				}
				x.ours(x.box.about(id) == asked, "the provider was asked again: %d", x.box.about(id)-asked)
				x.ours(len(x.runs()) == ran && x.credited(order) == 1, "the shop was called again")
			},
		},
		{
			// C14. An announcement is lost with the rest: then the id is nobody's.
			id: "A04", name: "replay_after_the_books_were_lost", title: "a delivered return again, after the store was lost or an old backup restored",
			alone: true, plugins: all,
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				x.status(x.come(b, ret), http.StatusOK)
				if x.us {
					x.w.Stop()
					if err := os.RemoveAll(filepath.Join(x.w.Data(), "ledger")); err != nil {
						x.Fatal(err)
					}
					x.w.Caddy.Start()
				}
				x.amnesia()
				x.status(x.come(b, ret), http.StatusConflict, http.StatusPaymentRequired, http.StatusBadRequest)
				x.ours(x.credited(order) == 1, "credited %d times", x.credited(order))
			},
		},
		{
			id: "A07", name: "two_receipts_for_one_order", title: "a customer pays one order twice", ours: everyone, plugins: all,
			run: func(x *trial) {
				b := x.customer()
				first, order, ret := x.paid(b, 50_000)
				x.come(b, ret)
				second := x.begin(b, order)
				again := x.act(second, "pay")
				x.status(x.come(b, again), http.StatusPaymentRequired, http.StatusConflict)
				x.ours(x.credited(order) == 1, "%+v", x.credits())
				if x.provider == sandbox.ProviderIDPay {
					// Its money goes back by itself if nobody verifies it.
					x.ours(x.truth(second).Verify.Calls == 0 && x.truth(first).Verify.Calls == 1, "the second was verified")
				}
			},
		},
		{
			// DESIGN rule 5: IDPay's own track_id is unique; a bank's reference never
			// is a key.
			id: "A08", name: "two_payments_with_one_number", title: "two payments with the same tracking number",
			plugins: []string{tolerant, strict},
			run: func(x *trial) {
				b := x.customer()
				first, _, ret := x.paid(b, 50_000)
				x.status(x.come(b, ret), http.StatusOK)
				second, order, again := x.paid(b, 50_000)
				x.box.rewrite(x.truth(second).TrackID, x.truth(first).TrackID)
				x.come(b, again)
				x.waitState(second, order, "review")
				x.ours(x.credited(order) == 0, "%+v", x.credits())
			},
		},
		{
			id: "A14", name: "late_receipt", title: "a receipt whose ten minutes are over", plugins: []string{tolerant, strict},
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				x.box.Advance(11 * time.Minute)
				x.refused(x.come(b, ret))
				x.ours(x.credited(order) == 0, "%+v", x.credits())
			},
		},
		{
			id: "A15", name: "refunded_receipt", title: "a receipt whose money went back", ours: everyone, plugins: all,
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.act(id, "refund")
				p := x.come(b, ret)
				x.ours(p.Status == http.StatusPaymentRequired || p.Status == http.StatusAccepted, "status %d", p.Status)
				x.ours(x.credited(order) == 0, "%+v", x.credits())
			},
		},
		{
			// The shop's earlier program had credited this receipt; the books
			// show it. Whoever replays it makes our first question fail.
			id: "A81", name: "used_elsewhere_and_the_provider_silent_at_first", title: "a receipt used before the software was installed, while the provider's first answer is lost",
			ours: []string{silent}, plugins: []string{tolerant, strict},
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.usedElsewhere(id, order)
				x.box.Advance(5 * time.Minute)
				x.fault(sandbox.Fault{Kind: "reset", Operation: "verify", Count: 1})
				x.come(b, ret)
				x.waitState(id, order, "review")
				x.come(b, ret)
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
	}
}

// amnesia makes the shop forget which orders are paid; what it gave away stays
// written down.
func (x *trial) amnesia() {
	x.Helper()
	for _, pattern := range []string{"paid-*", "track-*"} {
		names, err := filepath.Glob(filepath.Join(x.dir, pattern))
		if err != nil {
			x.Fatal(err)
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				x.Fatal(err)
			}
		}
	}
}

// usedElsewhere verifies a payment as another program of this merchant and
// writes the credit.
func (x *trial) usedElsewhere(id, order string) {
	x.Helper()
	req, err := http.NewRequest(http.MethodPost, x.boxURL+"/idpay/v1.1/payment/verify", strings.NewReader(`{"id":"`+id+`","order_id":"`+order+`"}`))
	if err != nil {
		x.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", x.apiKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		x.Fatal(err)
	}
	_ = res.Body.Close()
	if !kept(x.truth(id).State) {
		x.Fatal("it was not verified")
	}
	line := `{"order":"` + order + `","amount":50000,"id":"` + id + `"}` + "\n"
	if err := os.WriteFile(filepath.Join(x.dir, "books"), []byte(line), 0o666); err != nil { //nolint:gosec // PHP writes it too
		x.Fatal(err)
	}
}
