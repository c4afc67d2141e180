package app_test

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
)

// A return that a program announces is handed over by the path that the routes of the
// configuration lead to the shop by.
func TestAnAnnouncedReturnFollowsTheRoutes(t *testing.T) {
	const payments = "payments {\npublic_url http://mall.test/s1\nverify VERIFY idpay {\nexpect intent\n}\n}\nreverse_proxy 127.0.0.1:9\n"
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	for name, c := range map[string]struct{ site, verify, back, uri string }{
		"handle_path":              {"handle_path /s1/* {\n" + payments + "}", "/cb", "http://mall.test/s1/cb", "/s1/cb"},
		"handle_path, the root's":  {"handle_path /s1/* {\n" + payments + "}", "/cb", "http://mall.test/cb", ""},
		"handle_path in a handle":  {"handle {\nhandle_path /s1/* {\n" + payments + "}\n}", "/cb", "http://mall.test/s1/cb", "/s1/cb"},
		"handle":                   {"handle /s1/* {\n" + payments + "}", "/s1/cb", "http://mall.test/s1/cb", "/s1/cb"},
		"handle, the root's":       {"handle /s1/* {\n" + payments + "}", "/s1/cb", "http://mall.test/cb", ""},
		"stripped behind us":       {"handle /s1/* {\nuri strip_prefix /s1\n" + payments + "}", "/s1/cb", "http://mall.test/s1/cb", "/s1/cb"},
		"stripped before us":       {"handle /s1/* {\nroute {\nuri strip_prefix /s1\n" + payments + "}\n}", "/cb", "http://mall.test/s1/cb", "/s1/cb"},
		"a route that nobody gets": {"handle /s1/* {\n" + payments + "}", "/cb", "http://mall.test/s1/cb", ""},
		"a proxy in front":         {payments, "/cb", "http://mall.test/s1/cb", "/cb"},
	} {
		app, _ := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\nhttp://mall.test {\n"+strings.ReplaceAll(c.site, "VERIFY", c.verify)+"\n}")
		a, err := app.Sites().Announcement(t.Context(), engine.Intent{Provider: "idpay", ID: "d2e353189823079e1e4181772cff5292", Order: "101", Amount: 50_000, Return: c.back})
		got := ""
		if a.Return != nil {
			got = a.Return.URI
		}
		if got != c.uri || (err == nil) != (c.uri != "") {
			t.Errorf("%s: %q, want %q: %v", name, got, c.uri, err)
		}
	}
}
