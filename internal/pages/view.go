package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// view is what the template fills in.
type view struct {
	kind   Kind
	status int
	again  *bool

	Lang, OtherLang, OtherName, OtherDir, Dir string

	// Second is the same page in the other language, behind this one.
	Second *view
	Behind bool
	Theme  *Theme

	Say  text
	Word *words
	May  bool
	Tone string
	Icon template.HTML
	CSS  template.CSS

	styleHash, assets, pictureOrigin string

	Script     template.JS
	scriptHash string
	After      int

	Refresh, Address string
	Ref, Since       string
	Test             bool
	Sum, Rial, Wrong string
	// Each is the price of one, Picture the product's.
	Each, Picture string
	Rows          [][2]string
	// Copy is an address to be copied.
	Copy  string
	Form  *form
	Links []link
}

type form struct {
	Action, Button, Field, Bounds string
	Hidden                        []Field
	// Total is the button that shows what all pieces cost.
	Total    string
	Pieces   *pieceField
	Inputs   []inputField
	Gateways []gatewayField
}

type link struct {
	URL, Text, Sum string
	// Plain is a button of less weight, Quiet no button.
	Plain, Quiet bool
}

// newView decides what a page shows, in both languages: a link changes between them
// without a request, so that a page that answers a POST has it, too.
func newView(l lang.Lang, p *Page) *view {
	v := viewIn(l, p)
	v.Second = viewIn(l.Other(), p)
	v.Second.Behind = true
	return v
}

// viewIn returns the page in one language.
func viewIn(l lang.Lang, p *Page) *view {
	t, w, o := p.Kind.traits(), wordsOf(l), l.Other()
	v := &view{
		kind: p.Kind, status: t.status, again: t.again,
		Lang: string(l), Dir: l.Dir(), OtherLang: string(o), OtherDir: o.Dir(), OtherName: wordsOf(o).Name,
		Say: say(l, p), Word: w, Tone: t.tone, Icon: icons[t.icon], Theme: p.Theme,
		Ref: Short(p.Ref), Test: p.Test, Wrong: w.Wrong[p.Wrong],
	}
	v.May = t.again != nil && *t.again
	if p.Status != 0 {
		v.status = p.Status
	}
	s := sheetOf(p)
	v.CSS, v.styleHash, v.assets = s.css, s.hash, assetsOf(p)
	if p.Since >= 2*time.Second && p.Kind == Confirming { // nobody has waited for 0 seconds
		v.Since = since(l, p.Since)
	}
	after := p.After
	if after <= 0 {
		after = t.after
	}
	v.After = int((after + time.Second - 1) / time.Second)
	if at := local(p.Refresh); at != "" && v.After > 0 && len(p.Fields) == 0 {
		v.Refresh = strconv.Itoa(v.After) + "; url=" + at
	}
	if at := local(p.Address); at != "" && (p.Kind == Thanks || p.Kind == Duplicate || p.Kind == Parked) {
		v.Address, v.Script, v.scriptHash = at, clean, cleanHash
	}
	v.price(l, p)
	v.product(l, p)
	v.form(l, p)
	v.links(l, p)
	return v
}

// price shows a product's price in both units.
func (v *view) price(l lang.Lang, p *Page) {
	if p.Amount > 0 && p.Max == 0 {
		v.Sum, v.Rial = toman(l, p.Amount), rial(l, p.Amount)
	}
}

// form makes the page's form, if it has one.
func (v *view) form(l lang.Lang, p *Page) {
	at := local(p.Action)
	if p.Kind == ToBank {
		at = absolute(p.Action)
	}
	if at == "" {
		return
	}
	f := &form{Action: at, Hidden: p.Fields, Button: v.Word.Go}
	switch p.Kind {
	case Bounce, ToBank:
		v.Script, v.scriptHash = script, scriptHash
	case Confirming, Busy, Unavailable:
		f.Button, v.Script, v.scriptHash = v.Word.Check, script, scriptHash
	case Checkout:
		f.Button = v.Word.Pay
		if p.Max > 0 {
			f.Button, f.Field = v.Word.Donate, AmountField
			// Whole toman inside the bounds.
			const unit = payment.Rials(payment.Toman)
			low, high := (p.Min+unit-1)/unit*unit, p.Max/unit*unit
			f.Bounds = fmt.Sprintf(v.Word.Bounds, toman(l, low), toman(l, high))
		}
	case FindReceipt:
		f.Button = v.Word.Find
	case OpenHere:
		f.Button = v.Word.Open
	}
	f.fields(l, v.Word, p)
	v.Form = f
}

// links are the buttons below.
func (v *view) links(l lang.Lang, p *Page) {
	for _, o := range p.Offers {
		to := link{URL: o.URL, Text: cmp.Or(o.Titles.In(l), o.Title)}
		if o.Amount > 0 {
			to.Sum = toman(l, o.Amount)
		}
		v.Links = append(v.Links, to)
	}
	if p.Retry != "" && (p.Kind == Declined || p.Kind == Cancelled) {
		v.Links = append(v.Links, link{URL: p.Retry, Text: v.Word.Retry})
	}
	if p.Receipts != "" {
		v.Links = append(v.Links, link{URL: p.Receipts, Text: v.Word.Receipts, Quiet: true})
	}
	if p.ShopURL != "" && (v.Form == nil || p.Kind == Checkout || p.Kind == FindReceipt) {
		v.Links = append(v.Links, link{URL: p.ShopURL, Text: v.Word.Back, Plain: true})
	}
}

// Short returns a reference as people read it out: eight characters in two groups.
func Short(ref payment.Ref) string {
	if len(ref) < 8 {
		return string(ref)
	}
	return string(ref[:4]) + " " + string(ref[4:8])
}

// since says how long a customer has waited.
func since(l lang.Lang, d time.Duration) string {
	w := wordsOf(l)
	if d < 2*time.Minute { // so that no word is in the singular
		return fmt.Sprintf(w.Seconds, lang.Number(strconv.Itoa(int(d/time.Second)), l))
	}
	return fmt.Sprintf(w.Minutes, lang.Number(strconv.Itoa(int(d/time.Minute)), l))
}

// absolute returns an address of a pay page, or "".
func absolute(at string) string {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// local returns an address of this site's that begins with a path, or "":
// nothing that a page opens by itself may lead elsewhere.
func local(at string) string {
	if at == "" || at[0] != '/' || strings.HasPrefix(at, "//") || strings.IndexByte(at, '\\') >= 0 {
		return ""
	}
	for i := range len(at) {
		if at[i] <= ' ' || at[i] == 0x7f {
			return ""
		}
	}
	return at
}
