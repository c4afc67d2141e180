package php_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// wordpressFiles is WordPress as Debian packages it, unpacked and not installed: the package
// asks for Apache. It is kept in the user's cache.
func wordpressFiles(t *testing.T) string {
	t.Helper()
	dir, err := unpackWordPress()
	if err == nil {
		return dir
	}
	if os.Getenv("PAYMENTS_REQUIRE_ALL") != "" {
		t.Fatalf("Debian's package wordpress: %v", err)
	}
	t.Skipf("Debian's package wordpress: %v", err)
	return ""
}

var unpackWordPress = sync.OnceValues(func() (string, error) {
	const inside = "usr/share/wordpress"
	if _, err := os.Stat("/" + inside + "/wp-includes/http.php"); err == nil {
		return "/" + inside, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "caddy-payments-wordpress")
	if _, err := os.Stat(filepath.Join(dir, inside)); err == nil {
		return filepath.Join(dir, inside), nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "wordpress-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	script := `apt-get -qq download wordpress || { apt-get -qq update && apt-get -qq download wordpress; }
dpkg-deb -x wordpress_*.deb . && rm wordpress_*.deb`
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(filepath.Join(dir, inside)); there != nil {
			return "", err
		}
	}
	return filepath.Join(dir, inside), nil
})

// wordPress is a shop in WordPress, installed into a MariaDB of its own, whose plugin
// (testdata/wordpress) starts and verifies payments by itself. Nothing of it knows of us but
// the gateway's address among its settings, which is one of the shop's own.
type wordPress struct {
	*world
	function, tag string
}

func newWordPress(t *testing.T) *wordPress {
	t.Helper()
	files, php := wordpressFiles(t), harness.Need(t, "php")
	socket := harness.MariaDB(t)
	w := newWorld(t, setup{
		crowd:  true,
		before: "@return query shop-api=back",
		payments: `relay /-/pay/{env.RELAY_SECRET} zarinpal
		observe @return zarinpal {
			refused redirect /cart*
		}`,
		php: `env SHOP_ORIGIN {{site}}
		env WORDPRESS ` + files + `
		env DB_SOCKET ` + socket,
		global: []string{"provider idpay {", "provider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url {{box}}/zarinpal\n\t\t}\n\t\tprovider idpay {"},
		env:    []string{"RELAY_SECRET=relay-secret-canary-77"},
		www:    "testdata/wordpress",
	})
	install := exec.Command(php, "testdata/wordpress/install.php") //nolint:gosec // a program of the test's
	install.Env = append(os.Environ(), "SHOP_ORIGIN="+w.site, "WORDPRESS="+files, "DB_SOCKET="+socket,
		"GATEWAY="+w.site+"/-/pay/relay-secret-canary-77/zarinpal", "MERCHANT="+harness.APIKey)
	if out, err := install.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "installed") {
		t.Fatalf("installing WordPress: %v\n%s", err, out)
	}
	return &wordPress{world: w}
}

// pay presses Pay for an order and returns the provider's id.
func (w *wordPress) pay(b *harness.Browser, order, switches string) string {
	w.t.Helper()
	p := b.Get(w.site + "/?shop-api=pay&order=" + w.tag + order + switches)
	if p.Status != http.StatusFound {
		w.t.Fatalf("it was not started: %d %s", p.Status, p.Body)
	}
	return path.Base(p.Header.Get("Location"))
}

// comes brings the customer back, and says where to the shop sends them.
func (w *wordPress) comes(b *harness.Browser, ret *sandbox.Return) string {
	w.t.Helper()
	return strings.TrimPrefix(b.Get(ret.URL).Header.Get("Location"), w.site)
}

type wordPressOrder struct {
	Status  string
	Credits int
}

// order is the shop's own record.
func (w *wordPress) order(order string) (o wordPressOrder) {
	w.t.Helper()
	p := harness.NewBrowser(w.t).Get(w.site + "/?shop-api=order&order=" + w.tag + order)
	if err := json.Unmarshal([]byte(p.Body), &o); err != nil {
		w.t.Fatalf("%v: %d %s", err, p.Status, p.Body)
	}
	return o
}

// credited: the order is completed, and was credited once.
func (w *wordPress) credited(order string) {
	w.t.Helper()
	same(w.t, w.function+": order "+order, w.order(order), wordPressOrder{"completed", 1})
}

func (w *wordPress) fault(f sandbox.Fault) {
	w.t.Helper()
	f.Provider, f.Operation, f.Count = "zarinpal", sandbox.OpVerify, 1
	if _, err := w.box.SetFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// TestWordPress: a plugin of WordPress' that verifies by itself, by each of WordPress' two
// functions. Whatever goes wrong, each paid order is credited once and no other is.
func TestWordPress(t *testing.T) {
	t.Parallel()
	w := newWordPress(t)
	for _, f := range []struct{ function, tag, switches string }{
		{"wp_remote_post", "6", ""},
		{"wp_safe_remote_post", "7", "&safe=1"},
	} {
		w.function, w.tag = f.function, f.tag
		w.run(f.function, func() { w.walk(f.switches) })
	}
	w.tag = "8"
	w.run("wp_safe_remote_post refuses a relay on loopback", func() {
		at := strings.Replace(w.site, "localhost", "127.0.0.1", 1) + "/-/pay/relay-secret-canary-77/zarinpal"
		p := harness.NewBrowser(t).Get(w.site + "/?shop-api=pay&order=801&safe=1&gateway=" + url.QueryEscape(at))
		if p.Status != http.StatusInternalServerError || !strings.Contains(p.Body, "valid URL") {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
}

func (w *wordPress) walk(switches string) {
	order := func(n string) string { return "/order-received/" + w.tag + n + "/" }
	const cart, failed = "/cart/", "/cart/?failed=1"
	w.run("paid, and a second look", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "01", switches)
		ret := w.act(id, "pay")
		same(w.t, "sent to", w.comes(b, ret), order("01"))
		w.waitState(id, "delivered")
		same(w.t, "sent to", w.comes(b, ret), failed)
		w.credited("01")
	})
	w.run("cancelled", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "02", switches)
		same(w.t, "sent to", w.comes(b, w.act(id, "cancel")), cart)
		same(w.t, "state", w.state(id), "created")
		same(w.t, "order", w.order("02"), wordPressOrder{"pending", 0})
	})
	w.run("its answer is lost", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "03", switches)
		ret := w.act(id, "pay")
		w.fault(sandbox.Fault{Kind: "after"})
		same(w.t, "sent to", w.comes(b, ret), order("03"))
		w.waitState(id, "delivered")
		w.credited("03")
	})
	w.run("the provider takes longer than WordPress waits", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "04", switches+"&timeout=1")
		ret := w.act(id, "pay")
		w.fault(sandbox.Fault{Kind: "delay", When: "after", MS: 1600})
		same(w.t, "sent to", w.comes(b, ret), failed)
		w.waitState(id, "verified")
		same(w.t, "order", w.order("04"), wordPressOrder{"failed", 0})
		same(w.t, "sent to, at the second look", w.comes(b, ret), order("04"))
		w.waitState(id, "delivered")
		w.credited("04")
	})
	w.run("two returns at once", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "05", switches)
		w.twice(b, w.act(id, "pay"))
		w.settled(id)
		w.credited("05")
	})
	w.run("the tab is closed while the shop asks", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "06", switches)
		ret := w.act(id, "pay")
		w.fault(sandbox.Fault{Kind: "delay", MS: 700})
		b.Client.Timeout = 200 * time.Millisecond
		if _, err := b.Try(http.MethodGet, ret.URL, ""); err == nil {
			w.t.Error("the tab was not closed")
		}
		b.Client.Timeout = time.Minute
		w.settled(id)
		w.comes(b, ret)
		w.credited("06")
	})
	w.run("it needs its customer's session", func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "07", switches+"&session=1")
		ret := w.act(id, "pay")
		same(w.t, "another browser is sent to", w.comes(harness.NewBrowser(w.t), ret), cart)
		if p := w.truth(id); p.State != sandbox.StatePaid {
			w.t.Error("something was settled that the shop did not ask for:", p.State)
		}
		same(w.t, "sent to", w.comes(b, ret), order("07"))
		w.waitState(id, "delivered")
		w.credited("07")
	})
	w.run(`it credits on every "first"`, func() {
		b := harness.NewBrowser(w.t)
		id := w.pay(b, "08", switches+"&every=1&timeout=1")
		ret := w.act(id, "pay")
		w.fault(sandbox.Fault{Kind: "delay", When: "after", MS: 1300})
		same(w.t, "sent to", w.comes(b, ret), failed)
		w.waitState(id, "verified")
		w.twice(b, ret)
		w.settled(id)
		same(w.t, "sent to, at the next look", w.comes(b, ret), failed)
		w.credited("08")
	})
}

// twice opens a return in two tabs at once.
func (w *wordPress) twice(b *harness.Browser, ret *sandbox.Return) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { b.Get(ret.URL) })
	}
	wg.Wait()
}

// settled waits until the provider was asked and the shop's answer is known, or known to be
// unknown.
func (w *wordPress) settled(id string) {
	w.t.Helper()
	harness.Wait(w.t, "it is settled", 20*time.Second, func() bool {
		s := w.state(id)
		return s == "delivered" || s == "parked" || s == "verified"
	})
}
