package sandbox

import (
	"strings"
	"testing"
)

func TestBankPage(t *testing.T) {
	r := newRig(t, Options{})
	_, link := r.idpayNew(`<b>"1"</b>`[:3]+"x", "12345675")
	for _, c := range []struct {
		accept string
		has    []string
	}{
		{"", []string{`lang="fa" dir="rtl"`, "۱۲٬۳۴۵٬۶۷۵", "۱٬۲۳۴٬۵۶۷٫۵", "پرداخت", "shop.test", "&lt;b&gt;x"}},
		{"en-US,en;q=0.9,fa;q=0.8", []string{`lang="en" dir="ltr"`, "12,345,675", "1,234,567.5 toman", "Pay"}},
		{"de,fa;q=0.5", []string{`lang="fa"`}},
		{"en;q=0", []string{`lang="fa"`}},
	} {
		g := r.do("GET", link, "", "Accept-Language", c.accept)
		for _, want := range c.has {
			if g.status != 200 || !strings.Contains(g.body, want) {
				t.Errorf("%s: %d, no %s", c.accept, g.status, want)
			}
		}
		if strings.Contains(g.body, "<script") || strings.Contains(g.body, "https://") || strings.Contains(g.body, "<b>") {
			t.Errorf("%s: the page is not self-contained or not escaped", c.accept)
		}
		if csp := g.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("policy: %s", csp)
		}
	}
}

func TestBankButtons(t *testing.T) {
	r := newRig(t, Options{})
	for _, c := range []struct {
		action, state string
		status        int
	}{
		{"pay", StatePaid, 303},
		{"decline", StateDeclined, 303},
		{"cancel", StateCancelled, 303},
		{"close", StatePaid, 200},
		{"abandon", StateOpened, 200},
		{"refund", StateCreated, 400},
		{"", StateCreated, 400},
		{"return", StateCreated, 409},
	} {
		for _, suffix := range []string{"", "/act"} {
			id, link := r.idpayNew("1", "1000")
			if g := r.click(link+suffix, c.action); g.status != c.status {
				t.Errorf("%s: %d %s", c.action, g.status, g.body)
			}
			if p := r.payment(id); p.State != c.state {
				t.Errorf("%s: state %s", c.action, p.State)
			}
		}
	}
	id, link := r.idpayNew("1", "1000")
	first := r.click(link, "pay").header.Get("Location")
	if again := r.click(link, "pay").header.Get("Location"); again != first || first == "" {
		t.Errorf("a double click: %s, then %s", first, again)
	}
	if g := r.click(link, "cancel"); g.status != 409 {
		t.Errorf("cancelling what is paid: %d", g.status)
	}
	if g := r.do("GET", link, "", "Accept-Language", "en"); !strings.Contains(g.body, "waiting for the shop") || strings.Contains(g.body, `value="pay"`) {
		t.Errorf("page of a paid payment: %s", g.body)
	}
	if p := r.payment(id); p.Returns != 2 {
		t.Errorf("%d returns", p.Returns)
	}
}
