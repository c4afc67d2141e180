package php_test

import (
	"net/http"
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

// wordpressFiles is WordPress as Debian packages it, unpacked and not installed: its HTTP
// API needs no database. It is kept in the user's cache.
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

// TestWordPress: a plugin over WordPress' own HTTP API, by each of its two functions,
// unchanged but for the gateway's address, which is one of the shop's own.
func TestWordPress(t *testing.T) {
	t.Parallel()
	files := wordpressFiles(t)
	w := newWorld(t, setup{
		payments: `relay /-/pay/{env.RELAY_SECRET} zarinpal
		observe /wordpress.php zarinpal {
			refused redirect /cart*
		}`,
		php: `env GATEWAY {{site}}/-/pay/relay-secret-canary-77/zarinpal
		env SHOP_ORIGIN {{site}}
		env WORDPRESS ` + files,
		global: []string{"provider idpay {", "provider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url {{box}}/zarinpal\n\t\t}\n\t\tprovider idpay {"},
		env:    []string{"RELAY_SECRET=relay-secret-canary-77"},
	})
	start := func(b *harness.Browser, order string) string {
		t.Helper()
		p := b.Get(w.site + "/wordpress.php?do=pay&order=" + order)
		if p.Status != http.StatusFound {
			t.Fatalf("it was not started: %d %s", p.Status, p.Body)
		}
		return path.Base(p.Header.Get("Location"))
	}
	credited := func(order string) int {
		return strings.Count("\n"+strings.Join(w.credits(), "\n")+"\n", "\n"+order+"\n")
	}
	fault := func(f sandbox.Fault) {
		t.Helper()
		f.Provider, f.Operation, f.Count = "zarinpal", sandbox.OpVerify, 1
		if _, err := w.box.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	for function, safe := range map[string]bool{"wp_remote_post": false, "wp_safe_remote_post": true} {
		tag := map[bool]string{false: "6", true: "7"}[safe]
		how := map[string]any{"safe": safe}
		w.behave(how)
		w.run(function+": paid, and a second look", func() {
			b := harness.NewBrowser(t)
			id := start(b, tag+"01")
			ret := w.act(id, "pay")
			same(t, "sent to", b.Get(ret.URL).Header.Get("Location"), "/order-received/"+tag+"01")
			w.waitState(id, "delivered")
			same(t, "sent to", b.Get(ret.URL).Header.Get("Location"), "/cart?failed=1")
			same(t, "credits", credited(tag+"01"), 1)
		})
		w.run(function+": cancelled", func() {
			b := harness.NewBrowser(t)
			id := start(b, tag+"02")
			same(t, "sent to", b.Get(w.act(id, "cancel").URL).Header.Get("Location"), "/cart")
			same(t, "state", w.state(id), "created")
		})
		w.run(function+": its answer is lost", func() {
			b := harness.NewBrowser(t)
			id := start(b, tag+"03")
			ret := w.act(id, "pay")
			fault(sandbox.Fault{Kind: "after"})
			same(t, "sent to", b.Get(ret.URL).Header.Get("Location"), "/order-received/"+tag+"03")
			w.waitState(id, "delivered")
		})
		w.run(function+": the provider takes longer than WordPress waits", func() {
			b := harness.NewBrowser(t)
			w.behave(map[string]any{"safe": safe, "timeout": 1})
			defer w.behave(how)
			id := start(b, tag+"04")
			ret := w.act(id, "pay")
			fault(sandbox.Fault{Kind: "delay", When: "after", MS: 1600})
			same(t, "sent to", b.Get(ret.URL).Header.Get("Location"), "/cart?failed=1")
			w.waitState(id, "verified")
			same(t, "sent to, at the second look", b.Get(ret.URL).Header.Get("Location"), "/order-received/"+tag+"04")
			w.waitState(id, "delivered")
			same(t, "credits", credited(tag+"04"), 1)
		})
		w.run(function+": two returns at once", func() {
			b := harness.NewBrowser(t)
			id := start(b, tag+"05")
			ret := w.act(id, "pay")
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { b.Get(ret.URL) })
			}
			wg.Wait()
			harness.Wait(t, "it is settled", 20*time.Second, func() bool { s := w.state(id); return s == "delivered" || s == "parked" })
			same(t, "credits", credited(tag+"05"), 1)
		})
		w.run(function+": the tab is closed while the shop asks", func() {
			b := harness.NewBrowser(t)
			id := start(b, tag+"06")
			ret := w.act(id, "pay")
			fault(sandbox.Fault{Kind: "delay", MS: 700})
			b.Client.Timeout = 200 * time.Millisecond
			if _, err := b.Try(http.MethodGet, ret.URL, ""); err == nil {
				t.Error("the tab was not closed")
			}
			b.Client.Timeout = time.Minute
			harness.Wait(t, "it is settled", 20*time.Second, func() bool { s := w.state(id); return s == "delivered" || s == "parked" || s == "verified" })
			b.Get(ret.URL)
			same(t, "credits", credited(tag+"06"), 1)
		})
		w.run(function+": it needs its customer's session", func() {
			w.behave(map[string]any{"safe": safe, "session": true})
			defer w.behave(how)
			b := harness.NewBrowser(t)
			id := start(b, tag+"07")
			ret := w.act(id, "pay")
			same(t, "another browser is sent to", harness.NewBrowser(t).Get(ret.URL).Header.Get("Location"), "/cart")
			if p := w.truth(id); p.State != sandbox.StatePaid {
				t.Error("something was settled that the shop did not ask for:", p.State)
			}
			same(t, "sent to", b.Get(ret.URL).Header.Get("Location"), "/order-received/"+tag+"07")
			w.waitState(id, "delivered")
		})
	}
	w.run("wp_safe_remote_post refuses a relay on loopback", func() {
		w.behave(map[string]any{"safe": true, "gateway": strings.Replace(w.site, "localhost", "127.0.0.1", 1) + "/-/pay/relay-secret-canary-77/zarinpal"})
		p := harness.NewBrowser(t).Get(w.site + "/wordpress.php?do=pay&order=801")
		if p.Status != http.StatusInternalServerError || !strings.Contains(p.Body, "valid URL") {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
}
