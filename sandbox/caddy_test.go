package sandbox

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestCaddyfile(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`payment_sandbox`, `{}`},
		{`payment_sandbox {
			window 2m
			return post
			return get sama 24pal
			store_token a b
			store_token c
			api_key k
			merchant_id m
			allow_remote
			public_url https://pay.test/x
			name shop
		}`, `{"name":"shop","window":120000000000,"return":"post","returns":{"24pal":"get","sama":"get"},` +
			`"store_tokens":["a","b","c"],"api_keys":["k"],"merchant_ids":["m"],"allow_remote":true,"public_url":"https://pay.test/x"}`},
	} {
		var h Handler
		if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.in)); err != nil {
			t.Fatalf("%s: %v", c.in, err)
		}
		got, err := json.Marshal(h)
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\ngot  %s %v\nwant %s", c.in, got, err, c.want)
		}
	}
	for in, want := range map[string]string{
		"payment_sandbox x":                                     "takes no other word",
		"payment_sandbox {\n windw 1m\n}":                       "did you mean 'window'",
		"payment_sandbox {\n stor_token x\n}":                   "did you mean 'store_token'",
		"payment_sandbox {\n window soon\n}":                    "must be a duration",
		"payment_sandbox {\n window\n}":                         "rong argument",
		"payment_sandbox {\n window 1m\n window 2m\n}":          "already specified",
		"payment_sandbox {\n return put\n}":                     "get, post or bare",
		"payment_sandbox {\n return get paypal\n}":              "return takes payment providers",
		"payment_sandbox {\n return\n}":                         "rong argument",
		"payment_sandbox {\n allow_remote yes\n}":               "rong argument",
		"payment_sandbox {\n store_token\n}":                    "rong argument",
		"payment_sandbox {\n name a b\n}":                       "rong argument",
		"payment_sandbox {\n public_url shop.test\n}":           "not of the form",
		"payment_sandbox {\n allow_remote {\n deeper\n }\n}":    "takes no block",
		"payment_sandbox {\n public_url http://a/ {\n x\n }\n}": "takes no block",
	} {
		var h Handler
		err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func TestDirectiveOrder(t *testing.T) {
	adapter := caddyconfig.GetAdapter("caddyfile")
	out, _, err := adapter.Adapt([]byte("http://localhost:9101 {\n payment_sandbox\n}"), nil)
	if err != nil || !strings.Contains(string(out), `"handler":"payment_sandbox"`) {
		t.Errorf("%s %v", out, err)
	}
}

// A reload provisions the new config before it cleans the old one up: the
// payments stay. Without a user they go.
func TestReloadKeepsPayments(t *testing.T) {
	load := func(raw string) (*Handler, context.CancelFunc) {
		t.Helper()
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		mod, err := ctx.LoadModuleByID("http.handlers.payment_sandbox", json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		return mod.(*Handler), cancel
	}
	create := func(h *Handler) int {
		req := httptest.NewRequest("POST", "/invoice/request", strings.NewReader("api_key=k&amount=1000&return_url=http://s.test/"))
		req.RemoteAddr = "127.0.0.1:1"
		rec := httptest.NewRecorder()
		if err := h.ServeHTTP(rec, req, nil); err != nil {
			t.Fatal(err)
		}
		return len(h.server.Ledger("", "", "").Payments)
	}
	first, cancelFirst := load(`{"name":"reload"}`)
	create(first)
	second, cancelSecond := load(`{"name":"reload","return":"post"}`)
	cancelFirst()
	if n := create(second); n != 2 {
		t.Errorf("%d payments after a reload, want 2", n)
	}
	other, cancelOther := load(`{"name":"other"}`)
	if n := create(other); n != 1 {
		t.Errorf("%d payments in another ledger, want 1", n)
	}
	cancelOther()
	cancelSecond()
	third, cancelThird := load(`{"name":"reload"}`)
	defer cancelThird()
	if n := create(third); n != 1 {
		t.Errorf("%d payments after the last user had gone, want 1", n)
	}
}

func TestProvisionMistakes(t *testing.T) {
	t.Setenv("SANDBOX_TEST_KEY", "from-env")
	for raw, ok := range map[string]bool{
		`{"return":"put","name":"m"}`:                         false,
		`{"api_keys":["{env.SANDBOX_TEST_NONE}"],"name":"m"}`: false,
		`{"api_keys":["{env.SANDBOX_TEST_KEY}"],"name":"m"}`:  true,
		`{"public_url":"nowhere","name":"m"}`:                 false,
		`{"returns":{"hamekar":"get"},"name":"m"}`:            false,
		`{"allow_remote":true,"window":"3m","name":"m"}`:      true,
	} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		mod, err := ctx.LoadModuleByID("http.handlers.payment_sandbox", json.RawMessage(raw))
		if (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
		if h, is := mod.(*Handler); is && len(h.APIKeys) > 0 &&
			(h.server.opts.APIKeys[0] != "from-env" || strings.Contains(h.APIKeys[0], "from-env")) {
			t.Errorf("%s: key %v", raw, h.server.opts.APIKeys)
		}
		cancel()
	}
}
