package handlers

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/pages"
)

func TestBrandCheck(t *testing.T) {
	for want, b := range map[string]Brand{
		"needs the shop's name":     {},
		"may have 80":               {Name: strings.Repeat("x", 81)},
		"must be a path":            {Name: "x", Logo: "https://cdn.test/logo.png"},
		"home: it must":             {Name: "x", Home: "shop"},
		"six hexadecimal digits":    {Name: "x", Color: "orange"},
		"support has 201 bytes and": {Name: "x", Support: strings.Repeat("x", 201)},
	} {
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", b, err)
		}
	}
	ok := Brand{Name: strings.Repeat("x", 80), Logo: "/logo.svg", Home: "/fa/", Color: "#e67e22", Support: "021 1234"}
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
}

// The owner's templates stand in place of our pages, get what they would say escaped,
// and give way to ours where they fail.
func TestOwnPages(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	if _, err := newOwnPages(ctx, filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a directory that is not there")
	}
	if _, err := newOwnPages(ctx, dir); err == nil || !strings.Contains(err.Error(), "there is no template") {
		t.Errorf("an empty directory: %v", err)
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("decline.html", "x")
	if _, err := newOwnPages(ctx, dir); err == nil || !strings.Contains(err.Error(), "did you mean 'declined.html'?") {
		t.Errorf("a misspelt name: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "decline.html")); err != nil {
		t.Fatal(err)
	}
	put("declined.html", `<h1>{{placeholder "http.payments.page.title"}}</h1>{{placeholder "http.payments.page.reference"}} {{placeholder "http.payments.page.retry"}}`)
	put("parked.html", `{{ broken`)
	own, err := newOwnPages(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/back")
	h.own, h.log = own, zap.NewNop()
	for _, c := range []struct {
		p    pages.Page
		want string
		own  bool
	}{
		{pages.Page{Kind: pages.Declined, Ref: "7m2k9q4v8x1c5z3b6n0pthjwr8", Retry: "/buy/<b>"}, "<h1>The payment did not go through</h1>7m2k 9q4v /buy/&lt;b&gt;", true},
		{pages.Page{Kind: pages.Declined, Retry: "/{{`KEY`|env}}"}, "<h1>The payment did not go through</h1> /{&#123;`KEY`|env}}", true},
		{pages.Page{Kind: pages.Parked}, "You have paid", false},
		{pages.Page{Kind: pages.Review}, "looked at", false},
	} {
		r := asked(httptest.NewRequest(http.MethodGet, "https://shop/back", nil))
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Language", "en")
		w := httptest.NewRecorder()
		if err := h.write(w, r, c.p, nil); err != nil {
			t.Fatal(err)
		}
		if body := w.Body.String(); w.Code != c.p.Kind.Status() || !strings.Contains(body, c.want) || strings.HasPrefix(body, "<h1>") != c.own || w.Header().Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: %d %s %v", c.p.Kind, w.Code, w.Body, w.Header())
		}
	}
}
