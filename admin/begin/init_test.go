package begin_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/internal/lang"
)

// Whatever is chosen, Caddy takes what is written ([begin.Shop.Make] asks it before it
// writes), `caddy fmt` has nothing to add, and no key stands in the Caddyfile.
func TestEveryShopWithEveryGateway(t *testing.T) {
	for _, kind := range begin.Kinds() {
		for _, gateway := range begin.Gateways(kind == begin.Static) {
			for _, address := range []string{"", "shop.example.com", "http://localhost:9101", "https://shop.example.com:8443"} {
				for _, l := range []lang.Lang{lang.EN, lang.FA} {
					t.Run(kind+" "+gateway+" "+address+" "+string(l), func(t *testing.T) {
						dir := filepath.Join(t.TempDir(), "a shop")
						s := begin.Shop{Kind: kind, Gateway: gateway, Address: address, BaseURL: "https://poolam.ir", Dir: dir, Lang: l}
						if err := s.Complete(); err != nil {
							t.Fatal(err)
						}
						made, err := s.Make()
						if err != nil {
							t.Fatal(err)
						}
						judge(t, dir, made, address)
					})
				}
			}
		}
	}
}

func judge(t *testing.T, dir string, made begin.Made, address string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	if want := string(caddyfile.Format(text)); want != string(text) {
		t.Errorf("caddy fmt would write:\n%s\nnot\n%s", want, text)
	}
	env, err := os.ReadFile(filepath.Join(dir, "payments.env"))
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := os.Stat(filepath.Join(dir, "payments.env")); runtime.GOOS != "windows" && i.Mode().Perm() != 0o600 {
		t.Errorf("the keys' file has mode %v", i.Mode())
	}
	keys := 0
	for line := range strings.Lines(string(env)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || name[0] == '#' {
			continue
		}
		keys++
		if len(value) < 32 || strings.Contains(string(text), value) || !strings.Contains(string(text), "{env."+name+"}") {
			t.Errorf("the key %s=%s", name, value)
		}
	}
	if keys == 0 || len(made.Keys) == 0 {
		t.Error("no keys")
	}
	local := address == "" || strings.Contains(address, "localhost")
	if live := !strings.Contains(string(text), "\n\tpayment_sandbox\n"); local == live || local != (made.Sandbox != 0) {
		t.Errorf("the sandbox of %q:\n%s", address, text)
	}
}

// With the # away, the sandbox's lines are what Caddy takes: nobody has to know how
// they are written.
func TestSandboxByUncommenting(t *testing.T) {
	dir := t.TempDir()
	s := begin.Shop{Kind: begin.PHP, Gateway: "idpay", Address: "shop.example.com", Dir: dir}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Make(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("# base_url", "base_url", "\n# http://localhost", "\nhttp://localhost", "\n# \tpayment", "\n\tpayment", "\n# }", "\n}").Replace(string(b))
	if string(caddyfile.Format([]byte(text))) != text || !strings.Contains(text, "\n\tpayment_sandbox\n}\n") {
		t.Errorf("it becomes\n%s", text)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	for _, name := range []string{"Caddyfile", "payments.env", "php/payment-receipt.php"} {
		dir := t.TempDir()
		there := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(there), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		s := begin.Shop{Kind: begin.PHP, Gateway: "idpay", Dir: dir}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		made, err := s.Make()
		if !errors.Is(err, begin.ErrExists) || !strings.Contains(err.Error(), filepath.Base(there)) || len(made.Files) != 0 {
			t.Errorf("%s: %v, wrote %v", name, err, made.Files)
		}
		if b, _ := os.ReadFile(there); string(b) != "mine" {
			t.Errorf("%s was overwritten", name)
		}
		if all, _ := os.ReadDir(dir); len(all) != 1 {
			t.Errorf("%s: half of it was written: %v", name, all)
		}
	}
	// A static shop keeps the pages that it has.
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "site"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "site", "index.html"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := begin.Shop{Kind: begin.Static, Gateway: "idpay", Dir: dir, Lang: lang.EN}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	made, err := s.Make()
	if err != nil || len(made.Files) != 3 {
		t.Errorf("%v, wrote %v", err, made.Files)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for says, s := range map[string]begin.Shop{
		"static, php, plugin":      {Kind: "kiosk", Gateway: "idpay"},
		"24pal, invoice":           {Kind: begin.PHP, Gateway: "zarinpol"},
		"--base-url":               {Kind: begin.PHP, Gateway: "invoice", Address: "shop.example.com"},
		"https://shop.example.com": {Kind: begin.PHP, Gateway: "idpay", Address: "https://shop.example.com/shop"},
		"as browsers see it":       {Kind: begin.PHP, Gateway: "idpay", Address: "*.example.com"},
		"/callback.php":            {Kind: begin.PHP, Gateway: "idpay", Return: "https://shop.example.com/callback"},
		"/?wc-api":                 {Kind: begin.Plugin, Gateway: "idpay", Return: "/x{y}"},
		"Caddyfile":                {Kind: begin.PHP, Gateway: "idpay", Root: "/srv/`rm`"},
	} {
		if err := s.Complete(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// Zarinpal is offered first. What is reported closed is offered last, and said in the
// Caddyfile, where whoever reads it later sees it, too.
func TestClosedGatewayComesLastAndIsNamed(t *testing.T) {
	for _, creating := range []bool{false, true} {
		all := begin.Gateways(creating)
		if all[0] != "zarinpal" || all[len(all)-1] != "idpay" {
			t.Errorf("offered: %v", all)
		}
		for _, name := range all {
			said := begin.Explain(name)
			if _, closed := begin.Closed(name); closed != strings.Contains(said[0], "closed") || closed != strings.Contains(said[1], "بسته شدن") || said[0] == "" || said[1] == "" {
				t.Errorf("%s: %q", name, said)
			}
		}
	}
	for gateway, want := range map[string]bool{"idpay": true, "zarinpal": false} {
		dir := t.TempDir()
		s := begin.Shop{Kind: begin.Static, Gateway: gateway, Dir: dir, Lang: lang.EN}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Make(); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "Caddyfile")); strings.Contains(string(b), "reported closed") != want {
			t.Errorf("%s:\n%s", gateway, b)
		}
	}
}

// Where the return address shows which shop system it is, the Caddyfile knows how that says
// no, relayed or not.
func TestShopSystemsSayNo(t *testing.T) {
	for back, preset := range map[string]string{
		"": "woocommerce", "/?wc-api=WC_ZPal": "woocommerce", "/wc-api/wc_zpal/": "woocommerce", "/?edd-listener=zarinpal": "edd",
		"/index.php?route=extension/payment/zarinpal/callback": "opencart", "/index.php?route=payment/zarinpal/callback": "opencart",
		"/module/zarinpal/validation": "prestashop", "/index.php?fc=module&module=zarinpal&controller=back": "prestashop",
		"/modules/gateways/callback/zarinpal.php": "whmcs", "/pay/back": "", "/back?wcapi=1": "",
	} {
		for _, gateway := range []string{"zarinpal", "sama"} {
			dir := t.TempDir()
			s := begin.Shop{Kind: begin.Plugin, Gateway: gateway, Return: back, Dir: dir}
			if err := s.Complete(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Make(); err != nil {
				t.Fatal(err)
			}
			b, _ := os.ReadFile(filepath.Join(dir, "Caddyfile"))
			if _, got, _ := strings.Cut(string(b), "refused preset "); strings.TrimSpace(strings.SplitN(got, "\n", 2)[0]) != preset {
				t.Errorf("%s at %q: want the preset %q:\n%s", gateway, back, preset, b)
			}
		}
	}
}

// Return addresses with a query need a matcher of their own.
func TestReturnAddresses(t *testing.T) {
	for back, want := range map[string]string{
		"/?wc-api=WC_IDPay": `{query.wc-api}.lowerAscii() == "wc_idpay"`,
		"/index.php?route=extension/payment/idpay/callback": "\t\tpath /index.php\n\t\tquery route=extension/payment/idpay/callback\n",
		"/modules/gateways/callback/idpay.php":              "\t\tobserve /modules/gateways/callback/idpay.php idpay {\n",
	} {
		dir := t.TempDir()
		s := begin.Shop{Kind: begin.Plugin, Gateway: "idpay", Return: back, Dir: dir}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Make(); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(filepath.Join(dir, "Caddyfile"))
		if !strings.Contains(string(b), want) {
			t.Errorf("%s:\n%s", back, b)
		}
	}
}

// A plugin is left as it is where the relay can serve its gateway: the Caddyfile has relay
// and observe, and no helper is written. Where it can't, the shop announces.
func TestPluginIsRelayedWhereItCanBe(t *testing.T) {
	relayed := 0
	for _, gateway := range begin.Gateways(false) {
		dir := t.TempDir()
		s := begin.Shop{Kind: begin.Plugin, Gateway: gateway, BaseURL: "https://poolam.ir", Dir: dir}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		made, err := s.Make()
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "Caddyfile"))
		if err != nil {
			t.Fatal(err)
		}
		text, relays := string(b), begin.Relays(gateway)
		if relays {
			relayed++
		}
		if strings.Contains(text, "relay /-/pay/{env.RELAY_SECRET} "+gateway) != relays || strings.Contains(text, "observe @return "+gateway) != relays ||
			strings.Contains(text, "verify @return "+gateway) == relays || (len(made.Files) == 2) != relays {
			t.Errorf("%s (relayed: %v): %v\n%s", gateway, relays, made.Files, text)
		}
	}
	if relayed == 0 {
		t.Error("no gateway is relayed")
	}
}
