package secrets_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const pan = harness.PAN

var panHash = harness.PANHash()

// providers are those that repeat what they are told.
var providers = []string{"idpay", "sama", "24pal", "invoice"}

const site = `{
	log
	payments {
		track /product/*
		checkout /idpay idpay {
			item mug 50000rial
			donate 1000rial 90000rial
			return /back/idpay
		}
		checkout /sama sama {
			item mug 50000rial
			return /back/sama
		}
		checkout /24pal 24pal {
			item mug 50000rial
			return /back/24pal
		}
		checkout /invoice invoice {
			item mug 50000rial
			return /back/invoice
		}
		verify /back/idpay idpay {
			expect intent
		}
		verify /back/sama sama
		verify /back/24pal 24pal
		verify /back/invoice invoice
		verify /asked idpay {
			expect lookup SHOP/orders/{order}
		}
		require /file/* {
			item mug
			checkout /idpay
		}
	}
	handle_errors {
		respond "error {err.status_code}"
	}
	reverse_proxy SHOP
}
`

// world is a site whose providers, network and shop repeat our keys, and
// another whose provider is a good one.
type world struct {
	*harness.Caddy
	box               *sandbox.Server
	echo              *echo
	bad, good, people string
}

const password = harness.DashboardPassword

func newWorld(t *testing.T) *world {
	t.Helper()
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	w := &world{box: box, echo: newEcho(t), bad: harness.Site(t), good: harness.Site(t), people: harness.Site(t)}
	text := harness.Global(boxURL)
	text = strings.ReplaceAll(text, boxURL, w.echo.URL)
	text = strings.Replace(text, "\tadmin {{admin}}", "\tadmin {{admin}}\n\tdebug", 1)
	text = strings.Replace(text, "\t\tprovider sama {", "\t\tprovider idpay honest {\n\t\t\tapi_key {env.API_KEY}\n\t\t\tbase_url "+boxURL+"/idpay\n\t\t}\n\t\tprovider sama {", 1)
	for _, p := range providers {
		text = strings.Replace(text, "provider "+p+" {", "provider "+p+" {\n\t\t\ttimeout 1s", 1)
	}
	c := harness.New(t, "")
	// A cheap one: under the race detector a dear one takes minutes.
	hash, err := c.Run("hash-password", "--plaintext", password, "--algorithm", "bcrypt", "--bcrypt-cost", "4")
	if err != nil {
		t.Fatal(err, hash)
	}
	text += w.bad + " " + strings.ReplaceAll(site, "SHOP", w.echo.URL)
	text += w.good + " {\n\tlog\n\tpayments {\n\t\ttrack /product/*\n\t\tcheckout /buy honest {\n\t\t\titem mug 50000rial\n\t\t}\n\t\tverify /back honest {\n\t\t\texpect intent\n\t\t}\n\t\trequire /file/* {\n\t\t\titem mug\n\t\t\tcheckout /buy\n\t\t}\n\t}\n\trespond \"here you are\"\n}\n"
	text += w.people + " {\n\tlog\n\tbasic_auth {\n\t\tanna " + strings.TrimSpace(hash) + "\n\t}\n\tpayment_dashboard\n}\n"
	w.Caddy = harness.Start(t, text, harness.Environment()...)
	return w
}

// A57, A58: whatever goes wrong, and whatever the other side repeats, no key, no
// token, no password and no card stands in a log, a page, a metric, an answer of
// the admin endpoint, a dump of the configuration or a file. The harness looks
// through all of it; here everything is made to happen.
func TestEveryRouteAndEveryFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b *harness.Browser
	for range modes / 2 {
		b = harness.NewCustomer(t) // presses of Pay are bounded for each client
		b.Get(w.bad + "/product/mug?track_id=064ee72930404724974761b0b41e9e49")
		for _, p := range providers {
			b.Get(w.bad + "/" + p + "/mug")
			b.Get(w.bad + "/" + p + "/nothing")
			page := b.Post(w.bad+"/"+p+"/mug", nil)
			if page.Status == http.StatusSeeOther {
				link := page.Location(t)
				if back := w.echo.takeReturn(link[strings.LastIndexByte(link, '/')+1:]); back != "" {
					b.Get(back)
					b.Get(back, "Accept", "application/problem+json")
					u, _ := url.Parse(back)
					b.Post(w.bad+u.Path, u.Query())
				}
			}
			b.Get(w.bad + "/back/" + p)
			b.Get(w.bad + "/back/" + p + "?id=%00&order_id=1&order_id=2")
		}
		b.Get(w.bad + "/asked?status=10&track_id=1&order_id=7&id=d2e353189823079e1e4181772cff5292&hashed_card_no=" + panHash)
	}
	b.Post(w.bad+"/idpay", url.Values{"amount": {"5"}})
	b.Get(w.bad + "/file/x")
	w.payWell(t)
	w.dashboard(t)
	if heard := w.echo.all(); !strings.Contains(heard, harness.APIKey) || !strings.Contains(heard, harness.MerchantID) || !strings.Contains(heard, harness.StoreToken) {
		t.Error("the other side was not told the keys, so there was nothing to repeat")
	}
	if err := w.Reload(); err != nil {
		t.Error(err)
	}
	w.Hunt("")
}

// payWell buys at the honest provider and waits for the network, which repeats
// its token.
func (w *world) payWell(t *testing.T) {
	t.Helper()
	for range modes / 2 {
		b := harness.NewCustomer(t)
		b.Get(w.good + "/product/mug?track_id=064ee72930404724974761b0b41e9e49")
		link := b.Post(w.good+"/buy/mug", nil).Location(t)
		acted, err := w.box.Act(link[strings.LastIndexByte(link, '/')+1:], "pay")
		if err != nil {
			t.Fatal(err)
		}
		if p := b.Get(acted.Return.URL); p.Status != http.StatusOK {
			t.Errorf("the return: %d\n%s", p.Status, p.Body)
		}
		b.Get(acted.Return.URL)
		b.Get(w.good + "/file/x")
	}
	harness.Wait(t, "the network is told", 20*time.Second, func() bool { return strings.Contains(w.echo.all(), "/customer/callback") })
}

// dashboard opens the dashboard with a wrong and with the right password.
func (w *world) dashboard(t *testing.T) {
	t.Helper()
	for _, given := range []string{"wrong-" + password, password} {
		req, err := http.NewRequest(http.MethodGet, w.people+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("anna", given)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[given == password] {
			t.Errorf("the dashboard: %d", res.StatusCode)
		}
		harness.TellsNothing(t, "the dashboard", string(page))
	}
}
