package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A language that was chosen on one of our pages is kept: when the page refreshes itself,
// when it sends a form, and on the pages that follow, with JavaScript and without. Until
// somebody chooses, nothing is asked for and no cookie is set.
func TestChosenLanguageIsKept(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	b := c.client(t)
	for _, script := range []bool{true, false} {
		p := arrive(t, settings{Language: "fa", NoScript: !script})
		p.open(c.site + "/buy/mug")
		p.see("h1")
		if cookies := p.cookies(c.site); len(cookies) != 0 {
			t.Errorf("before: %v", cookies)
		}
		p.press("#fa nav a")
		harness.Wait(t, "the cookie", 20*time.Second, func() bool { cookie := p.cookies(c.site)["payment_lang"]; return cookie != nil && cookie.Value == "en" })
		english := func(page string) {
			t.Helper()
			if got := read[string](p, "document.documentElement.lang+' '+(document.querySelector('#fa').checkVisibility()?'both':'alone')"); got != "en alone" {
				t.Errorf("%s (script %v): %s", page, script, got)
			}
		}
		p.open(c.site + "/files/book.html")
		english("another page")
		p.open(c.site + "/give")
		p.fill("#sum-en", "5")
		p.press("#en form button")
		p.see("[role=alert]")
		english("a form's answer")

		id, _ := c.start(t, b, "mug")
		if _, err := c.box.SetFault(sandbox.Fault{Kind: "status", Status: 500, Operation: "verify", Payment: id}); err != nil {
			t.Fatal(err)
		}
		back := c.end(t, id, "pay")
		p.open(back)
		english("a page that waits")
		before := p.count("/thanks")
		harness.Wait(t, "it refreshes itself", 30*time.Second, func() bool { return p.count("/thanks") > before })
		p.see("h1")
		english("a page that has refreshed itself")
		c.box.ClearFaults()
	}
}

// count is how often an address with a part was asked for.
func (p *person) count(part string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, address := range p.asked {
		if strings.Contains(address, part) {
			n++
		}
	}
	return n
}

// Behind a `handle_path` browsers find our font and our pictures where they find the page.
func TestFontBehindHandlePath(t *testing.T) {
	t.Parallel()
	_, boxURL := harness.Sandbox(t, sandbox.Options{})
	site := harness.Site(t)
	harness.Start(t, harness.Global(boxURL)+site+` {
	handle_path /shop/* {
		payments {
			checkout /buy idpay {
				item mug 120000toman "لیوان"
			}
			verify /thanks idpay
		}
		respond "a page"
	}
	respond 404
}
`, harness.Environment()...)
	p := arrive(t, settings{Language: "fa"})
	p.open(site + "/shop/buy/mug")
	p.until("Vazirmatn is loaded", "[...document.fonts].some(f=>f.family==='Vazirmatn'&&f.status==='loaded')")
	p.press("#fa nav a")
	harness.Wait(t, "the choice is noted", 20*time.Second, func() bool { c := p.cookies(site + "/shop/")["payment_lang"]; return c != nil && c.Value == "en" })
	p.noProblems("behind handle_path")
}
