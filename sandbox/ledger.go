package sandbox

import (
	"maps"
	"time"
)

// Ledger is the truth that a test compares its own books with.
type Ledger struct {
	Now         time.Time         `json:"now"`
	Totals      Totals            `json:"totals"`
	Payments    []Payment         `json:"payments"`
	Conversions []Conversion      `json:"conversions"`
	Tracks      map[string]*Track `json:"tracks"`
	// Requests counts every request by method and path, /_control apart.
	Requests map[string]int `json:"requests"`
	Faults   []Fault        `json:"faults"`
}

// Totals sum the ledger up. Amounts are rials.
type Totals struct {
	Payments      int            `json:"payments"`
	States        map[string]int `json:"states"`
	Settled       int64          `json:"settled"`
	Refunded      int64          `json:"refunded"`
	VerifyCalls   int            `json:"verify_calls"`
	VerifyUnknown int            `json:"verify_unknown"` // verify calls for ids that do not exist
	Conversions   int            `json:"conversions"`    // calls that were processed
	Tracks        int            `json:"tracks"`         // distinct accepted track ids
}

// Payment is the ledger's view of one payment.
type Payment struct {
	Provider      string     `json:"provider"`
	ID            string     `json:"id"`
	Order         string     `json:"order,omitempty"`
	Amount        int64      `json:"amount"`
	Payable       int64      `json:"payable"` // with the fee that the payer bears
	State         string     `json:"state"`
	Sandbox       bool       `json:"sandbox,omitempty"` // created in the gateway's own sandbox mode
	PayLink       string     `json:"pay_link"`
	Callback      string     `json:"callback"`
	TrackID       string     `json:"track_id,omitempty"` // the gateway's own receipt number
	BankReference string     `json:"bank_reference"`
	Card          string     `json:"card"`
	CreatedAt     time.Time  `json:"created_at"`
	OpenedAt      *time.Time `json:"opened_at,omitempty"`
	FinishedAt    *time.Time `json:"finished_at,omitempty"` // paid, declined or cancelled
	PaidAt        *time.Time `json:"paid_at,omitempty"`
	VerifiedAt    *time.Time `json:"verified_at,omitempty"`
	SettledAt     *time.Time `json:"settled_at,omitempty"`
	RefundedAt    *time.Time `json:"refunded_at,omitempty"`
	Verify        Verifies   `json:"verify"`
	Inquiries     int        `json:"inquiries"`
	Returns       int        `json:"returns"` // how often the payer was sent back
	// Settled is what the merchant keeps, Refunded what the payer got back.
	Settled  int64 `json:"settled"`
	Refunded int64 `json:"refunded"`
}

// Verifies count the verify (or check) calls that named a payment. First and
// Again were answered as success (100 and 101), or would have been but for a
// fault that came after processing.
type Verifies struct {
	Calls       int `json:"calls"`
	First       int `json:"first"`
	Again       int `json:"again"`
	Refused     int `json:"refused"`
	MaxInFlight int `json:"max_in_flight"` // most calls at the same time
}

// Ledger takes a snapshot. provider, id and order filter the payments where
// they are not empty; totals are always those of everything.
func (s *Server) Ledger(provider, id, order string) Ledger {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	now := s.st.clock()
	l := Ledger{
		Now:         now,
		Payments:    []Payment{},
		Conversions: append([]Conversion{}, s.st.conversions...),
		Tracks:      make(map[string]*Track, len(s.st.tracks)),
		Requests:    make(map[string]int, len(s.st.requests)),
		Faults:      []Fault{},
		Totals: Totals{
			Payments:      len(s.st.listed),
			States:        make(map[string]int),
			VerifyUnknown: s.st.unknownVerify,
			Conversions:   len(s.st.conversions) + s.st.dropped,
			Tracks:        len(s.st.tracks),
		},
	}
	for k, t := range s.st.tracks {
		copied := *t
		l.Tracks[k] = &copied
	}
	maps.Copy(l.Requests, s.st.requests)
	for _, f := range s.st.faults {
		l.Faults = append(l.Faults, *f)
	}
	for _, p := range s.st.listed {
		p.checkWindow(now, s.window(p.provider))
		l.Totals.States[p.state]++
		l.Totals.Settled += p.settled
		l.Totals.Refunded += p.refunded
		l.Totals.VerifyCalls += p.verifyCalls
		if (provider == "" || provider == p.provider) && (id == "" || id == p.id) && (order == "" || order == p.order) {
			l.Payments = append(l.Payments, p.view())
		}
	}
	return l
}

func (p *payment) view() Payment {
	v := Payment{
		Provider: p.provider, ID: p.id, Order: p.order, Amount: p.amount, Payable: p.payable(), State: p.state,
		Sandbox: p.sandbox, PayLink: p.link, Callback: p.callback, BankReference: p.bankRef, Card: p.card,
		CreatedAt: p.created, OpenedAt: at(p.opened), FinishedAt: at(p.finished), PaidAt: at(p.paid),
		VerifiedAt: at(p.verified), SettledAt: at(p.settledAt), RefundedAt: at(p.refundedAt),
		Inquiries: p.inquiries, Returns: p.returns, Settled: p.settled, Refunded: p.refunded,
		Verify: Verifies{
			Calls: p.verifyCalls, First: p.verifyFirst, Again: p.verifyAgain,
			Refused: p.verifyRefused, MaxInFlight: p.inFlightMax,
		},
	}
	if number := registered[p.provider].number; number != nil {
		v.TrackID = number(p)
	}
	return v
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
