package payment

import (
	"fmt"
	"time"
)

// The steps of a relayed payment. The walk in the tests checks these invariants: "first" is
// sent only between a Tell that is on record and its Hear or Unhear. After Hear no Tell
// succeeds. A telling that was cut off is never repeated. A payment is delivered only if
// "first" was heard and the page of that same return, if there was one, is no refusal.

// Tellable reports whether an ask may hear "first" now: the payment is settled, nobody has
// heard it, nobody is being told, and the shop has not asked for the money to be sent
// back.
func (r *Record) Tellable() bool {
	l := r.Relay
	if l == nil || l.Heard() || l.Open() || r.BackPending() {
		return false
	}
	switch r.State {
	case Verified:
		return true
	case Delivering:
		return r.Delivery.Via != ViaRelay // a verify route hands it over, and its plugin asks meanwhile
	case Parked:
		return r.Reason != ReasonTold && r.Reason != ReasonOwnerDied
	case Review:
		// The provider settled it by the shop's own ask; only our books doubt it.
		// A receipt that has paid before is none.
		return r.Receipt != nil && !r.Receipt.Again && r.Reason != ReasonReceiptUsed
	}
	return false
}

// Tell begins to tell the shop "first". The commit must be durable before the first byte is
// sent. A payment in review stays there.
func (r *Record) Tell(asker Asker, now time.Time, lease Lease) error {
	if !r.Tellable() {
		return fmt.Errorf("%w: telling", ErrTransition)
	}
	l := r.Relay
	l.Asked++
	switch r.State {
	case Review:
		r.takeLease(lease)
		r.UpdatedAt = now
	case Delivering: // the lease is that of the hand-over, which knows its own end
		r.UpdatedAt = now
	default:
		if err := r.StartDelivery(ViaRelay, "", now, lease); err != nil {
			return err
		}
	}
	l.Told = Telling{Epoch: l.Told.Epoch + 1, By: lease.Owner, At: now, Asker: asker}
	return nil
}

// Hear ends the telling of an epoch: the shop received the whole answer. wait is until when
// the worker waits for the page of an open return.
func (r *Record) Hear(epoch uint64, now, wait time.Time) error {
	if !r.telling(epoch) {
		return fmt.Errorf("%w: heard", ErrTransition)
	}
	r.Relay.HeardAt, r.Relay.Kept, r.Relay.KeptAt = now, nil, time.Time{}
	r.UpdatedAt = now
	if !r.byRelay() {
		return nil
	}
	r.Lease.Until = time.Time{}
	if r.Relay.Page == PageOpen {
		r.Due = wait
		return nil
	}
	return r.judgePage(now)
}

// Unhear ends the telling of an epoch: certainly nobody received the whole answer. The next
// ask hears it. retry is when the worker looks again.
func (r *Record) Unhear(epoch uint64, now, retry time.Time) error {
	if !r.telling(epoch) {
		return fmt.Errorf("%w: unheard", ErrTransition)
	}
	r.Relay.Told.At, r.Relay.Told.By = time.Time{}, ""
	if r.byRelay() {
		return r.UndoDelivery(ReasonUnreachable, now, retry)
	}
	if r.UpdatedAt = now; r.State == Review {
		r.Lease.Until = time.Time{}
	}
	return nil
}

// byRelay: the telling is the delivery.
func (r *Record) byRelay() bool { return r.State == Delivering && r.Delivery.Via == ViaRelay }

func (r *Record) telling(epoch uint64) bool {
	return r.Relay != nil && r.Relay.Open() && r.Relay.Told.Epoch == epoch
}

// CutOff parks a payment whose telling was interrupted, because the shop may have heard it.
func (r *Record) CutOff(now time.Time) error {
	if r.Relay == nil || !r.Relay.Open() {
		return fmt.Errorf("%w: nothing is being told", ErrTransition)
	}
	if !r.byRelay() { // in review, say
		r.HeardBeside(false, "", now)
		return nil
	}
	return r.ParkDelivery(ReasonTold, now)
}

// HeardBeside notes what the shop has heard of a payment that can't be told just now. From
// now on nobody hears "first". If it only may have heard, Told stays empty.
func (r *Record) HeardBeside(certain bool, by string, at time.Time) {
	l := r.Relay
	l.HeardAt, l.Told.At, l.Told.By = at, time.Time{}, ""
	if certain {
		l.Told = Telling{Epoch: l.Told.Epoch + 1, By: by, At: at}
		l.Kept, l.KeptAt = nil, time.Time{}
	}
}

// HandHeard begins the delivery of a payment that was settled after the shop had heard
// "first", by whoever asked meanwhile. [Record.EndHeard] ends it.
func (r *Record) HandHeard(now time.Time, lease Lease) error {
	if !r.Relay.CertainlyHeard() {
		return fmt.Errorf("%w: nobody knows that it was heard", ErrTransition)
	}
	return r.StartDelivery(ViaRelay, "", now, lease)
}

// EndHeard ends what HandHeard began.
func (r *Record) EndHeard(now time.Time) error {
	if !r.byRelay() || !r.Relay.CertainlyHeard() {
		return fmt.Errorf("%w: nobody knows that it was heard", ErrTransition)
	}
	return r.judgePage(now)
}

// SaidAgain records that an ask heard "again". A plugin may ask twice in one page: the page
// stays proof as long as every such ask may be the page's own.
func (r *Record) SaidAgain(asker Asker) (news bool) {
	l := r.Relay
	switch {
	case l.Page != PageOpen || l.Mixed || l.AgainBy == asker.Name && asker.within(l.PageAt):
		return false
	case l.AgainBy == "" && asker.within(l.PageAt):
		l.AgainBy = asker.Name
	default:
		l.Mixed = true
	}
	return true
}

// Overlap records that another return of the payment reaches the shop while a page is open.
// From then on nobody can tell to which return a page belongs.
func (r *Record) Overlap() (news bool) {
	if r.Relay.Page != PageOpen || r.Relay.Mixed {
		return false
	}
	r.Relay.Mixed = true
	return true
}

// OpenPage records that the shop is answering a customer's return. It returns false if that
// can prove nothing any more, or if another page is open.
func (r *Record) OpenPage(by string, now time.Time) bool {
	if r.Relay == nil || r.Relay.Page == PageOpen || r.Relay.Heard() {
		return false
	}
	r.Relay.Page, r.Relay.PageAt, r.Relay.PageBy = PageOpen, now, by
	return true
}

// EndPage records how the shop answered the return that came at the given moment. said is
// PageGood, PageRefused or PageBad.
func (r *Record) EndPage(at time.Time, said ShopPage, now time.Time) error {
	l := r.Relay
	if l == nil || l.Page != PageOpen || !l.PageAt.Equal(at) {
		return fmt.Errorf("%w: another page", ErrTransition)
	}
	l.Page = said
	r.UpdatedAt = now
	switch {
	case r.byRelay() && l.Heard():
		return r.judgePage(now)
	case l.Open():
		// The end of the telling judges.
	case l.CertainlyHeard() && (r.State == Verified || !r.State.Captured()):
		// Whoever settles it judges.
	default:
		l.Page, l.PageAt, l.PageBy, l.AgainBy = PageNone, time.Time{}, "", ""
	}
	return nil
}

// judgePage ends a delivery that was heard, by what is known of the page.
func (r *Record) judgePage(now time.Time) error {
	l := r.Relay
	said, mixed := l.Page, l.Mixed
	if l.AgainBy != "" {
		// Where one program heard both within the page, "first" decides, and the page shows
		// that it credited. A page that shows something else may speak of the "again".
		mixed = mixed || said != PageGood || l.Told.Asker.Name != l.AgainBy || !l.Told.Asker.within(l.PageAt)
	}
	l.Page, l.PageAt, l.PageBy, l.AgainBy = PageNone, time.Time{}, "", ""
	switch {
	case mixed:
	case said == PageRefused:
		return r.ParkDelivery(ReasonShopRefused, now)
	case said == PageNone, said == PageGood:
		return r.Deliver(0, "", now)
	}
	return r.ParkDelivery(ReasonHeardNoAck, now)
}

// LosePage gives up the page of an open return, because its node has gone or it takes too
// long.
func (r *Record) LosePage(now time.Time) error {
	if r.Relay == nil || r.Relay.Page != PageOpen {
		return fmt.Errorf("%w: no page is open", ErrTransition)
	}
	return r.EndPage(r.Relay.PageAt, PageBad, now)
}

// Untell lets the next ask hear "first" again, because a person has seen that the shop did
// not credit the payment.
func (r *Record) Untell(now time.Time) error {
	if r.Relay == nil || r.State != Parked {
		return fmt.Errorf("%w: untelling", ErrTransition)
	}
	l := r.Relay
	l.AgainBy = ""
	if l.Page != PageOpen {
		l.Page = PageNone // how an earlier page ended says nothing of the next
	}
	l.Told.At, l.Told.By, l.HeardAt, l.ReplayedAt, l.Misses, l.Mixed = time.Time{}, "", time.Time{}, time.Time{}, 0, false
	r.Reason, r.UpdatedAt = "", now
	return nil
}

// AsksPlainly reports whether a call names the amount of the payment's create as documents
// write it. A provider that refuses any other call for its amount says nothing about the
// payment.
func (r *Record) AsksPlainly(a RelayAsk) bool {
	l := r.Relay
	return l != nil && l.Number > 0 && a.Number > 0 && !a.Unread && !a.Odd && l.SameAmount(a)
}

// Void ends an attempt whose call the provider refused for the amount in it. What is known of
// the payment is what was known before the claim. An earlier attempt that was open then counts
// as unknown. again is when the worker asks then.
func (r *Record) Void(before *Record, code string, now, again time.Time) error {
	t, due := Void, before.Due
	switch before.State {
	case Verifying:
		t, due = Silence, again
	case Unknown:
		t = Silence
	case Declined:
		t = Refuse
	case Expired:
		t = Lapse
	}
	if err := r.step(t, now); err != nil {
		return err
	}
	r.Attempts, r.Reason, r.Due, r.Observed, r.Expect = before.Attempts, before.Reason, due, before.Observed, before.Expect
	if before.State == Verifying {
		r.Reason = ReasonNoAnswer
	}
	if r.Attempts.Open {
		r.Attempts.Open = false
		r.Attempts.Unknown++
	}
	r.Relay.Asked, r.Relay.Number, r.Relay.Unit = 0, 0, 0
	if l := before.Relay; l != nil {
		r.Relay.Asked, r.Relay.Number, r.Relay.Unit = l.Asked, l.Number, l.Unit
	}
	r.Lease.Until = time.Time{}
	r.note(Entry{At: now, Kind: EntryVoid, Code: string(ReasonAmount), Text: code})
	return nil
}

// Undoubt takes a payment out of review that is there only because the provider refused an ask
// for its amount. Now it has settled the shop's ask. due is when the worker looks again.
func (r *Record) Undoubt(now, due time.Time) error {
	if r.Reason != ReasonAmount || r.Receipt == nil || r.Receipt.Again {
		return fmt.Errorf("%w: it is not held for the amount of an ask", ErrTransition)
	}
	if err := r.step(Accept, now); err != nil {
		return err
	}
	r.Reason, r.Due, r.Code, r.Attempts.Open = "", due, "", false
	r.Lease.Until = time.Time{}
	r.note(Entry{At: now, Kind: EntryConfirmed})
	return nil
}
