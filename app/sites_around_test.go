package app_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/integration/harness"
)

// newAround is a Caddy in this process with two shops, each with paid pages, in parts of one
// site, and a dashboard; what stands around them is the owner's.
func newAround(t *testing.T, outside string) *listening {
	t.Helper()
	w := newListening(t)
	i := strings.Index(w.text, w.site+" {")
	w.text = w.text[:i] + w.site + ` {
	` + outside + `
	handle_path /shop/* {
		payments {
			public_url ` + w.site + `/shop
			checkout /buy idpay {
				item book 10000rial
				buyer name
				buyer mobile required
				receipt
			}
			verify /cb idpay {
				expect intent
			}
			require /course/* {
				item book
				checkout /buy
			}
		}
		respond "the paid page"
	}
	payment_dashboard /desk*
	basic_auth /desk* {
		sara $2a$04$GunuvS7Eg.UH6EOmXNnqleY13oeu/Lrz/HZYuySYMq5jU43.NoNCK
	}
}
http://127.0.0.1:` + strconv.Itoa(harness.Port(t)) + ` {
	payment_sandbox
}
`
	return w
}

// What a visitor types is never run by the site's own templates, wherever they stand: every
// page that repeats it is answered as it was meant, and shows no secret.
func TestTemplatesOutsideRunNothingOfOurs(t *testing.T) {
	t.Setenv("AROUND_SECRET", "the-secret-is-out")
	w := newAround(t, "templates")
	w.must(w.load())
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	shown := 0
	for _, attack := range []string{`{{env "AROUND_SECRET"}}`, "{{`AROUND_SECRET`|env}}", "{{", "{{{{", `{{include "/etc/hostname"}}`, `{{httpError 404}}`} {
		form := url.Values{"name": {attack}, "mobile": {attack}, "number": {attack}, "price": {attack}, "gateway": {attack}}
		q := url.QueryEscape(attack)
		for _, c := range []struct {
			method, path string
			status       int
		}{
			{http.MethodPost, "/shop/buy/book", 422}, {http.MethodPost, "/shop/buy/receipt", 0}, {http.MethodGet, "/shop/buy/book?quantity=" + q, 200},
			{http.MethodGet, "/shop/course/a?x=" + q, 402}, {http.MethodGet, "/shop/cb?id=" + q + "&order_id=" + q, 0}, {http.MethodPost, "/shop/cb", 0},
			{http.MethodGet, "/desk?lang=en&q=" + q, 200}, {http.MethodGet, "/desk?lang=en&tab=all&provider=" + q, 200}, {http.MethodGet, "/desk?ref=" + q, 404},
		} {
			for _, accept := range []string{"text/html", "application/json", "text/plain"} {
				req, err := http.NewRequestWithContext(t.Context(), c.method, w.site+c.path, strings.NewReader(form.Encode()))
				w.must(err)
				req.SetBasicAuth("sara", "hiccup")
				req.Header.Set("Accept", accept)
				if c.method == http.MethodPost {
					req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				}
				res, err := client.Do(req)
				w.must(err)
				body, err := io.ReadAll(res.Body)
				w.must(err)
				_ = res.Body.Close()
				if res.StatusCode == 500 || c.status != 0 && res.StatusCode != c.status || strings.Contains(string(body), "the-secret") || strings.Contains(string(body), "{{") {
					t.Errorf("%s %s for %s: %d %.300s", c.method, c.path, accept, res.StatusCode, body)
				}
				shown += strings.Count(string(body), "{&#123;")
			}
		}
	}
	if shown < 10 {
		t.Errorf("only %d braces were shown", shown)
	}
}

// What stands outside of us and would undo what our answers promise doesn't start; where a
// matcher decides, the owner is told.
func TestWhatStandsAround(t *testing.T) {
	t.Setenv("KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	const (
		header   = "sets or removes "
		between  = "with `between "
		deferred = "header {\nCache-Control \"public, max-age=600\"\n-Server\n}\n"
	)
	for name, c := range map[string]struct {
		outside string
		// refused and told are what the error and the findings say, told of a code.
		refused string
		told    bool
	}{
		"nothing":                       {"", "", false},
		"before":                        {"header Cache-Control \"public, max-age=600\"\n", "", false},
		"deferred by a removal":         {deferred, header + "Cache-Control", false},
		"deferred by defer":             {"header {\nCache-Control public\ndefer\n}\n", header + "Cache-Control", false},
		"deferred by >":                 {"header >Cache-Control public\n", header + "Cache-Control", false},
		"deferred by a status":          {"header {\nCache-Control public\nmatch status 2xx\n}\n", header + "Cache-Control", false},
		"another status":                {"header {\nCache-Control public\nmatch status 404\n}\n", "", true},
		"of a kind":                     {"header {\nCache-Control public\nmatch header Content-Type image/*\n}\n", "", true},
		"a default":                     {"header ?Cache-Control public\n", "", false},
		"a default of another":          {"header ?Expires \"Fri, 31 Dec 2199 23:59:59 GMT\"\n", header + "Expires", false},
		"removed":                       {"header -Cache-Control\n", header + "Cache-Control", false},
		"added":                         {"header {\n+Cache-Control public\ndefer\n}\n", header + "Cache-Control", false},
		"removed by a pattern":          {"header -Cache*\n", header + "Cache-Control", false},
		"replaced":                      {"header {\nCache-Control \"private, no-store\" public\ndefer\n}\n", header + "Cache-Control", false},
		"a network's":                   {"header >CDN-Cache-Control max-age=600\n", header + "Cdn-Cache-Control", false},
		"a proxy's":                     {"header >X-Accel-Expires 600\n", header + "X-Accel-Expires", false},
		"stricter":                      {"header {\nCache-Control no-store\nExpires 0\nPragma no-cache\n-Server\n}\n", "", false},
		"other fields":                  {"header {\nX-Frame-Options DENY\n-Server\n}\n", "", false},
		"a matcher":                     {"@get method GET\nheader @get {\nCache-Control public\n-Server\n}\n", "", true},
		"a matcher of their path":       {"header /shop/course/* >Cache-Control public\n", "", true},
		"a matcher of files":            {"@files path *.css *.png\nheader @files >Cache-Control public\n", "", true},
		"a matcher of other paths":      {"header /static/* >Cache-Control public\n", "", false},
		"a matcher without their paths": {"@rest not path /shop/* /desk*\nheader @rest >Cache-Control public\n", "", false},
		"a matcher without some":        {"@rest not path /shop/course/* /desk*\nheader @rest >Cache-Control public\n", "", true},
		"in another handle":             {"handle /other/* {\n" + deferred + "respond other\n}\n", "", false},
		"in another handle, alone":      {"handle /other/* {\n" + deferred + "}\n", "", false},
		"templates":                     {"templates\n", "", false},
		"templates, same marks":         {"templates {\nbetween {{ }}\n}\n", "", false},
		"templates, other marks":        {"templates {\nbetween [[ ]]\n}\n", between + "[[ ]]`", false},
		"templates of a kind of path":   {"@html path *.html\ntemplates @html {\nbetween [[ ]]\n}\n", between + "[[ ]]`", false},
		"templates of another path":     {"templates /blog/* {\nbetween [[ ]]\n}\n", "", false},
	} {
		for where, site := range map[string]string{
			"a shop":      "handle_path /shop/* {\npayments {\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok\n}\n",
			"a dashboard": "payment_dashboard /desk*\n",
		} {
			t.Run(name+" around "+where, func(t *testing.T) {
				text := "{\npayments {\nprovider idpay {\napi_key {env.KEY}\n}\n}\n}\nhttp://a.test {\n" + c.outside + site + "}\n"
				ours, http := provisioned(t, text)
				findings, err := ours.Sites().Place(http)
				if (err != nil) != (c.refused != "") || err != nil && (!strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "a.test")) {
					t.Errorf("%v\nwant %q of\n%s", err, c.refused, text)
				}
				told := false
				for _, f := range findings {
					told = told || f.Code == "kept" && f.Grave && strings.HasPrefix(f.Where, "a.test")
				}
				partly := where == "a dashboard" && slices.Contains([]string{"a matcher of their path", "a matcher without some"}, name)
				if told != (c.told && !partly) {
					t.Errorf("%+v of\n%s", findings, text)
				}
			})
		}
	}
	// Inside of `payments`, and around the guard alone, it is the site's own affair.
	for _, site := range []string{
		deferred + "payments {\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok\n",
		"handle_path /shop/* {\n" + deferred + "payments {\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok\n}\n",
		deferred + "handle_path /shop/* {\npayments\nrespond ok\n}\n",
		"handle_path /shop/* {\npayments {\nerrors caddy\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok\n}\nhandle_errors {\n" + deferred + "respond sorry\n}\n",
		"handle_path /shop/* {\npayments {\nverify /cb idpay {\nexpect intent\n}\n}\nrespond ok\n}\n}\nhttp://b.test {\n" + deferred + "respond ok\n",
	} {
		ours, http := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.KEY}\n}\n}\n}\nhttp://a.test {\n"+site+"}\n")
		if findings, err := ours.Sites().Place(http); err != nil || slices.ContainsFunc(findings, func(f handlers.Finding) bool { return f.Code == "kept" }) {
			t.Errorf("%v %+v of\n%s", err, findings, site)
		}
	}
}

// A real Caddy refuses it, and runs on with what it had.
func TestARealCaddyRefusesWhatStandsAround(t *testing.T) {
	w := newAround(t, "# OUTSIDE")
	w.must(w.load())
	good := w.text
	for _, outside := range []string{"header >Cache-Control public", "templates {\nbetween [[ ]]\n}"} {
		w.text = strings.Replace(good, "# OUTSIDE", outside, 1)
		if err := w.load(); err == nil || !strings.Contains(err.Error(), "outside of `payments`") {
			t.Errorf("%s: %v", outside, err)
		}
		if status, _ := w.get(w.site + "/shop/course/a"); status != http.StatusPaymentRequired {
			t.Errorf("%s: then %d", outside, status)
		}
	}
}

// What is advised keeps the promise: a line of its own is overruled, in a real Caddy.
func TestWhatIsSetBeforeIsOverruled(t *testing.T) {
	w := newAround(t, "header Cache-Control \"public, max-age=600\"\nheader CDN-Cache-Control max-age=600\nheader Surrogate-Control max-age=600\nheader -Server")
	w.must(w.load())
	for _, path := range []string{"/shop/buy/book", "/shop/buy/receipt", "/shop/course/a", "/shop/cb?id=1&order_id=2", "/desk", "/desk?tab=all", "/desk?ref=x", "/desk?live=1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.site+path, nil)
		w.must(err)
		req.SetBasicAuth("sara", "hiccup")
		res, err := http.DefaultClient.Do(req)
		w.must(err)
		_ = res.Body.Close()
		if !strings.Contains(res.Header.Get("Cache-Control"), "no-store") || strings.Contains(res.Header.Get("Cache-Control"), "public") || res.Header.Get("CDN-Cache-Control") != "" || res.Header.Get("Surrogate-Control") != "" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
}
