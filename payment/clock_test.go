package payment_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

// Clocks only count against: an "already verified" without any other explanation
// is believed only of a time that lies between our first marker and the answer
// that carries it, and within the document's window after the payment.
func TestClocksOnlyCountAgainst(t *testing.T) {
	t.Parallel()
	offsets := []time.Duration{
		0, time.Second, 9 * time.Second, 11 * time.Second, 119 * time.Second, 121 * time.Second, 10 * time.Minute, 12*time.Minute + 1,
		30 * time.Minute, time.Hour, 3*time.Hour + 30*time.Minute, 24 * time.Hour, 170 * 365 * 24 * time.Hour,
	}
	rapid.Check(t, func(t *rapid.T) {
		offset := func(name string) time.Duration {
			d := rapid.SampledFrom(offsets).Draw(t, name)
			if rapid.Bool().Draw(t, name+" before") {
				return -d
			}
			return d
		}
		rec := again(payment.FromNone, 0) // first marker at t0
		now := t0.Add(time.Duration(rapid.IntRange(10, 3600).Draw(t, "answered after")) * time.Second)
		wrong := offset("the provider's clock is ahead")
		said := now.Add(offset("verified"))
		rc := full(50000, said)
		rc.Number = "5"
		if rapid.Bool().Draw(t, "a time of payment") {
			rc.PaidAt = said.Add(offset("paid"))
		}
		a := payment.Answer{Outcome: payment.OutcomeAgain, Receipt: rc}
		skew, at := 120*time.Second, said
		if rapid.Bool().Draw(t, "a Date") {
			a.HasOffset, a.Offset = true, wrong
			skew, at = 10*time.Second, said.Add(-wrong)
		}
		v := payment.Decide(rec, a, payment.Facts{Terms: idpay, Generation: payment.Generation{Seq: 1, Start: t0.Add(-time.Hour)}, Now: now})
		fits := !at.Before(t0.Add(-skew)) && !at.After(now.Add(skew))
		if !rc.PaidAt.IsZero() {
			took := said.Sub(rc.PaidAt)
			fits = fits && took <= idpay.Window+2*time.Minute && took >= -2*time.Minute
		}
		if believed := v.Trigger == payment.Confirm; believed != fits {
			t.Fatalf("believed %v, fits %v: verified %s after our marker, %s after the answer, paid %s before (%+v)", believed, fits, at.Sub(t0), at.Sub(now), said.Sub(rc.PaidAt), v)
		}
		if !fits && (v.Trigger != payment.Doubt || v.Reason != payment.ReasonUnexplained) {
			t.Fatalf("%+v", v)
		}
	})
}
