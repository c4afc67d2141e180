package handlers

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
)

// maxForm bounds the form of a checkout.
const maxForm = 4 << 10

type checkoutRoute struct {
	provider *provider
	// back is where customers come back to, and the route that takes them.
	back  string
	route *Verify
}

func (c *Checkout) provision(h *Handler) error {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "*?{") {
		return errors.New("the path must begin with / and have no wildcard")
	}
	c.Path = strings.TrimRight(c.Path, "/")
	info, ok := h.app.Provider(c.Provider)
	if !ok {
		return fmt.Errorf("provider %q is not configured; there are: %s", c.Provider, strings.Join(h.app.ProviderNames(), ", "))
	}
	if creator, ok := info.Provider.(payment.Creator); !ok || !creator.CanCreate() {
		return fmt.Errorf("provider %s: %w", c.Provider, engine.ErrCannotCreate)
	}
	c.conf.provider = &provider{ProviderInfo: info, terms: info.Terms()}
	if len(c.Items) == 0 && c.Donate == nil {
		return errors.New("there is nothing to buy: write `item` or `donate`")
	}
	if err := c.CheckPrices(c.conf.provider.terms.Protocol); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, it := range c.Items {
		switch {
		case it.SKU == "" || strings.ContainsAny(it.SKU, "/?#% "):
			return fmt.Errorf("item %q: a sku must be one segment of a path", it.SKU)
		case seen[it.SKU]:
			return fmt.Errorf("item %s is written twice", it.SKU)
		}
		seen[it.SKU] = true
		if it.SKU == donation && slices.ContainsFunc(h.Checkout, func(c *Checkout) bool { return c.Donate != nil }) {
			return fmt.Errorf("item %s: payments by `donate` have this name, so any sum would open what the item opens; give the item another name", donation)
		}
	}
	return nil
}

// CheckPrices refuses what the provider would refuse of every buyer. It is asked
// when the Caddyfile is adapted and when the configuration is provisioned.
func (c *Checkout) CheckPrices(p payment.Protocol) error {
	for _, it := range c.Items {
		if err := p.CheckAmount(payment.Rials(it.Amount)); err != nil {
			return fmt.Errorf("item %s: provider %s doesn't accept its price: %w", it.SKU, c.Provider, err)
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
		return fmt.Errorf("donate: provider %s doesn't accept the least: %w", c.Provider, err)
	}
	if err := p.CheckAmount(payment.Rials(d.Max)); err != nil {
		return fmt.Errorf("donate: provider %s doesn't accept the most: %w", c.Provider, err)
	}
	return nil
}

// donation is the item of a payment whose sum the buyer named.
const donation = "donation"

// findReturn finds the verify route that takes this checkout's customers.
func (c *Checkout) findReturn(h *Handler) error {
	var matcher *Verify // only a request tells whether a matcher takes it: a path that does comes first
	for _, v := range h.Verify {
		if v.Provider != c.Provider {
			continue
		}
		switch {
		case c.Return != "" && len(v.matchers) > 0:
			if matcher == nil {
				matcher = v
			}
		case c.Return != "":
			if v.filter.takes(c.Return) {
				c.conf.back, c.conf.route = c.Return, v
				return nil
			}
		case len(v.Paths) > 0 && !strings.ContainsAny(v.Paths[0], "*{"):
			c.conf.back, c.conf.route = v.Paths[0], v
			return nil
		}
	}
	if matcher != nil {
		c.conf.back, c.conf.route = c.Return, matcher
		return nil
	}
	if c.Return != "" {
		return fmt.Errorf("return %s: no `verify` route of %s in this block takes it", c.Return, c.Provider)
	}
	return fmt.Errorf("there is no `verify <path> %s` in this block to come back to", c.Provider)
}

// item finds what a path sells. It allocates nothing for other paths.
func (c *Checkout) item(path string) (*Item, bool) {
	rest, ok := strings.CutPrefix(path, c.Path)
	if !ok {
		return nil, false
	}
	if rest == "" || rest == "/" {
		return nil, c.Donate != nil
	}
	if rest[0] != '/' {
		return nil, false
	}
	for i := range c.Items {
		if c.Items[i].SKU == rest[1:] {
			return &c.Items[i], true
		}
	}
	return nil, false
}

// unsold answers for what a checkout doesn't sell: the site goes first, and where it
// has no such page either, its visitor gets one of ours instead of an empty 404.
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
func (h *Handler) serveCheckout(w http.ResponseWriter, r *http.Request, c *Checkout, item *Item) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return h.write(w, r, h.offer(r, c, item), nil)
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		return h.write(w, r, pages.Page{Kind: pages.NotFound, Status: http.StatusMethodNotAllowed}, nil)
	}
	if from := r.Header.Get("Sec-Fetch-Site"); track.Prefetched(r) || from == "cross-site" || from == "same-site" {
		// A page of another host, be it a sister of this one, starts no payment: its
		// button leads to ours.
		return h.write(w, r, h.offer(r, c, item), nil)
	}
	p := engine.Purchase{
		Site: h.siteOf(r).id, Route: c.conf.route.route.name, Provider: c.Provider, Order: token.NewOrder(),
	}
	if item != nil {
		p.Item, p.Title, p.Amount = item.SKU, item.title(), payment.Rials(item.Amount)
	} else {
		amount, wrong := c.named(w, r)
		if wrong != "" {
			page := h.offer(r, c, nil)
			page.Status, page.Wrong = http.StatusUnprocessableEntity, wrong
			return h.write(w, r, page, nil)
		}
		p.Item, p.Title, p.Amount = donation, "", amount
	}
	return h.purchase(w, r, c, item, p)
}

func (it *Item) title() string {
	if it.Title != "" {
		return it.Title
	}
	return it.SKU
}

// offer is the confirm page.
func (h *Handler) offer(r *http.Request, c *Checkout, item *Item) pages.Page {
	p := pages.Page{
		Kind: pages.Checkout, Action: originalPath(r), ShopURL: h.home(r),
		Test: c.conf.provider.terms.Environment == "sandbox",
	}
	if item != nil {
		p.Title, p.Amount = item.title(), payment.Rials(item.Amount)
		p.Bought = h.bought(r, item.SKU)
		return p
	}
	p.Min, p.Max = payment.Rials(c.Donate.Min), payment.Rials(c.Donate.Max)
	return p
}

func originalPath(r *http.Request) string {
	path, _, _ := strings.Cut(originalURI(r), "?")
	return sameHost(path)
}

// named reads the sum that the buyer names: in toman from our form, or in rials
// as `amount`.
func (c *Checkout) named(w http.ResponseWriter, r *http.Request) (payment.Rials, pages.Wrong) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return 0, pages.WrongAmount
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return 0, pages.WrongAmount
	}
	text := form.Get("amount")
	if toman := form.Get(pages.AmountField); toman != "" {
		text = written(toman)
	}
	amount, err := payment.ParseAmount(text)
	if err != nil {
		return 0, pages.WrongAmount
	}
	if amount < payment.Rials(c.Donate.Min) || amount > payment.Rials(c.Donate.Max) {
		return 0, pages.WrongBounds
	}
	if c.conf.provider.terms.CheckAmount(amount) != nil {
		return 0, pages.WrongAmount
	}
	return amount, ""
}

// purchase starts the payment and sends the browser to the bank.
func (h *Handler) purchase(w http.ResponseWriter, r *http.Request, c *Checkout, item *Item, p engine.Purchase) error {
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, err)
	}
	keys, err := h.allKeys(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, err)
	}
	site, back := h.siteOf(r), h.wayBack(r)
	p.Track = h.currentTrack(r, keys)
	p.Ref = payment.CheckoutRef(site.id, c.conf.provider.terms.Issuer, p.Order)
	p.ReturnURL = back.address(appendQuery(c.conf.back, token.ParamRef, keys.SignRef(p.Ref, site.id)))
	p.Return = back.asReturn(p.ReturnURL)
	p.Return.By = visitorOf(r)
	p.Client = client(r)
	started, rec, err := eng.Purchase(r.Context(), p)
	var many *engine.TooManyError
	switch {
	case errors.As(err, &many):
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, Status: http.StatusTooManyRequests, After: many.RetryAfter, ShopURL: h.home(r)}, err)
	case err != nil && !errors.Is(err, engine.ErrNotCreated):
		h.log.Error("the customer was not sent to the bank: the payment can't be remembered", zap.String("provider", c.Provider), zap.Error(err))
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, err)
	case err != nil:
		h.log.Error("a payment could not be started", zap.String("provider", c.Provider), zap.Error(err))
		page := h.offer(r, c, item)
		page.Status, page.Wrong = http.StatusBadGateway, pages.WrongProvider
		return h.write(w, r, page, err)
	}
	h.rememberPurchase(w, r, keys, rec)
	if started.Form != nil {
		return h.write(w, r, pages.Page{Kind: pages.ToBank, Action: started.PayURL, Fields: formFields(started.Form)}, nil)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", started.PayURL)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// formFields are the fields of a pay page's form, in an order of their own.
func formFields(form map[string]string) []pages.Field {
	fields := make([]pages.Field, 0, len(form))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fields = append(fields, pages.Field{Name: name, Value: form[name]})
	}
	return fields
}

// rememberPurchase gives the browser the cookie of this purchase.
func (h *Handler) rememberPurchase(w http.ResponseWriter, r *http.Request, keys *token.Keys, rec *payment.Record) {
	view := h.view(r)
	buyer := token.ShortHash(h.browserID(w, r))
	text, err := keys.SignPaid(token.Paid{Ref: rec.Ref, Items: []string{rec.Expect.Item}, Browser: buyer, At: time.Now()}, h.siteOf(r).id, time.Now())
	if err != nil {
		h.log.Error("the cookie of a purchase could not be made", zap.Error(err))
		return
	}
	h.forgetPurchases(w, r, keys, len(text))
	token.SetCookie(w, familyPaid+string(rec.Ref[:paidName]), text, token.PaidLife, view)
}

// familyPaid is the prefix of the cookies of purchases; paidName is how much of
// the reference names one.
const (
	familyPaid = "paid_"
	paidName   = 10
)

// retryURL is where a customer of our checkout may pay again, as the handler sees
// it.
func (h *Handler) retryURL(rec *payment.Record) string {
	for _, c := range h.Checkout {
		if c.Provider != rec.Provider {
			continue
		}
		if rec.Expect.Item == donation && c.Donate != nil {
			return c.Path
		}
		for _, it := range c.Items {
			if it.SKU == rec.Expect.Item {
				return c.Path + "/" + url.PathEscape(it.SKU)
			}
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
