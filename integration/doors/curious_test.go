package doors

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// curious are faults that only curious visitors find: see [curiosity]. It reports
// whether the request is answered.
func (f *faulty) curious(rw http.ResponseWriter, r *http.Request, verified bool) (answered bool) {
	switch f.Mode {
	case "lie in placeholders":
		if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			repl.Set("http.payments.status", "verified")
		}
	case "tell strangers":
		if strings.HasSuffix(r.URL.Query().Get("order_id"), "77") {
			rw.WriteHeader(http.StatusNotFound)
			return true
		}
	case "invent a sale":
		req, _ := http.NewRequest(http.MethodPost, theBank+"/hamekar/customer/callback", strings.NewReader(`{"track_id":"invented-visit","status":1}`)) //nolint:noctx // a test's own bank
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Store-Token", "shop-token")
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
		}
	case "come from elsewhere":
		if verified {
			r.Header.Set("X-Forwarded-Proto", "http")
		}
	}
	return false
}

// curiosity is a world of visitors who come by a network's link, open what they
// bought on several devices, and try what they may see of others.
func curiosity() *plan {
	return &plan{
		Seed: 2, Keys: true, Front: true,
		Blocks: []block{{
			Number: 0, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Public: "https://a.test", Serve: "proxy", Return: "named", Said: true, Track: []string{}, Keep: true,
			Verifies: []verify{{Path: "/callback.php", Provider: "idpay", Expect: "intent", Bind: bound}},
		}, {
			Number: 1, Hosts: []string{"b.test"}, Names: []string{"b.test"}, Port: "80", Public: "https://b.test", Serve: "files", Said: true,
			Checkouts: []checkout{{Path: "/buy", Providers: []string{"idpay2"}, Items: []string{"cheap"}, Return: "/thanks.html"}},
			Verifies:  []verify{{Path: "/thanks.html", Provider: "idpay2", Expect: "intent"}},
			Requires:  []require{{Paths: []string{"/book.pdf"}, Items: []string{"cheap"}, Devices: 1}},
		}},
		Steps: []step{
			{Do: "visit", Site: 0}, {Do: "order", Site: 0, Slot: 0, Dear: true}, {Do: "bank", Slot: 0, How: "pay"}, {Do: "return", Slot: 0},
			{Do: "compare", Site: 0, How: "GET"}, {Do: "compare", Site: 0, Slot: 1, How: "POST"},
			{Do: "order", Browser: 1, Site: 0, Slot: 1}, {Do: "bank", Slot: 1, How: "pay"}, {Do: "misreturn", Browser: 1, Slot: 1, Pick: 8, How: "GET"},
			{Do: "buy", Browser: 1, Site: 1, Slot: 2}, {Do: "bank", Slot: 2, How: "pay"}, {Do: "return", Slot: 2}, {Do: "spread", Browser: 1, Site: 1},
			{Do: "ask", Browser: 1, Site: 1, Pick: len(paths) - 1, How: "GET"},
		},
	}
}

// The oracle speaks of each fault that only the curious find.
func TestCuriosity(t *testing.T) {
	shorten(t)
	// each takes an option away from every route of one kind.
	each := func(kind, option string) func([]any, int) []any {
		return func(list []any, at int) []any {
			routes, _ := list[at].(map[string]any)[kind].([]any) //nolint:forcetypeassert // seen to be one
			for _, r := range routes {
				delete(r.(map[string]any), option) //nolint:forcetypeassert // the adapter's shape
			}
			return list
		}
	}
	for _, c := range []struct {
		name string
		f    func([]any, int) []any
		want string
	}{
		{"nothing", nil, ""},
		{"no track", without("track"), "lost-sale"},
		{"no devices", each("require", "devices"), "devices-exceeded"},
		{"no bind", each("verify", "bind"), "told-wrong"},
		{"lie in placeholders", beside("lie in placeholders", 1), "said-otherwise"},
		{"tell strangers", beside("tell strangers", 0), "strangers-told"},
		{"invent a sale", beside("invent a sale", 0), "visit-invented"},
		{"come from elsewhere", beside("come from elsewhere", 1), "other-visitor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if broken = nil; c.f != nil {
				broken = func(config map[string]any) { spoil(config["apps"].(map[string]any)["http"], c.f) } //nolint:forcetypeassert // the adapter's shape
			}
			t.Cleanup(func() { broken = nil })
			w := live(curiosity())
			got := ""
			if len(w.faults) > 0 {
				got = w.faults[0].Kind
			}
			if got != c.want {
				t.Errorf("it says %q, want %q\n%s", got, c.want, strings.Join(w.lines, "\n"))
			}
		})
	}
}
