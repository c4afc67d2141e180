package toy_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

const terminal = "toy-terminal-canary-71"

// sale is one payment at the toy.
type sale struct {
	ref, callback, receipt string
	number, amount         int64
	paid, confirmed        bool
	settled                int
}

// bank is the toy gateway: its API and its pay page.
type bank struct {
	URL string

	mu    sync.Mutex
	sales map[string]*sale
	asked map[string]int
	// failing is how many times settle fails.
	failing int
}

func newBank(t *testing.T) *bank {
	b := &bank{sales: make(map[string]*sale), asked: make(map[string]int)}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	b.URL = srv.URL
	return b
}

// count is how often a path was asked.
func (b *bank) count(path string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[path]
}

// one is the only sale.
func (b *bank) one(t *testing.T) sale {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.sales) != 1 {
		t.Fatalf("%d sales", len(b.sales))
	}
	for _, s := range b.sales {
		return *s
	}
	return sale{}
}

// ServeHTTP implements http.Handler.
func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[r.URL.Path]++
	if r.Method != http.MethodPost {
		http.Error(w, "post", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/pay" {
		b.page(w, r)
		return
	}
	var in struct {
		Terminal, Ref, Receipt, Callback string
		Number, Amount                   int64
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Terminal != terminal {
		fmt.Fprint(w, `{"code":9}`)
		return
	}
	s := b.sales[in.Ref]
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/start":
		n := len(b.sales) + 1
		s = &sale{ref: fmt.Sprintf("toyref%06d", n), number: in.Number, amount: in.Amount, callback: in.Callback}
		b.sales[s.ref] = s
		fmt.Fprintf(w, `{"code":0,"ref":%q}`, s.ref)
	case r.URL.Path == "/waiting":
		var rows []string
		for _, s := range b.sales {
			if s.paid && !s.confirmed {
				rows = append(rows, fmt.Sprintf(`{"ref":%q,"amount":%d}`, s.ref, s.amount))
			}
		}
		fmt.Fprintf(w, `{"code":0,"payments":[%s]}`, strings.Join(rows, ","))
	case s == nil || (r.URL.Path == "/confirm" || r.URL.Path == "/capture") && (!s.paid || in.Receipt != s.receipt):
		fmt.Fprint(w, `{"code":2}`)
	case r.URL.Path == "/settle" && b.failing > 0:
		b.failing--
		http.Error(w, "busy", http.StatusBadGateway)
	case r.URL.Path == "/look" && !s.paid:
		fmt.Fprint(w, `{"code":4}`)
	case r.URL.Path == "/look" && !s.confirmed:
		fmt.Fprintf(w, `{"code":5,"ref":%q,"amount":%d}`, s.ref, s.amount)
	default:
		if s.confirmed = s.confirmed || r.URL.Path == "/confirm" || r.URL.Path == "/capture"; r.URL.Path == "/settle" || r.URL.Path == "/capture" {
			s.settled++
		}
		fmt.Fprintf(w, `{"code":0,"ref":%q,"amount":%d,"card":"603799******1234"}`, s.ref, s.amount)
	}
}

// page is the pay page: it wants the reference by a form, everybody pays, and comes back
// by a form.
func (b *bank) page(w http.ResponseWriter, r *http.Request) {
	s := b.sales[r.PostFormValue("ref")]
	if s == nil || r.PostFormValue("number") != strconv.FormatInt(s.number, 10) {
		http.Error(w, "no such payment", http.StatusNotFound)
		return
	}
	s.paid, s.receipt = true, "rcpt-"+s.ref
	fmt.Fprintf(w, `<form method="post" action="%s">`, html.EscapeString(s.callback))
	for name, v := range map[string]string{"ref": s.ref, "number": strconv.FormatInt(s.number, 10), "status": "0", "receipt": s.receipt} {
		fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(v))
	}
	fmt.Fprint(w, "</form>")
}

// pay pays at the bank, and returns the form by which the customer comes back.
func (b *bank) pay(t *testing.T, customer *harness.Browser, site string) (action string, fields url.Values) {
	t.Helper()
	page, start := customer.Post(site+"/buy/mug", nil).Form(t)
	return customer.Post(page, start).Form(t)
}

// comeBack brings a customer back. A return by POST is bounced, so that the shop sees the
// customer's cookies: the second request is the one that it answers.
func comeBack(customer *harness.Browser, action string, fields url.Values) harness.Page {
	p := customer.Post(action, fields)
	if to, err := p.URL.Parse(p.Header.Get("Location")); err == nil && p.Status == http.StatusSeeOther {
		return customer.Get(to.String())
	}
	return p
}
