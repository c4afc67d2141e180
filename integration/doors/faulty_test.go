package doors

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(&faulty{}) }

// faulty is a seeded fault: a handler above or below the module's that does what
// the module must never do, so that the oracle is seen to speak.
type faulty struct {
	Mode string `json:"mode"`
}

func (*faulty) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.doors_faulty", New: func() caddy.Module { return new(faulty) }}
}

func (f *faulty) ServeHTTP(rw http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	verified := r.Header.Get("X-Payment-Status") == "verified"
	if answered, err := f.misled(rw, r, next); answered {
		return err
	}
	switch f.Mode {
	case "invent":
		for k, v := range map[string]string{"X-Payment-Status": "verified", "X-Payment-Id": "0123456789abcdef0123456789abcdef", "X-Payment-Order": "d1", "X-Payment-Amount": "9000000"} {
			r.Header.Set(k, v)
		}
	case "let through":
		r.Header.Set("X-Payment-Status", "verified")
	case "other order":
		if verified {
			r.Header.Set("X-Payment-Order", "d9")
		}
	case "other amount":
		if verified {
			r.Header.Set("X-Payment-Amount", "1")
		}
	case "no receipt":
		r.Header.Del("X-Payment-Receipt")
	case "other receipt":
		if jws := r.Header.Get("X-Payment-Receipt"); jws != "" {
			r.Header.Set("X-Payment-Receipt", jws[:len(jws)-3]+"AAA")
		}
	case "twice":
		if verified {
			again, _ := http.NewRequest(r.Method, "http://"+around.proxy[0]+r.URL.RequestURI(), nil) //nolint:noctx // a test's own shop
			again.Host, again.Header = r.Host, r.Header.Clone()
			if res, err := http.DefaultClient.Do(again); err == nil {
				_ = res.Body.Close()
			}
		}
	case "public":
		return next.ServeHTTP(&caching{caddyhttp.ResponseWriterWrapper{ResponseWriter: rw}, "Cache-Control", "public, max-age=60"}, r)
	case "cdn":
		return next.ServeHTTP(&caching{caddyhttp.ResponseWriterWrapper{ResponseWriter: rw}, "CDN-Cache-Control", "max-age=60"}, r)
	case "swallow":
		if r.URL.Query().Has("status") || r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/buy") {
			rw.WriteHeader(http.StatusNoContent)
			return nil
		}
	case "cookie":
		if verified {
			r.Header.Set("Cookie", "order.id=d9")
		}
	case "tell declined":
		r.Header.Set("X-Payment-Status", "declined")
	case "keep out":
		if r.URL.Path == "/book.pdf" {
			rw.WriteHeader(http.StatusPaymentRequired)
			return nil
		}
	case "not found":
		if verified {
			rw.WriteHeader(http.StatusNotFound)
			return nil
		}
	case "lie in placeholders", "tell strangers", "invent a sale", "come from elsewhere":
		if f.curious(rw, r, verified) {
			return nil
		}
	case "panic":
		panic("seeded")
	case "hang":
		time.Sleep(2 * hangs())
	}
	return next.ServeHTTP(rw, r)
}

// caching lets caches keep every answer.
type caching struct {
	caddyhttp.ResponseWriterWrapper
	name, value string
}

func (c *caching) WriteHeader(status int) {
	c.Header().Set(c.name, c.value)
	c.ResponseWriterWrapper.WriteHeader(status)
}

func (c *caching) Write(b []byte) (int, error) {
	c.Header().Set(c.name, c.value)
	return c.ResponseWriterWrapper.Write(b)
}

// spoil changes a configuration's JSON: it calls f on each handler list that has
// ours in it.
func spoil(v any, f func(list []any, at int) []any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if list, ok := x.([]any); ok && k == "handle" {
				for i, h := range list {
					if m, ok := h.(map[string]any); ok && m["handler"] == "payments" {
						x = f(list, i)
						break
					}
				}
			}
			v[k] = spoil(x, f)
		}
	case []any:
		for i, x := range v {
			v[i] = spoil(x, f)
		}
	}
	return v
}

// beside puts a fault above (0) or below (1) the module's handler.
func beside(mode string, where int) func([]any, int) []any {
	return func(list []any, at int) []any {
		out := append([]any(nil), list[:at+where]...)
		out = append(out, map[string]any{"handler": "doors_faulty", "mode": mode})
		return append(out, list[at+where:]...)
	}
}

// without takes an option away from the module's handler.
func without(option string) func([]any, int) []any {
	return func(list []any, at int) []any {
		delete(list[at].(map[string]any), option) //nolint:forcetypeassert // seen to be one
		return list
	}
}

// honest is a world in which an honest customer and an attacker do the usual
// things, at a shop with a backend and at one of files.
func honest() *plan {
	return &plan{
		Seed: 1, Keys: true,
		Blocks: []block{{
			Number: 0, Hosts: []string{"a.test"}, Names: []string{"a.test"}, Port: "80", Serve: "proxy", Return: "named",
			Verifies: []verify{{Path: "/callback.php", Provider: "idpay", Expect: "intent"}},
		}, {
			Number: 1, Hosts: []string{"b.test"}, Names: []string{"b.test"}, Port: "80", Serve: "files",
			Checkouts: []checkout{{Path: "/buy", Providers: []string{"idpay2"}, Items: []string{"cheap"}, Return: "/thanks.html"}},
			Verifies:  []verify{{Path: "/thanks.html", Provider: "idpay2", Expect: "intent"}},
			Requires:  []require{{Paths: []string{"/book.pdf"}, Items: []string{"cheap"}}},
		}},
		Steps: []step{
			{Do: "order", Site: 0, Slot: 0, Dear: true}, {Do: "bank", Slot: 0, How: "pay"}, {Do: "return", Slot: 0}, {Do: "back", Slot: 0},
			{Do: "buy", Site: 1, Slot: 1}, {Do: "bank", Slot: 1, How: "pay"}, {Do: "return", Slot: 1},
			{Do: "open", Site: 1, Pick: 2}, {Do: "ask", Browser: 1, Site: 1, Pick: 2, How: "GET"}, {Do: "ask", Browser: 1, Site: 1, Pick: 2, How: "HEAD"},
			{Do: "forge", Browser: 1, Site: 0, How: "GET"}, {Do: "ask", Browser: 1, Site: 0, Pick: 0, How: "GET", Headers: []string{"X-Payment-Status: verified"}},
		},
	}
}

// The oracle has nothing to say of what is right, and speaks of each seeded
// fault.
func TestOracle(t *testing.T) {
	shorten(t)
	for _, c := range []struct {
		name string
		f    func([]any, int) []any
		want string
	}{
		{"nothing", nil, ""},
		{"no require", without("require"), "unpaid-content"},
		{"no verify", func(list []any, at int) []any {
			if _, sells := list[at].(map[string]any)["checkout"]; sells { //nolint:forcetypeassert // seen to be one
				return list
			}
			return without("verify")(list, at)
		}, "silent-return"},
		{"no guard", func(list []any, at int) []any {
			return append([]any{map[string]any{"handler": "doors_faulty"}}, list[at+1:]...)
		}, ""},
		{"invent", beside("invent", 1), "told-unknown"},
		{"let through", beside("let through", 1), "forged-header"},
		{"other order", beside("other order", 1), "told-wrong"},
		{"other amount", beside("other amount", 1), "told-wrong"},
		{"no receipt", beside("no receipt", 1), "no-receipt"},
		{"other receipt", beside("other receipt", 1), "receipt-signature"},
		{"twice", beside("twice", 1), "told-twice"},
		{"cookie", beside("cookie", 1), "cookie-overrides"},
		{"public", beside("public", 0), "shared-cache"},
		{"cdn", beside("cdn", 0), "shared-cache"},
		{"swallow", beside("swallow", 0), "lost-customer"},
		{"tell declined", beside("tell declined", 1), "told-unasked"},
		{"keep out", beside("keep out", 0), "locked-out"},
		{"not found", beside("not found", 1), "bad-landing"},
		{"panic", beside("panic", 0), "panic"},
		{"hang", beside("hang", 0), "hang"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken = nil
			if c.f != nil {
				broken = func(config map[string]any) { spoil(config["apps"].(map[string]any)["http"], c.f) } //nolint:forcetypeassert // the adapter's shape
			}
			was := *but
			*but = ""
			if !strings.HasPrefix(c.want, "shared") && c.want != "" {
				*but = "shared-cache" // a fault that has this consequence as well is looked for by its other one
			}
			t.Cleanup(func() { broken, *but = nil, was })
			p := honest()
			if c.name == "swallow" {
				p.Blocks[0].Return = "" // else the worker asks for it all the same
			}
			w := live(p)
			got := ""
			if len(w.faults) > 0 {
				got = w.faults[0].Kind
			}
			if c.name == "no guard" {
				if got == "" {
					t.Error("it says nothing of a site without the module")
				}
				return
			}
			if got != c.want {
				t.Errorf("it says %q, want %q\n%s", got, c.want, strings.Join(w.lines, "\n"))
			}
		})
	}
}

// shorten makes what hangs hang for a shorter time.
func shorten(t *testing.T) {
	t.Helper()
	was := patience.Swap(int64(3 * time.Second))
	t.Cleanup(func() { patience.Store(was) })
}

// The rule of what a `require` guards, said once more by examples.
func TestTakes(t *testing.T) {
	for _, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"/book.pdf", "/book.pdf", true}, {"/book.pdf", "/book.pdf.gz", true}, {"/book.pdf", "/book.pdf/x", true}, {"/book.pdf", "/book.pdfx", false},
		{"/lesson", "/lesson.html", true}, {"/lesson.html", "/lesson", true}, {"/lesson.html", "/lesson/x", false}, {"/paid.php", "/paid", true},
		{"/course/*", "/course", true}, {"/course/*", "/course/one", true}, {"/course/*", "/courses", false}, {"/course/pro/*", "/course/x", false},
		{"/*.pdf", "/book.pdf", true}, {"/*.pdf", "/docs/guide.pdf", false}, {"/*", "/x", true}, {"/course/index.html", "/course/index.html", true},
	} {
		if got := takes(c.pattern, c.resource); got != c.want {
			t.Errorf("takes(%q, %q) = %t", c.pattern, c.resource, got)
		}
	}
}

// What lets a shared cache keep an answer, in each dialect.
func TestShared(t *testing.T) {
	for _, c := range []struct {
		header string
		want   bool
	}{
		{"Cache-Control: private, no-store", false}, {"Cache-Control: no-store", false}, {"Cache-Control: private", false}, {"X: y", true},
		{"Cache-Control: public, max-age=1", true}, {"Cache-Control: private=\"set-cookie\"", true}, {"Cache-Control: max-age=5", true}, {"Cache-Control: private, s-maxage=5", true},
		{"Cache-Control: no-store\nSurrogate-Control: max-age=5", true}, {"Cache-Control: no-store\nCDN-Cache-Control: public", true}, {"Cache-Control: no-store\nCDN-Cache-Control: no-store", false},
		{"Cache-Control: private\nX-Accel-Expires: 60", true}, {"Cache-Control: private\nX-Accel-Expires: 0", false},
	} {
		a := &answer{Header: make(http.Header)}
		for _, l := range strings.Split(c.header, "\n") {
			k, v, _ := strings.Cut(l, ": ")
			a.Header.Set(k, v)
		}
		if got := shared(a); (got != "") != c.want {
			t.Errorf("%q: %q", c.header, got)
		}
	}
}

// Interface guard.
var _ caddyhttp.MiddlewareHandler = (*faulty)(nil)

// A failing world is made as small as it can be, and is shown as what a person
// can try.
func TestShrink(t *testing.T) {
	broken = func(config map[string]any) { spoil(config["apps"].(map[string]any)["http"], without("require")) } //nolint:forcetypeassert // the adapter's shape
	was := *but
	*but = "shared-cache"
	t.Cleanup(func() { broken, *but = nil, was })
	w := live(honest())
	if len(w.faults) == 0 {
		t.Fatal("nothing to make smaller")
	}
	w = shrink(w)
	if len(w.plan.Steps) != 1 || len(w.plan.Blocks) != 1 {
		t.Errorf("%d steps and %d blocks are left", len(w.plan.Steps), len(w.plan.Blocks))
	}
	for _, want := range []string{"require /book.pdf {", "http://b.test {", "curl -gi --path-as-is 'http://b.test/book.pdf'", "unpaid-content"} {
		if text := report(w); !strings.Contains(text, want) {
			t.Errorf("%q is not in the report:\n%s", want, text)
		}
	}
}
