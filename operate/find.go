package operate

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/operate/find"
	"github.com/rahgir/caddy-payments/payment"
)

// Groups are names for several states at once.
var groups = map[string][]payment.State{
	attention: {payment.Review, payment.Parked},
	"open":    {payment.Unknown, payment.Verifying, payment.Verified, payment.Delivering, payment.Created},
	abandoned: {payment.Created},
	"all":     nil,
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
			return nil, input("there is no state %.40q; states are %s, and attention, open, abandoned, all", name, strings.Join(block.Words(payment.States()), ", "))
		}
	}
	return states, nil
}

// StateNames are the words that [States] reads: groups, then states.
func StateNames() []string {
	return append([]string{attention, "open", abandoned, "all"}, block.Words(payment.States())...)
}

// ReportStates are the words of a report's state.
func ReportStates() []string { return block.Words(payment.ReportStates()) }

// maxLimit is the store's own.
const maxLimit = 1000

// leftAfter is how long an intent that nobody came back for is in progress: longer than
// banks let a customer pay.
const leftAfter = time.Hour

// attention is the group of what a person must decide: of states, and of refunds whose end
// nobody knows.
const attention = "attention"

// abandoned is the group of intents that their customers have left.
const abandoned = "abandoned"

// ParseListing reads a listing from a query that [KnownQuery] has accepted.
func ParseListing(q url.Values, now time.Time) (payment.Listing, error) {
	l, err := Chosen(q.Get("state"), now)
	if err != nil {
		return l, err
	}
	l.Site, l.Provider, l.Order, l.ID, l.Cursor = q.Get("site"), q.Get("provider"), q.Get("order"), q.Get("id"), q.Get("cursor")
	l.Conversion, l.Webhook = payment.ReportState(q.Get("conversion")), payment.ReportState(q.Get("webhook"))
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
	if s := q.Get("search"); s != "" {
		if l.Search = find.Terms(s); len(l.Search) == 0 {
			return l, input("search has 1 to %d bytes", find.MaxSearch)
		}
	}
	for _, x := range []struct {
		name string
		into *time.Time
		end  bool
	}{{"from", &l.From, false}, {"to", &l.To, true}} {
		if s := q.Get(x.name); s != "" {
			if *x.into, err = find.Date(s, now, x.end); err != nil {
				return l, input("%s: %v", x.name, err)
			}
		}
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

// leftOf is what a choice of states says of intents that their customers have left: they
// are not in progress. Whoever names their state sees them.
func leftOf(states string) payment.Left {
	has := func(name string) bool { return names(states, name) }
	switch {
	case has("all"), has(string(payment.Created)), has("open") && has(abandoned):
		return payment.LeftToo
	case has("open"):
		return payment.LeftOut
	case has(abandoned):
		return payment.LeftOnly
	}
	return payment.LeftToo
}

// Chosen is a listing of states and groups.
func Chosen(states string, now time.Time) (payment.Listing, error) {
	named, err := States(states)
	return payment.Listing{States: named, OrPerson: names(states, attention), Left: leftOf(states), LeftBefore: now.Add(-leftAfter)}, err
}

// Attention is a listing of what a person must decide.
func Attention() payment.Listing {
	return payment.Listing{States: groups[attention], OrPerson: true}
}

// names reports whether a choice of states names this one.
func names(states, name string) bool {
	for s := range strings.SplitSeq(states, ",") {
		if strings.TrimSpace(s) == name {
			return true
		}
	}
	return false
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

// Get returns one payment by the text of its reference, or of the first eight characters
// of it.
func Get(ctx context.Context, e *engine.Engine, ref string) (*payment.Record, error) {
	text, ok := find.Ref(ref)
	if !ok {
		return nil, input("%.40q is not a payment reference: it has %d letters and digits, and the first %d do", ref, payment.RefLen, find.ShortRef)
	}
	if r, err := payment.ParseRef(text); err == nil {
		rec, err := e.Store.Get(ctx, r)
		return rec, translate(err)
	}
	page, err := List(ctx, e, payment.Listing{Search: []payment.Term{payment.NewTerm(payment.FieldRef, text)}, Limit: 2})
	switch {
	case err != nil:
		return nil, err
	case len(page.Records) == 0:
		return nil, ErrUnknown
	case len(page.Records) > 1:
		return nil, input("several references begin with %s: write more of it", text)
	}
	return page.Records[0], nil
}

// Facts are what is known about a payment besides its record.
func Facts(ctx context.Context, e *engine.Engine, r *payment.Record) explain.Facts {
	f := light(e, r)
	if p, ok := e.Sites.Policy(r); ok {
		f.OrdersMany = p.Many
	}
	f.OrderTaken, f.ReceiptTaken = e.Taken(ctx, r)
	return f
}

// light are the facts that cost no look into the store.
func light(e *engine.Engine, r *payment.Record) explain.Facts {
	f := explain.Facts{Now: e.Store.Now(), Handing: e.Handing(r)}
	if p, ok := e.Providers[r.Provider]; ok {
		t := p.Terms()
		f.GivesBack, f.Window = t.GivesBack, t.Window
	}
	return f
}
