package operate

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/payment"
)

// Groups are names for several states at once.
var groups = map[string][]payment.State{
	"attention": {payment.Review, payment.Parked},
	"open":      {payment.Unknown, payment.Verifying, payment.Verified, payment.Delivering, payment.Created},
	"all":       nil,
}

// States reads a comma-separated list of states and groups.
func States(s string) ([]payment.State, error) {
	if s == "" {
		return nil, nil
	}
	var states []payment.State
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		switch group, ok := groups[name]; {
		case ok && len(group) == 0:
			return nil, nil
		case ok:
			states = append(states, group...)
		case slices.Contains(payment.States(), payment.State(name)):
			states = append(states, payment.State(name))
		default:
			return nil, input("there is no state %.40q; states are %s, and attention, open, all", name, stateList())
		}
	}
	return states, nil
}

func stateList() string {
	names := make([]string, 0, len(payment.States()))
	for _, s := range payment.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// StateNames are the words that [States] reads: groups, then states.
func StateNames() []string {
	names := []string{"attention", "open", "all"}
	for _, s := range payment.States() {
		names = append(names, string(s))
	}
	return names
}

// ReportStates are the words of a report's state.
func ReportStates() []string {
	names := make([]string, 0, len(payment.ReportStates()))
	for _, s := range payment.ReportStates() {
		names = append(names, string(s))
	}
	return names
}

// maxLimit is the store's own.
const maxLimit = 1000

// ParseListing reads a listing from a query.
func ParseListing(q url.Values) (payment.Listing, error) {
	states, err := States(q.Get("state"))
	if err != nil {
		return payment.Listing{}, err
	}
	l := payment.Listing{
		States: states, Site: q.Get("site"), Provider: q.Get("provider"), Order: q.Get("order"), ID: q.Get("id"),
		Conversion: payment.ReportState(q.Get("conversion")), Webhook: payment.ReportState(q.Get("webhook")), Cursor: q.Get("cursor"),
	}
	for _, name := range []string{"conversion", "webhook"} {
		if s := q.Get(name); s != "" && !slices.Contains(payment.ReportStates(), payment.ReportState(s)) {
			return l, input("there is no %s state %.40q; they are %s", name, s, strings.Join(ReportStates(), ", "))
		}
	}
	switch s := q.Get("owed"); s {
	case "", "false":
	case "true":
		l.Owed = true
	default:
		return l, input("owed must be true or false")
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return l, input("limit must be a number from 1 to %d", maxLimit)
		}
		l.Limit = n
	}
	return l, nil
}

// List returns one page. A page may be short and yet go on.
func List(ctx context.Context, e *engine.Engine, q payment.Listing) (payment.Page, error) {
	page, err := e.Store.List(ctx, q)
	err = translate(err)
	if err != nil && q.Cursor != "" && ctx.Err() == nil && !errors.Is(err, ErrUnavailable) {
		// Stores have errors of their own for a text that is no cursor.
		return page, input("the cursor is not one of this listing")
	}
	return page, err
}

// Get returns one payment by the text of its reference.
func Get(ctx context.Context, e *engine.Engine, ref string) (*payment.Record, error) {
	r, err := payment.ParseRef(strings.ToLower(strings.TrimSpace(ref)))
	if err != nil {
		return nil, input("%.40q is not a payment reference: it has %d letters and digits", ref, payment.RefLen)
	}
	rec, err := e.Store.Get(ctx, r)
	return rec, translate(err)
}

// Facts are what is known about a payment besides its record.
func Facts(ctx context.Context, e *engine.Engine, r *payment.Record) explain.Facts {
	f := light(e, r)
	if e.Sites != nil {
		if p, ok := e.Sites.Policy(r); ok {
			f.OrdersMany = p.Many
		}
	}
	f.OrderTaken, f.ReceiptTaken = e.Taken(ctx, r)
	return f
}

// light are the facts that cost no look into the store.
func light(e *engine.Engine, r *payment.Record) explain.Facts {
	f := explain.Facts{Now: e.Store.Now()}
	if p, ok := e.Providers[r.Provider]; ok {
		t := p.Terms()
		f.GivesBack, f.Window = t.GivesBack, t.Window
	}
	return f
}
