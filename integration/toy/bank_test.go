package toy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
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

// page is the pay page: it wants the reference by a form, and everybody pays.
func (b *bank) page(w http.ResponseWriter, r *http.Request) {
	s := b.sales[r.PostFormValue("ref")]
	if s == nil || r.PostFormValue("number") != strconv.FormatInt(s.number, 10) {
		http.Error(w, "no such payment", http.StatusNotFound)
		return
	}
	s.paid, s.receipt = true, "rcpt-"+s.ref
	u, _ := url.Parse(s.callback)
	q := u.Query()
	for name, v := range map[string]string{"ref": s.ref, "number": strconv.FormatInt(s.number, 10), "status": "0", "receipt": s.receipt} {
		q.Set(name, v)
	}
	u.RawQuery = q.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}
