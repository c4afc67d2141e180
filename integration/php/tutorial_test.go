package php_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// block is a block of code of a page of the manual, with what its fence says
// behind the language.
var block = regexp.MustCompile("(?ms)^```(\\w+)([^\n]*)\n(.*?)^```$")

// TestTutorial does what docs/tutorial.md says, in both languages: its PHP files
// are the shop, its commands make the keys, its first Caddyfile is run.
func TestTutorial(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"tutorial.md", "fa/tutorial.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			follow(t, harness.ReadFile(t, "../../docs/"+page))
		})
	}
}

func follow(t *testing.T, text string) {
	t.Helper()
	php := sharedFPM(t)
	dir := t.TempDir()
	shop, bin := filepath.Join(dir, "shop"), filepath.Join(dir, "bin")
	for _, d := range []string{shop, bin, filepath.Join(dir, "data")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(harness.Usual(t), filepath.Join(bin, "caddy-payments")); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, helper := range []string{"payment-announce.php", "payment-receipt.php"} {
		write("shop/"+helper, harness.ReadFile(t, "../../examples/php/"+helper))
	}
	var config string
	var commands []string
	lines := 0
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		switch about := strings.TrimSpace(m[2]); {
		case m[1] == "php":
			write("shop/"+about, m[3])
			lines += strings.Count(m[3], "\n")
		case m[1] == "caddyfile" && config == "":
			config = m[3]
		case m[1] == "sh" && about == "run":
			commands = append(commands, m[3])
		case m[1] == "sh":
			if out, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", m[3]).CombinedOutput(); err != nil {
				t.Errorf("%s: %s", m[3], out)
			}
		}
	}
	if lines < 50 || lines > 90 || len(commands) != 3 {
		t.Fatalf("the shop has %d lines, and %d blocks are run", lines, len(commands))
	}
	shopPort, boxPort := strconv.Itoa(harness.Port(t)), strconv.Itoa(harness.Port(t))
	site := "http://localhost:" + shopPort
	for _, r := range [][2]string{
		{":9100", ":" + shopPort},
		{":9101", ":" + boxPort},
		{"unix//run/php/php-fpm.sock", "unix/" + php.Socket},
		{"/var/www/shop", shop},
		{"/var/lib/shop", filepath.Join(dir, "data")},
	} {
		if !strings.Contains(config, r[0]) {
			t.Fatalf("the Caddyfile has no %q", r[0])
		}
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	write("Caddyfile", config)
	run := func(command string, env ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+dir)
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	run(commands[0])
	run(commands[1])
	env := strings.Fields(harness.ReadFile(t, filepath.Join(dir, "payments.env")))
	if len(env) != 3 {
		t.Fatalf("payments.env has %d lines", len(env))
	}
	c := harness.Start(t, strings.Replace(config, "{\n", "{\n\tadmin {{admin}}\n\tauto_https off\n", 1), env...)

	b := harness.NewBrowser(t)
	buy := func(action string) (back string) {
		t.Helper()
		p := b.Post(site+"/", url.Values{})
		if p.Status != http.StatusSeeOther {
			t.Fatalf("buying: %d %s\n%s", p.Status, p.Body, php.Log())
		}
		return b.Post(p.Location(t), url.Values{"action": {action}}).Location(t)
	}
	paid := func(number string) bool {
		t.Helper()
		orders := harness.ReadFile(t, filepath.Join(dir, "data", "orders.json"))
		m := regexp.MustCompile(`"` + number + `":\{"toman":95000,"paid":("zarinpal |null)`).FindStringSubmatch(orders)
		if m == nil {
			t.Fatalf("there is no order %s: %s", number, orders)
		}
		return m[1] != "null"
	}
	back := buy("pay")
	for range 2 { // the second is a reload
		if p := b.Get(back); p.Status != http.StatusSeeOther || !strings.HasSuffix(p.Location(t), "/?order=101") || !paid("101") {
			t.Errorf("paid: %d %s\n%s", p.Status, p.Body, php.Log())
		}
	}
	if p := b.Get(buy("decline")); p.Status != http.StatusPaymentRequired || paid("102") {
		t.Errorf("declined: %d %s", p.Status, p.Body)
	}
	if p := harness.NewBrowser(t).Get(site + "/callback.php"); p.Status != http.StatusForbidden {
		t.Errorf("by hand: %d %s", p.Status, p.Body)
	}
	list := run(strings.TrimSpace(commands[2]) + " --address " + strings.TrimPrefix(c.Admin, "http://"))
	if !strings.Contains(list, "delivered") {
		t.Errorf("the list: %s", list)
	}
}
