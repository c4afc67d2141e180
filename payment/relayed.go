package payment

import "time"

// Relayed is what is remembered of a payment whose shop speaks to its provider
// through us. It is nil for all others.
//
// The invariant that its methods keep: "first" is told to one ask at a time, the
// telling is on record before its first byte, and once it was heard nobody hears
// it again but by a person's decision.
type Relayed struct {
	// Callback is the address that the create named for the customer's return,
	// absolute, as the shop wrote it; empty where no create was seen.
	Callback string `json:"cb,omitempty"`
	// Number is the amount as the create had it, counted in Unit; 0 where it named
	// none that can be read.
	Number int64 `json:"n,omitempty"`
	Unit   Unit  `json:"un,omitempty"`

	// Told is the telling of "first" that is under way, or that was heard.
	Told Telling `json:"t,omitzero"`
	// HeardAt is when "first" was heard; zero before.
	HeardAt time.Time `json:"h,omitzero"`
	// Asked is how often the shop asked for the payment to be verified.
	Asked int `json:"a,omitempty"`

	// Kept is the provider's first answer, sealed, until it was heard or for
	// [RelayKept]. It never leaves the ledger: neither JSON nor an archive has it.
	Kept   []byte    `json:"-"`
	KeptAt time.Time `json:"-"`

	// Page is what is known of the page by which the shop answers the customer's
	// return: see [Record.OpenPage].
	Page ShopPage `json:"pg,omitempty"`
	// PageAt is when that return came, and PageBy the node that waits for the answer.
	PageAt time.Time `json:"pa,omitzero"`
	PageBy string    `json:"pb,omitempty"`
	// Mixed: while a page was open some ask heard "again", or another return reached
	// the shop. Whether a page is of the ask that heard "first" can't be told from then
	// on, so none proves anything.
	Mixed bool `json:"mx,omitempty"`
	// ReplayedAt is when the worker made the shop's own return; it is made once.
	ReplayedAt time.Time `json:"rp,omitzero"`
	// GivingBack is when the shop asked for the money to be sent back; from then on it
	// excludes a replay, and a hand-over that no person decided.
	GivingBack time.Time `json:"gb,omitzero"`
}

// wantedBack: the shop asked for the money to be sent back, and nobody knows that it
// wasn't.
func (l *Relayed) wantedBack() bool { return l != nil && !l.GivingBack.IsZero() }

// ShopPage is where the shop's answer to a customer's return stands.
type ShopPage string

// The pages. Only one that is open, or that ended while "first" was being told, says
// something about the payment.
const (
	PageNone    ShopPage = ""
	PageOpen    ShopPage = "open"
	PageGood    ShopPage = "good"    // a 2xx or 3xx that the site doesn't call a refusal
	PageRefused ShopPage = "refused" // what the site calls a refusal
	PageBad     ShopPage = "bad"     // anything else, or no answer at all
)

// RelayKept is how long a provider's answer is kept that nobody has heard.
const RelayKept = 7 * 24 * time.Hour

// Telling is one try to tell the shop "first". Epoch grows with each.
type Telling struct {
	Epoch uint64    `json:"e,omitempty"`
	By    string    `json:"b,omitempty"`
	At    time.Time `json:"t,omitzero"`
}

// Open reports whether a telling is under way whose end isn't on record.
func (r *Relayed) Open() bool { return !r.Told.At.IsZero() && r.HeardAt.IsZero() }

// Heard reports whether the shop has heard "first".
func (r *Relayed) Heard() bool { return r != nil && !r.HeardAt.IsZero() }

// SameAmount compares the amount of a verify with that of its create, as numbers.
// It is true where there is nothing to compare: the provider compares then.
func (r *Relayed) SameAmount(a RelayAsk) bool {
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

// clone returns a deep copy.
func (r *Relayed) clone() *Relayed {
	if r == nil {
		return nil
	}
	c := *r
	c.Kept = append([]byte(nil), r.Kept...)
	return &c
}
