package secrets_test

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// A mistake beside a secret that was written out, or within one, is told
// without it; so is whatever else the commands say before and after.
func TestMistakesBesideLiteralSecrets(t *testing.T) {
	t.Parallel()
	const secret = "CANARY-d41d8cd98f00b204e9800998ecf8427e"
	provider := func(lines string) string { return "provider idpay {\n" + lines + "\n}\n" }
	for name, payments := range map[string]string{
		"an option behind it":       provider("api_key " + secret + "\nsandbx on"),
		"two of them":               provider("api_key " + secret + "\napi_key " + secret),
		"two in one line":           provider("api_key " + secret + " " + secret),
		"as a block":                provider("api_key {\n" + secret + "\n}"),
		"as an option":              provider(secret + " " + secret),
		"as the provider's name":    "provider idpay " + secret + "/x {\n}",
		"a password in an address":  provider("api_key {env.X}\nbase_url https://user:" + secret + "@idpay.test"),
		"a password for the proxy":  provider("api_key {env.X}\nproxy_url ftp://user:" + secret + "@proxy.test"),
		"an address with a key":     provider("api_key {env.X}\nbase_url https://idpay.test/?key=" + secret),
		"an unknown placeholder":    provider("api_key {nothing." + secret + "}"),
		"a control character":       provider("api_key \"" + secret + "\x01\""),
		"a token of the network":    "affiliate hamekar {\nstore_token " + secret + "\nstore_tokn x\n}",
		"two tokens of the network": "affiliate hamekar {\nstore_token " + secret + " " + secret + "\n}",
		"a signing key's name":      "signing_key " + secret + " " + secret + "/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.New(t, "")
			c.Write("{\n\tadmin off\n\tpayments {\n" + payments + "\n}\n}\n")
			for _, cmd := range []string{"adapt", "validate", "run"} {
				out, err := c.Run(cmd, "--config", c.Config(), "--adapter", "caddyfile")
				if cmd == "adapt" && err == nil {
					// It adapts: then the configuration shows what was written into it, and the
					// warning does not.
					continue
				}
				if err == nil {
					t.Errorf("%s accepted it", cmd)
				}
				// The provider's own name stands in the configuration for everybody.
				if strings.Contains(out, "CANARY") && !strings.Contains(name, "name") && !strings.Contains(name, "as an option") {
					t.Errorf("%s prints it:\n%s", cmd, out)
				}
			}
		})
	}
}
