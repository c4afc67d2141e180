package payment

import "time"

// Relayed is what a record remembers if the shop calls the provider through us. It is nil
// for all other payments.
//
// Invariant: "first" (verified by this call) is told to one ask at a time. The telling is
// on record before its first byte. After it was heard, nobody hears it again unless a
// person decides so.
type Relayed struct {
	// Callback is the absolute address that the create named for the customer's return, as
	// the shop wrote it; empty if no create was seen.
	Callback string `json:"cb,omitempty"`
	// Number is the amount as the create had it, counted in Unit; 0 if it had none that
	// can be read.
	Number int64 `json:"n,omitempty"`
	Unit   Unit  `json:"un,omitempty"`
	// Unnamed: the create named no order. The record's order, if one is known, was named
	// later, and the provider has never heard of it.
	Unnamed bool `json:"no,omitempty"`
	// Through names the address of our relay to which the shop's call came that began the
	// record; empty if nobody knows. It tells addresses apart and gives none away.
	Through string `json:"th,omitempty"`

	// Told is the telling of "first" that is in progress, or that was heard.
	Told Telling `json:"t,omitzero"`
	// HeardAt is when "first" was heard; zero before. Without a Told the shop only may have
	// heard.
	HeardAt time.Time `json:"h,omitzero"`
	// Asked is how often the shop asked for the payment to be verified.
	Asked int `json:"a,omitempty"`

	// Kept is the provider's first answer, encrypted. It is kept until it was heard, at
	// most for [RelayKept]. It never leaves the ledger: neither JSON nor an archive
	// contains it.
	Kept   []byte    `json:"-"`
	KeptAt time.Time `json:"-"`

	// Page is what is known of the shop's answer to the customer's return: see
	// [Record.OpenPage].
	Page ShopPage `json:"pg,omitempty"`
	// PageAt is when that return came. PageBy is the node that waits for the answer.
	PageAt time.Time `json:"pa,omitzero"`
	PageBy string    `json:"pb,omitempty"`
	// Mixed: while a page was open, another return reached the shop, or somebody beside the
	// page heard "again". From then on nobody can tell to which ask a page belongs, so no
	// page proves anything.
	Mixed bool `json:"mx,omitempty"`
	// AgainBy is the asker that heard "again" while the page was open, and that may be the
	// page's own plugin.
	AgainBy string `json:"ab,omitempty"`
	// ReplayedAt is when the worker repeated the customer's return. It is zero again after a
	// return that the shop was not well enough to handle: see Misses.
	ReplayedAt time.Time `json:"rp,omitzero"`
	// Misses is how many repeated returns the shop was not well enough to handle.
	Misses int `json:"rm,omitempty"`
	// GivingBack is when the shop asked for the money to be sent back, unless that was
	// certainly refused. From then on the worker repeats no return, and delivers only if a
	// person decides so.
	GivingBack time.Time `json:"gb,omitzero"`
	// BackEarly: what is settled now was settled after GivingBack, so its money isn't back.
	BackEarly bool `json:"ge,omitempty"`
	// Back is whose the shop's call at GivingBack is while it is under way.
	Back Lease `json:"gl,omitzero"`
}

// wantedBack: the shop asked for the money to be sent back, and it may have been.
func (r *Relayed) wantedBack() bool {
	return r != nil && !r.GivingBack.IsZero() && (!r.BackEarly || r.Back != Lease{})
}

// ShopPage is the shop's answer to a customer's return.
type ShopPage string

// The pages. Only a page that is open, or that ended while "first" was being told, says
// something about the payment.
const (
	PageNone    ShopPage = ""
	PageOpen    ShopPage = "open"
	PageGood    ShopPage = "good"    // a 2xx or 3xx that is no refusal by the site's options
	PageRefused ShopPage = "refused" // a refusal by the site's options
	PageBad     ShopPage = "bad"     // anything else, or no answer at all
)

// RelayKept is how long a provider's answer is kept that the shop has not heard.
const RelayKept = 7 * 24 * time.Hour

// Telling is one attempt to tell the shop "first". Epoch grows with each attempt.
type Telling struct {
	Epoch uint64    `json:"e,omitempty"`
	By    string    `json:"b,omitempty"`
	At    time.Time `json:"t,omitzero"`
	// Asker is who is told.
	Asker Asker `json:"a,omitzero"`
}

// Asker is what is known of the program whose call asks for a payment to be verified. Two calls
// of one page have the same name; calls with different names come from different programs.
type Asker struct {
	// Name is made from the caller's address and what it calls itself; empty if nobody
	// knows.
	Name string `json:"n,omitempty"`
	// Came is when its call came.
	Came time.Time `json:"c,omitzero"`
}

// within: the call may come from the page of a return that came at the given moment.
func (a Asker) within(page time.Time) bool {
	return a.Name != "" && !page.IsZero() && !a.Came.Before(page)
}

// Open reports whether a telling has begun whose end isn't on record.
func (r *Relayed) Open() bool { return !r.Told.At.IsZero() && r.HeardAt.IsZero() }

// Heard reports whether the shop has heard "first", or may have.
func (r *Relayed) Heard() bool { return r != nil && !r.HeardAt.IsZero() }

// CertainlyHeard reports whether somebody knows that the shop has heard "first".
func (r *Relayed) CertainlyHeard() bool { return r.Heard() && !r.Told.At.IsZero() }

// OrderKnown reports whether the record's order is one. A relayed payment whose create named
// none, or wasn't seen, has the provider's id in its place: nothing may be compared with that,
// and it takes no order's key.
func (r *Record) OrderKnown() bool { return r.Order != "" && (r.Relay == nil || r.Order != r.ID) }

// unnamed: the shop asks over the relay, and nobody has named its order yet. Of any other record
// without an order, no receipt says which it pays.
func (r *Record) unnamed() bool { return r.Relay != nil && !r.OrderKnown() }

// CreatedOrder is the order that the provider knows the payment by; empty if it knows none.
func (r *Record) CreatedOrder() string {
	if !r.OrderKnown() || r.Relay != nil && r.Relay.Unnamed {
		return ""
	}
	return r.Order
}

// NameOrder gives a relayed payment whose order isn't known its order, once. The provider's
// answer names one that its create named; an announcement names one of which the provider
// knows nothing. Whoever commits it takes the order's key if the payment must hold one.
func (r *Record) NameOrder(order string, byProvider bool) bool {
	if r.OrderKnown() || r.Relay == nil || CheckOrder(order) != nil {
		return false
	}
	r.Order, r.Relay.Unnamed = order, !byProvider
	return true
}

// SameAmount compares the amount of a verify with that of its create, as numbers. If there
// is nothing to compare it returns true, and the provider compares. What is no amount is no
// payment's.
func (r *Relayed) SameAmount(a RelayAsk) bool {
	if a.Number < 0 {
		return false
	}
	if r == nil || r.Number == 0 || a.Number == 0 || a.Unread {
		return true
	}
	if a.Unit == 0 || a.Unit == r.Unit {
		return a.Number == r.Number
	}
	mine, err := r.Unit.Rials(r.Number)
	theirs, err2 := a.Unit.Rials(a.Number)
	return err == nil && err2 == nil && mine == theirs
}

// AskedAmount reports whether a verify may be about the record's amount: that of its create
// or, where no create was seen and the payment is settled, its price or what was paid, in any
// unit that the call may mean.
func (r *Record) AskedAmount(a RelayAsk) bool {
	rc := r.Receipt
	switch {
	case !r.Relay.SameAmount(a):
		return false
	case a.Number == 0 || a.Unread || rc == nil || r.Relay != nil && r.Relay.Number != 0:
		return true
	}
	units := []Unit{a.Unit}
	if a.Unit == 0 {
		units = []Unit{Rial, Toman}
	}
	known := false
	for _, amount := range []Rials{r.Expect.Amount, rc.Amount, rc.Paid} {
		for _, u := range units {
			asked, err := u.Rials(a.Number)
			if amount > 0 && err == nil && asked == amount {
				return true
			}
		}
		known = known || amount > 0
	}
	return !known
}

// clone returns a deep copy.
func (r *Relayed) clone() *Relayed {
	c := copied(r)
	if c != nil {
		c.Kept = append([]byte(nil), r.Kept...)
	}
	return c
}
