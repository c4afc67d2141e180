package payment

import (
	"strings"
	"time"
)

// Record is the durable record of a payment. It is also its own work item and outbox:
// what is to be delivered and reported is committed with the state that caused it. Times
// are UTC. The names in JSON are short because a record is written three times per
// payment.
type Record struct {
	// Ref names the record. Version counts its commits, and a commit compares it. A record
	// of version 0 was never written.
	Ref     Ref    `json:"r"`
	Version uint64 `json:"v"`
	// Mark belongs to the store; callers leave it unchanged. After a lazy change was lost,
	// another change gets the same version number, and the mark tells the two apart. A
	// commit compares it as well. 0 compares nothing; stores that need no mark use it.
	Mark int64 `json:"-"`

	// Site and Route are the site and the verify route to which the payment belongs.
	// Provider is the name in the configuration. Issuer is who gave out the id: protocol,
	// account and environment.
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
	// Proof is what verify must be told from the return, and Serial the order's integer at
	// the provider; see [Claimed] and [Order].
	Proof  string `json:"pf,omitempty"`
	Serial int64  `json:"sn,omitempty"`

	State  State  `json:"st"`
	Reason Reason `json:"why,omitempty"`
	// Code is the provider's last code, for people.
	Code string `json:"c,omitempty"`

	// Expect is what must have been paid. It is written with the first marker and never
	// weakened afterwards.
	Expect Expectation `json:"x,omitzero"`
	// Generation is the number of the ledger generation in which the record was created
	// or, once it is verified, in which it was verified.
	Generation uint32 `json:"g,omitempty"`

	Attempts Attempts `json:"a,omitzero"`
	Lease    Lease    `json:"l,omitzero"`
	// Due is when the worker must look at the record next because of its state; zero means
	// never. Reports have due times of their own: see [Record.Earliest].
	Due time.Time `json:"d,omitzero"`

	Receipt  *Receipt `json:"rc,omitempty"`
	Return   *Return  `json:"rq,omitempty"`
	Delivery Delivery `json:"dl,omitzero"`
	// Track is the affiliate visit with which the payment began. Reports are the messages
	// about the payment.
	Track   Track    `json:"tr,omitzero"`
	Reports []Report `json:"rp,omitempty"`
	// Devices are the browsers that opened paid content, for `require`.
	Devices []Device `json:"dv,omitempty"`
	// History is what happened to the payment, oldest first. Entries are only appended.
	History []Entry `json:"h,omitempty"`
	// Refunds are the attempts to give money back, oldest first.
	Refunds []Refund `json:"rf,omitempty"`
	// Buyer is what the buyer wrote on our checkout's page.
	Buyer Buyer `json:"by,omitzero"`
	// Relay is set if the shop's own calls to the provider pass through us.
	Relay *Relayed `json:"rl,omitempty"`
	// Observed is set where the shop verifies by itself, beside us.
	Observed *Observed `json:"ob,omitempty"`

	CreatedAt time.Time `json:"t0"`
	UpdatedAt time.Time `json:"t1"`

	// Counted has the outcomes that the metrics have counted.
	Counted Counted `json:"k,omitempty"`
	// was is the state before the changes that are not committed yet.
	was State
}

// Source says where order and amount of a payment come from.
type Source string

// The sources, strongest first.
const (
	// FromIntent: our checkout made the payment or the shop announced it.
	FromIntent Source = "intent"
	// FromLookup: the shop was asked.
	FromLookup Source = "lookup"
	// FromSigned: the shop signed them in the return URL.
	FromSigned Source = "signed"
	// FromNone: nobody said; only the provider's answer names the order.
	FromNone Source = "none"
)

// Expectation is what must have been paid, and how that is known.
type Expectation struct {
	// Amount in rials; zero only with FromNone.
	Amount Rials  `json:"a,omitempty"`
	Source Source `json:"s,omitempty"`
	// Item and Title are set by our checkout.
	Item  string `json:"i,omitempty"`
	Title string `json:"t,omitempty"`
	// Quantity is how many of the item the amount is for; 0 stands for one.
	Quantity int `json:"q,omitempty"`
	// Checkout: our own checkout made the payment.
	Checkout bool `json:"c,omitempty"`
	// Unconsumed: the shop's lookup named this very id with "paid": false.
	Unconsumed bool `json:"u,omitempty"`
	// Late: the signature was intact, but its price had expired when the return came.
	Late bool `json:"l,omitempty"`
	// Unbound: a parameter of the shop named another order.
	Unbound bool `json:"b,omitempty"`
}

// Known reports whether it is known what must have been paid. Before it is, nothing is
// verified.
func (e Expectation) Known() bool { return e.Source != "" }

// Attempts says how often the provider was asked, as far as rule 4 needs it.
type Attempts struct {
	// Count is how many claims were made; First and Last say when.
	Count int       `json:"n,omitempty"`
	First time.Time `json:"f,omitzero"`
	Last  time.Time `json:"l,omitzero"`
	// Open: the last claim has no outcome on record yet. The next claim counts it as
	// unknown.
	Open bool `json:"o,omitempty"`
	// Unknown is how many attempts may have reached the provider and have no outcome.
	Unknown int `json:"u,omitempty"`
	// Refused is how many attempts ended with "no".
	Refused int `json:"r,omitempty"`
	// Awaiting is when an inquiry, asked before the first verify, said "paid,
	// waiting for verification".
	Awaiting time.Time `json:"w,omitzero"`
	// Unasked is how often the worker asked though no return had come.
	Unasked int `json:"q,omitempty"`
	// Claimed: some return has claimed that it was paid.
	Claimed bool `json:"c,omitempty"`
}

// Lease is the right of one owner to work on a record for a while. Epoch grows whenever
// another owner takes over (fencing). A commit by an old owner fails, because the version
// has moved on.
type Lease struct {
	Owner string    `json:"o,omitempty"`
	Epoch uint64    `json:"e,omitempty"`
	Until time.Time `json:"u,omitzero"`
}

// Return is the request that brought the customer back. It is kept until the payment is
// delivered, so that the worker can deliver without a browser. When it is used, the
// provider's parameters get the verified values.
type Return struct {
	Method string `json:"m,omitempty"`
	// Secure: the browser used https.
	Secure bool   `json:"s,omitempty"`
	Host   string `json:"h,omitempty"`
	// URI is path and raw query as the browser sent them. It is empty if the return was
	// larger than what is kept of an unpaid one. Then it can't be delivered without its
	// browser.
	URI  string `json:"u,omitempty"`
	Type string `json:"t,omitempty"`
	Body []byte `json:"b,omitempty"`
	// Arrived is when it came. It is zero for an address that is known and to which nobody
	// has come yet (checkout, announced).
	Arrived time.Time `json:"a,omitzero"`
	// Machine: no browser made it.
	Machine bool `json:"x,omitempty"`
	// Known is the address that was known before it arrived: see [Return.Address].
	Known string `json:"k,omitempty"`
	// By is the visitor who brought it.
	By *Visitor `json:"w,omitempty"`
}

// Size returns how many bytes that the visitor chose are kept with a return.
func (r Return) Size() int { return len(r.URI) + len(r.Body) + len(r.Host) + len(r.Type) }

// Via says who delivers a payment to the shop.
type Via string

// The ways of delivery.
const (
	ViaBrowser Via = "browser"
	ViaWorker  Via = "worker"
	// ViaRelay: the answer to the shop's own verify delivers it.
	ViaRelay Via = "relay"
	// ViaObserved: the shop verified it by itself, and we learned that.
	ViaObserved Via = "observed"
)

// Delivery says how the payment was delivered to the shop.
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
	// Browser is a hash of the browser's cookie at the first delivery. Only the same
	// browser gets the same redirect again.
	Browser string `json:"b,omitempty"`
}

// Device is one browser that opened paid content.
type Device struct {
	Hash string    `json:"h"`
	At   time.Time `json:"t"`
}

// CameTo reports whether a route of a provider is the one of the payment. The provider may have
// been renamed since the payment began, or have left its route to another account.
func (r *Record) CameTo(route, provider string) bool {
	return r.Route == "" || r.Route == route || strings.TrimSuffix(r.Route, " "+r.Provider) == strings.TrimSuffix(route, " "+provider)
}

// Query is what a provider is asked about the payment with.
func (r *Record) Query() Query {
	q := Query{ID: r.ID, Order: r.Order, Amount: r.Expect.Amount, Proof: r.Proof, Serial: r.Serial}
	if r.Relay != nil {
		q.Unit = r.Relay.Unit
	}
	return q
}

// Clone returns a deep copy. Stores return clones, and the engine works on them.
func (r *Record) Clone() *Record {
	c := *r
	c.Receipt, c.Return, c.Observed = copied(r.Receipt), copied(r.Return), copied(r.Observed)
	if ret := c.Return; ret != nil {
		ret.Body, ret.By = append([]byte(nil), ret.Body...), copied(ret.By)
	}
	c.Devices = append([]Device(nil), r.Devices...)
	c.Reports = append([]Report(nil), r.Reports...)
	c.History = append([]Entry(nil), r.History...)
	c.Refunds = append([]Refund(nil), r.Refunds...)
	c.Relay = r.Relay.clone()
	return &c
}

// copied returns a pointer to a copy, nil for nil.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// Visitor is what the shop would learn about the visitor who made a request. It is kept
// with a return, so that a delivery without its browser is the request that the browser
// would have made. It is personal data, and is deleted with the return once the payment
// is delivered.
type Visitor struct {
	// Peer is the address and port that the connection came from.
	Peer string `json:"p,omitempty"`
	// TLS: that connection was encrypted. What a proxy says of its own is in Proto.
	TLS bool `json:"t,omitempty"`
	// For, Proto and Host are X-Forwarded-For (its lines joined), -Proto and -Host (the
	// last lines) from a peer that the server trusts; empty for any other peer.
	For   string `json:"f,omitempty"`
	Proto string `json:"s,omitempty"`
	Host  string `json:"h,omitempty"`
	// Agent and Languages are User-Agent and Accept-Language.
	Agent     string `json:"a,omitempty"`
	Languages string `json:"l,omitempty"`
}

// Address returns the path and query that were known before the customer came, from an
// announcement or our checkout; empty if none were.
func (r *Return) Address() string {
	switch {
	case r == nil:
		return ""
	case r.Arrived.IsZero():
		return r.URI
	}
	return r.Known
}
