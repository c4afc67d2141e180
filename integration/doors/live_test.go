package doors

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rahgir/caddy-payments/sandbox"
)

// paths are what an attacker asks for.
var paths = append(append(append([]string{}, files...), pages...), "/alias", "/alias2", "/give?f=/book.pdf", "/give?f=/members/secret.txt",
	"/buy/cheap", "/buy/dear", "/callback.php", "/pay/callback", "/course/", "/course", "/nothing", "/nothing.php", "/dl/book.pdf", "/v2/lesson.html", "/said", "/lesson.html.dl", "/book.pdf.dl", "/zip/one.html", "/zip/pro/x.html", "/old-lesson.html", "/old-book.pdf")

// lived counts worlds: each has hosts of its own, because what a process has
// said of a site it doesn't say again at once, whatever the configuration.
var lived atomic.Int64

// renamed is the plan with hosts that no world before had.
func (p *plan) renamed(suffix string) *plan {
	c := clone(p)
	for i := range c.Blocks {
		b := &c.Blocks[i]
		for _, list := range [][]string{b.Hosts, b.Names} {
			for j := range list {
				list[j] = strings.Replace(list[j], ".test", suffix, 1)
			}
		}
		b.Public, b.Twin = strings.Replace(b.Public, ".test", suffix, 1), strings.Replace(b.Twin, ".test", suffix, 1)
	}
	return c
}

// live lives a plan and returns what must not have happened.
func live(p *plan) *world {
	drawn, suffix := p, fmt.Sprintf(".w%d.test", lived.Add(1))
	p = p.renamed(suffix)
	w := &world{drawn: drawn, suffix: suffix, plan: p, at: around, c: new(clock), slots: make(map[int]*purchase), told: make(map[string]int), auds: make(map[string]string), tampered: make(map[string]bool), asked: make(map[string]int), firsts: make(map[string]int), replayed: make(map[string]int), creditedBy: make(map[string]int), shown: make(map[string]int)}
	w.bank = newBank(w.c)
	for i := range 3 {
		b := newBrowser(i)
		b.front = p.Front && i != outside
		w.browsers = append(w.browsers, b)
	}
	current.Store(w)
	defer current.Store(nil)
	if err := load(p.caddyfile(w.at), w.c); err != nil {
		if p.twins() && strings.Contains(err.Error(), "public_url") {
			return w // one handler for two sites may be refused
		}
		w.fail("config-refused", "%v", err)
		return w
	}
	defer w.rest()
	for i, s := range p.Steps {
		w.step(i, s)
		if len(w.faults) > 0 {
			return w
		}
	}
	w.end()
	return w
}

func (w *world) step(i int, s step) {
	pl := w.place(s.Site)
	b := w.browsers[s.Browser%len(w.browsers)]
	switch s.Do {
	case "buy":
		w.buy(s, pl, b)
	case "order":
		w.order(s, pl, b)
	case "bank":
		w.pay(s)
	case "return", "back":
		if p := w.slots[s.Slot]; p != nil && p.Return != nil {
			w.comeBack(p)
		}
	case "open":
		a := w.browse(&request{browser: b, Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: pl.b.at(files[s.Pick%len(files)]), Doing: "opens"})
		w.judgeOpened(pl, b, files[s.Pick%len(files)], a)
	case "misreturn":
		w.misreturn(i, s, pl, b)
	case "ask":
		w.ask(i, s, pl, b, pl.b.at(paths[s.Pick%len(paths)]), nil)
	case "forge":
		w.forge(i, s, pl, b)
	case "plugin":
		w.begins(s, pl, b)
	case "move":
		w.move(s, b)
	case "job":
		w.job(pl)
	case "stranger":
		w.strange(s, pl, b)
	case "visit":
		w.visit(i, s, pl, b)
	case "spread":
		w.spread(s, pl)
	case "compare":
		w.compare(i, s, pl)
	case "ledger":
		w.ledgerIs(s.How)
	case "time":
		w.pass([]time.Duration{10 * time.Second, 61 * time.Second, 5 * time.Minute, 11 * time.Minute, time.Hour}[s.Pick%5])
	}
}

func (pl place) host() string {
	if pl.b.Port == "80" {
		return pl.name
	}
	return pl.name + ":" + pl.b.Port
}

// do makes a request and has it judged.
func (w *world) do(q *request) *answer {
	w.mu.Lock()
	before := len(w.requested)
	w.events, w.logs = heard()
	w.sending = q
	w.mu.Unlock()
	a, err := q.send()
	w.mu.Lock()
	w.sending = nil
	w.mu.Unlock()
	switch {
	case errors.Is(err, errHang):
		w.say("%s", q.curl())
		w.fail("hang", "%s %s got no answer within %s", q.Method, q.Target, hangs())
		return nil
	case err != nil:
		w.say("%s  # no answer: %v", q.curl(), err)
		a = nil
	default:
		w.say("%s  # browser %d %s: %d%s", q.curl(), q.browser.number, q.Doing, a.Status, gist(a))
	}
	w.judge(q, a, before)
	w.judgeOutage()
	return a
}

func gist(a *answer) string {
	var out string
	if l := a.Header.Get("Location"); l != "" {
		out += " → " + l
	}
	if m := markers.FindString(a.Body); m != "" {
		if c, ok := known[m]; ok {
			out += fmt.Sprintf(", content of %s (site %d)", c.Path, c.Block)
		}
	}
	return out
}

// browse does what a browser does by itself: it follows redirects within the
// world and submits forms that submit themselves.
func (w *world) browse(q *request) *answer {
	a := w.do(q)
	for range 5 {
		if a == nil || len(w.faults) > 0 {
			return a
		}
		next := &request{browser: q.browser, Method: http.MethodGet, Port: q.Port, Host: q.Host, Name: q.Name, Doing: "follows"}
		switch {
		case a.Status >= 301 && a.Status <= 308 && a.Header.Get("Location") != "":
			to, err := q.url().Parse(a.Header.Get("Location"))
			if err != nil || !w.ours(to, next) {
				return a
			}
		case a.Status == http.StatusOK && q.Method == http.MethodPost && q.NoJar:
			action, fields, ok := a.form()
			if !ok {
				return a
			}
			to, err := q.url().Parse(action)
			if err != nil || !w.ours(to, next) {
				return a
			}
			next.Method, next.Body, next.Doing = http.MethodPost, fields.Encode(), "is sent on"
			next.Header = [][2]string{{"Sec-Fetch-Site", "same-origin"}, {"Origin", q.browser.scheme() + "://" + q.Host}}
		default:
			return a
		}
		q = next
		a = w.do(q)
	}
	return a
}

// ours points a request at an address, if it is in this world.
func (w *world) ours(to *url.URL, q *request) bool {
	port := to.Port()
	if port == "" {
		port = "80"
	}
	if to.Host == strings.TrimPrefix(theBank, "http://") || to.Scheme != q.browser.scheme() {
		return false
	}
	q.Port, q.Host, q.Name = port, to.Host, to.Hostname()
	q.Target = to.RequestURI()
	return true
}

func (w *world) buy(s step, pl place, b *browser) {
	if len(pl.b.Checkouts) == 0 {
		return
	}
	c := pl.b.Checkouts[0]
	sku := c.Items[s.Pick%len(c.Items)]
	if !b.honest() && !s.Dear {
		sku = c.Items[0]
		for _, i := range c.Items {
			if prices[i] < prices[sku] {
				sku = i
			}
		}
	}
	q := &request{browser: b, Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: pl.b.at(c.Path) + "/" + sku, Doing: "looks at what is sold"}
	a := w.do(q)
	if a == nil || len(w.faults) > 0 {
		return
	}
	post := &request{browser: b, Method: http.MethodPost, Port: q.Port, Host: q.Host, Name: q.Name, Target: q.Target, Doing: "presses Pay",
		Header: [][2]string{{"Origin", q.browser.scheme() + "://" + q.Host}, {"Sec-Fetch-Site", "same-origin"}}}
	if _, fields, ok := a.form(); ok {
		post.Body = fields.Encode()
	}
	a = w.do(post)
	if a == nil {
		return
	}
	id := idOf(a.Header.Get("Location"))
	if id == "" {
		return
	}
	truth, _ := w.bank.truth(id)
	p := &purchase{Site: pl.b.site(pl.name), Block: pl.b.Number, Host: pl.host(), Checkout: true, Item: sku, Provider: c.Providers[0], ID: id,
		Order: truth.Order, Amount: prices[sku]}
	if truth.Amount != p.Amount {
		w.fail("wrong-price", "%s costs %d rials and the bank is told %d", sku, p.Amount, truth.Amount)
	}
	w.made(p)
	w.hold(s.Slot, b, a.Header.Get("Location"))
}

// hold gives the payment that was just begun to a slot.
func (w *world) hold(slot int, b *browser, link string) {
	if p := w.held(slot, b, link); p != nil {
		w.judgeRemembered(p)
	}
}

func (w *world) held(slot int, b *browser, link string) *purchase {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.starting
	if p == nil {
		return nil
	}
	p.Slot, p.Browser, p.Link = slot, b.number, link
	w.slots[slot], w.starting = p, nil
	return p
}

func (w *world) order(s step, pl place, b *browser) {
	if len(pl.b.Verifies) == 0 || pl.b.Serve == "files" {
		return
	}
	order := "c"
	if s.Dear {
		order = "d"
	}
	order += fmt.Sprint(s.Other + 1)
	w.mu.Lock()
	w.starting = nil
	w.mu.Unlock()
	a := w.do(&request{browser: b, Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name,
		Target: pl.b.at("") + fmt.Sprintf("/pay?v=%d&o=%s", s.Pick%len(pl.b.Verifies), order), Doing: "orders"})
	if a != nil && idOf(a.Header.Get("Location")) != "" {
		w.hold(s.Slot, b, a.Header.Get("Location"))
	} else if a != nil && w.starting != nil && w.out == "" {
		w.fail("not-sent-to-pay", "the shop of site %d has made payment %s, and its customer gets %d", pl.b.Number, w.starting.ID, a.Status)
	}
}

func (w *world) pay(s step) {
	p := w.slots[s.Slot]
	if p == nil {
		return
	}
	if b := w.blockNumbered(p.Block); b != nil && b.Post && !p.Plugin {
		_ = w.bank.sb.SetPaymentSettings(p.ID, sandbox.Settings{Return: sandbox.ReturnPost})
	}
	acted, err := w.bank.sb.Act(p.ID, s.How)
	if err != nil {
		w.say("# bank: %s of %s: %v", s.How, p.ID, err)
		return
	}
	p.Closed = s.How == sandbox.ActionClose
	w.say("# at the bank, browser %d: %s payment %s (order %s, %d rials, of %s)", p.Browser, s.How, p.ID, p.Order, p.Amount, p.Site)
	if r := acted.Return; r != nil {
		p.Return = &returned{Method: r.Method, URL: r.URL, Form: make(url.Values)}
		for k, v := range r.Form {
			p.Return.Form.Set(k, v)
		}
	}
}

// comeBack is what the customer's browser does when the bank sends it back.
func (w *world) comeBack(p *purchase) {
	q := &request{browser: w.browsers[p.Browser], Method: p.Return.Method, Doing: "comes back", Header: [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}}}
	if b := w.blockNumbered(p.Block); p.Plugin && (b == nil || b.Plugin == nil || !b.Plugin.Observe) {
		q.Doing = "comes back to the shop, which nobody observes"
	}
	to, err := url.Parse(p.Return.URL)
	if err != nil || !w.ours(to, q) {
		w.fail("bad-return", "the bank was given the return address %q", p.Return.URL)
		return
	}
	if p.Return.Method == http.MethodPost {
		q.NoJar, q.Body = true, p.Return.Form.Encode()
		q.Header = append(q.Header, [2]string{"Origin", theBank})
	}
	if p.Browser == 0 && w.out == "" {
		p.Brought = true
	}
	a := w.browse(q)
	if p.Browser == 0 && w.out != "" {
		p.Turned = !p.Brought
	}
	w.judgeLanding(p, a)
	w.judgeBrought(p, a)
}

// fill gives a step's texts what they stand for.
func (w *world) fill(i int, s step, text string) string {
	h := hexOf(w.plan.Seed, strconv.Itoa(i))
	other := w.place(s.Other)
	return strings.NewReplacer("{hex}", h, "{uuid}", h[:8]+"-"+h[8:12]+"-4"+h[13:16]+"-8"+h[17:20]+"-"+h[20:32], "{other}", other.host()).Replace(text)
}

// ask is an attacker's request.
func (w *world) ask(i int, s step, pl place, b *browser, target string, form url.Values) {
	q := &request{browser: b, Method: s.How, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Doing: "asks"}
	p, query, _ := strings.Cut(target, "?")
	for _, how := range s.Spell {
		p = spell(p, how)
	}
	for _, x := range s.Query {
		if query != "" {
			query += "&"
		}
		query += w.fill(i, s, x)
	}
	switch {
	case s.How == torn:
		var inAddress string
		q.Method = http.MethodPost
		inAddress, q.Body, s.Cookies = tear(form, s)
		if query != "" && inAddress != "" {
			query += "&"
		}
		query += inAddress
	case s.How == http.MethodPost:
		q.Body = form.Encode()
	case len(form) > 0:
		if query != "" {
			query += "&"
		}
		query += form.Encode()
	}
	q.Target = p
	if query != "" {
		q.Target += "?" + query
	}
	for _, how := range s.Spell {
		switch how {
		case "absolute":
			q.Target = "http://" + q.Host + q.Target
		case "host-upper":
			q.Host = strings.ToUpper(q.Host)
		case "host-dot":
			q.Host = pl.name + "."
		case "host-port":
			q.Host = pl.name + ":80"
		}
	}
	for _, h := range s.Headers {
		name, value, _ := strings.Cut(w.fill(i, s, h), ": ")
		q.Header = append(q.Header, [2]string{name, value})
	}
	for _, c := range s.Cookies {
		if c == "{theirs}" {
			c = w.attackersCookies()
		}
		if c != "" {
			q.Header = append(q.Header, [2]string{"Cookie", w.fill(i, s, c)})
		}
	}
	if a := w.do(q); a != nil && q.Method == http.MethodPost && len(w.faults) == 0 {
		// A bounce is followed by whoever wants to get further.
		if action, fields, ok := a.form(); ok && a.Status == http.StatusOK {
			next := &request{browser: b, Method: http.MethodPost, Doing: "follows", Body: fields.Encode()}
			if to, err := q.url().Parse(action); err == nil && w.ours(to, next) {
				// Of an odd path a browser may make another one, which is no return's.
				if at, _, _ := strings.Cut(next.Target, "?"); strings.HasPrefix(q.Target, at) {
					next.Doing = "is sent on"
				}
				w.do(next)
			}
		}
	}
}

// torn is a return whose parameters come in several places: PHP reads them together.
const torn = "TORN"

// tear spreads parameters over the address, the body and the cookies.
func tear(form url.Values, s step) (query, body string, cookies []string) {
	places := [2]url.Values{{}, {}}
	cookies = slices.Clone(s.Cookies)
	draw := uint(s.Pick + 31*s.Other + 7*s.Slot)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		draw = draw*1103515245 + 12345
		switch at := draw >> 16 % 3; {
		case at < 2:
			places[at][name] = form[name]
		default:
			cookies = append(cookies, url.QueryEscape(name)+"="+url.QueryEscape(form.Get(name)))
		}
	}
	return places[0].Encode(), places[1].Encode(), cookies
}

// attackersCookies are all that the attacker was given, at whatever site.
func (w *world) attackersCookies() string {
	var out []string
	for _, b := range w.browsers[1:] {
		for _, pl := range w.places() {
			for _, c := range b.jar.Cookies(&url.URL{Scheme: b.scheme(), Host: pl.name, Path: pl.b.at("/")}) {
				out = append(out, c.Name+"="+c.Value)
			}
		}
	}
	return strings.Join(out, "; ")
}

// forge brings a return that no bank made.
func (w *world) forge(i int, s step, pl place, b *browser) {
	if len(pl.b.Verifies) == 0 {
		return
	}
	v := &pl.b.Verifies[s.Pick%len(pl.b.Verifies)]
	form := make(url.Values)
	_, names := kindOf(v.Provider)
	for _, n := range names {
		switch n {
		case "status":
			form.Set(n, map[bool]string{true: "10", false: "0"}[strings.HasPrefix(v.Provider, "idpay")])
		case "Status":
			form.Set(n, "OK")
		case "track_id":
			form.Set(n, "8963685786")
		case "order_id":
			form.Set(n, "d1")
		case "Authority":
			form.Set(n, w.fill(i, s, "{uuid}"))
		default:
			form.Set(n, w.fill(i, s, "{hex}"))
		}
	}
	target := v.Path
	if v.Query != "" {
		target = "/?" + v.Query
	}
	if s.Other%5 == 4 {
		target = "/free.html"
	}
	if s.How != http.MethodPost && s.How != torn {
		s.How = http.MethodGet
	}
	w.ask(i, s, pl, b, pl.b.at(target), form)
}

// misreturn brings a real return where it does not belong, or not as it was.
func (w *world) misreturn(i int, s step, pl place, b *browser) {
	p := w.slots[s.Slot]
	if p == nil || p.Return == nil {
		return
	}
	to, err := url.Parse(p.Return.URL)
	if err != nil {
		return
	}
	form := p.Return.Form
	if p.Return.Method == http.MethodGet {
		form = to.Query()
	}
	fields := make(url.Values)
	for k, vs := range form {
		fields[k] = append([]string(nil), vs...)
	}
	other := w.slots[s.Other]
	switch s.Pick {
	case 1:
		if other != nil && fields.Has("order_id") {
			fields.Set("order_id", other.Order)
		}
	case 2:
		for _, n := range []string{"id", "Authority", "invoice_key"} {
			if other != nil && fields.Has(n) {
				fields.Set(n, other.ID)
				w.tampered[other.ID] = true
			}
		}
	case 3:
		fields.Add("order_id", "d1")
	case 4:
		fields.Set("order id", "d1")
	case 5:
		fields.Set("payment_order", "d1")
	case 8:
		fields.Set(bound, "d1")
	case 9:
		fields.Add("wc.order", "d1")
	}
	if s.Pick < 5 {
		// As it is, at the site that it was made for or at another.
		if s.Other%2 == 0 {
			pl = w.placeOf(p)
		}
	}
	target := to.EscapedPath()
	if p.Return.Method == http.MethodPost && to.RawQuery != "" {
		target += "?" + to.RawQuery
	}
	w.ask(i, s, pl, b, target, fields)
}

func (w *world) placeOf(p *purchase) place {
	for _, pl := range w.places() {
		if pl.b.Number == p.Block && pl.host() == p.Host {
			return pl
		}
	}
	return w.place(0)
}
