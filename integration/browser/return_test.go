package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// world is a shop with a program behind it and a bank that sends browsers back
// by POST. The two are of different sites, as they are in life.
type world struct {
	site, bank string
	box        *sandbox.Server
	shop       *harness.Shop
	sessions   atomic.Int32
}

// Three shops' return addresses, as those programs make them.
const (
	wooReturn   = "/?wc-api=WC_IDPay&wc_order=5"
	cartReturn  = "/index.php?route=extension/payment/idpay/callback"
	whmcsReturn = "/modules/gateways/callback/idpay.php?invoiceId=5"
)

// newWorld starts one; bounce is a line of every verify block.
func newWorld(t *testing.T, bounce string) *world {
	t.Helper()
	w := &world{site: "http://shop.localhost:" + strconv.Itoa(harness.Port(t))}
	w.box, w.bank = harness.Sandbox(t, sandbox.Options{Return: sandbox.ReturnPost})
	w.shop = harness.NewShop(t)
	w.shop.SetAnswer(w.serveShop)
	harness.Start(t, harness.Global(w.bank)+strings.NewReplacer("BOUNCE", bounce, "SHOP", w.shop.URL).Replace(w.site+` {
	@woo query wc-api=WC_IDPay
	@cart query route=extension/payment/idpay/callback
	payments {
		track /product/*
		verify @woo idpay {
			BOUNCE
		}
		verify @cart idpay {
			BOUNCE
		}
		verify /modules/gateways/callback/idpay.php idpay {
			bind invoiceId
			BOUNCE
		}
		checkout /buy idpay {
			item mug 120000toman "Narenj mug"
			return /thanks
		}
		verify /thanks idpay {
			duplicate pass
			declined pass
			BOUNCE
		}
	}
	reverse_proxy SHOP
}
`), harness.Environment()...)
	return w
}

// serveShop is a small shop as many are: it opens a session for whoever comes
// without one.
func (w *world) serveShop(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/favicon") {
		http.NotFound(rw, r)
		return
	}
	for _, name := range []string{"session_lax", "session_bare"} {
		if _, err := r.Cookie(name); err == nil {
			continue
		}
		c := &http.Cookie{Name: name, Value: fmt.Sprintf("session-%d", w.sessions.Add(1)), Path: "/", HttpOnly: true}
		if name == "session_lax" {
			c.SameSite = http.SameSiteLaxMode
		}
		http.SetCookie(rw, c)
	}
	switch {
	case r.URL.Path == "/pay":
		w.pay(rw, r)
	case r.URL.Path == "/order-received":
		fmt.Fprint(rw, "<title>order</title><h1>Order received</h1>")
	case r.FormValue("wc-api") != "" && r.Header.Get("X-Payment-Status") == "verified":
		http.Redirect(rw, r, "/order-received?key=wc_5", http.StatusFound)
	default:
		fmt.Fprintf(rw, "<title>shop</title><h1>%s</h1>", r.Header.Get("X-Payment-Status"))
	}
}

// pay is the shop's own way to the bank: it makes the payment and announces it,
// or doesn't.
func (w *world) pay(rw http.ResponseWriter, r *http.Request) {
	body, _ := json.Marshal(map[string]any{"order_id": "5", "amount": 500_000, "callback": w.site + r.URL.Query().Get("back")})
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, w.bank+"/idpay/v1.1/payment", strings.NewReader(string(body)))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", harness.APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	var made struct{ ID, Link string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.Link == "" {
		panic(fmt.Sprint("creating: ", res.Status, err))
	}
	if !r.URL.Query().Has("silent") {
		rw.Header().Set("X-Payment-Order", "5")
		rw.Header().Set("X-Payment-Amount", "500000")
	}
	http.Redirect(rw, r, made.Link, http.StatusFound)
}

// payPage is where the shop sends customers to the bank.
func (w *world) payPage(back string, more ...string) string {
	return w.site + "/pay?back=" + url.QueryEscape(back) + strings.Join(more, "")
}

// session is what the shop finds of its session in a request.
func session(r *harness.Seen) (lax, bare string) {
	req := http.Request{Header: r.Header}
	if c, err := req.Cookie("session_lax"); err == nil {
		lax = c.Value
	}
	if c, err := req.Cookie("session_bare"); err == nil {
		bare = c.Value
	}
	return lax, bare
}

// told is the one request that said "verified".
func (w *world) told(t *testing.T) *harness.Seen {
	t.Helper()
	told := w.shop.Told()
	if len(told) != 1 {
		t.Fatalf("the shop was told %d times", len(told))
	}
	return told[0]
}

// stillSame compares the browser's cookies with what it had before the bank.
func (w *world) stillSame(p *person, before map[string]string) {
	p.t.Helper()
	now := w.jar(p)
	for name, value := range before {
		if now[name] != value {
			p.t.Errorf("the cookie %s was replaced on the way: %q, was %q", name, now[name], value)
		}
	}
}

func (w *world) jar(p *person) map[string]string {
	p.t.Helper()
	jar := make(map[string]string)
	for name, c := range p.cookies(w.site) {
		jar[name] = c.Value
	}
	return jar
}

// TestReturnByPostLosesTheSessionWithoutUs is the control: this is what all of
// this is for. Within two minutes of the log-in the browser hides half of it.
func TestReturnByPostLosesTheSessionWithoutUs(t *testing.T) {
	t.Parallel()
	for _, grace := range []bool{false, true} {
		t.Run(fmt.Sprintf("fresh=%v", grace), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "bounce off")
			p := arrive(t, settings{Grace: grace})
			p.open(w.site + "/product/mug")
			before := w.jar(p)
			p.open(w.payPage(whmcsReturn))
			p.press("button[value=pay]")
			p.at("/modules/gateways/callback/idpay.php")
			r := w.told(t)
			lax, bare := session(r)
			if r.Method != http.MethodPost || lax != "" {
				t.Errorf("the raw return: %s with session %q", r.Method, lax)
			}
			if grace != (bare != "") {
				t.Errorf("a cookie without SameSite: %q", bare)
			}
			if now := w.jar(p); now["session_lax"] == before["session_lax"] {
				t.Error("the shop opened no new session; the control shows nothing")
			}
		})
	}
}

func TestReturnByPostKeepsTheSession(t *testing.T) {
	t.Parallel()
	for _, script := range []bool{true, false} {
		for name, back := range map[string]string{"woocommerce": wooReturn, "opencart": cartReturn, "whmcs": whmcsReturn} {
			t.Run(fmt.Sprintf("%s/script=%v", name, script), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, "bounce auto")
				p := arrive(t, settings{NoScript: !script})
				p.open(w.site + "/product/mug?track_id=" + trackID)
				before := w.jar(p)
				if before["session_lax"] == "" || before["session_bare"] == "" || before["payment_track"] == "" {
					t.Fatalf("cookies before: %v", before)
				}
				p.open(w.payPage(back))
				p.press("button[value=pay]")
				if !script {
					p.press("main.msg form button.go") // the bank's own
					p.until("our page is there", "location.origin==="+quote(w.site))
					if n := len(w.shop.Told()); n != 0 {
						t.Fatal("the shop was called before the browser came with its cookies")
					}
					p.press("form button")
				}
				title := "shop"
				if name == "woocommerce" {
					title = "order"
				}
				p.until("the shop's page", "document.title==="+quote(title))

				r := w.told(t)
				if lax, bare := session(r); lax != before["session_lax"] || bare != before["session_bare"] {
					t.Errorf("the shop's session: %q %q, before: %v", lax, bare, before)
				}
				w.stillSame(p, before)
				if r.Method != http.MethodPost || r.URI != back {
					t.Errorf("the shop got %s %s, want POST %s", r.Method, r.URI, back)
				}
				if origin := r.Header.Get("Origin"); origin != w.site {
					t.Errorf("Origin: %q", origin)
				}
				checkFields(t, w, r)
				if got := r.Header.Get("X-Payment-Track-Id"); got != trackID {
					t.Errorf("X-Payment-Track-Id: %q", got)
				}
				for _, s := range w.shop.Seen() {
					if lax, _ := session(s); lax == "" && s.URI != "/product/mug?track_id="+trackID && !strings.HasPrefix(s.URI, "/favicon") {
						t.Errorf("a request without session reached the shop: %s %s", s.Method, s.URI)
					}
				}
				p.noProblems("the way")
				p.onlyAsked(w.site, w.bank)
			})
		}
	}
}

// checkFields compares what the shop was posted with what the bank sent.
func checkFields(t *testing.T, w *world, r *harness.Seen) {
	t.Helper()
	pay := w.box.Ledger("", "", "").Payments[0]
	for name, want := range map[string]string{
		"status": "10", "id": pay.ID, "order_id": "5", "track_id": pay.TrackID, "amount": "500000",
	} {
		if got := r.Form[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"card_no", "date"} {
		if got := r.Form[name]; len(got) != 1 || got[0] == "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name := range r.Form {
		if strings.HasPrefix(name, "payment_") || strings.Contains(name, "hash") {
			t.Errorf("the shop got %s", name)
		}
	}
}

// TestReturnByPostBringsTheVisitAlong: the shop announces nothing, so that
// nobody but the browser knows who sent this customer.
func TestReturnByPostBringsTheVisitAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "bounce auto")
	p := arrive(t, settings{})
	p.open(w.site + "/product/mug?track_id=" + trackID)
	p.open(w.payPage(whmcsReturn, "&silent"))
	p.press("button[value=pay]")
	p.until("the shop's page", "document.title==='shop'")
	if got := w.told(t).Header.Get("X-Payment-Track-Id"); got != trackID {
		t.Errorf("X-Payment-Track-Id: %q", got)
	}
	harness.Wait(t, "the conversion arrives", 20*time.Second, func() bool {
		c := w.box.Ledger("", "", "").Conversions
		return len(c) == 1 && c[0].TrackID == trackID
	})
}

func TestReturnByPostToCheckoutBecomesAGet(t *testing.T) {
	t.Parallel()
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script=%v", script), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			p := arrive(t, settings{NoScript: !script})
			buy := func(action string) {
				p.open(w.site + "/buy/mug")
				p.press("form button")
				p.press("button[value=" + action + "]")
				if !script {
					p.press("main.msg form button.go")
				}
				p.at("/thanks")
				p.until("the shop's page", "document.title==='shop'")
			}
			p.open(w.site + "/product/mug")
			session1 := w.jar(p)

			buy("pay")
			r := w.told(t)
			if lax, bare := session(r); r.Method != http.MethodGet || lax != session1["session_lax"] || bare != session1["session_bare"] {
				t.Errorf("the shop got %s with session %q %q", r.Method, lax, bare)
			}
			if r.Header.Get("X-Payment-Item") != "mug" {
				t.Errorf("X-Payment-Item: %q", r.Header.Get("X-Payment-Item"))
			}
			w.stillSame(p, session1)
			browser := w.jar(p)["payment_browser"]

			// The customer's browser keeps its name, or devices and repeated
			// returns would be taken for somebody else's.
			buy("pay")
			if now := w.jar(p)["payment_browser"]; browser == "" || now != browser {
				t.Errorf("the browser's name was %q and is %q", browser, now)
			}
			w.stillSame(p, session1)
		})
	}
}

// TestNotPaidByPostKeepsTheSession: a "no" that the site wants to see itself
// comes with the session, too.
func TestNotPaidByPostKeepsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	p := arrive(t, settings{})
	p.open(w.site + "/product/mug")
	before := w.jar(p)
	p.open(w.site + "/buy/mug")
	p.press("form button")
	p.press("button[value=cancel]")
	p.at("/thanks")
	if got := p.text("h1"); got != "declined" {
		t.Errorf("the shop's page says %q", got)
	}
	w.stillSame(p, before)
	for _, r := range w.shop.Seen() {
		if lax, _ := session(r); strings.HasPrefix(r.URI, "/thanks") && (lax != before["session_lax"] || r.Method != http.MethodGet) {
			t.Errorf("%s %s reached the shop with session %q", r.Method, r.URI, lax)
		}
	}
}

func TestReturnSentAgainLeadsToTheOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "bounce auto")
	p := arrive(t, settings{})
	p.open(w.site + "/product/mug")
	before := w.jar(p)
	p.open(w.payPage(wooReturn))
	bank := read[string](p, "location.href")
	p.press("button[value=pay]")
	p.at("/order-received")
	p.open(bank)
	p.press("button[value=return]")
	p.at("/order-received")
	w.told(t)
	w.stillSame(p, before)
	// Somebody else with the same return learns that it is paid, and no more.
	stranger := arrive(t, settings{Language: "en"})
	stranger.open(bank)
	stranger.press("button[value=return]")
	stranger.until("our page is there", "location.origin==="+quote(w.site)+"&&document.title!=='order'&&!document.querySelector('form')")
	w.told(t)
}

// localhost resolves names below it, as browsers do by themselves.
var localhost = &http.Transport{
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	},
}
