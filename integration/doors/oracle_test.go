package doors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// judge looks at one request's answer, and at what reached the shops meanwhile.
func (w *world) judge(q *request, a *answer, before int) {
	w.judgeShops(before, q)
	if a != nil {
		w.judgeContent(q, a)
		w.judgeCaching(q, a)
		w.judgeSaid(q, a)
		w.judgeBrand(q, a)
	}
	w.panics()
}

// takes is the documentation's rule of what a `require` of that pattern guards,
// said of a resource: P, what is below it, its other forms (P.gz, P.html), P
// without .html, .htm or .php; P/* takes P.
func takes(pattern, resource string) bool {
	switch {
	case pattern == "*" || pattern == "/*":
		return true
	case strings.HasPrefix(pattern, "/*"):
		// A star in the middle stands for a part of one segment.
		for r := resource; r != ""; r = strings.TrimSuffix(r, path.Ext(r)) {
			if ok, _ := path.Match(pattern, r); ok {
				return true
			}
			if path.Ext(r) == "" {
				break
			}
		}
		return false
	case strings.HasSuffix(pattern, "/*"):
		p := strings.TrimSuffix(pattern, "/*")
		return resource == p || strings.HasPrefix(resource, p+"/")
	}
	if resource == pattern || strings.HasPrefix(resource, pattern+"/") || strings.HasPrefix(resource, pattern+".") {
		return true
	}
	for _, ext := range []string{".html", ".htm", ".php"} {
		if p, ok := strings.CutSuffix(pattern, ext); ok && resource == p {
			return true
		}
	}
	return false
}

// says: a path matcher, as it is written, takes that path.
func says(pattern, p string) bool {
	if dir, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(p, dir)
	}
	ok, _ := path.Match(pattern, p)
	return ok
}

// entitled: that person has bought one of the items, at that site.
func (w *world) entitled(person int, site string, items []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.purchases {
		if !p.Checkout || p.Site != site || min(p.Browser, 1) != person {
			continue
		}
		for _, i := range items {
			if i == p.Item && w.bank.paid(p.ID) {
				return true
			}
		}
	}
	return false
}

// plain is the path that a request names, as anybody would read it; empty where
// it is written in an odd way.
func plain(target string) string {
	p, _, _ := strings.Cut(target, "?")
	if strings.ContainsAny(p, "%\\;") || !strings.HasPrefix(p, "/") || path.Clean(p) != p {
		return ""
	}
	return p
}

// unpaid is the first gate of a resource that this person has not paid for.
func (w *world) unpaid(q *request, c content) *require {
	b := w.blockNumbered(c.Block)
	if b == nil {
		return nil
	}
	for i := range b.Requires {
		r := &b.Requires[i]
		for _, p := range r.Paths {
			if !takes(p, c.Path) || r.Matcher && (plain(q.Target) != b.at(c.Path) || !says(p, c.Path)) {
				continue // a matcher means what it says, no more
			}
			if !w.entitled(q.browser.person(), b.site(q.host()), r.Items) {
				return r
			}
		}
	}
	return nil
}

func (w *world) judgeContent(q *request, a *answer) {
	done := make(map[string]bool)
	for _, m := range markers.FindAllString(a.Body, -1) {
		c, ok := known[m]
		if !ok || done[m] {
			continue
		}
		done[m] = true
		if r := w.unpaid(q, c); r != nil {
			w.fail("unpaid-content", "%s of site %d (require %s: item %s) is served to browser %d, who has not bought it", c.Path, c.Block, strings.Join(r.Paths, " "), strings.Join(r.Items, " or "), q.browser.number)
			return
		}
	}
	// Without a body, a length or "not modified" tells as well that the gate was
	// not asked.
	p := plain(q.Target)
	if p == "" {
		return
	}
	for _, f := range files {
		if f != p {
			continue
		}
		for i := range w.plan.Blocks {
			b := &w.plan.Blocks[i]
			c := content{b.Number, f}
			if b.Serve != "files" || b.Port != q.Port || !b.named(q.host()) || w.unpaid(q, c) == nil {
				continue
			}
			if a.Status == http.StatusNotModified {
				w.fail("unpaid-validator", "%s of site %d is told to be unchanged to browser %d, who has not bought it", f, b.Number, q.browser.number)
			}
			if q.Method == http.MethodHead && a.Status < 300 && a.Header.Get("Content-Length") == strconv.Itoa(len(text(c))) {
				w.fail("unpaid-head", "the length of %s of site %d is told to browser %d, who has not bought it", f, b.Number, q.browser.number)
			}
		}
	}
}

// named: the block answers to that Host.
func (b *block) named(host string) bool {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	for _, n := range b.Names {
		if n == host {
			return true
		}
	}
	return false
}

// judgeShops looks at what has reached the shops since.
func (w *world) judgeShops(from int, q *request) {
	w.mu.Lock()
	all := append([]*seen(nil), w.requested[from:]...)
	w.mu.Unlock()
	for _, s := range all {
		b := w.blockNumbered(s.Block)
		if b == nil {
			continue
		}
		w.judgeForged(s)
		w.judgeSecret(s)
		w.judgeToldAlike(b, s)
		status, _ := s.header("X-Payment-Status")
		switch status {
		case "verified":
			w.judgeVerified(b, s)
		case "":
			w.judgeSilence(b, s)
			w.judgeTrack(b, s)
		default:
			w.judgePassed(b, s, status)
		}
	}
}

// judgeForged: nothing of what a client sent under our names reaches a shop.
func (w *world) judgeForged(s *seen) {
	for k, vs := range s.Header {
		name := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(strings.TrimSpace(k)))
		if !strings.HasPrefix(name, "x-payment") {
			continue
		}
		id, _ := s.header("X-Payment-Id")
		for _, v := range vs {
			if v == "forged" || k != http.CanonicalHeaderKey(name) || strings.EqualFold(name, "x-payment-status") && v == "verified" && id == "" {
				w.fail("forged-header", "the shop of site %d is told %s: %s for %s %s", s.Block, k, v, s.Method, s.URI)
				return
			}
		}
	}
}

func (w *world) judgeVerified(b *block, s *seen) {
	get := func(name string) string {
		v, more := s.header(name)
		if len(more) > 0 {
			w.fail("told-twice-over", "%s stands %d times in the request for %s", name, len(more)+1, s.URI)
		}
		return v
	}
	id, order, amount := get("X-Payment-Id"), get("X-Payment-Order"), get("X-Payment-Amount")
	p := w.byID(id)
	site := b.site(s.Host)
	switch {
	case p == nil:
		w.fail("told-unknown", "site %s is told that payment %s is verified, which nobody made", site, id)
		return
	case p.Site != site:
		w.fail("told-foreign", "site %s is told that payment %s is verified, which is of site %s", site, id, p.Site)
		return
	case p.Order != order && p.Order != "" || strconv.FormatInt(p.Amount, 10) != amount:
		w.fail("told-wrong", "site %s is told order %s and %s rials of payment %s, which is of order %s and %d rials", site, order, amount, id, p.Order, p.Amount)
		return
	case p.Provider != get("X-Payment-Provider"):
		w.fail("told-wrong", "site %s is told provider %s of payment %s, which is of %s", site, get("X-Payment-Provider"), id, p.Provider)
		return
	case p.Item != get("X-Payment-Item"):
		w.fail("told-wrong", "site %s is told item %q of payment %s, which is of %q", site, get("X-Payment-Item"), id, p.Item)
		return
	}
	if !w.bank.paid(id) {
		truth, _ := w.bank.truth(id)
		w.fail("told-unpaid", "site %s is told that payment %s is verified, which is %s at the bank", site, id, truth.State)
		return
	}
	w.mu.Lock()
	w.told[site+" "+id]++
	n := w.told[site+" "+id]
	orders := 0
	for k := range w.told {
		if o := strings.TrimPrefix(k, site+" "); o != k {
			for _, x := range w.purchases {
				if x.ID == o && x.Order == order {
					orders++
				}
			}
		}
	}
	w.mu.Unlock()
	if n > 1 && !w.idempotent(b, p) {
		w.fail("told-twice", "site %s is told %d times that payment %s is verified, with `deliver once`", site, n, id)
	}
	if orders > 1 && !b.Many {
		w.fail("order-twice", "site %s is told of %d payments of order %s, with `orders once`", site, orders, order)
	}
	w.judgeParams(b, s, p)
	w.judgeVisitor(s, p)
	w.judgeTrackID(get("X-Payment-Track-Id"), p)
	w.judgeReceipt(site, s, p)
}

// idempotent: some route that the payment may come back on may be told again.
func (w *world) idempotent(b *block, p *purchase) bool {
	for _, v := range b.Verifies {
		if v.Provider == p.Provider && v.Deliver == "idempotent" {
			return true
		}
	}
	return false
}

// judgeParams: a shop that reads the provider's parameters, or PHP's $_REQUEST
// with its cookies, reads what was verified.
func (w *world) judgeParams(b *block, s *seen, p *purchase) {
	kind, names := kindOf(p.Provider)
	binds := b.binds(s)
	if binds {
		names = append(names, bound)
	}
	for k, vs := range s.Params {
		// Another gateway's parameter is the shop's own.
		if p.Order == "" || phpName(k) != "payment_order" && (phpName(k) != "order_id" || kind != "idpay") && (phpName(k) != bound || !binds) {
			continue
		}
		for _, v := range vs {
			if v != p.Order {
				w.fail("told-wrong", "a verified request names %s=%s beside order %s", k, v, p.Order)
				return
			}
		}
	}
	w.judgeCookies(s, names)
}

// judgeCookies: no cookie bears a parameter's name.
func (w *world) judgeCookies(s *seen, names []string) {
	for _, c := range (&http.Request{Header: s.Header}).Cookies() {
		if slices.Contains(names, phpName(c.Name)) {
			w.fail("cookie-overrides", "a return carries the cookie %s=%s, which PHP reads in place of the parameter", c.Name, c.Value)
			return
		}
	}
}

// phpName is what PHP makes of a parameter's name.
func phpName(k string) string {
	if n, err := url.QueryUnescape(k); err == nil {
		k = n
	}
	k = strings.TrimLeft(k, " ")
	if i := strings.IndexByte(k, '['); i > 0 {
		k = k[:i]
	}
	return strings.NewReplacer(".", "_", " ", "_").Replace(k)
}

func (w *world) judgeReceipt(site string, s *seen, p *purchase) {
	jws, _ := s.header("X-Payment-Receipt")
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		w.fail("no-receipt", "site %s is told of payment %s without a receipt", site, p.ID)
		return
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct {
		Aud json.RawMessage `json:"aud"`
	}
	if err != nil || json.Unmarshal(claims, &c) != nil {
		w.fail("no-receipt", "site %s gets a receipt that can't be read", site)
		return
	}
	if w.plan.Keys {
		m := hmac.New(sha256.New, []byte(key("receipt")))
		m.Write([]byte(parts[0] + "." + parts[1]))
		if sig, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || !hmac.Equal(sig, m.Sum(nil)) {
			w.fail("receipt-signature", "site %s gets a receipt that its key doesn't verify", site)
		}
	}
	w.mu.Lock()
	was := w.auds[string(c.Aud)]
	w.auds[string(c.Aud)] = site
	w.mu.Unlock()
	if was != "" && was != site {
		w.fail("receipt-audience", "receipts of %s and %s are both for %s", was, site, c.Aud)
	}
}

// judgeSilence: what looks like a provider's return, at a site that has to do
// with it, does not reach the shop without a verdict, or else there is an event.
func (w *world) judgeSilence(b *block, s *seen) {
	sent := s.sent()
	for _, name := range providerNames {
		if !b.uses(name) {
			continue
		}
		_, params := kindOf(name)
		if g := b.Plugin; g != nil && (name == g.Provider || g.Observe && slices.Contains(params, g.speech().id) && slices.Contains(params, g.speech().claim)) {
			continue // the shop sees to its own; another gateway's names may be the same
		}
		all := true
		for _, n := range params {
			if sent.Get(n) == "" {
				all = false
			}
		}
		if !all {
			continue
		}
		for end := time.Now().Add(250 * time.Millisecond); ; time.Sleep(10 * time.Millisecond) {
			if events, logs := since(w.events, w.logs); spoken(events, logs) {
				return
			}
			// One cause is one alert, which is not repeated for each request.
			if events, logs := since(0, 0); unrouted(events, logs) {
				return
			}
			if time.Now().After(end) {
				w.fail("silent-return", "a return of %s reaches the shop of site %d as %s %s, without a verdict and without an event", name, b.Number, s.Method, s.URI)
				return
			}
		}
	}
}

func unrouted(events []event, logs []string) bool {
	return slices.ContainsFunc(events, func(e event) bool { return e.Name == "return_unrouted" }) ||
		slices.ContainsFunc(logs, func(l string) bool { return strings.Contains(l, `"msg":"return_unrouted`) })
}

func spoken(events []event, logs []string) bool {
	for _, e := range events {
		if strings.HasPrefix(e.Name, "return_") || strings.HasPrefix(e.Name, "payment_") && e.Name != "payment_created" {
			return true
		}
	}
	for _, l := range logs {
		if strings.Contains(l, `"msg":"return_`) {
			return true
		}
	}
	return false
}

// panics: there are none.
func (w *world) panics() {
	events, logs := since(0, 0)
	for _, e := range events {
		if strings.Contains(e.Name, "panicked") {
			w.fail("panic", "event %s: %v", e.Name, e.Data)
			return
		}
	}
	for _, l := range logs {
		if strings.Contains(l, "panic") {
			w.fail("panic", "%s", l)
			return
		}
	}
}

// judgePassed: a shop hears of payments that weren't made or delivered only where
// it asked to, and of its own.
func (w *world) judgePassed(b *block, s *seen, status string) {
	asked := false
	for _, v := range b.Verifies {
		asked = asked || v.Declined == "pass" && status != "duplicate" || v.Duplicate == "pass" && status == "duplicate"
	}
	if !asked {
		w.fail("told-unasked", "the shop of site %d is told %q for %s %s, and has not asked for that", b.Number, status, s.Method, s.URI)
		return
	}
	for i := range b.Verifies {
		v := &b.Verifies[i]
		if _, names := kindOf(v.Provider); v.Path != "" && plain(s.URI) == b.in(v.Path) {
			w.judgeCookies(s, names)
		}
	}
	id, _ := s.header("X-Payment-Id")
	order, _ := s.header("X-Payment-Order")
	p := w.byID(id)
	if provider, _ := s.header("X-Payment-Provider"); p != nil && p.Provider != provider {
		// An id of another provider is none of this one's; the shop's signature is for its order.
		if o := w.ordered(b.Number, order); o != nil && b.Verifies[o.Verify].Expect == "signed" {
			return
		}
	}
	if id != "" && (p == nil || p.Site != b.site(s.Host) || order != "" && p.Order != "" && order != p.Order) {
		w.fail("told-foreign", "site %s is told %q of payment %s and order %s, which are not its own", b.site(s.Host), status, id, order)
	}
}

// judgeTrack: the path form of a network's link never reaches a shop whose site
// tracks all pages.
func (w *world) judgeTrack(b *block, s *seen) {
	p, _, _ := strings.Cut(s.URI, "?")
	if b.Track != nil && len(b.Track) == 0 && s.Method == http.MethodGet && strings.Contains(p+"/", "/track_id=abcdefgh/") {
		w.fail("track-form", "the shop of site %d is asked for %s", b.Number, s.URI)
	}
}

// judgeOpened: who has bought what all gates of a page ask for can open it.
func (w *world) judgeOpened(pl place, b *browser, file string, a *answer) {
	if a == nil || len(w.faults) > 0 || w.out != "" || pl.b.Serve != "files" || pl.b.has("nested") && strings.HasPrefix(file, "/zz/") {
		return
	}
	bought := false
	for _, r := range pl.b.Requires {
		for _, p := range r.Paths {
			if takes(p, file) || strings.HasPrefix(p, strings.TrimSuffix(file, "index.html")) {
				if bought = w.settled(b, pl, r.Items); !bought {
					return
				}
			}
		}
	}
	if bought && a.Status >= 400 && w.blockNumbered(pl.b.Number) != nil {
		w.fail("locked-out", "browser %d has bought what %s of %s asks for, and gets %d", b.number, file, pl.name, a.Status)
	}
}

// settled: this browser has bought one of the items at this very address, and our
// ledger knows.
func (w *world) settled(b *browser, pl place, items []string) bool {
	for _, p := range w.all() {
		if p.Checkout && p.Browser == b.number && p.Host == pl.host() && slices.Contains(items, p.Item) && w.bank.paid(p.ID) {
			if r := w.record(p); r != nil && r.State == payment.Delivered {
				return true
			}
		}
	}
	return false
}

// judgeLanding: a customer who has paid and comes back is never shown that there
// is no such page, nor becomes an affiliate's visitor by it.
func (w *world) judgeLanding(p *purchase, a *answer) {
	if a == nil || len(w.faults) > 0 || p.Browser != 0 || !w.bank.paid(p.ID) {
		return
	}
	if b := w.blockNumbered(p.Block); p.Plugin && b != nil && b.Plugin != nil && b.Plugin.Dies && a.Status == http.StatusInternalServerError {
		return // it is the shop's
	}
	switch a.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusInternalServerError, http.StatusBadGateway:
		w.fail("bad-landing", "the customer of payment %s comes back to a %d", p.ID, a.Status)
	}
	for _, c := range a.Header.Values("Set-Cookie") {
		if strings.Contains(c, "payment_track=") {
			w.fail("return-tracked", "the return of payment %s is taken for an affiliate's visit", p.ID)
		}
	}
}
