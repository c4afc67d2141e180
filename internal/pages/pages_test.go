package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

const ref = payment.Ref("7m2k9q4v8x1c5z3b6n0pthjwr8")

// samples are one page of each look.
func samples() map[string]Page {
	shop := func(p Page) Page {
		p.ShopURL = "/"
		return p
	}
	theme, err := NewTheme("", "کتاب‌فروشی نمونه", "/logo.svg", "e67e22", "https://shop.example.com/contact")
	if err != nil {
		panic(err)
	}
	s := map[string]Page{
		"themed":           shop(Page{Kind: Confirming, Ref: ref, Recorded: true, Since: 75 * time.Second, Refresh: "/callback?payment_ref=x", Theme: theme}),
		"declined-silent":  shop(Page{Kind: Declined, Ref: ref, Retry: "/buy/book"}),
		"confirming-post":  {Kind: Confirming, Action: "/callback", Fields: []Field{{"id", "x"}, {"order_id", "5"}}},
		"confirming-known": shop(Page{Kind: Confirming, Ref: ref, Recorded: true, Refresh: "/callback?payment_ref=x"}),
		"donate":           shop(Page{Kind: Checkout, Title: "حمایت از پروژه", Min: 100_000, Max: 50_000_000, Action: "/buy/donate", Wrong: WrongBounds}),
		"item":             shop(Page{Kind: Checkout, Title: "کتاب الکترونیک «راهنمای Caddy»", Amount: 1_200_000, Action: "/buy/book", Test: true}),
		"paid-content": shop(Page{Kind: NeedPayment, Offers: []Offer{
			{Title: "کتاب الکترونیک", Amount: 1_200_000, URL: "/buy/book"}, {Title: "دورهٔ کامل", Amount: 4_500_000, URL: "/buy/course"},
		}}),
	}
	for _, k := range Kinds() {
		p := shop(Page{Kind: k, Ref: ref, Refunds: true, Recorded: true})
		if k == Bounce {
			p.Action, p.Fields = "/callback", []Field{{"payment_bounce", "x.y.z"}}
		}
		if k == ToBank {
			p.Action, p.Fields = "https://bank.example/start", []Field{{"Token", "t-1"}}
		}
		s[string(k)] = p
	}
	return s
}

// TestLook writes the pages to $PAGES, for people to look at.
func TestLook(t *testing.T) {
	dir := os.Getenv("PAGES")
	if dir == "" {
		return // nobody wants to look
	}
	for name, p := range samples() {
		for _, l := range []lang.Lang{lang.FA, lang.EN} {
			p.Lang = l
			body := get(t, browser(), p).Body.String()
			// The meta refresh and the script would leave the page.
			body = regexp.MustCompile(`<meta http-equiv[^>]*>|<script>.*</script>`).ReplaceAllString(body, "")
			if err := os.WriteFile(filepath.Join(dir, name+"-"+string(l)+".html"), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func browser() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://shop.test/callback", nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("User-Agent", "Mozilla/5.0")
	return r
}

func get(t *testing.T, r *http.Request, p Page) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Write(w, r, p)
	return w
}

func TestEveryPage(t *testing.T) {
	for name, p := range samples() {
		for _, l := range []lang.Lang{lang.FA, lang.EN} {
			t.Run(name+"/"+string(l), func(t *testing.T) {
				p.Lang = l
				w := get(t, browser(), p)
				if w.Code != p.Kind.Status() {
					t.Errorf("status %d, want %d", w.Code, p.Kind.Status())
				}
				h := w.Header()
				for name, want := range map[string]string{
					"Content-Type": "text/html; charset=utf-8", "Cache-Control": "private, no-store",
					"X-Content-Type-Options": "nosniff", "Content-Language": string(l),
				} {
					if got := h.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				policyHolds(t, w)
				body := w.Body.String()
				for _, bad := range []string{"ZgotmplZ", "<no value>", "%!", " style=", " onclick", "http://"} {
					if strings.Contains(body, bad) {
						t.Errorf("the page holds %q", bad)
					}
				}
				if want := `<html lang="` + string(l) + `" dir="` + l.Dir() + `">`; !strings.Contains(body, want) {
					t.Errorf("no %s", want)
				}
				if p.Ref != "" && !strings.Contains(body, "<code>7m2k 9q4v</code>") {
					t.Error("no reference")
				}
			})
		}
	}
}

// policyHolds checks that what the page carries is what its policy allows.
func policyHolds(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	csp, body := w.Header().Get("Content-Security-Policy"), w.Body.String()
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy %q lacks %s", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("the policy is %q", csp)
	}
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(body, -1)
		if strings.Count(body, "<"+tag) != len(found) || len(found) > 1 {
			t.Errorf("%d <%s>", len(found), tag)
		}
		if strings.Contains(csp, directive) != (len(found) == 1) {
			t.Errorf("the policy %q, and %d <%s>", csp, len(found), tag)
		}
		for _, m := range found {
			sum := sha256.Sum256([]byte(m[1]))
			if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(csp, want) {
				t.Errorf("the policy %q lacks %s", csp, want)
			}
		}
	}
	if hasForm := strings.Contains(body, "<form"); hasForm == strings.Contains(csp, "form-action 'none'") {
		t.Errorf("the policy %q, form %v", csp, hasForm)
	}
}

// TestPayAgain: each page says whether to pay again, and none promises a
// refund that the provider does not document.
func TestPayAgain(t *testing.T) {
	dont := map[lang.Lang]string{lang.FA: "دوباره پرداخت نکنید", lang.EN: "not pay again"}
	for _, k := range Kinds() {
		for _, l := range []lang.Lang{lang.FA, lang.EN} {
			for _, refunds := range []bool{true, false} {
				for _, recorded := range []bool{true, false} {
					said := say(l, &Page{Kind: k, Refunds: refunds, Recorded: recorded, Title: "t"})
					all := said.Title + " " + strings.Join(said.Text, " ") + " " + said.Again
					if said.Title == "" {
						t.Errorf("%s/%s has no title", k, l)
					}
					if !refunds && (strings.Contains(all, "72") || strings.Contains(all, "۷۲")) {
						t.Errorf("%s/%s promises a refund: %s", k, l, all)
					}
					if again := k.traits().again; again != nil && !*again && !strings.Contains(said.Again, dont[l]) {
						t.Errorf("%s/%s does not say not to pay again: %s", k, l, all)
					}
				}
			}
		}
	}
	if got := say(lang.FA, &Page{Kind: Declined, Refunds: true}).Again; !strings.Contains(got, "می‌توانید دوباره پرداخت کنید") {
		t.Errorf("declined says %q", got)
	}
}

func TestUnknownKind(t *testing.T) {
	w := get(t, browser(), Page{Kind: "nonsense"})
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

func TestProgram(t *testing.T) {
	for _, k := range Kinds() {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Accept-Language", "en")
		w := get(t, r, Page{Kind: k, Ref: ref})
		mediaType, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
		if err != nil || mediaType != "application/problem+json" {
			t.Errorf("%s: %s", k, mediaType)
		}
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if p.Type != answers+string(k) || p.Status != k.Status() || p.Instance != string(ref) || p.Title == "" {
			t.Errorf("%s: %+v", k, p)
		}
		if k.Status() == http.StatusAccepted && (p.PayAgain == nil || *p.PayAgain) {
			t.Errorf("%s: pay_again %v", k, p.PayAgain)
		}
	}
}

func TestForProgram(t *testing.T) {
	for _, c := range []struct {
		header map[string]string
		want   bool
	}{
		{map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}, false},
		{map[string]string{"Accept": "application/json"}, true},
		{map[string]string{"Accept": "application/problem+json", "User-Agent": "Mozilla/5.0"}, true},
		{map[string]string{"Accept": "application/json, text/html"}, false},
		{map[string]string{"Accept": "application/json, text/html;q=0"}, true},
		{map[string]string{"Accept": "text/plain", "User-Agent": "Mozilla/5.0"}, true},
		{map[string]string{"Accept": "image/avif,image/webp", "User-Agent": "Mozilla/5.0"}, true},
		{map[string]string{"Accept": "image/avif,*/*;q=0.5", "User-Agent": "Mozilla/5.0"}, false},
		{map[string]string{"Accept": "application/xhtml+xml", "User-Agent": "Mozilla/5.0"}, false},
		{map[string]string{}, true},
		{map[string]string{"User-Agent": "Mozilla/5.0"}, false},
		{map[string]string{"Accept": "*/*", "User-Agent": "curl/8"}, true},
		{map[string]string{"Accept": "*/*", "User-Agent": "Mozilla/5.0", "Sec-Fetch-Dest": "empty"}, true},
		{map[string]string{"Accept": "*/*", "User-Agent": "Mozilla/5.0", "Sec-Fetch-Dest": "document"}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		if got := ForProgram(r); got != c.want {
			t.Errorf("%v: %v", c.header, got)
		}
	}
}

func TestHead(t *testing.T) {
	r := browser()
	r.Method = http.MethodHead
	w := get(t, r, Page{Kind: Confirming, Ref: ref})
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" || w.Header().Get("Retry-After") != "5" {
		t.Errorf("%d bytes, %v", w.Body.Len(), w.Header())
	}
}

func TestRefresh(t *testing.T) {
	w := get(t, browser(), Page{Kind: Confirming, Refresh: `/cb?a=1&ref="><script>`, After: 1500 * time.Millisecond})
	if want := `content="2; url=/cb?a=1&amp;ref=&#34;&gt;&lt;script&gt;"`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("no %s in %s", want, w.Body)
	}
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("retry after %s", got)
	}
	for _, evil := range []string{"//evil.test/", "https://evil.test/", `/\evil.test`, "javascript:alert(1)", "/a b", "/a\nb", "evil"} {
		body := get(t, browser(), Page{Kind: Confirming, Refresh: evil, Action: evil}).Body.String()
		if strings.Contains(body, "refresh\"") || strings.Contains(body, "<form") {
			t.Errorf("%q was taken", evil)
		}
	}
}

// TestHiddenFields: what a return carried comes back as text, never as markup,
// and fields named after properties of a form do not break the script.
func TestHiddenFields(t *testing.T) {
	fields := []Field{
		{"submit", "1"}, {`"><script>alert(1)</script>`, `'"><img src=x onerror=alert(1)>`}, {"order[]", "سفارش"},
	}
	body := get(t, browser(), Page{Kind: Confirming, Action: "/cb?wc-api=x&y=1", Fields: fields}).Body.String()
	if strings.Contains(body, "<img") || strings.Count(body, "<script>") != 1 {
		t.Error(body)
	}
	for _, want := range []string{`name="submit" value="1"`, `name="order[]" value="سفارش"`, `action="/cb?wc-api=x&amp;y=1"`, `data-after="5"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestReferrer(t *testing.T) {
	for name, want := range map[string]string{"item": "strict-origin", "bounce": "same-origin", "confirming-post": "same-origin", "declined": "no-referrer"} {
		if got := get(t, browser(), samples()[name]).Header().Get("Referrer-Policy"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestSums(t *testing.T) {
	p := Page{Kind: Checkout, Title: "Book", Amount: 1_234_567, Action: "/buy/book"}
	body := get(t, browser(), p).Body.String()
	for _, want := range []string{"۱۲۳٬۴۵۶٫۷", "۱٬۲۳۴٬۵۶۷"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	p = Page{Kind: Checkout, Min: 99_995, Max: 500_009, Action: "/buy/donate", Lang: lang.EN}
	body = get(t, browser(), p).Body.String()
	if want := "From 10,000 to 50,000 toman"; !strings.Contains(body, want) || !strings.Contains(body, `name="toman"`) {
		t.Errorf("no %q", want)
	}
}

// TestNothingOfTheRequest: whatever a request says, the page is the same.
func TestNothingOfTheRequest(t *testing.T) {
	plain := get(t, browser(), Page{Kind: Malformed}).Body.String()
	r := browser()
	r.URL.Path, r.URL.RawQuery, r.Host = "/canary", "canary=canary", "canary.test"
	r.Header.Set("Referer", "canary")
	r.Header.Set("Cookie", "canary=canary")
	if got := get(t, r, Page{Kind: Malformed}).Body.String(); got != plain {
		t.Error("the page differs")
	}
}

// TestSameLanguageTables: what one language has, the other has.
func TestSameLanguageTables(t *testing.T) {
	for w := range persianWords.Wrong {
		if englishWords.Wrong[w] == "" {
			t.Errorf("no English for %s", w)
		}
	}
	if len(persianWords.Wrong) != len(englishWords.Wrong) {
		t.Error("the tables differ")
	}
	if !slices.Equal(Kinds(), Kinds()) || len(Kinds()) != len(kindTraits) {
		t.Error("a kind is missing")
	}
}

func BenchmarkWrite(b *testing.B) {
	p, r := Page{Kind: Confirming, Ref: ref, Recorded: true, Refresh: "/cb?payment_ref=x"}, browser()
	b.ReportAllocs()
	for b.Loop() {
		Write(httptest.NewRecorder(), r, p)
	}
}
