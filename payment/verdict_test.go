package payment_test

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

var (
	t0    = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	idpay = payment.Terms{Traits: payment.Traits{Issuer: "idpay|x|live"}, Protocol: payment.Protocol{AnswersOrder: true, AnswersAmount: true, TellsFirst: true, GivesBack: true, Window: 10 * time.Minute}}
	sama  = payment.Terms{Traits: payment.Traits{Issuer: "sama|x|live"}, Protocol: payment.Protocol{SendsAmount: true, TellsFirst: true}}
	bound = payment.Terms{Traits: payment.Traits{Issuer: "bank|x|live"}, Protocol: payment.Protocol{TellsFirst: true, BindsAmount: true}}
	inv   = payment.Terms{Traits: payment.Traits{Issuer: "invoice|x|live"}, Protocol: payment.Protocol{AnswersAmount: true}}
)

// asked is a record whose attempt is open.
func asked(source payment.Source, amount payment.Rials) *payment.Record {
	r := &payment.Record{ID: "K1", Order: "101", State: payment.Created, Generation: 1, CreatedAt: t0,
		Expect: payment.Expectation{Source: source, Amount: amount}}
	if err := r.StartAttempt(t0, payment.Lease{Owner: "me", Until: t0.Add(15 * time.Second)}); err != nil {
		panic(err)
	}
	return r
}

// again is a record whose first attempt had no answer.
func again(source payment.Source, amount payment.Rials) *payment.Record {
	r := asked(source, amount)
	if err := r.EndAttempt(payment.Verdict{Trigger: payment.Silence}, payment.Answer{}, t0.Add(8*time.Second), t0.Add(9*time.Second)); err != nil {
		panic(err)
	}
	if err := r.StartAttempt(t0.Add(10*time.Second), payment.Lease{Owner: "me"}); err != nil {
		panic(err)
	}
	return r
}

func full(amount payment.Rials, verified time.Time) *payment.Receipt {
	return &payment.Receipt{ID: "K1", Order: "101", Amount: amount, VerifiedAt: verified}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	first := payment.Generation{Seq: 1, Start: t0.Add(-time.Hour)}
	restored := payment.Generation{Seq: 2, Start: t0.Add(-5 * time.Second)}
	long := payment.Generation{Seq: 2, Start: t0.Add(-time.Hour)}
	since := func(ago time.Duration) payment.Facts {
		return payment.Facts{Terms: idpay, Generation: payment.Generation{Seq: 2, Start: t0.Add(-ago)}}
	}
	// remade is a record that was made in the ledger's second generation, at t0.
	remade := func(r *payment.Record) *payment.Record {
		r.Generation, r.CreatedAt = 2, t0
		return r
	}
	lookup := asked(payment.FromLookup, 50000)
	lookup.Expect.Unconsumed = true
	late := asked(payment.FromSigned, 50000)
	late.Expect.Late = true
	unbound := asked(payment.FromIntent, 50000)
	unbound.Expect.Unbound = true
	foreign := again(payment.FromIntent, 50000)
	foreign.Generation = 0
	awaiting := again(payment.FromSigned, 50000)
	awaiting.Attempts.Awaiting = t0
	unsent := asked(payment.FromSigned, 50000)
	if err := unsent.EndAttempt(payment.Verdict{Trigger: payment.Silence}, payment.Answer{Unsent: true}, t0, t0); err != nil {
		t.Fatal(err)
	}
	if err := unsent.StartAttempt(t0.Add(time.Second), payment.Lease{}); err != nil {
		t.Fatal(err)
	}
	// What was said in a generation that was restored may have been used up in
	// the part of it that was lost.
	vouched := again(payment.FromLookup, 50000)
	vouched.Expect.Unconsumed = true
	firstAsk := asked(payment.FromLookup, 50000)
	firstAsk.Expect.Unconsumed = true
	promised := remade(again(payment.FromLookup, 50000))
	promised.Expect.Unconsumed = true
	withFee := inv
	withFee.PayerFee = func(payment.Rials) payment.Rials { return 5000 }

	for name, c := range map[string]struct {
		rec    *payment.Record
		answer payment.Answer
		facts  payment.Facts
		want   payment.Trigger
		reason payment.Reason
	}{
		"100 with everything equal": {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(50000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		// Rule 10.
		"rule 10: amount off by one":                {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(50001, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonAmount},
		"rule 10: the amount is the intent's":       {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: "K1", Order: "101"}}, payment.Facts{Terms: bound, Generation: first}, payment.Confirm, ""},
		"rule 10: a signature binds no amount":      {asked(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: "K1", Order: "101"}}, payment.Facts{Terms: bound, Generation: first}, payment.Doubt, payment.ReasonUnrecognised},
		"rule 10: toman for rial":                   {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(500000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonTenfold},
		"rule 10: a thousand times":                 {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(50000000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonThousandfold},
		"rule 10: the new rial for the old":         {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(5, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonTenThousandfold},
		"rule 10: rial for toman":                   {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(5000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonTenfold},
		"rule 10: another order":                    {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: "K1", Order: "102", Amount: 50000}}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonOrderDiffers},
		"rule 10: another id":                       {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: "K2", Order: "101", Amount: 50000}}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonIDDiffers},
		"rule 10: less paid than priced":            {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50000, Paid: 100}}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonAmount},
		"rule 10: a payer's fee on top":             {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 55000}}, payment.Facts{Terms: withFee, Generation: first}, payment.Confirm, ""},
		"rule 10: more than the fee":                {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 55001}}, payment.Facts{Terms: withFee, Generation: first}, payment.Doubt, payment.ReasonFee},
		"rule 10: ten times, with a fee":            {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 500000}}, payment.Facts{Terms: withFee, Generation: first}, payment.Doubt, payment.ReasonTenfold},
		"rule 10: less, with a fee":                 {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 49999}}, payment.Facts{Terms: withFee, Generation: first}, payment.Doubt, payment.ReasonAmount},
		"rule 10: an amount that should be there":   {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{}}, payment.Facts{Terms: inv, Generation: first}, payment.Doubt, payment.ReasonUnrecognised},
		"rule 10: sent where nothing is answered":   {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{}}, payment.Facts{Terms: sama, Generation: first}, payment.Confirm, ""},
		"rule 10: none, and no order in the answer": {asked(payment.FromNone, 0), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{ID: "K1", Amount: 5}}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnboundReceipt},
		"M10: late": {late, payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(50000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonLate},
		"M4: another order in the shop's parameter": {unbound, payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(50000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonBinding},
		// Rule 4.
		"rule 4: 101 on the first attempt":                                {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: 101 after a refused connection":                          {unsent, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0)}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: 101 after silence, made here":                            {again(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		"rule 4: 101 after silence, made in a lost generation":            {foreign, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: restored}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: 101 after silence, fresh verify time":                    {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(2*time.Second))}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		"A81: 101 after silence, old verify time":                         {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(-time.Hour))}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: no verify time":                                          {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: skew of 119 s without a Date":                            {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(-119*time.Second))}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		"rule 4: skew of 121 s without a Date":                            {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(-121*time.Second))}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: skew of 11 s with a Date":                                {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(-11*time.Second)), HasOffset: true}, payment.Facts{Terms: idpay, Generation: first}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: the provider's clock is ten minutes slow":                {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(-10*time.Minute)), HasOffset: true, Offset: -10 * time.Minute}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		"M7: verified in the last seconds of a lost generation":           {again(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(2*time.Second)), HasOffset: true}, payment.Facts{Terms: idpay, Generation: restored}, payment.Doubt, payment.ReasonUnexplained},
		"M7: verified before a loss, by a clock that is 14 minutes ahead": {remade(again(payment.FromSigned, 50000)), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(14*time.Minute))}, since(time.Minute), payment.Doubt, payment.ReasonUnexplained},
		"M7: …or was, and has been set right since":                       {remade(again(payment.FromSigned, 50000)), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(14*time.Minute)), HasOffset: true}, since(time.Minute), payment.Doubt, payment.ReasonUnexplained},
		"M7: verified long after a loss":                                  {remade(again(payment.FromSigned, 50000)), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, t0.Add(time.Second))}, payment.Facts{Terms: idpay, Generation: long}, payment.Confirm, ""},
		"rule 4: the shop vouches after a loss":                           {promised, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, since(time.Minute), payment.Confirm, ""},
		"rule 4: the shop vouches, first attempt":                         {lookup, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		"rule 4: inquiry had said awaiting":                               {awaiting, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: first}, payment.Confirm, ""},
		"rule 4: the shop vouched before the ledger was restored":         {vouched, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: restored}, payment.Doubt, payment.ReasonUnexplained},
		"rule 4: inquiry said awaiting before a restore":                  {awaiting, payment.Answer{Outcome: payment.OutcomeAgain, Receipt: full(50000, time.Time{})}, payment.Facts{Terms: idpay, Generation: restored}, payment.Doubt, payment.ReasonUnexplained},
		"M6: invoice, the shop vouched before the ledger was lost":        {firstAsk, payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: restored}, payment.Doubt, payment.ReasonOldGeneration},
		// M6: a provider that never says "already".
		"M6: invoice, made here":                        {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: first}, payment.Confirm, ""},
		"M6: invoice, intent of a lost generation":      {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: restored}, payment.Doubt, payment.ReasonOldGeneration},
		"M6: invoice, signed, used ids unknown":         {asked(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: first}, payment.Doubt, payment.ReasonOldGeneration},
		"M6: invoice, signed, used ids imported":        {asked(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: first, UsedIDsKnown: true}, payment.Confirm, ""},
		"M6: invoice, signed, after a loss":             {asked(payment.FromSigned, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: restored, UsedIDsKnown: true}, payment.Doubt, payment.ReasonOldGeneration},
		"M6: invoice, lookup that does not name the id": {asked(payment.FromLookup, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Amount: 50000}}, payment.Facts{Terms: inv, Generation: first}, payment.Doubt, payment.ReasonOldGeneration},
		// Rule 3.
		"rule 3: time-out":                      {asked(payment.FromIntent, 1), payment.Answer{}, payment.Facts{Terms: idpay}, payment.Silence, payment.ReasonNoAnswer},
		"rule 3: the operator's key":            {asked(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeOperator}, payment.Facts{Terms: idpay}, payment.Silence, payment.ReasonOperator},
		"rule 3: paid, says an inquiry":         {asked(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomePaid, Receipt: full(50000, t0)}, payment.Facts{Terms: idpay, Generation: first, Inquiry: true}, payment.Silence, payment.ReasonUnrecognised},
		"rule 10: an inquiry is told no amount": {again(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: &payment.Receipt{Again: true}}, payment.Facts{Terms: sama, Generation: first, Inquiry: true}, payment.Doubt, payment.ReasonUnrecognised},
		"rule 10: a repeated verify is told it": {again(payment.FromIntent, 50000), payment.Answer{Outcome: payment.OutcomeAgain, Receipt: &payment.Receipt{Again: true}}, payment.Facts{Terms: sama, Generation: first}, payment.Confirm, ""},
		"rule 3: a plain no":                    {asked(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeRefused}, payment.Facts{Terms: idpay}, payment.Refuse, payment.ReasonNotPaid},
		"rule 3: window closed":                 {asked(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeClosed}, payment.Facts{Terms: idpay}, payment.Lapse, payment.ReasonWindowClosed},
		"M8: a no after silence, nobody to ask": {again(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeRefused}, payment.Facts{Terms: inv}, payment.Doubt, payment.ReasonAfterSilence},
		"M8: 54 after silence, nobody to ask":   {again(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeClosed}, payment.Facts{Terms: sama}, payment.Doubt, payment.ReasonAfterSilence},
		"M8: a no after silence, by inquiry":    {again(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeRefused}, payment.Facts{Terms: idpay, Inquiry: true}, payment.Refuse, payment.ReasonNotPaid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.facts.Now.IsZero() {
				c.facts.Now = t0.Add(time.Hour)
			}
			v := payment.Decide(c.rec, c.answer, c.facts)
			if v.Trigger != c.want || v.Reason != c.reason {
				t.Errorf("got %s %q, want %s %q", v.Trigger, v.Reason, c.want, c.reason)
			}
		})
	}
}

func TestDecideAsksForAnInquiryAfterSilence(t *testing.T) {
	t.Parallel()
	v := payment.Decide(again(payment.FromIntent, 1), payment.Answer{Outcome: payment.OutcomeClosed}, payment.Facts{Terms: idpay, CanInquire: true})
	if !v.Inquire {
		t.Errorf("a refusal after silence is believed without inquiry: %+v", v)
	}
}

// A take-over of an attempt without an outcome makes it an unknown one (C3, C4).
func TestTakeOverCountsTheOpenAttemptAsUnknown(t *testing.T) {
	t.Parallel()
	r := asked(payment.FromIntent, 1)
	if err := r.StartAttempt(t0.Add(20*time.Second), payment.Lease{Owner: "other"}); err != nil {
		t.Fatal(err)
	}
	if r.Attempts.Unknown != 1 || r.Lease.Epoch != 2 || !r.Attempts.First.Equal(t0) {
		t.Errorf("after a take-over: %+v, lease %+v", r.Attempts, r.Lease)
	}
}

// Which answers may have settled something: only after them is an "already verified" ours.
// No document says that a "come later" settles nothing; what was refused unread, or never
// sent, did not.
func TestWhichAnswersMayHaveSettled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer payment.Answer
		may    bool
	}{
		"none":                  {payment.Answer{}, true},
		"a fault of the server": {payment.Answer{Code: "http/500"}, true},
		"come later":            {payment.Answer{Outcome: payment.OutcomeBusy, Code: "http/429"}, true},
		"never sent":            {payment.Answer{Unsent: true}, false},
		"come later, unsent":    {payment.Answer{Outcome: payment.OutcomeBusy, Unsent: true}, false},
		"our key":               {payment.Answer{Outcome: payment.OutcomeOperator}, false},
		"still awaiting":        {payment.Answer{Outcome: payment.OutcomeAwaiting}, false},
	} {
		r := asked(payment.FromIntent, 50000)
		if err := r.EndAttempt(payment.Verdict{Trigger: payment.Silence}, c.answer, t0, t0); err != nil {
			t.Fatal(name, err)
		}
		if got := r.Attempts.Unknown > 0; got != c.may || r.Attempts.Unknown > 1 {
			t.Errorf("%s: %d attempts may have settled it", name, r.Attempts.Unknown)
		}
	}
}

// A receipt pays an order that somebody has named. Only who asks over the relay names the id
// alone, and what stands in the order's place then is compared with nothing.
func TestDecideWithoutAnOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order   string
		relayed bool
		receipt payment.Receipt
		want    payment.Trigger
		reason  payment.Reason
	}{
		"nobody names one":               {"", false, payment.Receipt{ID: "K1", Amount: 50000}, payment.Doubt, payment.ReasonUnboundReceipt},
		"only the provider does":         {"", false, payment.Receipt{ID: "K1", Order: "15", Amount: 50000}, payment.Doubt, payment.ReasonOrderDiffers},
		"the id is one, beside no relay": {"K1", false, payment.Receipt{ID: "K1", Order: "15", Amount: 50000}, payment.Doubt, payment.ReasonOrderDiffers},
		"relayed, nobody names one":      {"K1", true, payment.Receipt{ID: "K1", Amount: 50000}, payment.Confirm, ""},
		"relayed, the provider does":     {"K1", true, payment.Receipt{ID: "K1", Order: "15", Amount: 50000}, payment.Confirm, ""},
		"relayed, and no amount":         {"K1", true, payment.Receipt{ID: "K1"}, payment.Doubt, payment.ReasonUnboundReceipt},
		"relayed, and another order":     {"14", true, payment.Receipt{ID: "K1", Order: "15", Amount: 50000}, payment.Doubt, payment.ReasonOrderDiffers},
		"relayed, and no order said":     {"14", true, payment.Receipt{ID: "K1", Amount: 50000}, payment.Doubt, payment.ReasonUnboundReceipt},
	} {
		rec := asked(payment.FromNone, 0)
		if rec.Order = c.order; c.relayed {
			rec.Relay = new(payment.Relayed)
		}
		v := payment.Decide(rec, payment.Answer{Outcome: payment.OutcomePaid, Receipt: &c.receipt}, payment.Facts{Terms: idpay, Generation: payment.Generation{Seq: 1, Start: t0.Add(-time.Hour)}})
		if v.Trigger != c.want || v.Reason != c.reason {
			t.Errorf("%s: %s (%s), want %s (%s)", name, v.Trigger, v.Reason, c.want, c.reason)
		}
	}
}
