package doors

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// misled are faults that only shops with a plugin meet. It reports whether the request
// is answered.
func (f *faulty) misled(rw http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (answered bool, err error) {
	asks := strings.HasSuffix(r.URL.Path, "/verify.json")
	switch {
	case f.Mode == "first again" && asks:
		w := &answerKept{header: make(http.Header)}
		if err := next.ServeHTTP(w, r); err != nil {
			return true, err
		}
		body := strings.Replace(w.body.String(), `"code":101`, `"code":100`, 1)
		for k, vs := range w.header {
			rw.Header()[k] = vs
		}
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
		rw.WriteHeader(w.status)
		_, _ = rw.Write([]byte(body))
		return true, nil
	case f.Mode == "no first" && asks:
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"data":{"code":101},"errors":[]}`))
		return true, nil
	case f.Mode == "refuse returns" && r.URL.Query().Has("Authority"):
		rw.WriteHeader(http.StatusBadRequest)
		return true, nil
	case f.Mode == "tell the observed" && r.URL.Query().Has("Authority"):
		r.Header.Set("X-Payment-Order", "c11")
	case f.Mode == "change the observed" && r.URL.Query().Has("Authority"):
		r.URL.RawQuery += "&x=1"
	case f.Mode == "drop cookies" && r.URL.Query().Has("Authority"):
		r.Header.Del("Cookie")
	case f.Mode == "let relays through" && strings.Contains(strings.ToLower(r.URL.Path), "5ecret"):
		r.URL.Path = "/free"
	}
	return false, nil
}

// answerKept keeps an answer.
type answerKept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answerKept) Header() http.Header { return a.header }
func (a *answerKept) WriteHeader(s int)   { a.status = s }
func (a *answerKept) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.body.Write(b)
}
func (a *answerKept) Flush() {}

// relayedShops is a world of two shops of one account, each with a plugin.
func relayedShops() *plan {
	shop := func(n int, host string, g plugin) block {
		return block{Number: n, Hosts: []string{host}, Names: []string{host}, Port: "80", Serve: "proxy", Trim: true, Plugin: &g}
	}
	return &plan{
		Seed: 3, Keys: true,
		Blocks: []block{
			shop(0, "a.test", plugin{Provider: "zarinpal", Observe: true, Back: "/pay/back", Reads: "request", Again: true, Refused: true}),
			shop(1, "b.test", plugin{Provider: "zarinpal", Back: "/back.php", Reads: "first"}),
		},
		Steps: []step{
			{Do: "plugin", Slot: 100}, {Do: "bank", Slot: 100, How: "pay"}, {Do: "return", Slot: 100}, {Do: "back", Slot: 100},
			{Do: "plugin", Browser: 1, Slot: 101}, {Do: "bank", Slot: 101, How: "pay"},
			{Do: "plugin", Browser: 1, Slot: 102, Other: 1},
			{Do: "move", Browser: 1, Slot: 101, Other: 102, Pick: 1}, {Do: "move", Browser: 1, Slot: 101, Other: 102, Pick: 3},
			{Do: "plugin", Browser: 1, Site: 1, Slot: 103}, {Do: "move", Browser: 1, Slot: 101, Other: 103, Pick: 1},
			{Do: "stranger", Browser: 1, Slot: 101}, {Do: "stranger", Browser: 1, Slot: 101, Pick: 2, Spell: []string{"double"}},
			{Do: "job"},
		},
	}
}

// The oracle speaks of each fault that shops with plugins meet, and of none where there
// is none.
func TestPluginOracle(t *testing.T) {
	shorten(t)
	for _, c := range []struct {
		name string
		f    func([]any, int) []any
		want string
	}{
		{"nothing", nil, ""},
		// The relay alone holds returns to their creates. That a moved one is seen, show the
		// seeded bugs of relayed returns.
		{"no observe", without("observe"), ""},
		{"first again", beside("first again", 0), "first-twice"},
		{"no first", beside("no first", 0), "again-unverified"},
		{"refuse returns", beside("refuse returns", 0), "false-foreign"},
		{"tell the observed", beside("tell the observed", 1), "observed-with-headers"},
		{"let relays through", beside("let relays through", 0), "no-start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if broken = nil; c.f != nil {
				broken = func(config map[string]any) { spoil(config["apps"].(map[string]any)["http"], c.f) } //nolint:forcetypeassert // the adapter's shape
			}
			was := *but
			*but = "shared-cache" // a fault that has this consequence as well is looked for by its other one
			t.Cleanup(func() { broken, *but = nil, was })
			w := live(relayedShops())
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
