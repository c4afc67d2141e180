package php_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// exampleFile is an example's Caddyfile with its addresses replaced and nothing
// else; the admin endpoint and plain http come before its global options.
func exampleFile(t *testing.T, path string, replace ...string) string {
	t.Helper()
	text := harness.ReadFile(t, path)
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("%s has no %q", path, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	head := "\n{\n\tadmin {{admin}}\n\tauto_https off\n"
	if at := strings.Index("\n"+text, "\n{\n"); at >= 0 {
		return text[:at] + strings.TrimPrefix(head, "\n") + text[at+2:]
	}
	t.Fatalf("%s has no global options", path)
	return ""
}

// TestExamplePHPShop walks through examples/php-shop as its Caddyfile stands:
// shop, bank, and back, by GET and by POST; a declined payment; a customer who
// comes back twice.
func TestExamplePHPShop(t *testing.T) {
	t.Parallel()
	php := sharedFPM(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	shopPort, boxPort := strconv.Itoa(harness.Port(t)), strconv.Itoa(harness.Port(t))
	site, box := "http://localhost:"+shopPort, "http://localhost:"+boxPort
	data := t.TempDir()
	c := harness.Start(t, exampleFile(t, "../../examples/php-shop/Caddyfile",
		":9110", ":"+shopPort, ":9111", ":"+boxPort, "unix//run/php/php-fpm.sock", "unix/"+php.Socket,
		"{file.examples/", "{file."+root+"/examples/", "root examples/php-shop", "root "+root+"/examples/php-shop",
		"env SHOP_TEST 1", "env SHOP_TEST 1\n\t\tenv SHOP_DATA "+data))
	b := harness.NewBrowser(t)

	page := b.Get(site + "/")
	if page.Status != http.StatusOK || !strings.Contains(page.Body, `value="tea"`) {
		t.Fatalf("the shop: %d\n%s", page.Status, page.Body)
	}
	for _, path := range []string{"/shop.php", "/Caddyfile", "/shop.php/x", "//shop.php", "/SHOP.php"} {
		if p := b.Get(site + path); p.Status == http.StatusOK && (strings.Contains(p.Body, "products") || strings.Contains(p.Body, "signing_key")) {
			t.Errorf("%s is public: %d", path, p.Status)
		}
	}
	buy := func(sku string) string {
		t.Helper()
		p := b.Post(site+"/", url.Values{"sku": {sku}})
		if p.Status != http.StatusSeeOther {
			t.Fatalf("buying: %d\n%s", p.Status, p.Body)
		}
		for name := range p.Header {
			if strings.HasPrefix(harness.Fold(name), "X_PAYMENT") {
				t.Errorf("%s reached the browser", name)
			}
		}
		return p.Location(t)
	}
	state := func(address string) string {
		t.Helper()
		p := b.Get(address)
		m := regexp.MustCompile(`<p id="state">([^<]*)</p>`).FindStringSubmatch(p.Body)
		if m == nil {
			t.Fatalf("%s: %d\n%s", address, p.Status, p.Body)
		}
		return m[1]
	}
	const paid, unpaid = "پرداخت شد. سپاس!", "هنوز پرداخت نشده است."

	// By GET.
	back := b.Post(buy("tea"), url.Values{"action": {"pay"}}).Location(t)
	p := b.Get(back)
	if p.Status != http.StatusSeeOther || p.Header.Get("X-Payment-Ack") != "" {
		t.Fatalf("the return: %d %v\n%s\n%s", p.Status, p.Header, p.Body, php.Log())
	}
	thanks := p.Location(t)
	if got := state(thanks); got != paid || !strings.HasSuffix(thanks, "/?order=101") {
		t.Errorf("%s: %s", thanks, got)
	}
	// A refresh leads to the same page.
	if p := b.Get(back); p.Status != http.StatusSeeOther || p.Location(t) != thanks {
		t.Errorf("a refresh: %d", p.Status)
	}

	// Declined, and then paid after all.
	pay := buy("saffron")
	p = b.Get(b.Post(pay, url.Values{"action": {"decline"}}).Location(t))
	if p.Status != http.StatusPaymentRequired || state(site+"/?order=102") != unpaid {
		t.Errorf("declined: %d, %s", p.Status, state(site+"/?order=102"))
	}
	p = b.Get(b.Post(pay, url.Values{"action": {"pay"}}).Location(t))
	if p.Status != http.StatusSeeOther || state(site+"/?order=102") != paid {
		t.Errorf("paid after all: %d, %s", p.Status, state(site+"/?order=102"))
	}

	// By POST.
	res, err := http.Post(box+"/_control/settings", "application/json", strings.NewReader(`{"zarinpal":{"return":"post"}}`))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	res.Body.Close()
	action, fields := b.Post(buy("tea"), url.Values{"action": {"pay"}}).Form(t)
	action, fields = b.Post(action, fields).Form(t)
	p = b.Post(action, fields)
	if p.Status != http.StatusSeeOther || state(p.Location(t)) != paid {
		t.Errorf("by POST: %d\n%s", p.Status, p.Body)
	}

	// Somebody makes up a return, and somebody asks the callback by itself.
	unpaidPage := buy("tea") // order 104, never paid
	authority := unpaidPage[strings.LastIndex(unpaidPage, "/")+1:]
	stranger := harness.NewBrowser(t)
	for _, address := range []string{
		site + "/callback.php?Authority=" + authority + "&Status=OK", site + "/callback.php?Authority=A" + strings.Repeat("0", 35) + "&Status=OK", site + "/callback.php",
	} {
		if p := stranger.Get(address, "X-Payment-Order", "104", "X-Payment-Status", "verified"); p.Status < 400 {
			t.Errorf("%s: %d", address, p.Status)
		}
	}
	// Another order's number beside a paid return changes nothing.
	if p := b.Get(back+"&payment_order=104", "X-Payment-Order", "104", "X-Payment-Status", "verified"); p.Status != http.StatusSeeOther || p.Location(t) != thanks {
		t.Errorf("order 104 by order 101's return: %d\n%s", p.Status, p.Body)
	}
	if got := state(site + "/?order=104"); got != unpaid {
		t.Errorf("order 104: %s", got)
	}
	if out, err := c.Run("payments", "doctor", "--address", c.Admin); err != nil {
		t.Errorf("doctor: %v\n%s", err, out)
	}
}

// TestExampleCaddyfiles: those of the shops that are not here to run stand as
// they are, and run with PHP behind them.
func TestExampleCaddyfiles(t *testing.T) {
	t.Parallel()
	php := sharedFPM(t)
	for name, c := range map[string]struct{ provider, root, path, env string }{
		"woocommerce": {"idpay", "/var/www/wordpress", "/?wc-api=wc_idpay&wc_order=5", "IDPAY_KEY=" + harness.APIKey},
		"opencart":    {"24pal", "/var/www/opencart", "/index.php?route=extension/payment/pal24/callback", "PAL24_KEY=" + harness.APIKey},
		"whmcs":       {"sama", "/var/www/whmcs", "/modules/gateways/callback/sama.php?invoiceId=5", "SAMA_MERCHANT_ID=" + harness.MerchantID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, dir: t.TempDir(), site: harness.Site(t)}
			w.box, w.boxURL = harness.Sandbox(t, sandbox.Options{})
			www, err := filepath.Abs("testdata/www")
			if err != nil {
				t.Fatal(err)
			}
			host := map[bool]string{true: "billing.example.com {", false: "shop.example.com {"}[name == "whmcs"]
			text := exampleFile(t, "../../examples/"+name+"/Caddyfile", host, w.site+" {", c.root, www,
				"provider "+c.provider+" {", "provider "+c.provider+" {\n\t\t\tbase_url "+w.boxURL+"/"+c.provider)
			const socket = "unix//run/php/php-fpm.sock {\n\t\tenv PAYMENT_RECEIPT_KEY {env.PAYMENT_RECEIPT_KEY}\n"
			if !strings.Contains(text, socket) {
				t.Fatal("PHP is not given the receipt key")
			}
			text = strings.Replace(text, socket, strings.Replace(socket, "unix//run/php/php-fpm.sock", "unix/"+php.Socket, 1)+"\t\tenv SHOP_DIR "+w.dir+"\n", 1)
			w.caddy = harness.Start(t, text, c.env, "PAYMENTS_SIGNING_KEY="+harness.Secret, "HAMEKAR_TOKEN="+harness.StoreToken,
				"PAYMENT_RECEIPT_KEY="+strings.Repeat("0", 64))
			b := harness.NewBrowser(t)
			k := kind{provider: c.provider, announced: true, path: func(string) string { return c.path }}
			id, ret := k.start(w, b, "5")
			w.behave(map[string]any{"ack": true, "location": map[string]string{
				"woocommerce": w.site + "/checkout/order-received/5/", "opencart": "/index.php?route=checkout/success", "whmcs": "/viewinvoice.php?id=5",
			}[name]})
			if p := b.Get(ret.URL); p.Status != http.StatusSeeOther {
				t.Errorf("status %d\n%s", p.Status, p.Body)
			}
			same(t, "state", w.state(id), "delivered")
			same(t, "the order", w.last().text("HTTP_X_PAYMENT_ORDER"), "5")
		})
	}
}

// TestHelpersOwnTests runs examples/php/test.php.
func TestHelpersOwnTests(t *testing.T) {
	t.Parallel()
	php := harness.Need(t, "php", "php8*")
	out, err := command(php, "../../examples/php/test.php")
	if err != nil || !strings.HasPrefix(out, "ok:") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, dir := range []string{"../../examples/php", "../../examples/php-shop", "testdata", "testdata/www"} {
		files, _ := filepath.Glob(dir + "/*.php")
		for _, f := range files {
			if out, err := command(php, "-l", f); err != nil {
				t.Errorf("%s: %s", f, out)
			}
		}
	}
}
