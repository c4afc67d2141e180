package harness

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/sandbox"
)

// Keys that the sandbox takes and that are looked for where they must not be.
const (
	APIKey     = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4" //nolint:gosec // the example of the provider's document
	MerchantID = "GXyXvV72.woCX6cvclOvIvFB0KkR5OUbLMadMlIqg"
	StoreToken = "store-token-canary-1f2e3d"
	// Secret is the signing key of the PHP vectors.
	Secret = "0123456789abcdef0123456789abcdef"
)

// Environment are the variables that Global refers to.
func Environment() []string {
	return []string{"API_KEY=" + APIKey, "MERCHANT_ID=" + MerchantID, "STORE_TOKEN=" + StoreToken, "SIGNING_KEY=" + Secret}
}

// Sandbox starts the provider's side in this process.
func Sandbox(t testing.TB, o sandbox.Options) (*sandbox.Server, string) {
	t.Helper()
	if o.Card == "" {
		o.Card = PAN
	}
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, srv.URL
}

// Global is a global options block with every provider at the sandbox.
func Global(sandboxURL string) string {
	return strings.ReplaceAll(`{
	admin {{admin}}
	auto_https off
	payments {
		storage badger ledger
		signing_key {env.SIGNING_KEY}
		provider idpay {
			api_key {env.API_KEY}
			base_url SANDBOX/idpay
		}
		provider sama {
			merchant_id {env.MERCHANT_ID}
			base_url SANDBOX/sama
		}
		provider 24pal {
			api_key {env.API_KEY}
			base_url SANDBOX/24pal
			used_ids none
		}
		provider invoice {
			api_key {env.API_KEY}
			base_url SANDBOX/invoice
			used_ids none
		}
		affiliate hamekar {
			store_token {env.STORE_TOKEN}
			base_url SANDBOX/hamekar
		}
	}
}
`, "SANDBOX", sandboxURL)
}

// Shop is an upstream that keeps what it was asked.
type Shop struct {
	URL string
	srv *httptest.Server

	mu   sync.Mutex
	seen []*Seen
	// Answer, if set, answers instead of a plain 200.
	Answer http.HandlerFunc
}

// Seen is one request that reached the shop.
type Seen struct {
	Method, URI string
	Header      http.Header
	Form        map[string][]string
	At          time.Time
}

// NewShop starts one.
func NewShop(t testing.TB) *Shop {
	t.Helper()
	s := new(Shop)
	s.srv = httptest.NewServer(s)
	s.URL = s.srv.URL
	t.Cleanup(s.srv.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	s.seen = append(s.seen, &Seen{Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone(), Form: r.PostForm, At: time.Now()})
	answer := s.Answer
	s.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	_, _ = w.Write([]byte("the shop answers"))
}

// SetAnswer replaces the answer while it runs.
func (s *Shop) SetAnswer(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Answer = f
}

// Seen are all requests so far.
func (s *Shop) Seen() []*Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Seen(nil), s.seen...)
}

// Told are the requests that said "verified", the only ones that credit.
func (s *Shop) Told() []*Seen {
	var told []*Seen
	for _, r := range s.Seen() {
		if r.Header.Get("X-Payment-Status") == "verified" {
			told = append(told, r)
		}
	}
	return told
}

// Wait polls until a condition holds.
func Wait(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited %s in vain: %s", most, what)
}

// Site is the address of a site on a free port, as `http://localhost:N`.
func Site(t testing.TB) string {
	t.Helper()
	return "http://localhost:" + strconv.Itoa(Port(t))
}

// ReadFile reads a file or fails.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
