package dashboard

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// homePage answers “is everything well?”.
type homePage struct {
	frame
	Tabs []tab
	// Well is whether nothing costs money now.
	Well     bool
	Troubles []trouble
	Items    []item
	More     string
	// Owed is the sum of what is owed to payers.
	Owed, OwedLink string
	// Counting is that today and the 30 days are not counted yet.
	Counting         bool
	Today, Month     sums
	By               []providerSums
	Chart            *chart
	Providers, Shops []health
	Ledger           []health
	Counted          string
}

// trouble is something that costs money now, or soon will, and where it can be helped.
type trouble struct{ Tone, Text, Where, Link, Button string }

// sums of a time, in words.
type sums struct {
	Paid, Toman, Refused, Left, Waiting, Open, Rate string
}

type providerSums struct {
	Name string
	sums
	// Bar is the success rate in percent, for its picture; -1 without one.
	Bar int
}

// health is a line about a provider, a shop or the ledger.
type health struct{ Name, Tone, Text string }

const (
	// homeItems is how many payments that wait for a person the home page shows.
	homeItems = 5
	// statsWait is how long a page waits for numbers; after that it says that they are
	// being counted.
	statsWait = time.Second
	// statsAgain is after how long such a page is loaded anew, without JavaScript, too.
	statsAgain = "2"
)

func (p *page) home() error {
	h := homePage{frame: p.frame()}
	var err error
	if h.Tabs, err = p.tabs(listPage{frame: h.frame, Tab: "home"}); err != nil {
		return err
	}
	// One page of the index of what waits; the rest is behind its link.
	waiting, next, err := p.fill(operate.Attention(), min(homeItems, p.h.PageSize))
	if err != nil {
		return err
	}
	for _, r := range waiting {
		h.Items = append(h.Items, p.item(r))
	}
	if next != "" {
		h.More = p.link("tab", "attention")
	}
	h.OwedLink = p.link("tab", "owed")
	if h.Owed, err = p.owed(); err != nil {
		return err
	}
	h.Troubles = p.troubles()
	h.Well = len(waiting) == 0 && !slices.ContainsFunc(h.Troubles, func(t trouble) bool { return t.Tone == "bad" })
	p.health(&h)
	stats, counting, err := p.statistics(payment.Listing{})
	if err != nil {
		return err
	}
	if h.Counting = counting; !counting {
		p.numbers(&h, stats)
	}
	return p.render(200, "home", h)
}

// statistics counts, or says that it is still being counted: the page is loaded anew then.
func (p *page) statistics(q payment.Listing) (stats operate.Stats, counting bool, err error) {
	ctx, cancel := context.WithTimeout(p.r.Context(), statsWait)
	defer cancel()
	stats, err = operate.Count(ctx, p.engine, q, p.h.Sites...)
	if errors.Is(err, context.DeadlineExceeded) {
		p.w.Header().Set("Refresh", statsAgain)
		return stats, true, nil
	}
	return stats, false, err
}

func (p *page) numbers(h *homePage, s operate.Stats) {
	h.Today, h.Month = p.sums(s.Today.Total), p.sums(s.Month.Total)
	for _, by := range s.Month.By {
		x := providerSums{Name: by.Provider, sums: p.sums(by.Sums), Bar: -1}
		if by.Rate != nil {
			x.Bar = int(*by.Rate*100 + .5)
		}
		h.By = append(h.By, x)
	}
	h.Chart = newChart(s.Days, p.lang)
	h.Counted = lang.When(s.Now, p.lang)
}

func (p *page) sums(s operate.Sums) sums {
	n := func(i int) string { return lang.Digits(strconv.Itoa(i), p.lang) }
	x := sums{Paid: n(s.Paid), Toman: lang.Toman(payment.Rials(s.PaidRials), p.lang), Refused: n(s.Refused), Left: n(s.Abandoned), Waiting: n(s.Waiting), Open: n(s.Open), Rate: "–"}
	if s.Rate != nil {
		x.Rate = percent(*s.Rate, p.lang)
	}
	return x
}

func percent(rate float64, l lang.Lang) string {
	text := strconv.FormatFloat(rate*100, 'f', 1, 64)
	if l == lang.FA {
		return lang.Number(text, l) + "٪"
	}
	return text + "%"
}

// owed is the sum of what is owed to payers, "" where nothing is.
func (p *page) owed() (string, error) {
	n, sum, err := operate.OwedTotal(p.r.Context(), p.engine, p.h.Sites)
	if err != nil || n == 0 {
		return "", err
	}
	return lang.Toman(sum, p.lang), nil
}

// helps are the lists that help with a finding of doctor's.
var helps = map[string]string{"waiting": "attention", "owed": "owed", "refund": "attention", "unanswered": "open", "unknown": "open", "refused": "open", "shop": "open"}

// troubles are doctor's findings about money. A dashboard of some sites shows what is
// about those, and that the ledger takes no payments, which are theirs, too: what other
// owners' payments wait for is not theirs to see.
func (p *page) troubles() []trouble {
	var out []trouble
	for _, f := range p.h.app.Money(p.r.Context(), p.lang) {
		if f.Level == operate.LevelOK || !p.shows(f) {
			continue
		}
		t := trouble{Tone: "warn", Text: f.Text, Where: f.Where}
		if f.Level == operate.LevelError {
			t.Tone = "bad"
		}
		if tab := helps[f.Code]; tab != "" {
			t.Link, t.Button = p.link("tab", tab), p.frame().T("tab_"+tab)
		}
		out = append(out, t)
	}
	return out
}

func (p *page) shows(f operate.Finding) bool {
	return len(p.h.Sites) == 0 || f.Code == "store" || f.Code == "shop" && slices.Contains(p.h.Sites, f.Where)
}

// health says how providers, shops and the ledger are.
func (p *page) health(h *homePage) {
	now := time.Now()
	ago := func(t time.Time) string { return lang.Age(max(0, now.Sub(t)), p.lang) }
	say := func(key string, args ...any) string { return p.frame().F(key, args...) }
	all := p.h.app.Health()
	for _, x := range all.Providers {
		line := health{Name: x.Name, Tone: "plain", Text: say("up_unasked")}
		switch {
		case x.Cause != "":
			line.Tone, line.Text = "bad", say("down_"+x.Cause, ago(x.Since))
		case !x.Answered.IsZero():
			line.Tone, line.Text = "good", say("up_answered", ago(x.Answered))
		}
		if x.Sandbox {
			line.Text += " · " + say("sandbox")
		}
		h.Providers = append(h.Providers, line)
	}
	for _, x := range all.Shops {
		if len(p.h.Sites) > 0 && !slices.Contains(p.h.Sites, x.Site) {
			continue
		}
		line := health{Name: x.Site, Tone: "good", Text: say("shop_took", ago(x.Took))}
		if x.Fails > 0 {
			line.Tone, line.Text = "bad", say("shop_fails", ago(x.Since), lang.Digits(strconv.Itoa(x.Fails), p.lang))
		}
		h.Shops = append(h.Shops, line)
	}
	l := all.Ledger
	line := health{Name: say("ledger"), Tone: "good", Text: say("ledger_ok")}
	switch {
	case l.Trouble != "":
		line.Tone, line.Text = "bad", say("ledger_full")
	case l.Room >= 0:
		line.Text = say("ledger_room", humanize.IBytes(uint64(l.Room))) //nolint:gosec // not negative here
	}
	h.Ledger = append(h.Ledger, line)
	if l.FullIn > 0 {
		h.Ledger = append(h.Ledger, health{Name: say("full"), Tone: "warn", Text: say("full_in", lang.Age(time.Duration(l.FullIn)*time.Second, p.lang))})
	}
	if l.Nodes > 1 {
		h.Ledger = append(h.Ledger, health{Name: say("nodes"), Tone: "plain", Text: lang.Digits(strconv.Itoa(l.Nodes), p.lang)})
	}
	if l.Generation > 1 {
		h.Ledger = append(h.Ledger, health{Name: say("generation"), Tone: "warn", Text: lang.Digits(strconv.Itoa(int(l.Generation)), p.lang)})
	}
}
