package app_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	payments "github.com/rahgir/caddy-payments/app"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

// provisioned is a config as it stands before anything is started.
func provisioned(t *testing.T, input string) (*payments.App, *caddyhttp.App) {
	t.Helper()
	ctx, err := caddy.ProvisionContext(adapted(t, input))
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
	return ours.(*payments.App), http.(*caddyhttp.App) //nolint:forcetypeassert // the apps of these names
}

// refused is why a config cannot be provisioned, nil if it can.
func refused(t *testing.T, input string) error {
	t.Helper()
	_, err := caddy.ProvisionContext(adapted(t, input))
	return err
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
		"three sites":                {"verify /cb idpay", "verify /cb idpay {\nexpect intent\n}", "verify /cb idpay {\nexpect intent\n}", "provider idpay is used by a.test and b.test" + say},
		"two names of one account":   {"verify /cb idpay", "verify /cb again {\nexpect intent\n}", "", "providers again and idpay are one account, which is used by a.test and b.test" + say},
		"two accounts":               {"verify /cb idpay", "verify /cb other", "", ""},
		"one of them a sandbox":      {"verify /cb idpay", "verify /cb tried", "", ""},
		"one key at two hosts":       {"verify /cb idpay", "verify /cb there", "", "providers idpay and there are one account, which is used by a.test and b.test" + say},
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
			err := refused(t, text)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "6a7f99eb") || strings.Contains(err.Error(), "KEY_ONE")) {
				t.Error("it shows the key:", err)
			}
		})
	}
}

// A finding names what the Caddyfile has: hosts and listen addresses, no names
// that the adapter made.
func TestDoctorNamesPlaces(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	const shop = "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\n" +
		"http://shop.test {\npayments {\nverify /cb idpay\n}\nreverse_proxy 127.0.0.1:9000 127.0.0.1:9001\n}\n"
	for name, c := range map[string]struct {
		second string
		want   []string
	}{
		"guarded":            {"http://b.test:8080 {\npayments\nreverse_proxy 127.0.0.1:9000\n}", nil},
		"a host":             {"http://b.test {\nreverse_proxy 127.0.0.1:9000\n}", []string{"b.test on :80"}},
		"hosts and a port":   {"http://b.test:8080, http://c.test:8080 {\nreverse_proxy 127.0.0.1:9000\n}", []string{"b.test, c.test on :8080"}},
		"any host":           {":8080 {\nreverse_proxy 127.0.0.1:9001\n}", []string{":8080"}},
		"one address only":   {":8080 {\nbind 127.0.0.1\nreverse_proxy 127.0.0.1:9001\n}", []string{"127.0.0.1:8080"}},
		"both upstreams":     {":8080 {\nreverse_proxy 127.0.0.1:9000 127.0.0.1:9001\n}", []string{":8080"}},
		"two sites":          {":8081 {\nreverse_proxy 127.0.0.1:9000\n}\n:8080 {\nreverse_proxy 127.0.0.1:9000\n}", []string{":8080", ":8081"}},
		"in a deeper route":  {"http://b.test {\nhandle_path /x/* {\nreverse_proxy 127.0.0.1:9000\n}\n}", []string{"b.test on :80"}},
		"an upstream nobody": {":8080 {\nreverse_proxy 127.0.0.1:9999\n}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, shop+c.second+"\n")
			findings, err := ours.Sites().Place(http)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				if f.Code == "unguarded" && strings.Contains(f.Text, "the upstream of shop.test") {
					got = append(got, f.Where)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A shop knows the key of its own site as well as the app's.
func TestDoctorCountsKeys(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	t.Setenv("SIGNING_KEY", strings.Repeat("k", 32))
	const (
		verify = "verify /cb idpay {\nexpect intent\n}\n"
		key    = "signing_key {env.SIGNING_KEY}\n"
	)
	for name, c := range map[string]struct {
		global, a, b string
		want         []string
	}{
		"none":                     {"", verify, verify, []string{""}},
		"the app's":                {key, verify, verify, nil},
		"each site's":              {"", verify + key, verify + key, nil},
		"one site's":               {"", verify + key, verify, []string{"b.test"}},
		"a site that only guards":  {"", verify + key, "", nil},
		"no site takes a payment":  {"", "", "", []string{""}},
		"a key where nobody needs": {"", verify, key, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n"+c.global+"}\n}\n"+
				"http://a.test {\npayments {\n"+c.a+"}\n}\nhttp://b.test {\npayments {\n"+c.b+"}\n}\n")
			if _, err := ours.Sites().Place(http); err != nil {
				t.Fatal(err)
			}
			gone, cancel := context.WithCancel(t.Context())
			cancel() // nothing is started, so no store is waited for
			var got []string
			for _, f := range ours.Doctor(gone, lang.EN) {
				if f.Code == "signing_key" && f.Level == operate.LevelOK {
					got = append(got, f.Where)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// What waits for a shop to ask through a relay needs one that it can ask: under its own site, or
// for every site. What is bound must be the shop's own parameter.
func TestVerifyRoutesThatNoPaymentPasses(t *testing.T) {
	t.Setenv("ZIBAL_KEY", "6a7f99eb7c204412a9726dfb7cd253a4")
	const global = "{\npayments {\nprovider zibal {\nmerchant {env.ZIBAL_KEY}\n}\nprovider zibal other {\nmerchant 7a7f99eb7c204412a9726dfb7cd253a4\n}\n}\n}\n"
	for name, c := range map[string]struct {
		site, more string
		found      int
	}{
		"no relay":                   {"verify /cb zibal {\nexpect intent\nack relay\n}", "", 1},
		"its own":                    {"relay /-/pay/secret\nverify /cb zibal {\nexpect intent\nack relay\n}", "", 0},
		"another site's":             {"verify /cb zibal {\nexpect intent\nack relay\n}", "http://b.test {\npayments {\nrelay /-/pay/secret\n}\n}", 1},
		"one of all sites":           {"verify /cb zibal {\nexpect intent\nack relay\n}", "http://127.0.0.1:9180 {\npayment_relay\n}", 0},
		"in the place of another's":  {"verify /cb other {\nexpect intent\nack relay\n}", "http://127.0.0.1:9180 {\npayment_relay zibal\n}", 1},
		"another ack needs no relay": {"verify /cb zibal {\nexpect intent\nack header\n}", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, global+"http://a.test {\npayments {\n"+c.site+"\n}\nreverse_proxy 127.0.0.1:9000\n}\n"+c.more+"\n")
			findings, err := ours.Sites().Place(http)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, f := range findings {
				if f.Code == "ack_unrelayed" && f.Where == "a.test" {
					got++
				}
			}
			if got != c.found {
				t.Errorf("%d findings, want %d", got, c.found)
			}
		})
	}
	for bound, want := range map[string]string{
		"trackId": "a parameter of the gateway", "trackid": "a parameter of the gateway", "track.Id": "", "Success": "a parameter of the gateway", "wc_order": "", "o": "",
	} {
		err := refused(t, global+"http://a.test {\npayments {\nverify /cb zibal {\nexpect intent\nbind "+bound+"\n}\n}\n}\n")
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("bind %s: %v", bound, err)
		}
	}
}
