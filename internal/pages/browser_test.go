package pages

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestInBrowser: in a real browser, under their own policies, the bounce
// submits itself and follows a redirect to another host, the re-post does so
// with field names that shadow a form's methods, and the refresh comes.
func TestInBrowser(t *testing.T) {
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") == "1" {
			t.Fatal("no chromium")
		}
		t.Skip("no chromium")
	}

	var mu sync.Mutex
	var seen []string
	note := func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %s origin=%s referer=%s", r.Method, r.URL.RequestURI(), body, r.Header.Get("Origin"), r.Header.Get("Referer")))
	}
	bank := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r)
		fmt.Fprint(w, "<title>end</title>")
	}))
	defer bank.Close()
	mux := http.NewServeMux()
	page := func(path string, p Page) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { Write(w, r, p) })
	}
	fields := []Field{{"submit", "1"}, {"dataset", "2"}, {"order[]", "سفارش"}}
	page("/bounce", Page{Kind: Bounce, Action: "/callback?wc-api=x", Fields: []Field{{"payment_bounce", "x.y.z"}}})
	page("/again", Page{Kind: Confirming, Action: "/callback", Fields: fields, After: time.Second})
	page("/refresh", Page{Kind: Confirming, Refresh: "/known?payment_ref=a&b=c", After: time.Second})
	mux.HandleFunc("POST /callback", func(w http.ResponseWriter, r *http.Request) {
		note(r)
		http.Redirect(w, r, bank.URL+"/thanks", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /known", func(w http.ResponseWriter, r *http.Request) {
		note(r)
		fmt.Fprint(w, "<title>end</title>")
	})
	shop := httptest.NewUnstartedServer(mux)
	shop.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	shop.StartTLS()
	defer shop.Close()

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.IgnoreCertErrors)
	browser, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()

	for path, want := range map[string][]string{
		"/bounce":  {"POST /callback?wc-api=x payment_bounce=x.y.z origin=" + shop.URL + " referer=" + shop.URL + "/bounce", "GET /thanks  origin= referer="},
		"/again":   {"POST /callback submit=1&dataset=2&order%5B%5D=%D8%B3%D9%81%D8%A7%D8%B1%D8%B4 origin=" + shop.URL + " referer=" + shop.URL + "/again", "GET /thanks  origin= referer="},
		"/refresh": {"GET /known?payment_ref=a&b=c  origin= referer="},
	} {
		t.Run(path, func(t *testing.T) {
			mu.Lock()
			seen = nil
			mu.Unlock()
			if err := chromedp.Do(tab, chromedp.Navigate(shop.URL+path)); err != nil {
				t.Fatal(err)
			}
			title := ""
			for deadline := time.Now().Add(30 * time.Second); title != "end" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				title, _ = chromedp.Run(tab, chromedp.Title()) // an error is a page that is just going away
			}
			mu.Lock()
			defer mu.Unlock()
			var got []string
			for _, s := range seen {
				if !strings.Contains(s, "favicon") {
					got = append(got, s)
				}
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") || title != "end" {
				t.Errorf("seen:\n%s\nwant:\n%s\nended at: %q", strings.Join(got, "\n"), strings.Join(want, "\n"), title)
			}
		})
	}
}
