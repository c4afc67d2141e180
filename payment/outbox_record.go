package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"
)

// MostReports bounds the reports of one record, and MaxRemembered the bytes of
// [Report.Remembered].
const (
	MostReports   = 64
	MaxRemembered = 128
)

// Earliest is when the worker must look at the record next, for its own state's
// sake, for a refund that lost its process, or to tell somebody; zero is never. Stores keep their index of due records
// by it.
func (r *Record) Earliest() time.Time {
	at := r.Due
	if lost := r.RefundDue(); !lost.IsZero() && (at.IsZero() || lost.Before(at)) {
		at = lost
	}
	if next := r.NextReport(); next >= 0 && (at.IsZero() || r.Reports[next].Next.Before(at)) {
		at = r.Reports[next].Next
	}
	return at
}

// NextReport returns the place of the open report that is due first; -1 without one.
func (r *Record) NextReport() int {
	first := -1
	for i := range r.Reports {
		p := &r.Reports[i]
		if p.State == OpenReport && !p.Next.IsZero() && (first < 0 || p.Next.Before(r.Reports[first].Next)) {
			first = i
		}
	}
	return first
}

// Report finds a report by receiver and kind; nil without one. The pointer is
// good until a report is added.
func (r *Record) Report(to string, kind ReportKind) *Report {
	for i := range r.Reports {
		if p := &r.Reports[i]; p.To == to && p.Kind == kind {
			return p
		}
	}
	return nil
}

// Sale finds the report of the sale to the network that sent the visitor; nil without one.
func (r *Record) Sale() *Report {
	for i := range r.Reports {
		if p := &r.Reports[i]; p.Kind == ReportSale {
			return p
		}
	}
	return nil
}

// ConversionState returns where the report of the sale stands; "" without one.
func (r *Record) ConversionState() ReportState {
	if p := r.Sale(); p != nil {
		return p.State
	}
	return ""
}

// AddReport opens a report. If one of the same receiver and kind is still open, it stands
// for the new one. If that one has ended, the new one replaces it, except that a network
// is told of a sale and of its cancellation only once.
func (r *Record) AddReport(p Report) {
	p.State = OpenReport
	if p.Kind.Conversion() {
		p.Generation = thisGeneration
	}
	if old := r.Report(p.To, p.Kind); old != nil {
		if old.State != OpenReport && !p.Kind.Conversion() {
			*old = p
		}
		return
	}
	if len(r.Reports) < MostReports {
		r.Reports = append(r.Reports, p)
	}
}

// thisGeneration stands for the ledger's generation until the report is committed.
const thisGeneration = ^uint32(0)

// OpenConversions reports whether a network is still to be told something, and whether
// that was opened since the record was read.
func (r *Record) OpenConversions() (open, fresh bool) {
	for _, p := range r.Reports {
		if p.Kind.Conversion() && p.State == OpenReport {
			open, fresh = true, fresh || p.Generation == thisGeneration
		}
	}
	return open, fresh
}

// StampReports notes the ledger's generation in what was opened since the record was read.
func (r *Record) StampReports(generation uint32) {
	for i := range r.Reports {
		if p := &r.Reports[i]; p.Generation == thisGeneration {
			p.Generation = generation
		}
	}
}

// PerhapsSent reports whether a network may have had the report already: it was opened in
// another generation of the ledger, which may have forgotten that it was sent.
func (p *Report) PerhapsSent(generation uint32) bool {
	return p.Kind.Conversion() && p.State == OpenReport && p.Generation != thisGeneration && p.Generation != generation && generation > 1
}

// LoseReport holds such a report for a person.
func (r *Record) LoseReport(p *Report, now time.Time) {
	r.ParkReport(p, string(ReasonOldGeneration), now)
	p.State = PerhapsReport
}

// RenewSale has the sale reported after all, once the shop has the order: a person has seen
// that the shop had not, and what it hasn't is not reported.
func (r *Record) RenewSale() {
	if p := r.Sale(); p != nil && p.State == OpenReport && p.Tries == 0 {
		p.Generation = thisGeneration
	}
}

// DoubtSale has the sale be of the record's own generation: the shop has handled the payment by
// itself, which may have been seen, and reported, before the ledger was lost.
func (r *Record) DoubtSale() {
	if p := r.Sale(); p != nil && p.State == OpenReport {
		p.Generation = r.Generation
	}
}

// DropReport removes a report that has ended.
func (r *Record) DropReport(to string, kind ReportKind) {
	r.Reports = slices.DeleteFunc(r.Reports, func(p Report) bool { return p.To == to && p.Kind == kind })
	if len(r.Reports) == 0 {
		r.Reports = nil
	}
}

// Sell opens the report of the sale to the network of the record's track. The report waits
// for the delivery.
func (r *Record) Sell(now time.Time) {
	if r.Track.ID != "" && r.Track.Affiliate != "" && r.Sale() == nil {
		r.AddReport(Report{To: r.Track.Affiliate, Kind: ReportSale, Since: now})
	}
}

// StartReport records a try before a byte is sent, so that two workers never make the same
// one. retry is when it is tried again if nothing is heard of it.
func (r *Record) StartReport(p *Report, retry time.Time) {
	p.Tries++
	p.Unanswered++
	p.Next = retry
}

// EndReport records how a try ended. retry is when to try again if the answer decides
// nothing; zero gives up. A message that a webhook accepted remains only in the history,
// because a record keeps only reports that are still to be sent.
func (r *Record) EndReport(p *Report, a ReportAnswer, now, retry time.Time) {
	if a.Unsent || a.Outcome != ReportRetry {
		p.Unanswered--
	}
	if a.Outcome == ReportHeld {
		p.Tries--
		if p.Next = retry; !retry.IsZero() {
			return
		}
	}
	p.Last, p.Next, r.UpdatedAt = cut(a.Code, maxBy), time.Time{}, now
	switch a.Outcome {
	case ReportAccepted:
		p.State, p.SentAt, p.Remembered = SentReport, now, cut(a.Remember, MaxRemembered)
		entry := Entry{At: now, Kind: EntryReported, By: r.toOther(p)}
		switch p.Kind {
		case ReportSale:
		case ReportCancel:
			entry.Kind = EntryCancelled
		default:
			entry.Kind, entry.Code = EntryTold, string(p.Kind)
			r.DropReport(p.To, p.Kind)
		}
		r.note(entry)
		return
	case ReportRejected:
		p.State = RejectedReport
		if p.Unanswered > 0 {
			p.State = PerhapsReport
		}
	case ReportGone, ReportHeld:
		p.State = ParkedReport
	case ReportUnauthorized:
		p.Next = retry
		return
	case ReportRetry:
		if p.Next = retry; !retry.IsZero() {
			return
		}
		p.State = ParkedReport
	}
	r.note(Entry{At: now, Kind: EntryUnreported, Code: p.Last, By: r.toOther(p), Text: string(p.Kind)})
}

// ParkReport gives up a report without trying it.
func (r *Record) ParkReport(p *Report, why string, now time.Time) {
	p.State, p.Last, p.Next, r.UpdatedAt = ParkedReport, cut(why, maxBy), time.Time{}, now
	r.note(Entry{At: now, Kind: EntryUnreported, Code: p.Last, By: r.toOther(p), Text: string(p.Kind)})
}

// toOther returns the receiver of a report where it is not the track's network.
func (r *Record) toOther(p *Report) string {
	if p.Kind.Conversion() && p.To == r.Track.Affiliate {
		return ""
	}
	return p.To
}

// ReopenReport has a report tried again that ended without being accepted.
func (r *Record) ReopenReport(p *Report, n Note, now time.Time) {
	p.State, p.Since, p.Next, p.Tries = OpenReport, now, now, 0
	if p.Kind.Conversion() {
		p.Generation = thisGeneration
	}
	r.note(Entry{At: now, Kind: EntryReopened, Code: string(p.Kind), By: n.By, Text: n.Text})
}

// Told reports whether the history says that a webhook has taken a message.
func (r *Record) Told(to string, kind ReportKind) bool {
	return slices.ContainsFunc(r.History, func(e Entry) bool {
		return e.Kind == EntryTold && e.By == to && e.Code == string(kind)
	})
}

// Retell opens a message anew that a webhook has taken.
func (r *Record) Retell(to string, kind ReportKind, n Note, now time.Time) {
	r.AddReport(Report{To: to, Kind: kind, Since: now, Next: now})
	r.note(Entry{At: now, Kind: EntryReopened, Code: string(kind), By: n.By, Text: n.Text})
}

// underWay is how long a cancellation waits for the answer to the report that it cancels: the
// answer may tell the id that the cancellation names.
const underWay = time.Minute

// Withdraw ends the report of a sale whose money went back before the network was told. If
// the network was told, or may have been, and accepts cancellations, it opens the report
// of the cancellation.
func (r *Record) Withdraw(cancels bool, now time.Time) {
	p := r.Sale()
	if p == nil {
		return
	}
	next := now
	if p.State == OpenReport && p.Unanswered > 0 {
		next = now.Add(underWay)
	}
	heard := p.State == SentReport || p.State == PerhapsReport || p.Unanswered > 0
	if p.State == OpenReport {
		p.State, p.Next = WithdrawnReport, time.Time{}
	}
	if to := p.To; heard && cancels {
		r.AddReport(Report{To: to, Kind: ReportCancel, Since: now, Next: next})
	}
}

// PaidAt is when the payment was made, as far as is known.
func (r *Record) PaidAt() time.Time {
	if rc := r.Receipt; rc != nil {
		switch {
		case !rc.PaidAt.IsZero():
			return rc.PaidAt
		case !rc.VerifiedAt.IsZero():
			return rc.VerifiedAt
		}
	}
	return r.Attempts.Last // the answer that settled it is at most some seconds younger
}

// SaleOf returns what the receiver of a report is told.
func (r *Record) SaleOf(p Report) Sale {
	s := Sale{
		EventID: r.eventID(p), Try: p.Tries, Kind: p.Kind, At: p.Since, Track: r.Track,
		Ref: r.Ref, Site: r.Site, Provider: r.Provider, ID: r.ID, Order: r.Order, Item: r.Expect.Item,
		State: r.State, Reason: r.Reason, Amount: r.HandedAmount(), PaidAt: r.PaidAt(), Environment: r.Environment,
		Remembered: p.Remembered, Record: r,
	}
	if sale := r.Sale(); sale != nil && s.Remembered == "" {
		s.Remembered = sale.Remembered
	}
	return s
}

// eventID names a report. That of the sale is derived from issuer and id, so that
// making it again after any crash gives the same one.
func (r *Record) eventID(p Report) string {
	text := "payment.verified\n" + r.Issuer + "\n" + r.ID
	if p.Kind != ReportSale {
		text += "\n" + string(r.Ref) + "\n" + string(p.Kind) + "\n" + strconv.FormatInt(p.Since.UnixNano(), 10)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// News returns the kinds of messages that are caused by the change since the record was
// read or last committed. A payment that is declined once more causes none.
func (r *Record) News() []ReportKind {
	was := r.was
	if was == "" || was == r.State {
		return nil
	}
	switch r.State {
	case Verified:
		if !was.Captured() {
			return []ReportKind{TellVerified}
		}
	case Delivered:
		return []ReportKind{TellDelivered}
	case Declined:
		switch {
		case r.Owed():
			return []ReportKind{TellOwed}
		case r.Dismissed(), r.Expect.Source != FromNone && r.Attempts.Claimed && r.Attempts.Refused == 1:
			return []ReportKind{TellDeclined}
		}
	case Review:
		return []ReportKind{TellReview}
	case Parked:
		if r.Reason == ReasonShopRefused {
			return []ReportKind{TellShopRefused}
		}
		return []ReportKind{TellParked}
	case Reversed:
		return []ReportKind{TellReversed}
	}
	return nil
}

// Was returns the state before the first change since the record was read or last
// committed; "" if its state has not changed.
func (r *Record) Was() State { return r.was }

// Settle forgets the state before the change, which is about to be committed.
func (r *Record) Settle() { r.was = "" }
