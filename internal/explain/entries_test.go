package explain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Each kind of entry has a line in both languages, and no line shows its blanks.
func TestEveryEntryHasALine(t *testing.T) {
	at := time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC)
	kind := payment.EntryAsked
	for ; !strings.HasPrefix(kind.String(), "kind_"); kind++ {
		for _, code := range []string{"", "no_answer", "worker", "3", string(payment.DecideAccept)} {
			r := &payment.Record{State: payment.Parked, CreatedAt: at, UpdatedAt: at, History: []payment.Entry{{At: at, Kind: kind, Code: code, Text: "77", By: "sara", Was: "review amount_differs"}}}
			for _, l := range []lang.Lang{lang.FA, lang.EN} {
				steps := History(r, l)
				i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == kind.String() })
				if i < 0 || steps[i].Text == "" || strings.Contains(steps[i].Text, "%") || strings.HasSuffix(steps[i].Text, ": ") {
					t.Errorf("%s %s %q: %+v", kind, l, code, steps)
				}
			}
		}
	}
	if kind <= payment.EntryErased {
		t.Errorf("kind %d has no name", kind)
	}
	// One of a later version is shown by its number.
	if s := History(&payment.Record{CreatedAt: at, History: []payment.Entry{{At: at, Kind: 200}}}, lang.EN); s[1].Text != "kind_200" {
		t.Errorf("%+v", s)
	}
}

// A payment's life reads as it went: questions, answers, hand-overs, and what was
// decided with the reason that stood before.
func TestHistoryTellsAPaymentsLife(t *testing.T) {
	at := time.Date(2026, 3, 21, 8, 0, 0, 123_999_999, time.UTC)
	tick := func() time.Time { at = at.Add(100 * time.Microsecond); return at }
	r := &payment.Record{State: payment.Created, CreatedAt: at, Expect: payment.Expectation{Source: payment.FromIntent, Amount: 500}, Return: &payment.Return{URI: "/"}}
	steps := func(errs ...error) {
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	steps(
		r.StartAttempt(tick(), payment.Lease{}),
		r.EndAttempt(payment.Verdict{Trigger: payment.Silence, Reason: payment.ReasonNoAnswer}, payment.Answer{}, tick(), tick()),
		r.StartAttempt(tick(), payment.Lease{}),
		r.EndAttempt(payment.Verdict{Trigger: payment.Doubt, Reason: payment.ReasonAmount}, payment.Answer{Code: "100", Receipt: &payment.Receipt{Amount: 400}}, tick(), tick()),
		r.Decide(payment.DecideAccept, payment.Note{By: "sara", Text: "seen"}, tick()),
		r.StartDelivery(payment.ViaWorker, "", tick(), payment.Lease{}),
		r.ParkDelivery(payment.ReasonNoProof, tick()),
	)
	var kinds []string
	var text strings.Builder
	for _, s := range History(r, lang.EN) {
		kinds = append(kinds, s.Kind)
		text.WriteString(s.Text + "\n")
	}
	want := []string{"started", "asked", "no_answer", "asked", "doubted", "decided", "handed_over", "parked", "now"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%v\n%s", kinds, text.String())
	}
	for _, part := range []string{
		"asked for the first time\n", "No certain answer: The provider did not answer", "asked again\n", "not the amount of the order. (code 100)",
		"sara decided to give the order: “seen” (before: needs a person; The amount that", "without its customer", "Left to a person: It is paid, but the shop gave no proof",
	} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is not in\n%s", part, text.String())
		}
	}
}
