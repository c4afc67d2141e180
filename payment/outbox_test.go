package payment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

var noon = time.Date(2026, 3, 21, 8, 0, 0, 123_456_789, time.UTC)

// Whatever happens to a payment, its history stays within its bounds, in order, with
// the first entries about money and the latest of all.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	money := []payment.EntryKind{payment.EntryConfirmed, payment.EntryDoubted, payment.EntryCredited, payment.EntryParked, payment.EntryBound, payment.EntryDecided}
	rapid.Check(t, func(t *rapid.T) {
		r := &payment.Record{State: payment.Parked, CreatedAt: noon}
		var written []payment.Entry
		at := noon
		for range rapid.IntRange(0, 3*payment.MostEntries).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				note := strings.Repeat("ی", rapid.SampledFrom([]int{0, 1, 499, 500, 501, 5000}).Draw(t, "note"))
				must(t, r.Decide(payment.DecideRedeliver, payment.Note{By: "sara", Text: note}, at))
				must(t, r.StartDelivery(payment.ViaWorker, "", at, payment.Lease{}))
				must(t, r.ParkDelivery(payment.ReasonNoProof, at))
				written = append(written, r.History[len(r.History)-3:]...)
			case 1:
				must(t, r.StartDelivery(payment.ViaWorker, "", at, payment.Lease{}))
				must(t, r.MissDelivery(payment.ReasonNoProof, at, at))
				must(t, r.ParkDelivery(payment.ReasonGaveUp, at))
				written = append(written, r.History[len(r.History)-3:]...)
			default:
				r.AddReport(payment.Report{To: "shop", Kind: payment.TellParked, Since: at, Next: at})
				r.EndReport(r.Report("shop", payment.TellParked), payment.ReportAnswer{Outcome: payment.ReportAccepted}, at, time.Time{})
				written = append(written, r.History[len(r.History)-1])
			}
			size := 0
			for _, e := range r.History {
				size += 8 + len(e.Code) + len(e.By) + len(e.Text) + len(e.Was)
			}
			if len(r.History) > payment.MostEntries || size > payment.HistoryBytes {
				t.Fatalf("%d entries of %d bytes", len(r.History), size)
			}
		}
		// It is a part of what was written, in its order, and the omitted are counted.
		kept := slices.DeleteFunc(slices.Clone(r.History), func(e payment.Entry) bool { return e.Kind == payment.EntryOmitted })
		rest := written
		for _, e := range kept {
			i := slices.Index(rest, e)
			if i < 0 {
				t.Fatalf("%+v was not written, or not in this order", e)
			}
			rest = rest[i+1:]
		}
		first := 0
		for _, e := range written {
			if slices.Contains(money, e.Kind) && first < 8 {
				first++
				if !slices.Contains(kept, e) {
					t.Fatalf("entry %d about money was dropped: %+v", first, e)
				}
			}
		}
		if n := len(written); n > 0 && kept[len(kept)-1] != written[n-1] {
			t.Fatal("the latest entry is missing")
		}
		omitted := "0"
		for _, e := range r.History {
			if e.Kind == payment.EntryOmitted {
				omitted = e.Code
			}
		}
		if omitted != itoa(len(written)-len(kept)) {
			t.Fatalf("%s omitted, %d written and %d kept", omitted, len(written), len(kept))
		}
	})
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// The table of decisions, written down a second time by hand.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	want := map[payment.Decision]map[payment.State]payment.State{
		payment.DecideAccept:    {payment.Review: payment.Verified},
		payment.DecideReject:    {payment.Review: payment.Declined},
		payment.DecideCredited:  {payment.Parked: payment.Delivered},
		payment.DecideRedeliver: {payment.Parked: payment.Parked},
		payment.DecideRepaid: {payment.Review: payment.Reversed, payment.Parked: payment.Reversed, payment.Verified: payment.Reversed,
			payment.Delivering: payment.Reversed, payment.Delivered: payment.Reversed, payment.Declined: payment.Reversed},
	}
	if len(want) != len(payment.Decisions()) {
		t.Errorf("%d decisions", len(payment.Decisions()))
	}
	for d, to := range want {
		rule, ok := payment.RuleOf(d)
		if !ok || !rule.Note {
			t.Errorf("%s: %+v", d, rule)
		}
		for _, from := range payment.States() {
			r := &payment.Record{State: from, Reason: payment.ReasonOwed, Receipt: &payment.Receipt{Amount: 1}}
			err := r.Decide(d, payment.Note{By: "sara", Text: "why"}, noon)
			if after, ok := to[from]; ok {
				if err != nil || r.State != after || len(r.History) != 1 || r.History[0].By != "sara" || r.History[0].Text != "why" || r.History[0].Code != string(d) ||
					r.History[0].Was != string(from)+" owed" {
					t.Errorf("%s from %s: %s, %v, %+v", d, from, r.State, err, r.History)
				}
			} else if !errors.Is(err, payment.ErrTransition) || r.State != from || len(r.History) != 0 {
				t.Errorf("%s from %s: %s, %v", d, from, r.State, err)
			}
			if slices.Contains((&payment.Record{State: from, Reason: payment.ReasonOwed}).MayDecide(), d) != (err == nil) {
				t.Errorf("%s from %s is offered otherwise than it is taken", d, from)
			}
		}
	}
	// A payment that is simply not paid is not repaid.
	r := &payment.Record{State: payment.Declined, Reason: payment.ReasonNotPaid}
	if err := r.Decide(payment.DecideRepaid, payment.Note{}, noon); !errors.Is(err, payment.ErrTransition) || len(r.MayDecide()) != 0 {
		t.Errorf("%v, %v", err, r.MayDecide())
	}
}

// What is refused while its money is with the shop is owed until it is repaid.
func TestOwed(t *testing.T) {
	t.Parallel()
	receipt := &payment.Receipt{Amount: 500}
	for _, c := range []struct {
		why  payment.Reason
		rc   *payment.Receipt
		owed bool
	}{
		{payment.ReasonAmount, receipt, true}, {payment.ReasonTenfold, receipt, true}, {payment.ReasonSecondPayment, receipt, true},
		{payment.ReasonLate, receipt, true}, {payment.ReasonUnexplained, receipt, true}, {payment.ReasonOldGeneration, receipt, true},
		{payment.ReasonReceiptUsed, receipt, false}, {payment.ReasonAmount, nil, false}, {payment.ReasonAfterSilence, nil, false},
		{payment.ReasonUnannounced, receipt, false}, {payment.ReasonUnannounced, &payment.Receipt{Amount: 500, Again: true}, true},
	} {
		r := &payment.Record{State: payment.Review, Reason: c.why, Receipt: c.rc}
		must(t, r.Decide(payment.DecideReject, payment.Note{By: "sara"}, noon))
		if r.Owed() != c.owed || r.State != payment.Declined || !r.Dismissed() {
			t.Errorf("%s: owed %v, %s %s", c.why, r.Owed(), r.State, r.Reason)
		}
		if c.owed {
			must(t, r.Decide(payment.DecideRepaid, payment.Note{By: "sara", Text: "991"}, noon))
			if r.Owed() || r.State != payment.Reversed || r.Count(payment.EntryDecided) != 2 {
				t.Errorf("%s: %s %s", c.why, r.State, r.Reason)
			}
		}
	}
}

func TestEarliest(t *testing.T) {
	t.Parallel()
	open := func(d time.Duration) payment.Report {
		return payment.Report{To: "a", State: payment.OpenReport, Next: noon.Add(d)}
	}
	lost := func(s payment.RefundState) []payment.Refund { return []payment.Refund{{State: s, Began: noon}} }
	for _, c := range []struct {
		due     time.Time
		reports []payment.Report
		refunds []payment.Refund
		want    time.Time
	}{
		{},
		{refunds: lost(payment.RefundAsking), want: noon.Add(payment.RefundAsked)},
		{refunds: lost(payment.RefundAsking), due: noon, want: noon},
		{refunds: lost(payment.RefundAsking), due: noon.Add(time.Hour), want: noon.Add(payment.RefundAsked)},
		{refunds: lost(payment.RefundAsking), reports: []payment.Report{open(1)}, want: noon.Add(1)},
		{refunds: lost(payment.RefundUnknown)},
		{refunds: lost(payment.RefundDone)},
		{due: noon, want: noon},
		{reports: []payment.Report{open(2), open(1)}, want: noon.Add(1)},
		{due: noon, reports: []payment.Report{open(1)}, want: noon},
		{due: noon.Add(2), reports: []payment.Report{open(1)}, want: noon.Add(1)},
		{reports: []payment.Report{{State: payment.OpenReport}, {State: payment.ParkedReport, Next: noon}}},
	} {
		if got := (&payment.Record{Due: c.due, Reports: c.reports, Refunds: c.refunds}).Earliest(); !got.Equal(c.want) {
			t.Errorf("%v %v: %v, want %v", c.due, c.reports, got, c.want)
		}
	}
}

// The reports of a record are bounded, whoever is told how often.
func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	r := &payment.Record{}
	for i := range 3 * payment.MostReports {
		r.AddReport(payment.Report{To: "hook" + itoa(i), Kind: payment.TellParked, Since: noon, Next: noon})
		r.AddReport(payment.Report{To: "hook0", Kind: payment.TellParked, Since: noon.Add(time.Hour), Next: noon})
	}
	if len(r.Reports) != payment.MostReports || !r.Reports[0].Since.Equal(noon) {
		t.Errorf("%d reports, the first %+v", len(r.Reports), r.Reports[0])
	}
}

func TestNews(t *testing.T) {
	t.Parallel()
	claim := func(r *payment.Record) error { return r.StartAttempt(noon, payment.Lease{}) }
	answer := func(tr payment.Trigger, why payment.Reason) func(*payment.Record) error {
		return func(r *payment.Record) error {
			return r.EndAttempt(payment.Verdict{Trigger: tr, Reason: why}, payment.Answer{}, noon, noon)
		}
	}
	hand := func(r *payment.Record) error { return r.StartDelivery(payment.ViaBrowser, "", noon, payment.Lease{}) }
	r := &payment.Record{State: payment.Created, Expect: payment.Expectation{Source: payment.FromIntent}, Attempts: payment.Attempts{Claimed: true}}
	for i, step := range []struct {
		do   func(*payment.Record) error
		want payment.ReportKind
	}{
		{claim, ""}, {answer(payment.Refuse, payment.ReasonNotPaid), payment.TellDeclined},
		{claim, ""}, {answer(payment.Refuse, payment.ReasonNotPaid), ""}, // asked again: no news
		{claim, ""}, {answer(payment.Silence, payment.ReasonNoAnswer), ""},
		{claim, ""}, {answer(payment.Confirm, ""), payment.TellVerified},
		{hand, ""}, {func(r *payment.Record) error { return r.UndoDelivery(payment.ReasonUnreachable, noon, noon) }, ""},
		{hand, ""}, {func(r *payment.Record) error { return r.ParkDelivery(payment.ReasonShopRefused, noon) }, payment.TellShopRefused},
		{hand, ""}, {func(r *payment.Record) error { return r.ParkDelivery(payment.ReasonNoProof, noon) }, payment.TellParked},
		{func(r *payment.Record) error { return r.Decide(payment.DecideCredited, payment.Note{}, noon) }, payment.TellDelivered},
		{func(r *payment.Record) error { return r.Decide(payment.DecideRepaid, payment.Note{}, noon) }, payment.TellReversed},
	} {
		must(t, step.do(r))
		var want []payment.ReportKind
		if step.want != "" {
			want = []payment.ReportKind{step.want}
		}
		if got := r.News(); !slices.Equal(got, want) {
			t.Errorf("step %d, %s: %v, want %v", i, r.State, got, want)
		}
		r.Settle()
		if r.News() != nil {
			t.Error("told twice")
		}
	}
	// What strangers invent is no news.
	r = &payment.Record{State: payment.Created, Expect: payment.Expectation{Source: payment.FromNone}, Attempts: payment.Attempts{Claimed: true}}
	must(t, claim(r))
	must(t, answer(payment.Refuse, payment.ReasonUnknownID)(r))
	if r.News() != nil {
		t.Errorf("a stranger's return is news: %v", r.News())
	}
	r = &payment.Record{State: payment.Review, Reason: payment.ReasonAmount, Receipt: &payment.Receipt{Amount: 1}}
	must(t, r.Decide(payment.DecideReject, payment.Note{}, noon))
	if got := r.News(); !slices.Equal(got, []payment.ReportKind{payment.TellOwed}) {
		t.Errorf("%v", got)
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sale    payment.Report
		cancels bool
		state   payment.ReportState
		cancel  bool
	}{
		"not told yet":        {payment.Report{State: payment.OpenReport, Next: noon}, true, payment.WithdrawnReport, false},
		"told":                {payment.Report{State: payment.SentReport}, true, payment.SentReport, true},
		"told, can't be told": {payment.Report{State: payment.SentReport}, false, payment.SentReport, false},
		"may have been told":  {payment.Report{State: payment.OpenReport, Unanswered: 1, Next: noon}, true, payment.WithdrawnReport, true},
		"perhaps":             {payment.Report{State: payment.PerhapsReport}, true, payment.PerhapsReport, true},
		"rejected":            {payment.Report{State: payment.RejectedReport}, true, payment.RejectedReport, false},
	} {
		c.sale.To, c.sale.Kind, c.sale.Remembered = "net", payment.ReportSale, "77"
		r := &payment.Record{Track: payment.Track{ID: "x", Affiliate: "net"}, Reports: []payment.Report{c.sale}}
		for range 2 { // once
			r.Withdraw(c.cancels, noon)
		}
		cancel := r.Report("net", payment.ReportCancel)
		if r.ConversionState() != c.state || (cancel != nil) != c.cancel || !r.Sale().Next.IsZero() && c.state == payment.WithdrawnReport {
			t.Errorf("%s: %+v", name, r.Reports)
		}
		if wait := c.state == payment.WithdrawnReport; cancel != nil && cancel.Next.After(noon) != wait {
			t.Errorf("%s: the answer may be under way: %v, and the cancellation is sent at %s", name, wait, cancel.Next)
		}
		if cancel != nil && (r.SaleOf(*cancel).Remembered != "77" || r.SaleOf(*cancel).EventID == r.SaleOf(*r.Sale()).EventID) {
			t.Errorf("%s: %+v", name, r.SaleOf(*cancel))
		}
	}
}
