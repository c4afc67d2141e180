package begin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/templates"

	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/internal/lang"
)

var fenced = regexp.MustCompile("(?s)```html\n(\\{\\{define.*?)```")

// Every thank-you page that we hand out groups the digits of its amount: the two of init, the
// demo's, and those in the manual. A sum that is read as a tenth is a call to the shop.
func TestThankYouPagesGroupDigits(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	text := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".md") {
			return fenced.FindStringSubmatch(string(b))[1]
		}
		return string(b)
	}
	made := func(l lang.Lang) string {
		t.Helper()
		s := begin.Shop{Kind: begin.Static, Gateway: "zarinpal", Dir: filepath.Join(t.TempDir(), "shop"), Lang: l}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Make(); err != nil {
			t.Fatal(err)
		}
		return text(filepath.Join(s.Dir, "site", "thanks.html"))
	}
	en := []string{made(lang.EN), text("../../docs/static.md"), text("../../examples/shop/thanks.html")}
	fa := []string{made(lang.FA), text("../../docs/fa/static.md"), text("../../examples/shop/thanks.html")}
	for rials, want := range map[string][2]string{
		"1000":        {" 100 toman", "۱۰۰ تومان"},
		"9990":        {" 999 toman", "۹۹۹ تومان"},
		"10000":       {" 1,000 toman", "۱٬۰۰۰ تومان"},
		"1000500":     {" 100,050 toman", "۱۰۰٬۰۵۰ تومان"},
		"20000000":    {" 2,000,000 toman", "۲٬۰۰۰٬۰۰۰ تومان"},
		"12345678900": {" 1,234,567,890 toman", "۱٬۲۳۴٬۵۶۷٬۸۹۰ تومان"},
	} {
		for i, pages := range [][]string{en, fa} {
			for n, page := range pages {
				if got := filled(t, ctx, page, []string{"en", "fa"}[i], rials); !strings.Contains(" "+strings.ReplaceAll(got, ">", "> "), want[i]) {
					t.Errorf("page %d, %s rials: no %q in\n%s", n, rials, want[i], got)
				}
			}
		}
	}
}

// filled is a page as Caddy's `templates` fills it for a verified payment.
func filled(t *testing.T, ctx caddy.Context, page, language, rials string) string {
	t.Helper()
	var h templates.Templates
	if err := h.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/thanks", http.NoBody)
	r.Header.Set("Accept-Language", language)
	repl := caddy.NewReplacer()
	for k, v := range map[string]string{"status": "verified", "order": "101", "amount": rials} {
		repl.Set("http.payments."+k, v)
	}
	c := context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl)
	r = r.WithContext(context.WithValue(c, caddyhttp.OriginalRequestCtxKey, *r))
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, err := w.Write([]byte(page))
		return err
	})); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}
