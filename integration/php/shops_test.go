package php_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// kind is one of the shops that return to a page of their own making.
type kind struct {
	name, before, payments string
	// example, if set, is the folder below examples/ whose Caddyfile has the two; page
	// is the page of the manual that prints them.
	example  string
	page     string
	provider string
	path     func(order string) string
	// script and own are what PHP runs, and the shop's own parameters then.
	script string
	own    map[string]any
	// neighbours look alike and are the shop's.
	neighbours []string
	// spelt are addresses that the shop takes for its return and the matcher doesn't.
	spelt []string
	// location, if set, is where the shop redirects; ack acknowledges.
	location string
	ack      bool
	// bind is the shop's own parameter that names the order.
	bind string
	// announced: only an announcement explains the payment.
	announced bool
}

var kinds = []kind{
	{
		name: "WooCommerce", provider: "idpay",
		before: "@return query wc-api=*",
		payments: `verify @return idpay {
			bind wc_order
			ack redirect */order-received/*
		}`,
		path:       func(order string) string { return "/?wc-api=wc_idpay&wc_order=" + order },
		script:     "/index.php",
		own:        map[string]any{"wc-api": "wc_idpay", "wc_order": "5"},
		neighbours: []string{"/", "/?wc-ajax=get_refreshed_fragments", "/index.php?page=2", "/product/tea/"},
		location:   "/checkout/order-received/5/?key=wc_order_x",
		bind:       "wc_order",
	},
	{
		name: "WooCommerce's example file", provider: "idpay", announced: true,
		example:    "woocommerce",
		path:       func(order string) string { return "/wc-api/WC_IDPay/?wc_order=" + order },
		script:     "/index.php",
		own:        map[string]any{"wc_order": "5"},
		neighbours: []string{"/?wc-api=wc_paypal&wc_order=5", "/wc-api/other/", "/wp-json/wc/v3/orders"},
		location:   "/checkout/order-received/5/?key=wc_order_x",
		ack:        true,
		bind:       "wc_order",
	},
	{
		name: "OpenCart", provider: "24pal", announced: true,
		example:    "opencart",
		path:       func(string) string { return "/index.php?route=extension/payment/pal24/callback" },
		script:     "/index.php",
		own:        map[string]any{"route": "extension/payment/pal24/callback"},
		neighbours: []string{"/index.php?route=product/product&product_id=42", "/index.php", "/index.php?route=extension/payment/pal24/confirm"},
		// OpenCart drops from a route whatever is not [a-zA-Z0-9_/].
		spelt:    []string{"/index.php?route=extension/payment/pal24/callback.", "/index.php?route=extension/payment/pal24/call.back", "/index.php?route=extension/payment/pal24/callback%00"},
		location: "/index.php?route=checkout/success",
	},
	{
		name: "WHMCS", provider: "sama", announced: true,
		example:    "whmcs",
		path:       func(order string) string { return "/modules/gateways/callback/sama.php?invoiceId=" + order },
		script:     "/modules/gateways/callback/sama.php",
		own:        map[string]any{"invoiceId": "5"},
		neighbours: []string{"/modules/gateways/callback/idpay.php?invoiceId=5", "/index.php?invoiceId=5"},
		ack:        true,
		bind:       "invoiceId",
	},
	{
		// A9: the start has the path of the return.
		name: "WHMCS in one file", provider: "idpay", announced: true,
		page:       "docs/shops/whmcs.md",
		path:       func(order string) string { return "/modules/gateways/idpay.php?invoiceId=" + order + "&callback=1" },
		script:     "/modules/gateways/idpay.php",
		own:        map[string]any{"invoiceId": "5", "callback": "1"},
		neighbours: []string{"/modules/gateways/idpay.php?invoiceId=5", "/modules/gateways/idpay.php", "/modules/gateways/idpay.php?invoiceId=5&callback=0"},
		ack:        true,
		bind:       "invoiceId",
	},
}

// TestShops: M4. Shops that find their order by a parameter of their own.
func TestShops(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		if k.example != "" {
			k.before, k.payments = recipe(t, k.example)
		}
		if k.page != "" {
			k.before, k.payments = printed(t, k.page)
		}
		for _, method := range []string{sandbox.ReturnGet, sandbox.ReturnPost} {
			t.Run(k.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, setup{before: k.before, payments: k.payments, sandbox: sandbox.Options{Return: method}})
				k.run(t, w)
			})
		}
	}
}

// recipe is the matcher, if there is one, and the verify line of an example.
func recipe(t *testing.T, shop string) (matcher, verify string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", shop, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(indent, begin string) string {
		_, rest, ok := strings.Cut(string(text), "\n"+indent+begin)
		if !ok {
			return ""
		}
		body, _, ok := strings.Cut(rest, "\n"+indent+"}\n")
		if !ok {
			t.Fatalf("examples/%s: %s does not end", shop, begin)
		}
		return begin + body + "\n" + indent + "}"
	}
	if verify = block("\t\t", "verify "); verify == "" {
		t.Fatalf("examples/%s has no verify", shop)
	}
	return block("\t", "@return {"), verify
}

// printed is the matcher and the verify line of the page's only block of a site that
// has both.
func printed(t *testing.T, page string) (matcher, verify string) {
	t.Helper()
	text := harness.ReadFile(t, filepath.Join("..", "..", page))
	m := regexp.MustCompile("(?s)\n```caddyfile site\n(@return \\{.*?\n\\})\npayments \\{\n(\tverify .*?\n\t\\})\n\\}\n```").FindAllStringSubmatch(text, -1)
	if len(m) != 1 {
		t.Fatalf("%s prints %d sites with a matcher and a verify line", page, len(m))
	}
	return m[0][1], m[0][2]
}

func (k kind) start(w *world, b *harness.Browser, order string) (string, *sandbox.Return) {
	id := w.create(k.provider, order, 50000, w.site+k.path(order))
	if k.announced {
		w.behave(map[string]any{"location": w.truth(id).PayLink, "headers": []string{"X-Payment-Order: " + order, "X-Payment-Amount: 50000"}})
		p := b.Get(w.site + "/index.php?checkout")
		if p.Header.Get("X-Payment-Order") != "" || p.Location(w.t) != w.truth(id).PayLink {
			w.t.Fatalf("the redirect to the bank: %v", p.Header)
		}
		w.forget()
	}
	how := map[string]any{}
	if k.location != "" {
		how["location"] = k.location
	}
	if k.ack {
		how["ack"] = true
	}
	w.behave(how)
	return id, w.act(id, "pay")
}

func (k kind) run(t *testing.T, w *world) {
	b := harness.NewBrowser(t)
	if k.bind != "" {
		k.forge(t, w, b)
	}
	// Another customer pays the same order honestly. (The first one's money
	// waits for a person.)
	id, ret := k.start(w, b, "5")
	p := w.come(b, ret)
	want := http.StatusOK
	if k.location != "" {
		want = http.StatusSeeOther
	}
	if p.Status != want || k.location != "" && p.Header.Get("Location") != k.location {
		t.Fatalf("status %d, Location %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	if p.Header.Get("X-Payment-Ack") != "" {
		t.Error("the ack reached the browser")
	}
	s := w.last()
	same(t, "SCRIPT_NAME", s.text("SCRIPT_NAME"), k.script)
	same(t, "the order", s.text("HTTP_X_PAYMENT_ORDER"), "5")
	same(t, "the amount", s.text("HTTP_X_PAYMENT_AMOUNT"), "50000")
	same(t, "the id", s.text("HTTP_X_PAYMENT_ID"), id)
	same(t, "the method", s.text("REQUEST_METHOD"), ret.Method)
	get := s.Get.(map[string]any)
	for name, value := range k.own {
		same(t, name, get[name], value)
	}
	if ret.Method == http.MethodPost {
		same(t, "$_GET", s.Get, any(k.own))
		if len(s.Post.(map[string]any)) != len(ret.Form)-dropped(ret.Form) {
			t.Errorf("$_POST: %v", s.Post)
		}
	}
	same(t, "credits", w.credits(), []string{k.provider + " " + id + " 1"})
	if w.state(id) != "delivered" {
		w.waitState(id, "delivered")
	}

	// A reload leads where the shop led first: a guest has no page of orders.
	p = k.first(b, ret)
	if strings.Contains(p.Body, "payment_bounce") {
		p = w.bounce(b, p)
	}
	if p.Status >= http.StatusBadRequest || k.location != "" && p.Location(t) != w.site+k.location {
		t.Errorf("a reload: status %d, Location %q", p.Status, p.Header.Get("Location"))
	}
	same(t, "credits after a reload", w.credits(), []string{k.provider + " " + id + " 1"})

	// The rest of the shop is the shop's.
	for _, path := range k.neighbours {
		if p := b.Get(w.site + path); p.Status != want {
			t.Errorf("%s: status %d", path, p.Status)
		}
		s := w.last()
		same(t, "headers of "+path, s.payment(), map[string]string{})
		_, query, _ := strings.Cut(path, "?")
		same(t, "the query of "+path, s.text("QUERY_STRING"), query)
		b.Post(w.site+path, url.Values{"status": {"10"}, "order_id": {"a"}, "order.id": {"b"}})
		s = w.last()
		same(t, "the body of "+path, s.Input, "order.id=b&order_id=a&status=10")
	}

	// What only the shop takes for a return has no our headers, credits nothing and
	// is told to the owner.
	for _, path := range k.spelt {
		id, ret := k.start(w, b, "7")
		ret.URL = strings.Replace(ret.URL, k.path("7"), path, 1)
		if !strings.Contains(ret.URL, path) {
			t.Fatal("nothing was spelt otherwise")
		}
		credited := w.credits()
		k.first(b, ret)
		for _, s := range w.seen() {
			same(t, "headers of "+path, s.payment(), map[string]string{})
		}
		if now := w.credits(); !slices.Equal(now, credited) {
			t.Errorf("%s: credits %v", path, now)
		}
		harness.Wait(t, "the owner is told of "+path, 10*time.Second, func() bool {
			for line := range strings.Lines(w.caddy.Log()) {
				if strings.Contains(line, `"return_unrouted"`) && strings.Contains(line, id) {
					return true
				}
			}
			return false
		})
		w.forget()
	}
}

// forge sends true receipts for order 5 on returns that name another order in
// the shop's own parameter, alone or beside the true one in a way that PHP reads
// and others don't.
func (k kind) forge(t *testing.T, w *world, b *harness.Browser) {
	t.Helper()
	for _, lie := range []string{
		"", k.bind + "=9999", k.bind + "[]=9999", k.bind + "=5&" + k.bind + "=9999", strings.ToUpper(k.bind) + "=5",
		strings.Replace(k.bind, "_", ".", 1) + "=9999", "%" + fmt.Sprintf("%x", k.bind[0]) + k.bind[1:] + "=9999", k.bind + "%00=9999", "+" + k.bind + "=9999",
	} {
		id, ret := k.start(w, b, "5")
		before := ret.URL
		switch {
		case strings.HasPrefix(lie, k.bind+"=5"):
			ret.URL = strings.Replace(ret.URL, k.bind+"=5", lie, 1)
		case lie == "" || strings.HasSuffix(lie, "=5"):
			ret.URL = strings.Replace(ret.URL, k.bind+"=5", "nothing=1"+"&"+lie, 1)
		case lie == k.bind+"=9999":
			ret.URL = strings.Replace(ret.URL, k.bind+"=5", lie, 1)
		default:
			ret.URL = strings.Replace(ret.URL, k.bind+"=5", k.bind+"=5&"+lie, 1)
		}
		if ret.URL == before {
			t.Fatal("nothing forged")
		}
		p := k.first(b, ret)
		if p.Status != http.StatusConflict && p.Status != http.StatusBadRequest {
			t.Errorf("%q: status %d", lie, p.Status)
		}
		if n := len(w.seen()); n != 0 || len(w.credits()) != 0 {
			t.Errorf("%q reached PHP: %d runs, credits %v", lie, n, w.credits())
		}
		if s := w.state(id); s != "review" && p.Status != http.StatusBadRequest {
			t.Errorf("%q: the payment is %q", lie, s)
		}
		w.forget()
	}
}

// first is the bank's way back, up to the bounce.
func (k kind) first(b *harness.Browser, ret *sandbox.Return) harness.Page {
	if ret.Method == http.MethodGet {
		return b.Get(ret.URL)
	}
	return b.Post(ret.URL, form(ret))
}

// dropped is how many of a return's fields PHP shall not get.
func dropped(fields map[string]string) int {
	n := 0
	for name := range fields {
		if strings.Contains(name, "hash") {
			n++
		}
	}
	return n
}
