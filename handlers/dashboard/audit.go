package dashboard

import (
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/find"
	"github.com/rahgir/caddy-payments/payment"
)

// auditPage lists who decided what, when and why.
type auditPage struct {
	frame
	Tabs     []tab
	From, To string
	Error    string
	Counting bool
	Lines    []auditLine
}

type auditLine struct {
	When, By, What, Was, Note, Order, Link, Toman string
	At                                            time.Time
}

func (p *page) audit() error {
	out := auditPage{frame: p.frame(), From: p.r.URL.Query().Get("from"), To: p.r.URL.Query().Get("to")}
	var err error
	if out.Tabs, err = p.tabs(listPage{frame: out.frame, Tab: "audit"}); err != nil {
		return err
	}
	var q payment.Listing
	if out.Error = p.dates(&q, out.From, out.To); out.Error != "" {
		return p.render(400, "audit", out)
	}
	var stats operate.Stats
	if stats, out.Counting, err = p.statistics(q); err != nil {
		return err
	}
	for _, a := range stats.Audit {
		what, ok := texts["did_"+a.What]
		if !ok {
			what = lang.Text{a.What, a.What}
		}
		out.Lines = append(out.Lines, auditLine{
			At: a.At, When: lang.When(a.At, p.lang), By: a.By, What: what.In(p.lang), Was: a.Was, Note: a.Note, Order: a.Order,
			Link: p.link("ref", string(a.Ref)), Toman: lang.Toman(a.Sum, p.lang),
		})
	}
	return p.render(200, "audit", out)
}

// dates reads the dates of a search; problem says what is wrong with them.
func (p *page) dates(q *payment.Listing, from, to string) (problem string) {
	now := p.engine.Store.Now()
	var err error
	for _, x := range []struct {
		text string
		into *time.Time
		end  bool
	}{{from, &q.From, false}, {to, &q.To, true}} {
		if x.text == "" {
			continue
		}
		if *x.into, err = find.Date(x.text, now, x.end); err != nil {
			return p.frame().T("date_bad")
		}
	}
	return ""
}
