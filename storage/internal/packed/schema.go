package packed

import "github.com/rahgir/caddy-payments/payment"

// The numbers of the fields never change: a number is never given another meaning,
// and a field is never given another number. New fields get new ones. If you add a
// field that an older version must not lose, raise Format.

func walkRecord(w *wire, r *payment.Record) {
	stamp(w, 1, &r.CreatedAt)
	if !r.CreatedAt.IsZero() {
		w.base = r.CreatedAt
	}
	uints(w, 2, &r.Version)
	text(w, 3, &r.Site)
	text(w, 4, &r.Route)
	text(w, 5, &r.Provider)
	text(w, 6, &r.Issuer)
	text(w, 7, &r.Environment)
	text(w, 8, &r.ID)
	text(w, 9, &r.Order)
	text(w, 10, &r.State)
	text(w, 11, &r.Reason)
	text(w, 12, &r.Code)
	nested(w, 13, false, func(w *wire) { walkExpectation(w, &r.Expect) })
	uints(w, 14, &r.Generation)
	nested(w, 15, false, func(w *wire) { walkAttempts(w, &r.Attempts) })
	nested(w, 16, false, func(w *wire) { walkLease(w, &r.Lease) })
	stamp(w, 17, &r.Due)
	pointer(w, 18, &r.Receipt, func(w *wire, rc *payment.Receipt) { walkReceipt(w, rc, r) })
	pointer(w, 19, &r.Return, walkReturn)
	nested(w, 20, false, func(w *wire) { walkDelivery(w, &r.Delivery) })
	list(w, 22, &r.Devices, walkDevice)
	stamp(w, 24, &r.UpdatedAt)
	text(w, 25, &r.Proof)
	ints(w, 26, &r.Serial)
	pointer(w, 30, &r.Relay, walkRelayed)
	list(w, 31, &r.Refunds, walkRefund)
	pointer(w, 35, &r.Observed, walkObserved)
	walkOutbox(w, r)
	walkHistory(w, r)
	uints(w, 34, &r.Counted)
	nested(w, 37, false, func(w *wire) { walkBuyer(w, &r.Buyer) })
}

// Fields of a record. Format 1 wrote 21 and 23; both stay unused.
const (
	fieldOutbox  = 32
	fieldHistory = 33
)

func walkExpectation(w *wire, e *payment.Expectation) {
	ints(w, 1, &e.Amount)
	text(w, 2, &e.Source)
	text(w, 3, &e.Item)
	text(w, 4, &e.Title)
	flag(w, 5, &e.Checkout)
	flag(w, 6, &e.Unconsumed)
	flag(w, 7, &e.Late)
	flag(w, 8, &e.Unbound)
	ints(w, 9, &e.Quantity)
}

func walkBuyer(w *wire, b *payment.Buyer) {
	text(w, 1, &b.Name)
	text(w, 2, &b.Mobile)
	text(w, 3, &b.Email)
}

func walkAttempts(w *wire, a *payment.Attempts) {
	ints(w, 1, &a.Count)
	stamp(w, 2, &a.First)
	stamp(w, 3, &a.Last)
	flag(w, 4, &a.Open)
	ints(w, 5, &a.Unknown)
	ints(w, 6, &a.Refused)
	stamp(w, 7, &a.Awaiting)
	ints(w, 8, &a.Unasked)
	flag(w, 9, &a.Claimed)
}

func walkLease(w *wire, l *payment.Lease) {
	text(w, 1, &l.Owner)
	uints(w, 2, &l.Epoch)
	stamp(w, 3, &l.Until)
}

// A receipt that is in order repeats what was expected. The bits say what is
// equal and thus not written again.
const (
	sameID = 1 << iota
	sameOrder
	sameAmount
	samePaid
)

func walkReceipt(w *wire, r *payment.Receipt, rec *payment.Record) {
	var same uint32
	if !w.decoding {
		same = equal(r.ID, rec.ID, sameID) | equal(r.Order, rec.Order, sameOrder) |
			equal(r.Amount, rec.Expect.Amount, sameAmount) | equal(r.Paid, rec.Expect.Amount, samePaid)
	}
	uints(w, 13, &same)
	either(same&sameID != 0, &r.ID, rec.ID, func() { text(w, 1, &r.ID) })
	either(same&sameOrder != 0, &r.Order, rec.Order, func() { text(w, 2, &r.Order) })
	either(same&sameAmount != 0, &r.Amount, rec.Expect.Amount, func() { ints(w, 3, &r.Amount) })
	either(same&samePaid != 0, &r.Paid, rec.Expect.Amount, func() { ints(w, 4, &r.Paid) })
	ints(w, 5, &r.Fee)
	text(w, 6, &r.FeePayer)
	text(w, 7, &r.Number)
	text(w, 8, &r.Reference)
	text(w, 9, &r.Card)
	stamp(w, 10, &r.PaidAt)
	stamp(w, 11, &r.VerifiedAt)
	flag(w, 12, &r.Again)
}

func equal[T comparable](a, b T, bit uint32) uint32 {
	var zero T
	if a == b && a != zero {
		return bit
	}
	return 0
}

func either[T any](same bool, p *T, other T, walk func()) {
	if same {
		*p = other
	} else {
		walk()
	}
}

func walkReturn(w *wire, r *payment.Return) {
	text(w, 1, &r.Method)
	flag(w, 2, &r.Secure)
	text(w, 3, &r.Host)
	text(w, 4, &r.URI)
	text(w, 5, &r.Type)
	blob(w, 6, &r.Body)
	stamp(w, 7, &r.Arrived)
	flag(w, 8, &r.Machine)
	text(w, 9, &r.Known)
	pointer(w, 10, &r.By, walkVisitor)
}

func walkVisitor(w *wire, v *payment.Visitor) {
	text(w, 1, &v.Peer)
	flag(w, 2, &v.TLS)
	text(w, 3, &v.For)
	text(w, 4, &v.Proto)
	text(w, 5, &v.Host)
	text(w, 6, &v.Agent)
	text(w, 7, &v.Languages)
}

func walkDelivery(w *wire, d *payment.Delivery) {
	ints(w, 1, &d.Count)
	text(w, 2, &d.Via)
	stamp(w, 3, &d.First)
	stamp(w, 4, &d.Last)
	ints(w, 5, &d.Status)
	text(w, 6, &d.Location)
	text(w, 7, &d.Browser)
}

func walkTrack(w *wire, t *payment.Track) {
	text(w, 1, &t.ID)
	text(w, 2, &t.Affiliate)
	text(w, 3, &t.Landing)
	stamp(w, 4, &t.At)
}

func walkDevice(w *wire, d *payment.Device) {
	text(w, 1, &d.Hash)
	stamp(w, 2, &d.At)
}

func walkRefund(w *wire, f *payment.Refund) {
	text(w, 1, &f.Kind)
	text(w, 2, &f.State)
	ints(w, 3, &f.Amount)
	text(w, 4, &f.Key)
	text(w, 5, &f.By)
	text(w, 6, &f.Note)
	text(w, 7, &f.Code)
	text(w, 8, &f.Number)
	stamp(w, 9, &f.Began)
	stamp(w, 10, &f.Ended)
	text(w, 11, &f.SettledBy)
	text(w, 12, &f.Settled)
	stamp(w, 13, &f.Wished)
}

func walkRelayed(w *wire, r *payment.Relayed) {
	text(w, 1, &r.Callback)
	ints(w, 2, &r.Number)
	ints(w, 3, &r.Unit)
	nested(w, 4, false, func(w *wire) { walkTelling(w, &r.Told) })
	stamp(w, 5, &r.HeardAt)
	ints(w, 6, &r.Asked)
	blob(w, 7, &r.Kept)
	stamp(w, 8, &r.KeptAt)
	text(w, 13, &r.Page)
	flag(w, 14, &r.Mixed)
	stamp(w, 9, &r.PageAt)
	text(w, 10, &r.PageBy)
	stamp(w, 11, &r.ReplayedAt)
	stamp(w, 12, &r.GivingBack)
	flag(w, 15, &r.BackEarly)
	flag(w, 16, &r.Unnamed)
	nested(w, 17, false, func(w *wire) { walkLease(w, &r.Back) })
	text(w, 20, &r.AgainBy)
	ints(w, 21, &r.Misses)
	text(w, 22, &r.Through)
}

func walkObserved(w *wire, o *payment.Observed) {
	stamp(w, 1, &o.At)
	text(w, 2, &o.Page)
	ints(w, 3, &o.Asks)
	stamp(w, 4, &o.ReplayedAt)
	ints(w, 5, &o.Misses)
}

func walkTelling(w *wire, t *payment.Telling) {
	uints(w, 1, &t.Epoch)
	text(w, 2, &t.By)
	stamp(w, 3, &t.At)
	text(w, 4, &t.Asker.Name)
	stamp(w, 5, &t.Asker.Came)
}
