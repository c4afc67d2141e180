package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/internal/track"
)

const (
	visitID = "Ab3_-xyz"
	form    = "/track_id=" + visitID
)

// landing is a site of these names that keeps visits, beside others: one that keeps them as
// well, a plain one, and one that takes every name.
func landing(t testing.TB, public, pattern string, names ...string) *Handler {
	t.Helper()
	ids, err := track.ParsePattern(pattern)
	if err != nil {
		t.Fatal(err)
	}
	named := func(public string, tracks bool, at hosts) *Handler {
		h := &Handler{app: idle{}, log: zap.NewNop()}
		if tracks {
			h.Track = []*Track{{conf: trackRoute{param: "track_id", pattern: ids}}}
		}
		p := &place{standing: standing{found: true, hosts: at}}
		if o, err := parsePublicURL(public); err == nil {
			p.settled(o, true)
		}
		h.placed.Store(p)
		return h
	}
	all := hosts{names: names}
	if len(names) == 0 {
		all = anyHost
	}
	h := named(public, true, all)
	h.Verify = routed("/back").Verify
	h.Verify[0].route.provider.Provider = bank{shown: new(int)}
	h.ours = []*provider{h.Verify[0].route.provider}
	others := []*Handler{named("", true, hosts{names: []string{"sister.example"}, patterns: []string{"*.mall.example"}}), named("", false, hosts{names: []string{"plain.example"}}), named("", true, anyHost)}
	h.sites = &Sites{handlers: append([]*Handler{h}, others...), settled: true}
	return h
}

// visited asks a site for an address, of which what follows makes the redirect, and returns the answer.
func visited(t testing.TB, h *Handler, method, address string, status int, to func(r *http.Request) string) http.Header {
	t.Helper()
	w := httptest.NewRecorder()
	r := caddyhttp.PrepareRequest(httptest.NewRequest(method, address, nil), caddy.NewReplacer(), w, nil)
	err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if at := to(r); at != "" {
			w.Header().Set("Location", at)
		}
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.WriteHeader(status)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return w.Header()
}

// A visit whose form was taken off goes on with a redirect to another host or scheme of
// ours, and with no other.
func TestAVisitGoesOnToTheNextHost(t *testing.T) {
	t.Parallel()
	const www, apex = "https://www.shop.example", "https://shop.example"
	shop := landing(t, "", "", "shop.example", "www.shop.example")
	public := landing(t, apex, "", "old.example")
	every := landing(t, "", "", nil...)
	quiet := landing(t, "", "", "shop.example", "www.shop.example")
	quiet.Announce = "off"
	odd := landing(t, "", "[a-z+&=%]{8,}", "shop.example", "www.shop.example")
	for name, c := range map[string]struct {
		h              *Handler
		from, to, want string // {uri} is what the shop sees
		method         string
		status         int
		orig           bool
	}{
		"www to apex":                {from: www + "/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"a slash behind it":          {from: www + "/p" + form + "/", to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"the first page":             {from: www + form, to: apex + "{uri}", want: apex + "/?track_id=" + visitID},
		"the first page, no slash":   {from: www + form, to: apex, want: apex + "?track_id=" + visitID},
		"the first page, a fragment": {from: www + form + "?a=1", to: apex + "?a=1#b", want: apex + "?track_id=" + visitID + "&a=1#b"},
		"HEAD":                       {method: http.MethodHead, from: www + "/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"permanently":                {status: 308, from: www + "/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"a query":                    {from: www + "/p" + form + "?a=1&b=%20", to: apex + "{uri}", want: apex + "/p?track_id=" + visitID + "&a=1&b=%20"},
		"an empty query":             {from: www + "/p" + form + "?", to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"a fragment":                 {from: www + "/p" + form, to: apex + "{uri}#top?x", want: apex + "/p?track_id=" + visitID + "#top?x"},
		"escapes":                    {from: www + "/a%2Fb/%D8%B3" + form, to: apex + "{uri}", want: apex + "/a%2Fb/%D8%B3?track_id=" + visitID},
		"the shop adds a slash":      {from: www + "/p" + form + "?a=1", to: apex + "/p/?a=1", want: apex + "/p/?track_id=" + visitID + "&a=1"},
		"no scheme":                  {from: www + "/p" + form, to: "//shop.example{uri}", want: "//shop.example/p?track_id=" + visitID},
		"another case":               {from: www + "/p" + form, to: "https://SHOP.example:443{uri}", want: "https://SHOP.example:443/p?track_id=" + visitID},
		"apex to www":                {from: apex + "/p" + form, to: www + "{uri}", want: www + "/p?track_id=" + visitID},
		"http to https":              {from: "http://shop.example/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"https to http":              {from: apex + "/p" + form, to: "http://shop.example{uri}", want: "http://shop.example/p?track_id=" + visitID},
		"another port":               {from: apex + ":8443/p" + form, to: apex + ":9443{uri}", want: apex + ":9443/p?track_id=" + visitID},
		"http to a public https":     {h: public, from: "http://shop.example/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"a former name to public":    {h: public, from: "https://old.example/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"public's www twin":          {h: public, from: "https://old.example/p" + form, to: www + "{uri}", want: www + "/p?track_id=" + visitID},
		"another site":               {from: www + "/p" + form, to: "https://sister.example{uri}", want: "https://sister.example/p?track_id=" + visitID},
		"another site's wildcard":    {from: www + "/p" + form, to: "https://a.mall.example{uri}", want: "https://a.mall.example/p?track_id=" + visitID},
		"any name, its twin":         {h: every, from: www + "/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"announcements are off":      {h: quiet, from: www + "/p" + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"twice the same":             {from: www + "/p" + form + form, to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"more behind the id":         {from: www + "/p" + form + "&x=1", to: apex + "{uri}", want: apex + "/p?track_id=" + visitID},
		"an id that is escaped":      {h: odd, from: www + "/p/track_id=a+%26=%25bcd", to: apex + "{uri}", want: apex + "/p?track_id=a%2B%26%3D%25bcd"},
		"the browser's own address":  {orig: true, from: www + "/p" + form, to: apex + "/p", want: apex + "/p?track_id=" + visitID},

		"no host":                    {from: www + "/p" + form, to: "{uri}"},
		"the same host":              {from: www + "/p" + form, to: www + "{uri}"},
		"the same host and port":     {from: www + "/p" + form, to: "https://WWW.shop.example.:443{uri}"},
		"a language of the same":     {from: www + "/p" + form, to: www + "/en{uri}"},
		"another page of the next":   {from: www + "/p" + form, to: apex + "/q"},
		"another query":              {from: www + "/p" + form + "?a=1", to: apex + "/p?a=2"},
		"the first page, a query":    {from: www + form, to: apex + "?x"},
		"another page to the first":  {from: www + "/p" + form, to: apex},
		"a foreign host":             {from: www + "/p" + form, to: "https://evil.example{uri}"},
		"a foreign host, any name":   {h: every, from: www + "/p" + form, to: "https://evil.example{uri}"},
		"a name below ours":          {from: www + "/p" + form, to: "https://a.shop.example{uri}"},
		"a name that ends as ours":   {from: www + "/p" + form, to: "https://evilshop.example{uri}"},
		"a user of ours":             {from: www + "/p" + form, to: "https://shop.example@evil.example{uri}"},
		"a user at ours":             {from: www + "/p" + form, to: "https://a@shop.example{uri}"},
		"a site that keeps none":     {from: www + "/p" + form, to: "https://plain.example{uri}"},
		"a twin of another site":     {from: www + "/p" + form, to: "https://www.sister.example{uri}"},
		"a pay page":                 {h: landing(t, "", "", "shop.example", "bank.example"), from: apex + "/p" + form, to: "https://bank.example{uri}"},
		"an app":                     {from: www + "/p" + form, to: "intent://shop.example{uri}"},
		"no address":                 {from: www + "/p" + form, to: "https://shop.example:x{uri}"},
		"no redirect":                {status: 201, from: www + "/p" + form, to: apex + "{uri}"},
		"a form that is sent":        {method: http.MethodPost, status: 308, from: www + "/p" + form, to: apex + "{uri}"},
		"in the query already":       {from: www + "/p" + form + "?track_id=" + visitID, to: apex + "{uri}"},
		"no form":                    {from: www + "/p?track_id=" + visitID, to: apex + "{uri}"},
		"no id":                      {from: www + "/p/track_id=short", to: apex + "{uri}"},
		"two that differ":            {from: www + "/p" + form + "/track_id=other123", to: apex + "{uri}"},
		"a gateway's return":         {from: www + "/p" + form + "?status=10&order_id=5", to: apex + "{uri}"},
		"a return behind the id":     {from: www + "/p" + form + "&status=10&order_id=5", to: apex + "{uri}"},
		"a torn return":              {from: www + "/p" + form + "&status=10?order_id=5", to: apex + "{uri}"},
		"where gateways send people": {from: www + "/back" + form, to: apex + "{uri}"},
	} {
		h := c.h
		if h == nil {
			h = shop
		}
		if c.status == 0 {
			c.status = http.StatusFound
		}
		if c.method == "" {
			c.method = http.MethodGet
		}
		var plain string
		got := visited(t, h, c.method, c.from, c.status, func(r *http.Request) string {
			plain = strings.ReplaceAll(c.to, "{uri}", r.URL.RequestURI())
			if c.orig {
				r.URL.Path, r.URL.RawQuery = "/index.php", "q=/p"
			}
			return plain
		})
		want, cache := c.want, "private"
		if want == "" {
			want, cache = plain, "public, max-age=600"
		}
		if got.Get("Location") != want || len(got["Location"]) != 1 || got.Get("Cache-Control") != cache {
			t.Errorf("%s: %s leads to %s (%s), want %s (%s)", name, c.from, got["Location"], got.Get("Cache-Control"), want, cache)
		}
	}
	if got := visited(t, shop, http.MethodGet, www+"/p"+form, http.StatusOK, func(*http.Request) string { return "" }); got["Location"] != nil || got.Get("Cache-Control") != "public, max-age=600" {
		t.Errorf("a page: %v", got)
	}
}

// Whatever a link looks like, the next host finds in the redirect what this one found in
// the link, and everything else as the shop wrote it.
func TestTheNextHostFindsTheVisit(t *testing.T) {
	t.Parallel()
	shop := landing(t, "", "", "shop.example", "www.shop.example")
	pattern, err := track.ParsePattern("")
	if err != nil {
		t.Fatal(err)
	}
	segment := rapid.SampledFrom([]string{"", "a", "a%2Fb", "%D8%B3", "track_id=" + visitID, "track_id=" + visitID + ".html", "track_id=" + visitID + ";x", "track_id=other123", "track_id=x", "track_id=" + strings.Repeat("a", 128), "track_id=" + strings.Repeat("a", 129), "a+b"})
	pair := rapid.SampledFrom([]string{"a=1", "b", "track_id=" + visitID, "x=%26", "", "q=a?track_id=" + visitID, "xtrack_id=1"})
	rapid.Check(t, func(rt *rapid.T) {
		uri := "/" + strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(rt, "path"), "/")
		if pairs := rapid.SliceOfN(pair, 0, 3).Draw(rt, "query"); len(pairs) > 0 {
			uri += "?" + strings.Join(pairs, "&")
		}
		link, err := url.ParseRequestURI(uri)
		if err != nil || strings.HasPrefix(uri, "//") {
			rt.Skip()
		}
		id, ok := track.Find(link.RawQuery, track.Take(link, "track_id"), "track_id", pattern)
		host := rapid.SampledFrom([]string{"https://shop.example", "http://www.shop.example", "https://evil.example", "https://www.shop.example"}).Draw(rt, "host")
		got := visited(t, shop, http.MethodGet, "https://www.shop.example"+uri, http.StatusMovedPermanently, func(r *http.Request) string { return host + r.URL.RequestURI() }).Get("Location")
		to, err := url.Parse(got)
		if err != nil || to.EscapedPath() != link.EscapedPath() {
			rt.Fatalf("%s leads to %s (%v)", uri, got, err)
		}
		away := host == "https://shop.example" || host == "http://www.shop.example"
		next, found := track.Find(to.RawQuery, nil, "track_id", pattern)
		if away && ok && (!found || next != id) {
			rt.Fatalf("%s leads to %s: %q of %q", uri, got, next, id)
		}
		if was := host + link.RequestURI(); got != was && (!away || !ok || strings.TrimSuffix(strings.Replace(got, "?track_id="+id+"&", "?", 1), "?track_id="+id) != strings.TrimSuffix(was, "?")) {
			rt.Fatalf("%s leads to %s, without a visit to %s", uri, got, was)
		}
	})
}
