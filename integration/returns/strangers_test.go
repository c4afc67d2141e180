package returns_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
)

// seen is all that a browser gets to see when it brings a return and goes where it is sent.
type seen struct {
	text string
	last harness.Page
}

var packed = regexp.MustCompile(`[A-Za-z0-9_-]{16,}`)

// follow brings a return, and goes on as browsers do: redirects, and forms that submit themselves.
func follow(t *testing.T, b *harness.Browser, ret *sandbox.Return) (s seen) {
	t.Helper()
	english := []string{"Accept-Language", "en"}
	s.last = come(b, ret, english...)
	for hops := 0; ; hops++ {
		var all strings.Builder
		_ = s.last.Header.Write(&all)
		all.WriteString(s.last.Body)
		s.text += all.String()
		switch {
		case hops == 5:
			t.Fatalf("it never ends: %d %s", s.last.Status, s.last.URL)
		case s.last.Status == http.StatusSeeOther:
			s.last = b.Get(s.last.Location(t), english...)
			continue
		case strings.Contains(s.last.Body, "Taking you back"):
			action, fields := s.last.Form(t)
			s.last = b.Post(action, fields, english...)
			continue
		}
		for _, word := range packed.FindAllString(s.text, -1) {
			if open, err := base64.RawURLEncoding.DecodeString(word); err == nil {
				s.text += "\n" + string(open)
			}
		}
		return s
	}
}

// withoutRef is a return that lacks our reference.
func withoutRef(t *testing.T, ret *sandbox.Return) *sandbox.Return {
	t.Helper()
	u, err := url.Parse(ret.URL)
	if err != nil || !u.Query().Has("payment_ref") {
		t.Fatalf("%s: %v", ret.URL, err)
	}
	q := u.Query()
	q.Del("payment_ref")
	u.RawQuery = q.Encode()
	other := *ret
	other.URL = u.String()
	return &other
}

// Whoever has a provider's id without our reference and without a cookie of the payment learns
// how the payment stands: no page, address or cookie of ours tells its number, what was bought, for
// how much, or where. It makes no difference who came first, how the return came or how the payment
// ended. Whoever has either sees its number.
func TestStrangersSeeHowItStandsAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Returns: map[string]string{"idpay": sandbox.ReturnPost}},
		"\t\tprovider zibal {\n\t\t\tmerchant {env.API_KEY}\n\t\t\tbase_url SANDBOX/zibal\n\t\t}\n\t\tprovider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url SANDBOX/zarinpal\n\t\t}")
	w.text = strings.ReplaceAll(w.text, "SANDBOX", w.url)
	w.behindProxy()
	var lines strings.Builder
	providers := []string{"idpay", "zibal", "zarinpal"}
	for _, p := range providers {
		fmt.Fprintf(&lines, "checkout /buy/%[1]s %[1]s {\nitem hush 120000toman \"Private thing\"\nreturn /back/%[1]s\n}\nverify /back/%[1]s %[1]s {\nexpect intent\n}\n", p)
	}
	bare, _ := w.site("payments {\npublic_url SITE\n" + lines.String() + "}")
	failing, shop := w.plain("public_url SITE\n" + lines.String())
	shop.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
	w.start()
	guest := func() *harness.Browser { return harness.NewCustomer(t) }
	for _, c := range []struct {
		name, site, action, fault string
		says                      []string
	}{
		{"paid", bare, "pay", "", []string{"your payment is complete", "already settled"}},
		{"parked", failing, "pay", "", []string{"You have paid", "being confirmed"}},
		{"looked at", bare, "pay", "wrong_amount", []string{"being looked at", "your payment is complete"}},
		{"declined", bare, "decline", "", []string{"did not go through"}},
		{"cancelled", bare, "cancel", "", []string{"cancelled", "did not go through"}},
		// The last, because the gateway is asked no more then.
		{"confirmed", bare, "pay", "reset", []string{"being confirmed"}},
	} {
		for _, provider := range providers {
			for _, first := range []string{"buyer", "buyer, who leaves,", "stranger"} {
				which := fmt.Sprintf("%s, %s, the %s comes first", c.name, provider, first)
				b := guest()
				link := b.Post(c.site+"/buy/"+provider+"/hush", nil).Location(t)
				id := link[strings.LastIndexByte(link, '/')+1:]
				if c.fault != "" {
					w.fault(sandbox.Fault{Payment: id, Kind: c.fault, Factor: 0.5})
				}
				ret := w.act(id, c.action)
				row := w.record(id)
				number := pages.Short(payment.Ref(row.Ref))
				plain := withoutRef(t, ret)
				switch first {
				case "buyer":
					follow(t, b, ret)
				case "stranger":
					follow(t, guest(), plain)
				default:
					come(b, ret)
				}
				s := follow(t, guest(), plain)
				for _, secret := range []string{"Private thing", "120,000", "1,200,000", number, row.Ref[:8], "payment_ref", "/buy/", "hush"} {
					if strings.Contains(s.text, secret) {
						t.Errorf("%s: a stranger sees %q: %d\n%s", which, secret, s.last.Status, clip(s.last.Body))
					}
				}
				told := c.name == "parked" && s.last.Status == http.StatusInternalServerError // the shop's own answer
				for _, text := range c.says {
					told = told || strings.Contains(s.last.Body, text)
				}
				if !told {
					t.Errorf("%s: a stranger is told %d\n%s", which, s.last.Status, clip(s.last.Body))
				}
				for who, s := range map[string]seen{"the buyer": follow(t, b, ret), "our reference": follow(t, guest(), ret), "the cookie": follow(t, b, plain)} {
					if strings.Contains(s.last.Body, "<main") && !strings.Contains(s.last.Body, number) {
						t.Errorf("%s: %s does not see the number: %d\n%s", which, who, s.last.Status, clip(s.last.Body))
					}
					if c.name == "paid" && who != "our reference" && (!strings.Contains(s.last.Body, "Private thing") || !strings.Contains(s.last.Body, "120,000")) {
						t.Errorf("%s: %s does not see what was bought: %d\n%s", which, who, s.last.Status, clip(s.last.Body))
					}
				}
			}
		}
	}
}

// A payment that its shop began without a word to us has given its customer nothing to be known
// by: the number is on our page all the same, because it is all that the customer can tell the shop.
func TestWhoWasGivenNothingSeesTheNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect none\n}")
	shop.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
	w.start()
	b, ret := w.paid("idpay", "55", 50_000, site+"/back")
	come(harness.NewBrowser(t), ret)
	p := come(harness.NewBrowser(t), ret, "Accept-Language", "en")
	if number := pages.Short(payment.Ref(w.record(b.ID).Ref)); p.Status != http.StatusOK || !strings.Contains(p.Body, number) {
		t.Errorf("%d\n%s", p.Status, clip(p.Body))
	}
}
