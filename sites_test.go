package payments

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// provisioned is a config as it stands before anything is started.
func provisioned(t *testing.T, input string) (*App, *caddyhttp.App) {
	t.Helper()
	out, err := adapt("Caddyfile", input)
	if err != nil {
		t.Fatal(err)
	}
	var cfg caddy.Config
	if err := json.Unmarshal([]byte(out), &cfg); err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ctx.App("payments")
	if err != nil {
		t.Fatal(err)
	}
	http, err := ctx.App("http")
	if err != nil {
		t.Fatal(err)
	}
	return ours.(*App), http.(*caddyhttp.App) //nolint:forcetypeassert // the apps of these names
}

// Receipts are one provider's account's, whatever the account is called here.
func TestExpectNoneIsForOneSite(t *testing.T) {
	t.Setenv("KEY_ONE", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	t.Setenv("KEY_TWO", "0c1d2e3f-0000-4412-a972-6dfb7cd253a4")
	const global = `{
	payments {
		provider idpay {
			api_key {env.KEY_ONE}
		}
		provider idpay again {
			api_key "6a7f99eb-7c20-4412-a972-6dfb7cd253a4 "
		}
		provider idpay other {
			api_key {env.KEY_TWO}
		}
		provider idpay tried {
			api_key {env.KEY_ONE}
			sandbox
		}
		provider idpay there {
			api_key {env.KEY_ONE}
			base_url https://there.test
		}
	}
}
`
	const say = ": say `expect intent`, `expect lookup <url>` or `expect signed` in all of them"
	for name, c := range map[string]struct{ a, b, c, want string }{
		"one name":                   {"verify /cb idpay", "verify /cb idpay {\nexpect intent\n}", "", "provider idpay is used by a.test and b.test" + say},
		"one name, the other way":    {"verify /cb idpay {\nexpect intent\n}", "verify /cb idpay {\nexpect none\n}", "", "provider idpay is used by a.test and b.test" + say},
		"three sites":                {"verify /cb idpay", "verify /cb idpay {\nexpect intent\n}", "verify /cb idpay {\nexpect intent\n}", "provider idpay is used by a.test, b.test and c.test" + say},
		"two names of one account":   {"verify /cb idpay", "verify /cb again {\nexpect intent\n}", "", "providers again and idpay are one account, which is used by a.test and b.test" + say},
		"two accounts":               {"verify /cb idpay", "verify /cb other", "", ""},
		"one of them a sandbox":      {"verify /cb idpay", "verify /cb tried", "", ""},
		"one key at two hosts":       {"verify /cb idpay", "verify /cb there", "", ""},
		"two names in one site":      {"verify /cb idpay\nverify /cb2 again", "", "", ""},
		"nobody says none":           {"verify /cb idpay {\nexpect intent\n}", "verify /cb again {\nexpect intent\n}", "", ""},
		"another account says none":  {"verify /cb idpay {\nexpect intent\n}\nverify /o other", "verify /cb again {\nexpect intent\n}", "", ""},
		"two of three are one shop":  {"verify /cb other", "verify /cb idpay", "verify /cb again", "providers again and idpay are one account, which is used by b.test and c.test" + say},
		"a guard alone uses nothing": {"verify /cb idpay", "announce off", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := global
			for i, block := range []string{c.a, c.b, c.c} {
				if block != "" {
					text += "http://" + "abc"[i:i+1] + ".test {\npayments {\n" + block + "\n}\n}\n"
				}
			}
			ours, http := provisioned(t, text)
			_, err := ours.sites.Place(http)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "6a7f99eb") || strings.Contains(err.Error(), "KEY_ONE")) {
				t.Error("it shows the key:", err)
			}
		})
	}
}
