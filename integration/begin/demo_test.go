package begin

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// buy presses Buy at the shop and Pay at the bank, and returns the page that the
// customer comes back to.
func buy(t *testing.T, shop, checkout string) harness.Page {
	t.Helper()
	b := harness.NewCustomer(t)
	action, fields := b.Get(shop + checkout).Form(t)
	bank := b.Post(action, fields)
	if bank.Status != http.StatusSeeOther {
		t.Fatalf("Buy: %d\n%s", bank.Status, bank.Body)
	}
	page := b.Post(bank.Location(t), url.Values{"action": {"pay"}})
	for range 6 {
		switch {
		case page.Status == http.StatusSeeOther || page.Status == http.StatusFound:
			page = b.Get(page.Location(t))
		case page.Status == http.StatusOK && strings.Contains(page.Body, `<form`):
			to, form := page.Form(t)
			page = b.Post(to, form)
		default:
			return page
		}
	}
	t.Fatal("the browser is sent around for ever")
	return page
}

// From nothing to a verified payment: one command, one link, two buttons. It leaves
// nothing behind, and other programs on its usual ports don't hinder it.
func TestDemo(t *testing.T) {
	for _, port := range []string{"9101", "2019"} { // where they are free, they are taken now
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			defer l.Close()
		}
	}
	begun := time.Now()
	u := newUser(t)
	demo := u.start("Ctrl+C", nil, "payments", "demo")
	shop := strings.TrimSuffix(demo.address("/en/"), "/en/")
	if p := harness.NewBrowser(t).Get(shop + "/en/"); p.Status != http.StatusOK || strings.Contains(p.Body, "localhost:9101") {
		t.Errorf("the shop: %d\n%s", p.Status, p.Body)
	}
	if p := buy(t, shop, "/buy/zarinpal/mug"); p.Status != http.StatusOK || !strings.Contains(p.Body, "Thank you, it is paid") {
		t.Errorf("the thank-you page: %d\n%s", p.Status, p.Body)
	}
	t.Logf("from the command to a verified payment: %.1f s", time.Since(begun).Seconds())
	for _, name := range []string{"sama", "24pal", "invoice", "idpay"} {
		if p := buy(t, shop, "/buy/"+name+"/book"); !strings.Contains(p.Body, "Thank you, it is paid") {
			t.Errorf("%s: %d\n%s", name, p.Status, p.Body)
		}
	}
	port, err := strconv.Atoi(portOf(t, shop+"/"))
	if err != nil {
		t.Fatal(err)
	}
	dashboard := "http://localhost:" + strconv.Itoa(port+2) + "/"
	if !strings.Contains(demo.said(), dashboard) {
		t.Error("it doesn't say where the dashboard is")
	}
	// What it says to type works as it stands.
	for _, line := range strings.Split(demo.said(), "\n") {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != "payments" {
			continue
		}
		out, status := u.run(words[1:]...)
		if status != 0 || words[2] == "list" && strings.Count(out, `"delivered"`) < 5 {
			t.Errorf("%s: status %d\n%s", line, status, out)
		}
	}
	if res, err := http.Get(demo.address("/_control/?lang=en")); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the sandbox: %v", err)
	}
	if res, err := http.Get(dashboard); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the dashboard asks for no password: %v", err)
	}
	demo.end(2) // as impatient people do
	for _, dir := range []string{"tmp", "data", "config"} {
		if left, _ := filepath.Glob(filepath.Join(u.dir, dir, "*")); len(left) > 0 && dir == "tmp" {
			t.Errorf("it left %v", left)
		}
	}
	if _, err := os.Stat(filepath.Join(u.dir, "config", "caddy", "autosave.json")); err == nil {
		t.Error("`caddy run --resume` would go on with the demo")
	}
}

func TestDemoSpeaksPersian(t *testing.T) {
	demo := newUser(t).start("Ctrl+C", []string{"LANG=fa_IR.UTF-8"}, "payments", "demo")
	if !strings.Contains(demo.said(), "فروشگاه نمونه باز است") || strings.Contains(demo.said(), "/en/") {
		t.Errorf("it says:\n%s", demo.said())
	}
	demo.end(2) // as impatient people do
}

func TestDemoRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	u := newUser(t)
	if out, status := u.run("payments", "demo", "--port", port); status != 1 || !strings.Contains(out, "not all free") {
		t.Errorf("a port that is taken: status %d\n%s", status, out)
	}
	for _, port := range []string{"0", "65534", "-1"} {
		if out, status := u.run("payments", "demo", "--port="+port); status != 2 {
			t.Errorf("--port=%s: status %d\n%s", port, status, out)
		}
	}
}
