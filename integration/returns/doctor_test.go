package returns_test

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// M1, M13, M17: what in the configuration endangers money is said at start, and
// by `doctor`: another way to the same shop without the guard, a proxy that may
// repeat a delivery, a provider in its sandbox.
func TestDoctorNamesWhatEndangersMoney(t *testing.T) {
	t.Parallel()
	const guarded = "payments {\n\tverify /back idpay\n}\nreverse_proxy SHOP"
	for name, c := range map[string]struct {
		site, second, provider, want string
	}{
		"nothing":                    {guarded, "payments\nreverse_proxy SHOP", "", ""},
		"a second site, unguarded":   {guarded, "reverse_proxy SHOP", "", "unguarded"},
		"an unguarded route deeper":  {guarded, "handle_path /x/* {\n\treverse_proxy SHOP\n}", "", "unguarded"},
		"a proxy that tries again":   {strings.Replace(guarded, "SHOP", "SHOP {\n\tlb_try_duration 5s\n}", 1), "", "", "retries"},
		"a proxy that counts tries":  {strings.Replace(guarded, "SHOP", "SHOP {\n\tlb_retries 2\n}", 1), "", "", "retries"},
		"a provider in its sandbox":  {guarded, "", "sandbox on", "sandbox"},
		"repeating what is deduped":  {"payments {\n\tverify /back idpay {\n\t\tdeliver idempotent\n\t}\n}\nreverse_proxy SHOP {\n\tlb_retries 2\n}", "", "", ""},
		"another shop on the second": {guarded, "reverse_proxy OTHER", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			if c.provider != "" {
				w.text = strings.Replace(w.text, "provider idpay {", "provider idpay {\n\t\t\t"+c.provider, 1)
			}
			_, shop := w.site(c.site)
			if c.second != "" {
				block := strings.NewReplacer("SHOP", shop.URL, "OTHER", harness.NewShop(t).URL).Replace(c.second)
				w.text += harness.Site(t) + " {\n" + block + "\n}\n"
			}
			w.start()
			out, err := w.Run("payments", "doctor", "--address", w.Admin)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, code := range []string{"unguarded", "retries", "sandbox"} {
				if said := strings.Contains(out, `"code": "`+code+`"`); said != (code == c.want) {
					t.Errorf("doctor says %s: %v\n%s", code, said, out)
				}
				if said := strings.Contains(w.Log(), `"code":"`+code+`"`); code != "sandbox" && said != (code == c.want) {
					t.Errorf("at start it is said %s: %v", code, said)
				}
			}
		})
	}
}
