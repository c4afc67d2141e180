package browser_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"go.uber.org/zap"

	_ "github.com/rahgir/caddy-payments"
	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// busyLedger has many payments in it.
type busyLedger struct{}

var busy struct {
	sync.Mutex
	*memory.Store
}

func init() { caddy.RegisterModule(busyLedger{}) }

func (busyLedger) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.storage.test_busy", New: func() caddy.Module { return new(busyLedger) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (busyLedger) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

// Open implements storage.Opener.
func (busyLedger) Open(context.Context, *zap.Logger) (payment.Store, func() error, error) {
	busy.Lock()
	defer busy.Unlock()
	return busy.Store, func() error { return nil }, nil
}

// manyPayments are those of a shop's month.
func manyPayments(t *testing.T, s payment.Store, n int) (held *payment.Record) {
	t.Helper()
	dice := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UTC()
	for i := range n {
		at := now.Add(-time.Duration(dice.IntN(30*24*60)) * time.Minute)
		provider := []string{"idpay", "idpay", "zarinpal"}[dice.IntN(3)]
		amount := payment.Rials((1 + dice.IntN(90)) * 100_000)
		r := &payment.Record{
			Site: "shop.example.com", Route: "/callback", Provider: provider, Issuer: provider + "|a1b2|live", Environment: "live",
			ID: fmt.Sprintf("%032x", i+1), Order: fmt.Sprint(10_000 + i), State: payment.Delivered, CreatedAt: at, UpdatedAt: at.Add(time.Minute),
			Expect: payment.Expectation{Amount: amount, Source: payment.FromIntent, Item: "mug"}, Attempts: payment.Attempts{Count: 1, First: at, Last: at.Add(time.Minute), Claimed: true},
			Receipt: &payment.Receipt{Amount: amount, Number: fmt.Sprint(900_000 + i), Reference: fmt.Sprint(70_000_000 + i), Card: fmt.Sprintf("603799******%04d", i%10_000), PaidAt: at, VerifiedAt: at.Add(time.Minute)},
			History: []payment.Entry{{At: at, Kind: payment.EntryAsked}, {At: at.Add(time.Second), Kind: payment.EntryConfirmed, Code: "100"}, {At: at.Add(2 * time.Second), Kind: payment.EntryHanded}, {At: at.Add(3 * time.Second), Kind: payment.EntryCredited}},
		}
		switch roll := dice.IntN(100); {
		case i < 3:
			r.State, r.Reason, r.CreatedAt = payment.Review, payment.ReasonAmount, now.Add(-time.Duration(i+1)*17*time.Minute)
			r.Receipt.Amount += 50_000
			r.History = []payment.Entry{{At: r.CreatedAt, Kind: payment.EntryAsked}, {At: r.CreatedAt.Add(time.Second), Kind: payment.EntryDoubted, Code: "amount_differs"}}
		case i == 3:
			r.State, r.Reason = payment.Parked, payment.ReasonNoProof
		case i < 6:
			r.State, r.Reason = payment.Declined, payment.ReasonOwed
			r.History = append(r.History, payment.Entry{At: now.Add(-time.Hour), Kind: payment.EntryDecided, Code: "reject", By: "sara", Text: "سبد خرید عوض شده بود", Was: "review amount_differs"})
		case roll < 14:
			r.State, r.Reason, r.Receipt, r.History = payment.Declined, payment.ReasonNotPaid, nil, nil
		}
		r.Ref = payment.NewRef(r.Site, r.Issuer, r.ID, r.Order)
		if r.Receipt != nil {
			r.Receipt.ID, r.Receipt.Order = r.ID, r.Order
		}
		if err := s.Commit(t.Context(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			held = r
		}
	}
	return held
}

// The dashboard of a shop with many payments, in both languages, one by day and one by night,
// on a phone: each page can be read, taps and screen readers find their way, and
// nothing is asked of anybody else. The first page loads itself anew when a payment comes.
func TestDashboard(t *testing.T) {
	p := arrive(t, settings{})
	busy.Lock()
	busy.Store = memory.New(time.Now)
	busy.Unlock()
	held := manyPayments(t, busy.Store, 1500)
	site := harness.Site(t)
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil, `{
	admin off
	auto_https off
	persist_config off
	payments {
		storage test_busy
		provider idpay {
			api_key %s
			base_url %s/idpay
			timeout 1s
		}
		provider zarinpal {
			merchant_id 1344b5d4-0048-11e8-94db-005056a205be
			base_url %[2]s/zarinpal
		}
	}
}
%s {
	basic_auth /desk {
		sara $2a$04$GunuvS7Eg.UH6EOmXNnqleY13oeu/Lrz/HZYuySYMq5jU43.NoNCK
	}
	payment_dashboard /desk
	payments {
		checkout /buy idpay {
			item mug 120000toman
		}
		verify /callback idpay {
			expect intent
		}
	}
	respond "thank you"
}
`, harness.APIKey, boxURL, site), nil)
	p.must(err)
	p.must(caddy.Load(config, true))
	t.Cleanup(func() { _ = caddy.Stop() })
	desk := strings.Replace(site, "://", "://sara:hiccup@", 1) + "/desk"
	ref := "?ref=" + string(held.Ref)
	for _, page := range []struct{ name, query string }{
		{"home", ""}, {"list", "?tab=all"}, {"payment", ref}, {"owed", "?tab=owed"}, {"audit", "?tab=audit"}, {"search", "?q=900012&from=30d"},
	} {
		for _, l := range []look{looks[0], looks[3]} {
			p.set(l.settings)
			p.open(desk + page.query)
			p.see("main")
			judge(p, "dashboard-"+page.name, l)
			audit(p, page.name+" ("+l.name+")")
		}
	}
	p.onlyAsked(site)

	keep(p, desk, [][3]string{{"home", "", "en"}, {"home-fa", "", "fa"}, {"list", "?tab=all", "en"}, {"list-fa", "?tab=all", "fa"}, {"payment", ref, "en"}, {"payment-fa", ref, "fa"}, {"owed", "?tab=owed", "en"}})
	p.set(settings{Language: "en"})
	p.open(desk)
	p.see("svg.chart")
	if _, err := box.SetFault(sandbox.Fault{Provider: "idpay", Operation: sandbox.OpCreate, Kind: "status", Status: 503}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, site+"/buy/mug", nil)
		req.Header.Set("Origin", site)
		res, err := http.DefaultClient.Do(req)
		p.must(err)
		_ = res.Body.Close()
	}
	p.until("the first page says by itself that no payments are started", `document.querySelector("main").innerText.includes("it has started no payment")`)
	keep(p, desk, [][3]string{{"bad-day", "", "en"}, {"bad-day-fa", "", "fa"}})
}

// keep takes pictures for the manual: a name, a query, a language.
func keep(p *person, desk string, pictures [][3]string) {
	p.t.Helper()
	if !*updateImages {
		return
	}
	p.screen(1120, 900, 1)
	for _, x := range pictures {
		p.set(settings{Language: x[2]})
		p.open(desk + x[1])
		p.see("main")
		image(p.t, "dashboard-"+x[0], p.picture())
	}
}

// audit finds what a screen reader or a keyboard stumbles over: what axe-core says, and
// names, headings, landmarks, and order.
func audit(p *person, page string) {
	p.t.Helper()
	const rules = `(() => {
	const bad = [], name = e => (e.getAttribute('aria-label') || e.textContent || e.title || e.value || '').trim();
	if (document.querySelectorAll('h1').length !== 1) bad.push('headings of the first level: '+document.querySelectorAll('h1').length);
	if (document.querySelectorAll('main').length !== 1) bad.push('main');
	if (!document.title || !document.documentElement.lang) bad.push('title or language');
	let last = 0; for (const h of document.querySelectorAll('h1,h2,h3')) { const n = +h.tagName[1]; if (n > last+1 && last) bad.push('a heading skips a level: '+h.innerText); last = n }
	for (const e of document.querySelectorAll('a,button,summary')) if (!name(e)) bad.push('no name: '+e.outerHTML.slice(0,80));
	for (const e of document.querySelectorAll('input:not([type=hidden]),select,textarea')) if (!(e.labels && e.labels.length) && !e.getAttribute('aria-label')) bad.push('no label: '+e.name);
	for (const e of document.querySelectorAll('svg,img')) if (e.getAttribute('aria-hidden') !== 'true' && !(e.getAttribute('aria-label') || e.alt)) bad.push('a picture says nothing');
	for (const e of document.querySelectorAll('table')) if (!e.querySelector('th[scope]')) bad.push('a table without heads');
	for (const e of document.querySelectorAll('[tabindex]')) if (+e.getAttribute('tabindex') > 0) bad.push('tab order');
	const ids = [...document.querySelectorAll('[id]')].map(e => e.id); if (new Set(ids).size !== ids.length) bad.push('an id twice');
	for (const e of document.querySelectorAll('[aria-labelledby]')) if (!document.getElementById(e.getAttribute('aria-labelledby'))) bad.push('labelled by nothing');
	for (const e of document.querySelectorAll('ul,ol')) for (const c of e.children) if (c.tagName !== 'LI') bad.push('a list with '+c.tagName);
	for (const e of document.querySelectorAll('dl')) for (const c of e.children) if (!/^(DIV|DT|DD)$/.test(c.tagName)) bad.push('a dl with '+c.tagName);
	return bad.join('; ');
})()`
	if got := read[string](p, rules); got != "" {
		p.t.Errorf("%s: %s", page, got)
	}
	p.accessible(page)
}

// Interface guards.
var (
	_ storage.Opener        = busyLedger{}
	_ caddyfile.Unmarshaler = busyLedger{}
)
