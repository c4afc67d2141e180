package dashboard

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/find"
	"github.com/rahgir/caddy-payments/payment"
)

// tab is a group of states.
type tab struct {
	Key, Name, Link, Count string
	Here                   bool
}

// tabKind is what a tab lists.
type tabKind struct{ key, states string }

// tabs in the order of the page: first what needs somebody.
var tabs = []tabKind{
	{"home", ""}, {"attention", "attention"}, {"open", "open"}, {"done", "delivered"},
	{"unpaid", "declined,expired,abandoned"}, {"owed", ""}, {"reversed", "reversed"}, {"affiliate", ""}, {"all", "all"}, {"audit", ""},
}

// item is a payment in the list.
type item struct {
	operate.Row
	Link, Toman, Rial, Age, When, Tone string
	// Untaken are the reports that somebody did not take.
	Untaken []string
}

type listPage struct {
	frame
	Tabs   []tab
	Items  []item
	Older  string
	Newest string
	Query  string
	// Heading is what the page is called to whoever doesn't see which tab is chosen.
	Heading   string
	Provider  string
	Providers []string
	Tab       string
	// State, From and To narrow the search.
	State, From, To string
	States          []choice
	Error           string
	Searching       bool
	Explicit        string
	// Owed is, on that tab, the sum of all that is owed.
	Owed string
}

// choice is a word of a list to choose from.
type choice struct{ Key, Name string }

func (p *page) list() error {
	q := p.r.URL.Query()
	l := listPage{frame: p.frame(), Query: strings.TrimSpace(q.Get("q")), Provider: q.Get("provider"), Providers: p.h.app.ProviderNames()}
	if q.Get("lang") != "" {
		l.Explicit = string(p.lang)
	}
	if ref, err := payment.ParseRef(strings.ToLower(l.Query)); err == nil {
		if _, err := p.find(string(ref)); err == nil {
			return p.redirect(http.StatusFound, "ref", string(ref))
		}
	}
	l.Tab = q.Get("tab")
	if l.Tab == "home" || !slices.ContainsFunc(tabs, func(t tabKind) bool { return t.key == l.Tab }) {
		l.Tab = "attention"
	}
	l.Heading = l.T("tab_" + l.Tab)
	l.State, l.From, l.To = q.Get("state"), q.Get("from"), q.Get("to")
	l.Searching = l.Query != "" || l.State != "" || l.From != "" || l.To != ""
	for _, s := range payment.States() {
		l.States = append(l.States, choice{string(s), explain.StateName(s, p.lang)})
	}
	status := 200
	records, next, err := p.records(&l, q.Get("cursor"))
	if l.Error != "" {
		status = 400
	}
	if err != nil {
		return err
	}
	for _, r := range records {
		l.Items = append(l.Items, p.item(r))
	}
	if l.Tab == "owed" && !l.Searching {
		sum, err := p.owed()
		if err != nil {
			return err
		}
		if sum != "" {
			l.Owed = l.F("owed_sum", sum)
		}
	}
	if l.Tabs, err = p.tabs(l); err != nil {
		return err
	}
	same := []string{"tab", l.Tab, "q", l.Query, "provider", l.Provider, "state", l.State, "from", l.From, "to", l.To}
	if next != "" {
		l.Older = p.link(append(same, "cursor", next)...)
	}
	if q.Get("cursor") != "" {
		l.Newest = p.link(same...)
	}
	return p.render(status, "list", l)
}

// records reads one page of what the tab, or the search, asks for.
func (p *page) records(l *listPage, cursor string) ([]*payment.Record, string, error) {
	base, states := payment.Listing{Provider: l.Provider, Cursor: cursor}, l.State
	if l.Searching {
		if base.Search = find.Terms(l.Query); l.Query != "" && len(base.Search) == 0 {
			return nil, "", nil
		}
		if l.Error = p.dates(&base, l.From, l.To); l.Error != "" {
			return nil, "", nil
		}
	} else {
		if l.Tab == "affiliate" {
			return p.conversions(base)
		}
		base.Owed = l.Tab == "owed"
		states = tabs[slices.IndexFunc(tabs, func(t tabKind) bool { return t.key == l.Tab })].states
	}
	if states != "" {
		chosen, err := operate.Chosen(states, p.engine.Store.Now())
		if err != nil {
			return nil, "", err
		}
		base.States, base.OrPerson, base.Left, base.LeftBefore = chosen.States, chosen.OrPerson, chosen.Left, chosen.LeftBefore
	}
	return p.fill(base, p.h.PageSize)
}

// failed are the reports to affiliates and the messages to webhooks that somebody must
// look at. Each is a listing of its own; the cursor says which.
var failed = []payment.Listing{
	{Conversion: payment.RejectedReport}, {Conversion: payment.PerhapsReport}, {Conversion: payment.ParkedReport}, {Webhook: payment.ParkedReport},
}

func (p *page) conversions(q payment.Listing) ([]*payment.Record, string, error) {
	at := 0
	if head, rest, ok := strings.Cut(q.Cursor, "."); ok {
		n, err := strconv.Atoi(head)
		if err != nil || n < 0 || n >= len(failed) {
			return nil, "", operate.ErrInput
		}
		at, q.Cursor = n, rest
	}
	var records []*payment.Record
	for ; at < len(failed); at++ {
		q.Conversion, q.Webhook = failed[at].Conversion, failed[at].Webhook
		part, next, err := p.fill(q, p.h.PageSize)
		if err != nil {
			return nil, "", err
		}
		records = append(records, part...)
		if next != "" {
			return records, fmt.Sprintf("%d.%s", at, next), nil
		}
		q.Cursor = ""
		if len(records) >= p.h.PageSize && at+1 < len(failed) {
			return records, fmt.Sprintf("%d.", at+1), nil
		}
	}
	return records, "", nil
}

// maxLooks bounds how often a page reads on because few records match.
const maxLooks = 10

// fill reads until the page is full.
func (p *page) fill(q payment.Listing, size int) ([]*payment.Record, string, error) {
	var records []*payment.Record
	for range maxLooks {
		part, next, err := p.read(q, size-len(records))
		if err != nil {
			return nil, "", err
		}
		records, q.Cursor = append(records, part...), next
		if next == "" || len(records) >= size {
			break
		}
	}
	return records, q.Cursor, nil
}

// read reads one page of the ledger, and leaves out what this dashboard doesn't show.
func (p *page) read(q payment.Listing, most int) (records []*payment.Record, next string, err error) {
	if len(p.h.Sites) == 1 {
		q.Site = p.h.Sites[0]
	}
	q.Limit = most
	page, err := operate.List(p.r.Context(), p.engine, q)
	return slices.DeleteFunc(page.Records, func(r *payment.Record) bool { return !p.h.sees(r) }), page.Next, err
}

func (p *page) item(r *payment.Record) item {
	it := item{
		Row: operate.NewRow(p.engine, r, p.lang), Link: p.link("ref", string(r.Ref)), Tone: tone(r.State),
		Age: lang.Age(p.engine.Store.Now().Sub(r.CreatedAt), p.lang), When: lang.When(r.CreatedAt, p.lang),
	}
	if a := r.Price(); a != 0 {
		it.Toman, it.Rial = lang.Toman(a, p.lang), lang.Rial(a, p.lang)
	}
	if r.Owed() {
		it.Tone = "warn"
	}
	for _, x := range r.Reports {
		if x.State.Failed() {
			it.Untaken = append(it.Untaken, strings.TrimSpace(x.To+" · "+string(x.Kind)+" · "+texts["report_"+string(x.State)].In(p.lang)+" "+x.Last))
		}
	}
	return it
}

// tone is the colour of a state.
func tone(s payment.State) string {
	switch s {
	case payment.Delivered:
		return "good"
	case payment.Review, payment.Parked:
		return "warn"
	case payment.Created, payment.Verifying, payment.Unknown, payment.Verified, payment.Delivering:
		return "wait"
	}
	return "plain"
}

// countMost bounds what is counted for a tab's name.
const countMost = 99

func (p *page) tabs(l listPage) ([]tab, error) {
	waiting, err := p.count(operate.Attention())
	if err != nil {
		return nil, err
	}
	broken := 0
	for _, c := range failed {
		n, err := p.count(c)
		if err != nil {
			return nil, err
		}
		broken += n
	}
	owed, err := p.count(payment.Listing{Owed: true})
	if err != nil {
		return nil, err
	}
	out := make([]tab, 0, len(tabs))
	for _, t := range tabs {
		x := tab{Key: t.key, Name: l.T("tab_" + t.key), Link: p.link("tab", t.key, "provider", l.Provider), Here: t.key == l.Tab && !l.Searching}
		if t.key == "home" {
			x.Link = p.link()
		}
		switch t.key {
		case "attention":
			x.Count = l.count(waiting)
		case "owed":
			if x.Count = l.count(owed); owed == 0 && !x.Here {
				continue
			}
		case "affiliate":
			if x.Count = l.count(broken); broken == 0 && !x.Here {
				continue
			}
		}
		out = append(out, x)
	}
	return out, nil
}

func (f frame) count(n int) string {
	switch {
	case n == 0:
		return ""
	case n > countMost:
		return f.Num(strconv.Itoa(countMost)) + "+"
	}
	return f.Num(strconv.Itoa(n))
}

func (p *page) count(q payment.Listing) (int, error) {
	records, _, err := p.read(q, countMost+1)
	return len(records), err
}

// find returns a payment that this dashboard may show.
func (p *page) find(ref string) (*payment.Record, error) {
	r, err := operate.Get(p.r.Context(), p.engine, ref)
	if err != nil {
		return nil, err
	}
	if !p.h.sees(r) {
		return nil, operate.ErrUnknown
	}
	return r, nil
}
