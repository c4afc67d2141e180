package pages

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// A shop's pages carry its name, logo, colour, way home and whom to ask, and their
// policy allows just that.
func TestTheme(t *testing.T) {
	theme, err := NewTheme("/shop1", `Books & "more"`, "/logo.svg", "#e67e22", "https://www.shop.example.com/contact/")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds() {
		w := get(t, browser(), Page{Kind: k, Ref: ref, Theme: theme, Assets: "/shop1", ShopURL: "/shop1/home", Lang: lang.EN})
		body, csp := w.Body.String(), w.Header().Get("Content-Security-Policy")
		for _, want := range []string{
			"Books &amp; &#34;more&#34;", `<img src="/shop1/logo.svg" alt="" height="40">`, "--btn:#e67e22;--on:#000",
			`href="https://www.shop.example.com/contact/"><bdi dir="auto">shop.example.com/contact</bdi></a>`, "url(/shop1/.payments/vazirmatn-33.woff2)",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in %s", k, want, body)
			}
		}
		if !strings.Contains(csp, "img-src 'self'") || !strings.Contains(csp, "font-src 'self'") {
			t.Errorf("%s: the policy is %q", k, csp)
		}
		policyHolds(t, w)
	}
	for _, color := range []string{"e67e2", "#e67e222", "red", "e67e2g", "##e67e2", "e67e22;}", ""} {
		if _, err := NewTheme("", "n", "", color, ""); (err == nil) != (color == "") {
			t.Errorf("colour %q: %v", color, err)
		}
	}
	for color, on := range map[string]string{"000000": "#fff", "ffffff": "#000", "1d4ed8": "#fff", "ffd400": "#000", "137a3a": "#fff"} {
		if got, err := onColor(color); err != nil || got != on {
			t.Errorf("letters on %s are %s, %v", color, got, err)
		}
	}
	for path, ok := range map[string]bool{"/logo.svg": true, "logo.svg": false, "//evil/x": false, "https://x/y": false, "/a)b": false, "/a b": false} {
		if err := CheckLocal(path); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// Each page is there in both languages, whole, and a link that needs no request changes
// between them.
func TestBothLanguages(t *testing.T) {
	for name, p := range samples() {
		w := get(t, browser(), p)
		body := w.Body.String()
		fa, en := say(lang.FA, &p).Title, say(lang.EN, &p).Title
		for _, want := range []string{`id="fa"`, `id="en"`, `href="#fa"`, `href="#en"`, fa} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		if p.Kind != Checkout && !strings.Contains(body, en) {
			t.Errorf("%s: no %s", name, en)
		}
		if forms := strings.Count(body, "<form"); forms != 0 && forms != 2 {
			t.Errorf("%s: %d forms", name, forms)
		}
		ids := regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(body, -1)
		seen := make(map[string]bool)
		for _, id := range ids {
			if seen[id[1]] {
				t.Errorf("%s: the id %s is there twice", name, id[1])
			}
			seen[id[1]] = true
		}
	}
}

// What a person reads out is short and has a name of its own; a program gets all of it.
func TestShortReference(t *testing.T) {
	if got := Short(ref); got != "7m2k 9q4v" {
		t.Errorf("%q", got)
	}
	body := get(t, browser(), Page{Kind: Parked, Ref: ref}).Body.String()
	if !strings.Contains(body, "شناسهٔ پرداخت") || strings.Contains(body, "کد پیگیری") || strings.Contains(body, string(ref)) {
		t.Error(body)
	}
	r := browser()
	r.Header.Set("Accept", "application/json")
	if body := get(t, r, Page{Kind: Review, Ref: ref}).Body.String(); !strings.Contains(body, string(ref)) {
		t.Error(body)
	}
}

// A customer who waits sees for how long; one who cancelled is not alarmed; a payment
// that was not started speaks of no money that was taken.
func TestWhatPagesSay(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "", 12 * time.Second: "۱۲ ثانیه", 119 * time.Second: "۱۱۹ ثانیه", 2 * time.Minute: "۲ دقیقه", 3 * time.Hour: "۱۸۰ دقیقه"} {
		body := get(t, browser(), Page{Kind: Confirming, Recorded: true, Since: d}).Body.String()
		if want == "" && strings.Contains(body, `class="since"`) || !strings.Contains(body, want) {
			t.Errorf("%s: no %q", d, want)
		}
	}
	w := get(t, browser(), Page{Kind: Cancelled, Retry: "/buy/mug", ShopURL: "/"})
	if w.Code != http.StatusPaymentRequired || strings.Contains(w.Body.String(), `<main class="bad"`) || !strings.Contains(w.Body.String(), `href="/buy/mug"`) {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	for _, l := range []lang.Lang{lang.FA, lang.EN} {
		said := say(l, &Page{Kind: NotStarted, Refunds: true})
		all := strings.Join(said.Text, " ") + said.Again + wordsOf(l).Wrong[WrongProvider]
		for _, word := range []string{"برمی‌گردد", "۷۲", "comes back", "72", "If you have paid", "اگر پرداخت کرده"} {
			if strings.Contains(all, word) {
				t.Errorf("%s: %s", l, all)
			}
		}
	}
}
