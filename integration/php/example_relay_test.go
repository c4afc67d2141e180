package php_test

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// exampleWorld runs an example for shops that verify by themselves, with PHP behind it.
// Replaced are its addresses, its root, the page where customers return, and PHP's
// environment.
func exampleWorld(t *testing.T, name, provider, page, php string, replace ...string) *world {
	t.Helper()
	fpm := sharedFPM(t)
	w := &world{t: t, dir: t.TempDir(), site: harness.Site(t)}
	w.box, w.boxURL = harness.Sandbox(t, sandbox.Options{})
	www, err := filepath.Abs("testdata/www")
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{{site}}", w.site, "{{box}}", w.boxURL)
	text := exampleFile(t, "../../examples/"+name+"/Caddyfile", append([]string{
		"shop.example.com {", w.site + " {", "/var/www/shop", www, "observe /payment/back", "observe " + page,
		"provider " + provider + " {", "provider " + provider + " {\n\t\t\tbase_url " + w.boxURL + "/" + provider,
		"unix//run/php/php-fpm.sock", "unix/" + fpm.Socket + " {\n\t\tenv SHOP_DIR " + w.dir + "\n\t\tenv SHOP_ORIGIN " + w.site + "\n" + fill.Replace(php) + "\n\t}",
	}, replace...)...)
	text = strings.Replace(text, "affiliate hamekar {", "affiliate hamekar {\n\t\t\tbase_url "+w.boxURL+"/hamekar", 1)
	w.caddy = harness.Start(t, text, "ZARINPAL_MERCHANT="+harness.APIKey, "ZIBAL_MERCHANT="+harness.APIKey, "RELAY_SECRET=relay-secret-canary-77",
		"PAYMENTS_SIGNING_KEY="+harness.Secret, "HAMEKAR_TOKEN="+harness.StoreToken)
	return w
}

// walk buys, pays and comes back.
func (w *world) walk(page, order string) (id, to string) {
	w.t.Helper()
	b := harness.NewBrowser(w.t)
	b.Get(w.site + "/page.html?track_id=visitor-" + order)
	id = path.Base(b.Get(w.site + page + "?do=pay&order=" + order).Header.Get("Location"))
	return id, b.Get(w.act(id, "pay").URL).Header.Get("Location")
}

func (w *world) bought(page string) {
	w.t.Helper()
	id, to := w.walk(page, "501")
	same(w.t, "where the customer is sent", to, "/order-received/501")
	harness.Wait(w.t, "the payment is delivered", 40*time.Second, func() bool { return w.state(id) == "delivered" })
	same(w.t, "credits", strings.Join(w.credits(), " "), "501")
}

func TestExampleRelayConstant(t *testing.T) {
	t.Parallel()
	w := exampleWorld(t, "relay-constant", "zarinpal", "/plugin.php", "\t\tenv GATEWAY {{site}}/-/pay/relay-secret-canary-77/zarinpal")
	w.bought("/plugin.php")
	w.conversion("visitor-501")
}

func TestExampleRelayInPlace(t *testing.T) {
	t.Parallel()
	certs, port := t.TempDir(), strconv.Itoa(harness.Port(t))
	relayCert(t, certs)
	w := exampleWorld(t, "relay-in-place", "zarinpal", "/plugin.php",
		"\t\tenv GATEWAY https://payment.zarinpal.com:"+port+"\n\t\tenv GATEWAY_AT payment.zarinpal.com:"+port+":127.0.0.1\n\t\tenv GATEWAY_CA "+certs+"/relay.crt",
		"zarinpal.com,", "zarinpal.com:"+port+",", "https://sandbox.zarinpal.com {", "https://sandbox.zarinpal.com:"+port+" {", "/etc/caddy/relay", certs+"/relay")
	w.bought("/plugin.php")
}

// TestExampleObserve: the shop speaks with its gateway alone, and the affiliate hears of
// the sale all the same.
func TestExampleObserve(t *testing.T) {
	t.Parallel()
	w := exampleWorld(t, "observe", "zibal", "/zibal.php", "\t\tenv GATEWAY {{box}}/zibal")
	w.bought("/zibal.php")
	w.conversion("visitor-501")
}

// conversion waits until the affiliate has heard of a visitor's sale.
func (w *world) conversion(track string) {
	w.t.Helper()
	harness.Wait(w.t, "the affiliate hears of it", 20*time.Second, func() bool {
		return slices.ContainsFunc(w.box.Ledger("", "", "").Conversions, func(c sandbox.Conversion) bool { return c.TrackID == track && c.Result == "accepted" })
	})
}

// Every example has a folder that some test runs.
func TestEveryExampleIsRun(t *testing.T) {
	t.Parallel()
	ran := map[string]bool{
		"php-shop": true, "woocommerce": true, "opencart": true, "whmcs": true, "relay-constant": true, "relay-in-place": true, "observe": true,
		// Run elsewhere, or no Caddyfile of a shop's.
		"shop": true, "static": true, "api-lookup": true, "php": true, "demo-secrets": true, "monitoring": true,
	}
	dirs, err := os.ReadDir("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if d.IsDir() && !ran[d.Name()] {
			t.Errorf("no test runs examples/%s", d.Name())
		}
	}
}
