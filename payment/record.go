package payment

import "time"

// Record is the one durable record of a payment, its own work item and its own
// outbox: what is to be delivered and reported is committed with the state
// that caused it. Times are UTC. Field names in JSON are short because the
// record is written three times per payment.
type Record struct {
	// Ref names the record; Version counts its commits and is what a commit
	// compares. Version 0 has never been written.
	Ref     Ref    `json:"r"`
	Version uint64 `json:"v"`
	// Mark is the store's own, which callers leave as they got it: it tells this
	// version from another of the same number, where a lazy change that somebody
	// still holds can be lost and its number given out again. A commit compares
	// it, too; 0, which is what a store gives that needs none, compares nothing.
	Mark int64 `json:"-"`

	// Site and Route are the site and the verify route that the payment
	// belongs to; Provider is the name in the configuration, Issuer who gave
	// out the id: protocol, account and environment.
	Site     string `json:"s,omitempty"`
	Route    string `json:"rt,omitempty"`
	Provider string `json:"p"`
	Issuer   string `json:"i"`
	// Environment is "live" or "sandbox".
	Environment string `json:"env,omitempty"`
	// ID is the provider's id (id, authority, invoice_key); Order is the
	// shop's, as claimed or known.
	ID    string `json:"id"`
	Order string `json:"o,omitempty"`
	// Proof is what the return brought that verify must be told, and Serial the
	// integer that the order was given at the provider; see [Claimed] and [Order].
	Proof  string `json:"pf,omitempty"`
	Serial int64  `json:"sn,omitempty"`

	State  State  `json:"st"`
	Reason Reason `json:"why,omitempty"`
	// Code is the provider's last code, for people.
	Code string `json:"c,omitempty"`

	// Expect is what must have been paid. It is written with the first marker
	// and not weakened afterwards.
	Expect Expectation `json:"x,omitzero"`
	// Generation is the number of the ledger generation that created the
	// record; once it is verified, of the one that verified it.
	Generation uint32 `json:"g,omitempty"`

	Attempts Attempts `json:"a,omitzero"`
	Lease    Lease    `json:"l,omitzero"`
	// Due is when the worker must look at the record next for its state's sake; zero
	// is never. Reports have due times of their own: see [Record.Earliest].
	Due time.Time `json:"d,omitzero"`

	Receipt  *Receipt `json:"rc,omitempty"`
	Return   *Return  `json:"rq,omitempty"`
	Delivery Delivery `json:"dl,omitzero"`
	// Track is the visit that the payment began with, and Reports what is told of
	// the payment, and to whom.
	Track   Track    `json:"tr,omitzero"`
	Reports []Report `json:"rp,omitempty"`
	// Devices are the browsers that opened paid content, for `require`.
	Devices []Device `json:"dv,omitempty"`
	// History is what happened to the payment, oldest first. It is only appended to.
	History []Entry `json:"h,omitempty"`
	// Refunds are the attempts to give money back, oldest first.
	Refunds []Refund `json:"rf,omitempty"`
	// Buyer is what the buyer wrote on our checkout's page.
	Buyer Buyer `json:"by,omitzero"`
	// Relay is set where the shop's own calls to the provider pass through us.
	Relay *Relayed `json:"rl,omitempty"`
	// Observed is set where the shop verifies by itself, beside us.
	Observed *Observed `json:"ob,omitempty"`

	CreatedAt time.Time `json:"t0"`
	UpdatedAt time.Time `json:"t1"`

	// Counted are the outcomes that the metrics have counted.
	Counted Counted `json:"k,omitempty"`
	// was is the state before the changes that are not committed yet.
	was State
}

// Source says how order and amount of a payment are known, strongest first.
type Source string

// The sources.
const (
	// FromIntent: our checkout made the payment or the shop announced it.
	FromIntent Source = "intent"
	// FromLookup: the shop was asked.
	FromLookup Source = "lookup"
	// FromSigned: the shop's signature on the return URL.
	FromSigned Source = "signed"
	// FromNone: nobody said; only the provider's own answer names the order.
	FromNone Source = "none"
)

// Expectation is what must have been paid, and how that is known.
type Expectation struct {
	// Amount in rials; zero only with FromNone.
	Amount Rials  `json:"a,omitempty"`
	Source Source `json:"s,omitempty"`
	// Item and Title are of our checkout.
	Item  string `json:"i,omitempty"`
	Title string `json:"t,omitempty"`
	// Quantity is how many of the item the amount is for; 0 stands for one.
	Quantity int `json:"q,omitempty"`
	// Checkout is whether our own checkout made the payment.
	Checkout bool `json:"c,omitempty"`
	// Unconsumed: the shop's lookup named this very id with "paid": false.
	Unconsumed bool `json:"u,omitempty"`
	// Late: an intact signature whose price had expired on arrival.
	Late bool `json:"l,omitempty"`
	// Unbound: a parameter of the shop's own named another order.
	Unbound bool `json:"b,omitempty"`
}

// Known reports whether anything is expected at all. Nothing is verified
// before it is.
func (e Expectation) Known() bool { return e.Source != "" }

// Attempts is the history of asking the provider that rule 4 needs.
type Attempts struct {
	// Count is how many claims were made; First and Last when.
	Count int       `json:"n,omitempty"`
	First time.Time `json:"f,omitzero"`
	Last  time.Time `json:"l,omitzero"`
	// Open is whether the last claim has no outcome on record yet. A claim that
	// finds it set counts the older attempt as unknown.
	Open bool `json:"o,omitempty"`
	// Unknown is how many attempts may have reached the provider and have no
	// outcome.
	Unknown int `json:"u,omitempty"`
	// Refused is how many ended in a "no".
	Refused int `json:"r,omitempty"`
	// Awaiting is when an inquiry, asked before the first verify, said "paid,
	// waiting for verification".
	Awaiting time.Time `json:"w,omitzero"`
	// Unasked is how often the worker asked without any return.
	Unasked int `json:"q,omitempty"`
	// Claimed is whether a return ever claimed paid.
	Claimed bool `json:"c,omitempty"`
}

// Lease is the right of one owner to work on a record for a while. Epoch grows
// with every take-over (fencing): a commit by an old owner fails because the
// version moved on.
type Lease struct {
	Owner string    `json:"o,omitempty"`
	Epoch uint64    `json:"e,omitempty"`
	Until time.Time `json:"u,omitzero"`
}

// Return is the request that brought the customer back, kept until the payment
// is delivered so that the worker can hand it over without a browser. It is
// cleaned: the provider's parameters carry verified values when it is used.
type Return struct {
	Method string `json:"m,omitempty"`
	// Secure is whether the browser's view was https.
	Secure bool   `json:"s,omitempty"`
	Host   string `json:"h,omitempty"`
	// URI is path and raw query as the browser sent them. It is empty where the
	// return was larger than what is kept of an unpaid one: then it can't be handed
	// over without its browser.
	URI  string `json:"u,omitempty"`
	Type string `json:"t,omitempty"`
	Body []byte `json:"b,omitempty"`
	// Arrived is when; zero for an address that we know but nobody came to yet
	// (checkout, announced).
	Arrived time.Time `json:"a,omitzero"`
	// Machine marks a return that no browser made.
	Machine bool `json:"x,omitempty"`
	// Known is the address that was known before, of one that has arrived: see
	// [Return.Address].
	Known string `json:"k,omitempty"`
	// By is who brought it.
	By *Visitor `json:"w,omitempty"`
}

// Size is how many bytes of whoever brought a return are kept with it.
func (r Return) Size() int { return len(r.URI) + len(r.Body) + len(r.Host) + len(r.Type) }

// Via says who hands a payment over.
type Via string

// The ways of handing over.
const (
	ViaBrowser Via = "browser"
	ViaWorker  Via = "worker"
	// ViaRelay: the answer to the shop's own verify.
	ViaRelay Via = "relay"
	// ViaObserved: the shop verified it by itself, and we were told so.
	ViaObserved Via = "observed"
)

// Delivery is the history of telling the shop.
type Delivery struct {
	// Count is the number of the current attempt, from 1.
	Count int       `json:"n,omitempty"`
	Via   Via       `json:"v,omitempty"`
	First time.Time `json:"f,omitzero"`
	Last  time.Time `json:"l,omitzero"`
	// Status and Location are the shop's answer to the delivery that was
	// acknowledged.
	Status   int    `json:"s,omitempty"`
	Location string `json:"w,omitempty"`
	// Browser is a hash of the browser's cookie at the first delivery, so that
	// only the same browser gets the same redirect again.
	Browser string `json:"b,omitempty"`
}

// Device is one browser that opened paid content.
type Device struct {
	Hash string    `json:"h"`
	At   time.Time `json:"t"`
}

// Clone is a deep copy: stores hand out clones, and the engine works on them.
func (r *Record) Clone() *Record {
	c := *r
	if r.Receipt != nil {
		v := *r.Receipt
		c.Receipt = &v
	}
	if r.Return != nil {
		v := *r.Return
		v.Body = append([]byte(nil), r.Return.Body...)
		if by := r.Return.By; by != nil {
			w := *by
			v.By = &w
		}
		c.Return = &v
	}
	c.Devices = append([]Device(nil), r.Devices...)
	c.Reports = append([]Report(nil), r.Reports...)
	c.History = append([]Entry(nil), r.History...)
	c.Refunds = append([]Refund(nil), r.Refunds...)
	c.Relay = r.Relay.clone()
	c.Observed = r.Observed.clone()
	return &c
}
