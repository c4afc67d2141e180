package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// counter is a shop without a program of its own, and people who have met
// every possible end of a payment there.
type counter struct {
	site, bank string
	box        *sandbox.Server
	shop       *harness.Shop
	// broken lets the shop answer 500.
	broken atomic.Bool
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{site: "http://shop.localhost:" + strconv.Itoa(harness.Port(t))}
	c.box, c.bank = harness.Sandbox(t, sandbox.Options{})
	c.shop = harness.NewShop(t)
	c.shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
		if c.broken.Load() && r.Header.Get("X-Payment-Status") != "" {
			http.Error(w, "the shop is broken", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "<!doctype html><title>shop</title><h1>%s</h1>", r.Header.Get("X-Payment-Status"))
	})
	harness.Start(t, harness.Global(c.bank)+strings.ReplaceAll(c.site+` {
	payments {
		checkout /buy idpay {
			item mug 120000toman "لیوان نارنج · Narenj mug"
			item ebook 45000toman "کتاب الکترونیکی «دم‌نوش‌ها» · Herbal Teas"
			return /thanks
		}
		verify /thanks idpay {
			bounce resubmit
			timeout 1s
		}
		checkout /give sama {
			donate 10000toman 500000toman
			return /given
		}
		verify /given sama {
			expect intent
			timeout 1s
		}
		checkout /sell idpay {
			item mug 120000toman "لیوان نارنج · Narenj mug"
			return /sold
		}
		verify /sold idpay
		require /files/* {
			item ebook
			checkout /buy
			devices 1
		}
	}
	@shop not path /sold
	reverse_proxy @shop SHOP
}
`, "SHOP", c.shop.URL), harness.Environment()...)
	return c
}

// start makes a payment and returns its id and page at the bank.
func (c *counter) start(t *testing.T, b *harness.Browser, item string) (id, bank string) {
	t.Helper()
	bank = b.Post(c.site+"/buy/"+item, nil).Location(t)
	u, err := url.Parse(bank)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path[strings.LastIndexByte(u.Path, '/')+1:], bank
}

// end lets the bank end a payment and returns the address of the return.
func (c *counter) end(t *testing.T, id, action string) string {
	t.Helper()
	acted, err := c.box.Act(id, action)
	if err != nil {
		t.Fatal(err)
	}
	return acted.Return.URL
}

// dial resolves *.localhost as browsers do.
func (c *counter) client(t *testing.T) *harness.Browser {
	t.Helper()
	b := harness.NewBrowser(t)
	b.Client.Transport = localhost
	return b
}

func TestEveryEndOfAPaymentOnAPhone(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	b := c.client(t)
	p := arrive(t, settings{})

	everyLook(t, p, "confirm", c.site+"/buy/mug", http.StatusOK)
	everyLook(t, p, "donate", c.site+"/give", http.StatusOK)
	everyLook(t, p, "need-payment", c.site+"/files/book.html", http.StatusPaymentRequired)
	everyLook(t, p, "malformed", c.site+"/thanks?status=10&status=2&id=d2e353189823079e1e4181772cff5292&order_id=5", http.StatusBadRequest)

	id, bank := c.start(t, b, "mug")
	everyLook(t, p, "bank", bank, http.StatusOK)
	everyLook(t, p, "declined", c.end(t, id, "decline"), http.StatusPaymentRequired)

	id, _ = c.start(t, b, "mug")
	back := c.end(t, id, "pay")
	if got := b.Get(back); got.Status != http.StatusOK {
		t.Fatalf("the return: %d", got.Status)
	}
	everyLook(t, p, "duplicate", back, http.StatusOK)
	cleanAddress(p, "duplicate")

	id, _ = c.start(t, b, "mug")
	back = c.end(t, id, "pay")
	c.broken.Store(true)
	b.Get(back)
	c.broken.Store(false)
	everyLook(t, p, "parked", back, http.StatusOK)
	cleanAddress(p, "parked")

	bank = b.Post(c.site+"/sell/mug", nil).Location(t)
	p.set(looks[0].settings)
	p.open(bank)
	p.press("button[value=pay]")
	p.at("/sold")
	p.see("main")
	judge(p, "thanks", looks[0])
	cleanAddress(p, "thanks")

	id, _ = c.start(t, b, "mug")
	back = c.end(t, id, "pay")
	if _, err := c.box.SetFault(sandbox.Fault{Kind: "wrong_amount", Operation: "verify", Payment: id}); err != nil {
		t.Fatal(err)
	}
	everyLook(t, p, "review", back, http.StatusConflict)
	p.onlyAsked(c.site, c.bank)
}

// cleanAddress checks that a page of ours about a paid order leaves our reference alone in the
// browser's address, and that this address shows the page again.
func cleanAddress(p *person, page string) {
	p.t.Helper()
	const title = "document.querySelector('h1').innerText"
	p.until("the address is clean", `/^\?payment_ref=[^&]+$/.test(location.search)`)
	before := read[string](p, title)
	p.open(read[string](p, "location.href"))
	if after := read[string](p, title); after != before {
		p.t.Errorf("%s: its clean address shows %q, not %q", page, after, before)
	}
}

func TestConfirmingPageEndsWithTheShopsByItself(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	b := c.client(t)
	p := arrive(t, settings{})
	id, _ := c.start(t, b, "mug")
	if _, err := c.box.SetFault(sandbox.Fault{Kind: "status", Status: 500, Operation: "verify", Payment: id}); err != nil {
		t.Fatal(err)
	}
	back := c.end(t, id, "pay")
	everyLook(t, p, "confirming", back, http.StatusAccepted)
	if n := len(c.shop.Told()); n != 0 {
		t.Fatal("the shop was told before the provider had answered")
	}
	c.box.ClearFaults()
	p.until("the shop's page", "document.title==='shop'")
	if n := len(c.shop.Told()); n != 1 {
		t.Errorf("the shop was told %d times", n)
	}
	p.onlyAsked(c.site, c.bank)
}

func TestBounceWithoutScriptHasAButton(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	if err := c.box.SetSettings("idpay", sandbox.Settings{Return: sandbox.ReturnPost}); err != nil {
		t.Fatal(err)
	}
	b := c.client(t)
	p := arrive(t, settings{})
	for _, l := range looks {
		l.NoScript = true
		p.set(l.settings)
		_, bank := c.start(t, b, "mug")
		p.open(bank)
		p.press("button[value=pay]")
		p.press("main.msg form button")
		p.until("our page", "location.origin==="+quote(c.site))
		told := len(c.shop.Told())
		judge(p, "bounce", l)
		p.press("form button")
		p.until("the shop's page", "document.title==='shop'")
		if n := len(c.shop.Told()); n != told+1 {
			t.Errorf("%s: the shop was told %d times", l.name, n-told)
		}
	}
}

func TestDonationOutOfBoundsIsSaid(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	p := arrive(t, settings{})
	for _, l := range looks {
		p.set(l.settings)
		p.open(c.site + "/give")
		field, sum := "#sum-fa", "۵۰۰۰"
		if !l.persian() {
			field, sum = "#sum-en", "5,000"
		}
		p.fill(field, sum)
		p.press("form button")
		p.see("[role=alert]")
		if p.status() != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", l.name, p.status())
		}
		judge(p, "donate-wrong", l)
	}
	p.fill("#sum-en", "۲۰٬۰۰۰") // the last look's
	p.press("form button")
	p.press("button[value=pay]")
	p.until("the shop's page", "document.title==='shop'")
	if got := c.shop.Told()[0].Header.Get("X-Payment-Amount"); got != "200000" {
		t.Errorf("paid %s rials", got)
	}
}

func TestProviderThatCannotStartAPayment(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	if _, err := c.box.SetFault(sandbox.Fault{Kind: "status", Status: 503, Operation: "create"}); err != nil {
		t.Fatal(err)
	}
	p := arrive(t, settings{})
	for _, l := range looks {
		p.set(l.settings)
		p.open(c.site + "/buy/mug")
		p.press("form button")
		p.see("[role=alert]")
		if p.status() != http.StatusBadGateway {
			t.Errorf("%s: status %d", l.name, p.status())
		}
		judge(p, "provider-down", l)
	}
	c.box.ClearFaults()
	p.press("form button")
	p.see("button[value=pay]")
}

func TestBoughtOnTooManyDevices(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	b := c.client(t)
	id, _ := c.start(t, b, "ebook")
	b.Get(c.end(t, id, "pay"))
	if got := b.Get(c.site + "/files/book.html"); got.Status != http.StatusOK {
		t.Fatalf("on the device that bought it: %d", got.Status)
	}
	p := arrive(t, settings{})
	u, err := url.Parse(c.site)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.Client.Jar.Cookies(u) {
		if strings.HasPrefix(cookie.Name, "payment_paid_") {
			p.must(second(chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: c.site})))
		}
	}
	everyLook(t, p, "devices", c.site+"/files/book.html", http.StatusForbidden)
}

func TestShopPagesOnAPhone(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := arrive(t, settings{})
	bank := harness.NewBrowser(t).Post(d.shop+"/buy/sama/mug", nil).Location(t)
	for _, dark := range []bool{false, true} {
		for lang, paths := range map[string][]string{
			"fa": {"/", "/product/mug", "/product/book", "/product/poster", "/product/ebook", "/thanks"},
			"en": {"/en/", "/en/product/mug", "/en/product/book", "/en/product/poster", "/en/product/ebook", "/thanks"},
		} {
			l := look{lang, settings{Language: lang, Dark: dark}}
			if dark {
				l.name += "-dark"
			}
			p.set(l.settings)
			for _, path := range paths {
				p.open(d.shop + path)
				judge(p, "demo"+strings.ReplaceAll(path, "/", "-"), l)
			}
			for _, path := range []string{"/", "/hamekar/", "/_control/"} {
				p.open(d.box + path)
				judge(p, "sandbox"+strings.ReplaceAll(path, "/", "-"), l)
			}
		}
	}
	// What axe-core finds does not change with the colours. One page says that it refreshes
	// itself, and nothing on it can be lost.
	for _, address := range []string{bank, d.box + "/", d.box + "/hamekar/", d.box + "/_control/", d.shop + "/en/product/mug", d.shop + "/thanks"} {
		p.open(address)
		p.accessible(address, "meta-refresh")
	}
	p.onlyAsked(d.shop, d.box)
}

// TestDashboardOnAPhone: whoever runs the shop looks at a payment that is held
// for them, and at one that went well.
func TestDashboardOnAPhone(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	b := harness.NewBrowser(t)
	bank := b.Post(d.shop+"/buy/sama/mug", nil).Location(t)
	b.Get(b.Post(bank, url.Values{"action": {"pay"}}).Location(t))
	d.control(t, http.MethodPost, "faults", `{"kind":"wrong_amount","provider":"idpay","operation":"verify"}`)
	bank = b.Post(d.shop+"/buy/idpay/mug", nil).Location(t)
	b.Post(b.Post(bank, url.Values{"action": {"pay"}}).Form(t))
	p := arrive(t, settings{})
	board := strings.Replace(d.board, "http://", "http://demo:demo@", 1)
	p.open(board + "/?tab=all")
	links := read[[]string](p, "[...document.querySelectorAll('main a')].map(a => a.href).filter(a => /[a-z0-9]{26}/.test(a))")
	if len(links) < 2 {
		t.Fatalf("the list shows no payments: %q\n%s", links, p.where())
	}
	everyLook(t, p, "dashboard", board+"/?tab=all", http.StatusOK)
	for i, link := range links[:2] {
		everyLook(t, p, fmt.Sprintf("dashboard-payment-%d", i+1), link, http.StatusOK)
	}
	p.onlyAsked(d.board)
}
