package payment

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// EntryKind says what an entry of a record's history is about. The numbers are stored, so
// none ever gets another meaning.
type EntryKind uint8

// The kinds. Code is a reason, or what the line says.
const (
	// EntryAsked: the provider is asked to verify.
	EntryAsked EntryKind = 1
	// EntryConfirmed, EntrySilent, EntryRefused, EntryDoubted and EntryLapsed are what
	// its answer meant; Text is the provider's code where there is one.
	EntryConfirmed EntryKind = 2
	EntrySilent    EntryKind = 3
	EntryRefused   EntryKind = 4
	EntryDoubted   EntryKind = 5
	EntryLapsed    EntryKind = 6
	// EntryHanded: a delivery to the shop begins; Code is [ViaWorker] if no browser
	// brought it.
	EntryHanded EntryKind = 7
	// EntryCredited, EntryMissed, EntryUnsent and EntryParked are how a delivery ended.
	EntryCredited EntryKind = 8
	EntryMissed   EntryKind = 9
	EntryUnsent   EntryKind = 10
	EntryParked   EntryKind = 11
	// EntryBound: another return named the order, so the payment left review.
	EntryBound EntryKind = 12
	// EntryDecided: a person decided. Code is the decision, By who, Text why, and Was
	// the reason and state before.
	EntryDecided EntryKind = 13
	// EntryReported and EntryCancelled: an affiliate network accepted the report of the
	// sale, or of its cancellation. By is the network if it isn't that of the track.
	EntryReported  EntryKind = 14
	EntryCancelled EntryKind = 15
	// EntryUnreported: a report ended without being accepted. Code is the receiver's last
	// answer, Text the report's kind.
	EntryUnreported EntryKind = 16
	// EntryTold: a webhook accepted a message. Code is its type, By the webhook.
	EntryTold EntryKind = 17
	// EntryReopened: a person had a report sent again.
	EntryReopened EntryKind = 18
	// EntryOmitted stands for entries that were dropped for lack of room; Code is how
	// many.
	EntryOmitted EntryKind = 19
	// EntryGivingBack: the provider is asked to give money back; Code is the amount in
	// rials, By and Text who asked for it and why.
	EntryGivingBack EntryKind = 20
	// EntryGivenBack, EntryKept and EntryBackUnknown are how that ended: the money went
	// back, it certainly did not, or nobody knows. If a person found out, By and Text say
	// who and how; else Text is the provider's code.
	EntryGivenBack   EntryKind = 21
	EntryKept        EntryKind = 22
	EntryBackUnknown EntryKind = 23
	// EntryErased: what was known of the payer was taken out. By and Text are who and
	// why.
	EntryErased EntryKind = 24
	// EntryVoid: the provider refused the shop's own call for the amount in it, and settled
	// nothing; Text is its code.
	EntryVoid EntryKind = 25
)

// Entry is one thing that happened to a payment.
type Entry struct {
	At   time.Time `json:"t"`
	Kind EntryKind `json:"k"`
	Code string    `json:"c,omitempty"`
	By   string    `json:"b,omitempty"`
	Text string    `json:"x,omitempty"`
	// Was is, of a decision, the state and reason before it: "review amount_differs".
	Was string `json:"w,omitempty"`
}

// The bounds of a history. A record stays this small whatever happens to its payment.
const (
	MostEntries  = 64
	HistoryBytes = 16 << 10
	// keptEntries is how many of the oldest entries about money are never dropped.
	keptEntries = 8
	// roomForCount is kept free for the digits that count the dropped entries.
	roomForCount = 16
	maxBy        = 128
	maxText      = 1000
)

// aboutMoney: the entry says where the money is, or what a person decided about it.
// Questions, repeated deliveries and reports are ordinary.
func (e Entry) aboutMoney() bool {
	switch e.Kind {
	case EntryConfirmed, EntryDoubted, EntryCredited, EntryParked, EntryBound, EntryDecided, EntryGivingBack, EntryGivenBack, EntryKept, EntryBackUnknown, EntryErased:
		return true
	}
	return false
}

func (e Entry) size() int { return 8 + len(e.Code) + len(e.By) + len(e.Text) + len(e.Was) }

// note appends to the history. Times are kept to the millisecond.
//
// Invariant: a history has at most [MostEntries] entries of at most [HistoryBytes]
// in all; the first keptEntries about money and the latest entry are always in it,
// and what was dropped is counted.
func (r *Record) note(e Entry) {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Code, e.By, e.Text = cut(e.Code, maxBy), cut(e.By, maxBy), cut(e.Text, maxText)
	h := append(r.History, e)
	dropped, at := 0, -1
	for total(h) > HistoryBytes-roomForCount || len(h) > MostEntries {
		i := droppable(h)
		if i < 0 {
			break
		}
		if at < 0 {
			at = i
		}
		h = slices.Delete(h, i, i+1)
		dropped++
		if !slices.ContainsFunc(h, isOmitted) {
			h = slices.Insert(h, at, Entry{At: e.At, Kind: EntryOmitted, Code: "0"})
		}
	}
	if dropped > 0 {
		i := slices.IndexFunc(h, isOmitted)
		n, _ := strconv.Atoi(h[i].Code) //nolint:errcheck // ours, or it counts from 0 again
		h[i].Code = strconv.Itoa(n + dropped)
	}
	r.History = h
}

func isOmitted(e Entry) bool { return e.Kind == EntryOmitted }

func total(h []Entry) (n int) {
	for _, e := range h {
		n += e.size()
	}
	return n
}

// droppable returns the place of the oldest ordinary entry or, without one, of the oldest
// entry about money that may be dropped. The latest entry is never dropped.
func droppable(h []Entry) int {
	money, spare := 0, -1
	for i, e := range h[:len(h)-1] {
		switch {
		case e.Kind == EntryOmitted:
		case !e.aboutMoney():
			return i
		default:
			if money++; money > keptEntries && spare < 0 {
				spare = i
			}
		}
	}
	return spare
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// Decisions returns what people decided about the payment, oldest first.
func (r *Record) Decisions() []Entry {
	var out []Entry
	for _, e := range r.History {
		if e.Kind == EntryDecided {
			out = append(out, e)
		}
	}
	return out
}

// HasDecided reports whether a person took this decision about the payment.
func (r *Record) HasDecided(d Decision) bool {
	return slices.ContainsFunc(r.History, func(e Entry) bool { return e.Kind == EntryDecided && e.Code == string(d) })
}

// Count returns how many entries of a kind the history has.
func (r *Record) Count(k EntryKind) (n int) {
	for _, e := range r.History {
		if e.Kind == k {
			n++
		}
	}
	return n
}

var entryNames = map[EntryKind]string{
	EntryAsked: "asked", EntryConfirmed: "confirmed", EntrySilent: "no_answer", EntryRefused: "refused", EntryDoubted: "doubted",
	EntryLapsed: "lapsed", EntryHanded: "handed_over", EntryCredited: "credited", EntryMissed: "not_confirmed", EntryUnsent: "not_sent",
	EntryParked: "parked", EntryBound: "bound", EntryDecided: "decided", EntryReported: "reported", EntryCancelled: "cancel_reported",
	EntryUnreported: "report_failed", EntryTold: "webhook", EntryReopened: "report_again", EntryOmitted: "omitted",
	EntryGivingBack: "giving_back", EntryGivenBack: "given_back", EntryKept: "not_given_back", EntryBackUnknown: "give_back_unknown", EntryErased: "erased", EntryVoid: "amount_refused",
}

// String returns the kind's name, for programs.
func (k EntryKind) String() string {
	if s, ok := entryNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind_%d", uint8(k))
}

// Interface guard.
var _ fmt.Stringer = EntryKind(0)
