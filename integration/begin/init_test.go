package begin

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/integration/harness"
)

// What init writes is what caddy accepts and formats, one gateway for each kind of
// shop; package admin/begin tries all of them.
func TestInitIsValid(t *testing.T) {
	for i, kind := range begin.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			gateway := []string{"idpay", "sama", "24pal"}[i]
			if out, status := u.run("payments", "init", "--shop", kind, "--gateway", gateway); status != 0 {
				t.Fatalf("status %d\n%s", status, out)
			}
			if out, status := u.run("validate", "--config", "Caddyfile", "--envfile", "payments.env"); status != 0 || !strings.Contains(out, "Valid configuration") {
				t.Errorf("validate: status %d\n%s", status, out)
			}
			if out, status := u.run("fmt", "--diff", "Caddyfile"); status != 0 {
				t.Errorf("fmt: status %d\n%s", status, out)
			}
			if i, err := os.Stat(filepath.Join(u.dir, "payments.env")); err != nil || i.Mode().Perm() != 0o600 {
				t.Errorf("the keys can be read by others: %v %v", i.Mode(), err)
			}
			before := u.files()
			if out, status := u.run("payments", "init", "--shop", kind, "--gateway", gateway); status != 1 || !strings.Contains(out, "never overwritten") {
				t.Errorf("again: status %d\n%s", status, out)
			}
			if after := u.files(); after != before {
				t.Error("something was overwritten")
			}
		})
	}
}

// files are the texts of what init writes.
func (u user) files() string {
	all := ""
	for _, name := range []string{"Caddyfile", "payments.env", "site/index.html", "site/thanks.html", "php/payment-receipt.php"} {
		b, err := os.ReadFile(filepath.Join(u.dir, name))
		if err == nil {
			all += name + "\n" + string(b)
		}
	}
	return all
}

// From nothing to the first sale of a static shop: init, run, two buttons.
func TestInitStaticSells(t *testing.T) {
	u := newUser(t)
	shop := "http://localhost:" + strconv.Itoa(harness.Port(t))
	if out, status := u.run("payments", "init", "--shop", "static", "--gateway", "idpay", "--at", shop); status != 0 {
		t.Fatalf("status %d\n%s", status, out)
	}
	name := filepath.Join(u.dir, "Caddyfile")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// Tests run beside others: the sandbox's usual port may be theirs.
	text := strings.ReplaceAll(string(b), "localhost:9101", "localhost:"+strconv.Itoa(harness.Port(t)))
	text = strings.Replace(text, "\n{\n", "\n{\n\tadmin localhost:"+strconv.Itoa(harness.Port(t))+"\n", 1)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := u.start("serving initial configuration", nil, "run", "--config", "Caddyfile", "--envfile", "payments.env")
	if !strings.Contains(run.said(), "open "+shop+" in a browser") {
		t.Errorf("the log does not say where to look:\n%s", run.said())
	}
	if p := harness.NewBrowser(t).Get(shop + "/"); p.Status != http.StatusOK || !strings.Contains(p.Body, "/buy/sample") {
		t.Errorf("%d\n%s", p.Status, p.Body)
	}
	p := buy(t, shop, "/buy/sample")
	if p.Status != http.StatusOK || !strings.Contains(p.Body, "Thank you, it is paid") || !strings.Contains(p.Body, "120,000 toman") {
		t.Errorf("%d\n%s", p.Status, p.Body)
	}
	if p := harness.NewBrowser(t).Get(shop + "/buy/nothing"); p.Status != http.StatusNotFound || !strings.Contains(p.Body, "<h1") {
		t.Errorf("what is not sold: %d %q", p.Status, p.Body)
	}
	run.end(1)
}

func TestInitRefuses(t *testing.T) {
	u := newUser(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "--gateway (zarinpal, 24pal"},
		{[]string{"--shop", "static"}, "--gateway"},
		{[]string{"--shop", "kiosk", "--gateway", "idpay"}, "static, php, plugin"},
		{[]string{"--shop", "php", "--gateway", "nonsense"}, "idpay"},
		{[]string{"--shop", "php", "--gateway", "invoice", "--at", "shop.example.com"}, "--base-url"},
		{[]string{"--shop", "php", "--gateway", "idpay", "--at", "ftp://x"}, "https://shop.example.com"},
		{[]string{"--shop", "php", "--gateway", "idpay", "--return", "callback.php"}, "/callback.php"},
	} {
		if out, status := u.run(append([]string{"payments", "init"}, c.args...)...); status != 2 || !strings.Contains(out, c.says) {
			t.Errorf("%v: status %d\n%s", c.args, status, out)
		}
	}
	if got := u.files(); got != "" {
		t.Errorf("it wrote:\n%s", got)
	}
}
