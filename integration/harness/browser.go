package harness

import (
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Browser is a customer's browser without a screen: it keeps cookies and says
// that it wants pages, and follows nothing by itself.
type Browser struct {
	Client *http.Client
	t      testing.TB
}

// Page is an answer that a browser got.
type Page struct {
	Status int
	Header http.Header
	Body   string
	// URL is what was asked for.
	URL *url.URL
}

// NewBrowser returns a browser without cookies.
func NewBrowser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, Client: &http.Client{
		Jar: jar, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// customers is how many browsers had an address of their own.
var customers atomic.Uint32

// NewCustomer opens a browser at a loopback address that no other has: what is
// bounded for each client is not shared by those of a test.
func NewCustomer(t testing.TB) *Browser {
	t.Helper()
	return NewBrowser(t).From(NewAddress().String())
}

// NewAddress is a loopback address that no other customer has.
func NewAddress() net.IP {
	n := customers.Add(1)
	return net.IPv4(127, byte(1+n>>16), byte(n>>8), byte(n))
}

// From gives a browser an address.
func (b *Browser) From(address string) *Browser {
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}
	b.t.Cleanup(transport.CloseIdleConnections)
	b.Client.Transport = transport
	return b
}

// Get opens a page.
func (b *Browser) Get(address string, header ...string) Page {
	b.t.Helper()
	return b.do(http.MethodGet, address, "", header)
}

// Post sends a form.
func (b *Browser) Post(address string, form url.Values, header ...string) Page {
	b.t.Helper()
	return b.do(http.MethodPost, address, form.Encode(), header)
}

func (b *Browser) do(method, address, body string, header []string) Page {
	b.t.Helper()
	p, err := b.Try(method, address, body, header...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	return p
}

// Try is Get and Post for those who expect no answer. header are pairs.
func (b *Browser) Try(method, address, body string, header ...string) (Page, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return Page{}, err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (test)")
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	req.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.Client.Do(req)
	if err != nil {
		return Page{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Page{}, err
	}
	p := Page{Status: res.StatusCode, Header: res.Header, Body: string(text), URL: req.URL}
	p.search(b.t)
	return p, nil
}

// search looks for secrets in what a browser was told.
func (p Page) search(t testing.TB) {
	if t == nil {
		return // a browser that several tests share
	}
	t.Helper()
	var all strings.Builder
	_ = p.Header.Write(&all)
	all.WriteString(p.Body)
	// The bank's own page sends the browser back with all that a bank sends.
	bank := slices.ContainsFunc([]string{"/p/ws", "/pg/StartPay/", "/invoice/pay/", "/nx/gateway/payment/", "/v3/pay/start/"},
		func(page string) bool { return strings.Contains(p.URL.Path, page) })
	for _, found := range leaks([]byte(all.String()), func(k canary) bool { return k.card && bank }) {
		t.Errorf("secrets: the answer of %s: %s", p.URL.Path, found)
	}
}

// Location is the address that a redirect leads to, absolute.
func (p Page) Location(t testing.TB) string {
	t.Helper()
	to, err := p.URL.Parse(p.Header.Get("Location"))
	if err != nil || p.Header.Get("Location") == "" {
		t.Fatalf("status %d of %s is no redirect: %q\n%s", p.Status, p.URL, p.Header.Get("Location"), p.Body)
	}
	return to.String()
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// Form is the page's first form: where it goes, and its hidden fields.
func (p Page) Form(t testing.TB) (action string, fields url.Values) {
	t.Helper()
	m := formAction.FindStringSubmatch(p.Body)
	if m == nil {
		t.Fatalf("no form in the answer of %s (status %d):\n%s", p.URL, p.Status, p.Body)
	}
	to, err := p.URL.Parse(html.UnescapeString(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	fields = make(url.Values)
	for _, f := range formField.FindAllStringSubmatch(p.Body, -1) {
		fields.Add(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return to.String(), fields
}
