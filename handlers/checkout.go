package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
)

type checkoutRoute struct {
	gateways []*gateway
	stock    *stock
	// donates: some checkout of the site takes donations.
	donates bool
}

// gateway is one provider of a checkout.
type gateway struct {
	provider *provider
	// back is where its customers come back to, and the route that takes them.
	back  string
	route *Verify
}

// name is what buyers call it.
func (g *gateway) name() lang.Text {
	if t, ok := g.provider.Provider.(payment.Titled); ok {
		en, fa := t.Title()
		return lang.Text{en, fa}
	}
	return lang.Text{g.provider.Name, g.provider.Name}
}

func (c *Checkout) provision(ctx caddy.Context, h *Handler) error {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "*?{%") {
		return errors.New("the path must begin with / and have no wildcard and no escape")
	}
	c.Path = strings.TrimRight(c.Path, "/")
	if len(c.Providers) == 0 {
		return errors.New("it names no provider")
	}
	for i, name := range c.Providers {
		info, ok := h.app.Provider(name)
		if !ok {
			return unconfigured(name, h.app.ProviderNames())
		}
		if creator, ok := info.Provider.(payment.Creator); !ok || !creator.CanCreate() {
			return fmt.Errorf("provider %s: %w", name, engine.ErrCannotCreate)
		}
		if slices.Contains(c.Providers[:i], name) {
			return fmt.Errorf("provider %s is named twice", name)
		}
		c.conf.gateways = append(c.conf.gateways, &gateway{provider: &provider{ProviderInfo: info, terms: info.Terms()}})
	}
	if err := c.checkOptions(); err != nil {
		return err
	}
	for _, g := range c.conf.gateways {
		if err := c.CheckPrices(g.provider.Name, g.provider.terms.Protocol); err != nil {
			return err
		}
	}
	c.conf.donates = slices.ContainsFunc(h.Checkout, func(c *Checkout) bool { return c.Donate != nil })
	c.conf.stock = new(stock)
	c.conf.stock.now.Store(new(wares))
	if err := c.loadStock(); err != nil {
		if err := c.startUnread(err); err != nil {
			return err
		}
	}
	if c.Catalogue != "" {
		go c.follow(ctx, h)
	}
	return nil
}

// checkOptions judges what needs no provider.
func (c *Checkout) checkOptions() error {
	if len(c.Items) == 0 && c.Donate == nil && c.Catalogue == "" {
		return errors.New("there is nothing to buy: write `item`, `catalogue` or `donate`")
	}
	if c.Quantity < 0 || c.Quantity > catalogue.MaxQuantity {
		return fmt.Errorf("quantity must be from 1 to %d", catalogue.MaxQuantity)
	}
	if c.Catalogue != "" {
		if err := catalogue.CheckName(c.Catalogue); err != nil {
			return err
		}
	}
	for i, f := range c.Buyer {
		if _, ok := buyerFields[f.Field]; !ok {
			return fmt.Errorf("buyer must be one of name, mobile, email%s", quote.Not(f.Field, "name", "mobile", "email"))
		}
		if slices.ContainsFunc(c.Buyer[:i], func(b BuyerField) bool { return b.Field == f.Field }) {
			return fmt.Errorf("buyer %s is written twice", f.Field)
		}
	}
	return nil
}

// CheckPrices refuses what a provider would refuse of every buyer. It is asked
// when the Caddyfile is adapted and when the configuration is provisioned.
func (c *Checkout) CheckPrices(name string, p payment.Protocol) error {
	for _, it := range c.Items {
		if err := p.CheckAmount(payment.Rials(it.Amount)); err != nil {
			return fmt.Errorf("item %s: provider %s doesn't accept its price: %w", it.SKU, name, err)
		}
	}
	d := c.Donate
	if d == nil {
		return nil
	}
	if d.Min <= 0 || d.Max < d.Min {
		return errors.New("donate: the least must be more than 0 and not more than the most")
	}
	if err := p.CheckAmount(payment.Rials(d.Min)); err != nil {
		return fmt.Errorf("donate: provider %s doesn't accept the least: %w", name, err)
	}
	if err := p.CheckAmount(payment.Rials(d.Max)); err != nil {
		return fmt.Errorf("donate: provider %s doesn't accept the most: %w", name, err)
	}
	return nil
}

// donation is the item of a payment whose sum the buyer named.
const donation = "donation"

// findReturn finds the verify routes that take this checkout's customers.
func (c *Checkout) findReturn(h *Handler) error {
	for _, g := range c.conf.gateways {
		if err := g.findReturn(c.Return, h); err != nil {
			return err
		}
	}
	return nil
}

func (g *gateway) findReturn(written string, h *Handler) error {
	name := g.provider.Name
	var matcher *Verify // only a request tells whether a matcher takes it: a path that does comes first
	for _, v := range h.Verify {
		if v.Provider != name {
			continue
		}
		switch {
		case written != "" && len(v.matchers) > 0:
			if matcher == nil {
				matcher = v
			}
		case written != "":
			if v.filter.takes(written) {
				g.back, g.route = written, v
				return nil
			}
		case len(v.Paths) > 0 && !strings.ContainsAny(v.Paths[0], "*{"):
			g.back, g.route = (&url.URL{Path: v.plain()[0]}).EscapedPath(), v
			return nil
		}
	}
	if matcher != nil {
		g.back, g.route = written, matcher
		return nil
	}
	if written != "" {
		return fmt.Errorf("return %s: no `verify` route of %s in this block takes it", written, name)
	}
	return fmt.Errorf("there is no `verify <path> %s` in this block to come back to", name)
}

// item finds what a path sells; receipt is whether it is the page of receipts. It
// allocates nothing for other paths.
func (c *Checkout) item(path string) (item *ware, receipt, ok bool) {
	rest, ok := strings.CutPrefix(path, c.Path)
	if !ok {
		return nil, false, false
	}
	if rest == "" || rest == "/" {
		return nil, false, c.Donate != nil
	}
	if rest[0] != '/' {
		return nil, false, false
	}
	if c.Receipt && rest[1:] == catalogue.Receipt {
		return nil, true, true
	}
	item = c.ware(rest[1:])
	return item, false, item != nil
}

// unsold answers for what a checkout doesn't sell: the site goes first, and where it
// has no such page either, its visitor gets our page instead of an empty 404.
func (h *Handler) unsold(w http.ResponseWriter, r *http.Request, err error) error {
	if err == nil || len(h.Checkout) == 0 {
		return err
	}
	var failed caddyhttp.HandlerError
	if !errors.As(err, &failed) || failed.StatusCode != http.StatusNotFound {
		return err
	}
	for _, c := range h.Checkout {
		if strings.HasPrefix(r.URL.Path, c.Path+"/") {
			return h.write(w, r, pages.Page{Kind: pages.NotFound, ShopURL: h.home(r)}, err)
		}
	}
	return err
}

// serveCheckout shows what is bought, or starts the payment.
func (h *Handler) serveCheckout(w http.ResponseWriter, r *http.Request, c *Checkout, item *ware) error {
	if h.nameless(r) {
		return h.refuseNameless(w, r)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return h.write(w, r, h.offer(r, c, item, h.unfilled(r, c, item)), nil)
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		return h.write(w, r, pages.Page{Kind: pages.NotFound, Status: http.StatusMethodNotAllowed}, nil)
	}
	if from := r.Header.Get("Sec-Fetch-Site"); track.Prefetched(r) || from == "cross-site" || from == "same-site" {
		// A page of another host, be it a sister of this one, starts no payment: its
		// button leads to ours.
		return h.write(w, r, h.offer(r, c, item, h.unfilled(r, c, item)), nil)
	}
	f := h.filled(w, r, c, item)
	switch {
	case f.wrong != "":
		page := h.offer(r, c, item, f)
		page.Status, page.Wrong = http.StatusUnprocessableEntity, f.wrong
		return h.write(w, r, page, nil)
	case f.total:
		return h.write(w, r, h.offer(r, c, item, f), nil)
	}
	return h.purchase(w, r, c, item, f)
}

// offer is the confirm page.
func (h *Handler) offer(r *http.Request, c *Checkout, item *ware, f *filledForm) pages.Page {
	chosen := c.gatewayNamed(f.gateway)
	p := pages.Page{
		Kind: pages.Checkout, Action: originalPath(r), ShopURL: h.home(r), Inputs: f.inputs,
		Test: chosen.provider.terms.Environment == payment.Sandbox,
	}
	for _, g := range c.conf.gateways {
		p.Gateways = append(p.Gateways, pages.Gateway{Value: g.provider.Name, Name: g.name(), Chosen: g == chosen, Down: slices.Contains(f.down, g.provider.Name)})
	}
	if c.Receipt {
		p.Receipts = h.linked(r, c.Path+"/"+catalogue.Receipt)
	}
	if item == nil {
		p.Min, p.Max = payment.Rials(c.Donate.Min), payment.Rials(c.Donate.Max)
		return p
	}
	p.Titles, p.Amount = item.titles(), item.Price*payment.Rials(f.pieces)
	p.Bought = h.bought(r, item.SKU)
	if p.Picture = item.Picture; strings.HasPrefix(item.Picture, "/") {
		p.Picture = h.siteOf(r).path + item.Picture
	}
	if item.most > 1 {
		p.Each, p.Quantity, p.MostPieces = item.Price, f.pieces, item.most
	}
	return p
}

// gatewayNamed is the one that a form has chosen; the first where it names none.
func (c *Checkout) gatewayNamed(name string) *gateway {
	for _, g := range c.conf.gateways {
		if g.provider.Name == name {
			return g
		}
	}
	return c.conf.gateways[0]
}

// startable are the gateways that probably start payments now; all where none is.
func (h *Handler) startable(r *http.Request, c *Checkout) (first string, down []string) {
	if len(c.conf.gateways) == 1 {
		return c.conf.gateways[0].provider.Name, nil
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return c.conf.gateways[0].provider.Name, nil
	}
	for _, g := range c.conf.gateways {
		name := g.provider.Name
		if eng.Startable(name) {
			first = cmp.Or(first, name)
		} else {
			down = append(down, name)
		}
	}
	return cmp.Or(first, c.conf.gateways[0].provider.Name), down
}

func originalPath(r *http.Request) string {
	path, _, _ := strings.Cut(originalURI(r), "?")
	return sameHost(path)
}

// retryURL is where a customer of our checkout may pay again, as the handler sees
// it.
func (h *Handler) retryURL(rec *payment.Record) string {
	for _, c := range h.Checkout {
		if !slices.Contains(c.Providers, rec.Provider) {
			continue
		}
		if rec.Expect.Item == donation && c.Donate != nil {
			return c.Path
		}
		if c.ware(rec.Expect.Item) != nil {
			return c.Path + "/" + url.PathEscape(rec.Expect.Item)
		}
	}
	return ""
}

func appendQuery(path, name, value string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + name + "=" + url.QueryEscape(value)
}
