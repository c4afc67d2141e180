package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// Page is the address of a pay page with a place for the provider's id, and
// the way back from an address to the id.
type Page struct {
	base          Base
	before, after string
}

// NewPage returns the page at literal + id below base, for instance
// NewPage(b, "/p/ws/").
func NewPage(base Base, literal string) Page { return Page{base: base, before: literal} }

// ParsePage reads an address in which mark stands for the id, or, where mark
// does not occur, one to which literal and the id are appended. field and plain
// are those of [ParseBase].
func ParsePage(field, raw, mark, literal string, plain bool) (Page, error) {
	head, tail, templated := strings.Cut(raw, mark)
	if !templated {
		b, err := ParseBase(field, raw, plain)
		return NewPage(b, literal), err
	}
	scheme, rest, _ := strings.Cut(head, "://")
	slash := strings.IndexByte(rest, '/')
	if slash < 0 || strings.ContainsAny(rest+tail, "?#") || strings.ContainsFunc(rest+tail, oddInPath) {
		return Page{}, fmt.Errorf("%s %w: %s must be in its path", field, ErrAddress, mark)
	}
	b, err := ParseBase(field, scheme+"://"+rest[:slash], plain)
	return Page{base: b, before: rest[slash:], after: tail}, err
}

// URL returns the page of one id.
func (p Page) URL(id string) string {
	return p.base.URL(p.before) + EscapeSegment(id) + p.after
}

// Match returns the id in an address of this page, unescaped and not yet
// checked. A query and one trailing slash are allowed.
func (p Page) Match(u *url.URL) (id string, ok bool) {
	rest, ok := p.base.covers(u)
	if !ok {
		return "", false
	}
	if rest, ok = strings.CutPrefix(rest, p.before); !ok {
		return "", false
	}
	if rest, ok = strings.CutSuffix(strings.TrimSuffix(rest, "/"), strings.TrimSuffix(p.after, "/")); !ok {
		return "", false
	}
	if rest == "" || strings.Contains(rest, "/") {
		return "", false
	}
	id, err := url.PathUnescape(rest)
	return id, err == nil
}

// Pages are all the pay pages of a provider; the first is the one that customers are sent to.
type Pages []Page

// PagesAt returns the pay pages of several hosts of a gateway, each with all paths, in which
// `*` stands for the id.
func PagesAt(hosts []string, paths ...string) (ps Pages, err error) {
	for _, host := range hosts {
		base, err := ParseBase("pay_url", host, true)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			before, after, _ := strings.Cut(path, "*")
			ps = append(ps, Page{base, before, after})
		}
	}
	return ps, nil
}

// Match returns the id in an address of any of the pages: see [Page.Match].
func (ps Pages) Match(u *url.URL) (id string, ok bool) {
	for _, p := range ps {
		if id, ok = p.Match(u); ok {
			return id, true
		}
	}
	return "", false
}

// PayPages are the pay pages of a provider and the form of the ids in them. A provider that
// embeds it has PayPage of [payment.Provider] and implements [payment.PayPager]; its Provision
// calls SetPages.
type PayPages struct {
	pages Pages
	form  func(id string) (string, bool)
}

// SetPages says which pages there are. form is that of [ReadAsk].
func (p *PayPages) SetPages(pages Pages, form func(id string) (string, bool)) {
	p.pages, p.form = pages, form
}

// PayPage implements [payment.Provider].
func (p *PayPages) PayPage(u *url.URL) (id string, ok bool) {
	if id, ok = p.pages.Match(u); !ok {
		return "", false
	}
	return p.form(id)
}

// PageOf implements [payment.PayPager].
func (p *PayPages) PageOf(id string) string { return p.pages[0].URL(id) }

// LogString returns the page's address for logs.
func (p Page) LogString() string { return p.base.LogString() + p.before + "…" + p.after }
