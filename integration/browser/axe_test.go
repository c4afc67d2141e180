package browser_test

import (
	_ "embed" // axe-core
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/payment"
)

// axe is axe-core 4.14.1 (Deque Systems, MPL-2.0; its licence is beside it), as its npm
// package has it. It is used by tests alone.
//
//go:embed testdata/axe/axe.min.js
var axe string

// accessible asks axe-core what is wrong with the page. Rules are those of WCAG 2.2 A and AA, and
// good practice.
func (p *person) accessible(page string, but ...string) {
	p.t.Helper()
	rules := make(map[string]map[string]bool)
	for _, rule := range but {
		rules[rule] = map[string]bool{"enabled": false}
	}
	options, err := json.Marshal(map[string]any{
		"runOnly":     []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"},
		"resultTypes": []string{"violations"}, "rules": rules,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ask := `axe.run(document,` + string(options) + `).then(r=>JSON.stringify(r.violations.map(v=>v.id+': '+v.help+' '+v.nodes.map(n=>n.html.slice(0,120)).join(' | '))))`
	got, err := p.evaluate(ask)
	// A page that refreshes itself may go away under the question: the next one is asked from its beginning.
	for end := time.Now().Add(patience); err != nil && time.Now().Before(end); got, err = p.evaluate(ask) {
		p.see("body")
	}
	p.must(err)
	if got.ExceptionDetails != nil {
		p.t.Fatalf("%s: axe: %s", page, got.ExceptionDetails.Text)
	}
	var text string
	var violations []string
	if err := json.Unmarshal(got.Result.Value, &text); err != nil {
		p.t.Fatalf("%s: axe: %v", page, err)
	}
	if err := json.Unmarshal([]byte(text), &violations); err != nil {
		p.t.Fatalf("%s: axe: %v", page, err)
	}
	for _, v := range violations {
		p.t.Errorf("%s: %s", page, v)
	}
}

// evaluate asks with axe-core in the page, which gets it if it doesn't have it yet.
func (p *person) evaluate(ask string) (runtime.EvaluateResult, error) {
	p.t.Helper()
	if !read[bool](p, "typeof axe==='object'") {
		ask = axe + ";" + ask
	}
	yes := true
	return chromedp.Call(p.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: ask, AwaitPromise: &yes, ReturnByValue: &yes})
}

// full is a page of a kind with everything on it that it can have.
func full(kind pages.Kind) pages.Page {
	theme, err := pages.NewTheme("", "کارگاه نارنج", "", "1f5d4c", "tel:+982112345678")
	if err != nil {
		panic(err)
	}
	p := pages.Page{
		Kind: kind, Ref: payment.Ref("b4pwb17jcppzc1x3kh0n9hvqb0"), Test: true, Refunds: true, Recorded: true, Theme: theme,
		ShopURL: "/", After: time.Hour, Receipts: "/buy/receipt",
	}
	title := lang.Text{"Narenj mug Donaudampfschifffahrtsgesellschaftskapitänsmütze", "لیوان نارنج " + strings.Repeat("ن", 60)}
	switch kind {
	case pages.Checkout:
		p.Titles, p.Each, p.Amount, p.Quantity, p.MostPieces, p.Action = title, 333_333_333_330, 999_999_999_990, 3, 10, "/x"
		p.Picture, p.Wrong = "/mug.svg", pages.WrongMobile
		p.Inputs = []pages.Input{
			{Name: pages.InputName, Value: "سارا", Required: true}, {Name: pages.InputMobile, Value: "12", Required: true, Wrong: pages.WrongMobile}, {Name: pages.InputEmail},
		}
		p.Gateways = []pages.Gateway{{Value: "a", Name: lang.Text{"Zarinpal", "زرین‌پال"}, Down: true}, {Value: "b", Name: lang.Text{"Zibal", "زیبال"}, Chosen: true}}
	case pages.NeedPayment:
		p.Offers = []pages.Offer{{Titles: title, Amount: 2_850_000, URL: "/buy/book"}, {Title: "Herbal Teas", URL: "/buy/teas"}}
	case pages.Declined, pages.Cancelled:
		p.Retry = "/buy/book"
	case pages.Bounce, pages.OpenHere:
		p.Action, p.Titles = "/x", title
	case pages.ToBank:
		p.Action, p.Fields = "https://bank.example/", []pages.Field{{Name: "token", Value: "1"}}
	case pages.FindReceipt:
		p.Action, p.Wrong = "/x", pages.WrongReceipt
		p.Inputs = []pages.Input{{Name: pages.InputNumber, Required: true}, {Name: pages.InputMobile, Required: true}}
	case pages.Receipt:
		p.Rows = []pages.Row{{Label: lang.Text{"Bought", "خرید"}, Value: title}, {Label: lang.Text{"Amount", "مبلغ"}, Value: lang.Text{"120,000 toman", "۱۲۰٬۰۰۰ تومان"}}}
		p.Link = "https://www.example.com/buy/receipt?payment_link=" + strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 12)
	case pages.Confirming, pages.Busy, pages.Unavailable:
		p.Refresh, p.Since = "/x", 90*time.Second
	}
	return p
}

// Every page of ours, those too that take long to come to, is without a violation of WCAG 2.2 AA that axe-core finds: in both
// languages, light and dark, on a phone and at a desk, with everything on it that it can
// have.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".svg") {
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><circle cx="40" cy="40" r="30"/></svg>`)
			return
		}
		pages.Write(w, r, full(pages.Kind(strings.TrimPrefix(r.URL.Path, "/"))))
	}))
	t.Cleanup(srv.Close)
	p := arrive(t, settings{})
	for _, l := range []look{looks[0], looks[2]} {
		dark := look{l.name + "-dark", l.settings}
		dark.Dark = true
		for _, kind := range pages.Kinds() {
			var but []string
			switch kind {
			case pages.Confirming, pages.Busy, pages.Unavailable:
				// They say that they refresh themselves, and nothing on them can be lost.
				but = []string{"meta-refresh"}
			}
			p.set(l.settings)
			p.screen(phoneWidth, phoneHeight, 2)
			p.open(srv.URL + "/" + string(kind))
			judge(p, "kind-"+string(kind), l)
			if l.persian() { // contrast is judged in all looks: axe need not see each of them
				p.accessible(string(kind)+" ("+l.name+")", but...)
			}
			p.set(dark.settings)
			p.screen(1280, 900, 1)
			judge(p, "kind-"+string(kind), dark)
			if !l.persian() {
				p.accessible(string(kind)+" ("+dark.name+")", but...)
			}
		}
	}
	p.onlyAsked(srv.URL)
}
