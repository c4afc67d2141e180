package explain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// reasons reads the constants out of the source, so that a new one without a
// sentence fails here.
func reasons(t *testing.T) []payment.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../payment/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []payment.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, x := range v.Values {
				lit, ok := x.(*ast.BasicLit)
				if !ok {
					continue
				}
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, payment.Reason(s))
			}
		}
		return true
	})
	if len(all) < 30 {
		t.Fatalf("found only %d reasons", len(all))
	}
	return all
}

func TestEveryReasonHasASentence(t *testing.T) {
	known := make(map[payment.Reason]bool)
	for _, reason := range reasons(t) {
		known[reason] = true
		if whys[reason][0] == "" || whys[reason][1] == "" {
			t.Errorf("%s has no sentence", reason)
		}
	}
	for reason := range whys {
		if !known[reason] {
			t.Errorf("%s is no reason", reason)
		}
	}
	for reason := range nextByReason {
		if !known[reason] {
			t.Errorf("%s is no reason", reason)
		}
	}
}

func TestEveryStateInEveryReasonIsComplete(t *testing.T) {
	now := time.Date(2025, 7, 25, 10, 0, 0, 0, time.UTC)
	for _, l := range []lang.Lang{lang.FA, lang.EN} {
		for _, state := range payment.States() {
			for _, reason := range append(reasons(t), "") {
				for _, rc := range []*payment.Receipt{nil, {ID: "x", Amount: 5}} {
					r := &payment.Record{State: state, Reason: reason, Receipt: rc, UpdatedAt: now, CreatedAt: now}
					r.Attempts.First = now
					e := Of(r, Facts{Now: now}, l)
					if e.State == "" || e.Why == "" || e.Money == "" || e.MoneyText == "" {
						t.Fatalf("%s %s %s: %+v", l, state, reason, e)
					}
					if state == payment.Reversed && reason != payment.ReasonReturned && e.Why != unreasoned[state].In(l) {
						t.Fatalf("%s: it went back, and %q", reason, e.Why)
					}
					if strings.Contains(e.Deadline, "%") {
						t.Fatalf("deadline %q", e.Deadline)
					}
					if state == payment.Review || state == payment.Parked {
						if len(e.Decisions) == 0 || e.Next == "" || e.DeadlineAt.IsZero() {
							t.Fatalf("%s %s: a person gets no help: %+v", state, reason, e)
						}
					}
				}
			}
		}
	}
}

// What is offered is what the machine has, and nothing that it has is kept
// back.
func TestDecisionsAreTheMachines(t *testing.T) {
	triggers := map[string]payment.Trigger{"verify": payment.Claim}
	for _, d := range payment.Decisions() {
		triggers[string(d.Key)] = d.Trigger
	}
	for _, state := range payment.States() {
		offered := make(map[string]bool)
		r := &payment.Record{State: state, Return: &payment.Return{}}
		if state == payment.Declined {
			r.Reason = payment.ReasonOwed // only then may it be repaid
		}
		for _, d := range Of(r, Facts{}, lang.EN).Decisions {
			offered[d.Key] = true
			if _, err := payment.Step(state, triggers[d.Key]); err != nil {
				t.Errorf("%s is offered while %s: %v", d.Key, state, err)
			}
			if d.Label == "" || d.Does == "" {
				t.Errorf("%s has no words", d.Key)
			}
		}
		for _, key := range []string{"accept", "reject", "repaid"} {
			if _, err := payment.Step(state, triggers[key]); err == nil && !offered[key] {
				t.Errorf("%s is not offered while %s", key, state)
			}
		}
	}
}

func TestMoney(t *testing.T) {
	receipt := &payment.Receipt{Amount: 500000}
	for _, c := range []struct {
		name  string
		state payment.State
		why   payment.Reason
		rc    *payment.Receipt
		back  bool
		want  Money
	}{
		{"delivered", payment.Delivered, "", receipt, true, MoneyYes},
		{"parked", payment.Parked, payment.ReasonNoProof, receipt, true, MoneyYes},
		{"reversed", payment.Reversed, "", receipt, true, MoneyNo},
		{"not paid", payment.Declined, payment.ReasonNotPaid, nil, true, MoneyNo},
		{"window closed", payment.Expired, payment.ReasonWindowClosed, nil, true, MoneyReturns},
		{"window closed, no refund documented", payment.Expired, payment.ReasonWindowClosed, nil, false, MoneyUnknown},
		{"given back by the provider", payment.Expired, payment.ReasonReturned, nil, true, MoneyNo},
		{"second payment not asked", payment.Declined, payment.ReasonOrderPaid, nil, true, MoneyReturns},
		{"unknown", payment.Unknown, payment.ReasonNoAnswer, nil, true, MoneyUnknown},
		{"tenfold", payment.Review, payment.ReasonTenfold, receipt, true, MoneyYes},
		{"second payment captured", payment.Review, payment.ReasonSecondPayment, receipt, true, MoneyYes},
		{"receipt used", payment.Review, payment.ReasonReceiptUsed, receipt, true, MoneyNo},
		{"after silence", payment.Review, payment.ReasonAfterSilence, nil, true, MoneyUnknown},
		{"dismissed with receipt", payment.Declined, payment.ReasonDismissed, receipt, true, MoneyYes},
		{"owed", payment.Declined, payment.ReasonOwed, receipt, true, MoneyYes},
	} {
		r := &payment.Record{State: c.state, Reason: c.why, Receipt: c.rc}
		if e := Of(r, Facts{GivesBack: c.back}, lang.EN); e.Money != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.name, e.Money, c.want, e.MoneyText)
		}
	}
}

func TestTenfoldSlipAndBlocked(t *testing.T) {
	r := &payment.Record{State: payment.Review, Reason: payment.ReasonTenfold, Expect: payment.Expectation{Amount: 500000}, Receipt: &payment.Receipt{Amount: 5000000}}
	e := Of(r, Facts{}, lang.FA)
	if !strings.Contains(e.Slip, "ده برابر") || e.Asked.Toman != "۵۰٬۰۰۰ تومان" || e.Found.Rial != "۵٬۰۰۰٬۰۰۰ ریال" {
		t.Errorf("%q %+v %+v", e.Slip, e.Asked, e.Found)
	}
	if e.Decisions[0].Blocked != "" {
		t.Error("give is blocked")
	}
	if e = Of(r, Facts{OrderTaken: true}, lang.EN); e.Decisions[0].Blocked == "" {
		t.Error("give is not blocked for a paid order")
	}
	if e = Of(r, Facts{OrderTaken: true, OrdersMany: true}, lang.EN); e.Decisions[0].Blocked != "" {
		t.Error("give is blocked though an order may be paid many times")
	}
}

func TestCardIsMasked(t *testing.T) {
	for in, want := range map[string]string{
		"603799******1234": "603799******1234",
		"6037991234561234": "603799******1234",
		"۶۰۳۷۹۹۱۲۳۴۵۶۱۲۳۴": "603799******1234",
		"":                 "",
	} {
		if got := Card(in); got != want {
			t.Errorf("Card(%q) = %q", in, got)
		}
	}
}

func TestHistoryIsInOrder(t *testing.T) {
	t0 := time.Date(2025, 7, 25, 10, 0, 0, 0, time.UTC)
	r := &payment.Record{
		State: payment.Parked, CreatedAt: t0, UpdatedAt: t0.Add(time.Hour),
		Return:   &payment.Return{Arrived: t0.Add(time.Minute)},
		Attempts: payment.Attempts{Count: 2, First: t0.Add(time.Minute), Last: t0.Add(2 * time.Minute)},
		Receipt:  &payment.Receipt{PaidAt: t0.Add(30 * time.Second), VerifiedAt: t0.Add(2 * time.Minute)},
		Delivery: payment.Delivery{Count: 1, First: t0.Add(3 * time.Minute)},
		History:  []payment.Entry{{At: t0.Add(50 * time.Minute), Kind: payment.EntryDecided, By: "%s", Code: "redeliver", Text: "looked"}},
	}
	for _, l := range []lang.Lang{lang.FA, lang.EN} {
		steps := History(r, l)
		if len(steps) != 9 {
			t.Fatalf("%d steps: %v", len(steps), steps)
		}
		for i, s := range steps {
			if i > 0 && s.At.Before(steps[i-1].At) {
				t.Errorf("step %d is out of order", i)
			}
			if s.When == "" || s.Text == "" {
				t.Errorf("%+v", s)
			}
		}
	}
	if got := History(r, lang.EN)[7].Text; got != "%s had it handed over again: “looked”" {
		t.Errorf("%q", got)
	}
}

// All within one second, which the provider's times are cut to: they stand where
// they must have happened, and seconds are shown.
func TestHistoryWithinOneSecond(t *testing.T) {
	t0 := time.Date(2025, 7, 25, 10, 0, 5, 0, time.UTC)
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	r := &payment.Record{
		State: payment.Delivered, CreatedAt: at(100), UpdatedAt: at(900),
		Expect: payment.Expectation{Checkout: true}, Return: &payment.Return{Arrived: at(300)},
		Attempts: payment.Attempts{Count: 1, First: at(400), Last: at(400)},
		Receipt:  &payment.Receipt{PaidAt: t0, VerifiedAt: t0},
		Delivery: payment.Delivery{Count: 1, First: at(600)},
	}
	want := []string{
		"Our checkout started it", "The customer paid, says the provider", "The customer came back from the bank",
		"The provider was asked for the first time", "Settled, says the provider", "It was handed to the shop", "Now: done",
	}
	for i, s := range History(r, lang.EN) {
		if i >= len(want) || s.Text != want[i] || !strings.Contains(s.When, "13:30:05") {
			t.Errorf("%d: %s %q, want %q", i, s.When, s.Text, want)
		}
	}
	if got := lang.WhenExactly(t0, lang.FA); !strings.Contains(got, "۱۳:۳۰:۰۵") {
		t.Error(got)
	}
	// A clock of the provider's that is off stays visible.
	r.Receipt.PaidAt = t0.Add(-time.Minute)
	if s := History(r, lang.EN)[0]; s.Text != want[1] {
		t.Error(s)
	}
}

// While the shop is being told, no decision is offered as possible.
func TestBlockedWhileHanding(t *testing.T) {
	t.Parallel()
	for _, state := range []payment.State{payment.Verified, payment.Delivering} {
		r := &payment.Record{State: state, Receipt: &payment.Receipt{Amount: 1000}}
		for _, handing := range []bool{false, true} {
			n := 0
			for _, d := range Of(r, Facts{Handing: handing}, lang.FA).Decisions {
				if _, ok := payment.RuleOf(payment.Decision(d.Key)); !ok {
					continue
				}
				if n++; (d.Blocked != "") != handing {
					t.Errorf("%s, handing %v: %s is blocked by %q", state, handing, d.Key, d.Blocked)
				}
			}
			if n == 0 {
				t.Errorf("%s: nothing may be decided", state)
			}
		}
	}
}
