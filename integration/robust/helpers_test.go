// Package robust_test breaks what can break beside a payment: the provider, the
// process, the disk, the browser, the configuration.
package robust_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// stand is one Caddy with a checkout in front of one shop, and its sandbox.
type stand struct {
	*harness.Caddy
	t    *testing.T
	box  *sandbox.Server
	url  string
	site string
	shop *harness.Shop
	text string
}

// newStand prepares a site that sells a mug for 50,000 rials at /buy/mug and
// takes its customers back at /back. global are edits of the global options in
// pairs, verify the options of the route.
func newStand(t *testing.T, provider, verify string, global ...string) *stand {
	t.Helper()
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	s := &stand{t: t, box: box, url: boxURL, site: harness.Site(t), shop: harness.NewShop(t)}
	s.text = strings.NewReplacer(global...).Replace(harness.Global(boxURL)) + s.site + ` {
	payments {
		checkout /buy ` + provider + ` {
			item mug 50000rial
		}
		verify /back ` + provider + ` {
			` + verify + `
		}
	}
	reverse_proxy ` + s.shop.URL + `
}
`
	return s
}

func (s *stand) start() *stand {
	s.t.Helper()
	s.prepare().Caddy.Start()
	return s
}

func (s *stand) prepare() *stand {
	s.t.Helper()
	s.Caddy = harness.New(s.t, s.text, harness.Environment()...)
	return s
}

// buy starts a payment, pays it at the bank, and returns its id and the return
// that the browser would now make.
func (s *stand) buy(b *harness.Browser) (id string, ret *sandbox.Return) {
	s.t.Helper()
	id, ret, err := s.tryBuy(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return id, ret
}

func (s *stand) tryBuy(b *harness.Browser) (id string, ret *sandbox.Return, err error) {
	p, err := b.Try(http.MethodPost, s.site+"/buy/mug", "")
	if err != nil {
		return "", nil, err
	}
	if p.Status != http.StatusSeeOther {
		return "", nil, fmt.Errorf("checkout: status %d", p.Status)
	}
	link := p.Header.Get("Location")
	id = link[strings.LastIndexByte(link, '/')+1:]
	acted, err := s.box.Act(id, "pay")
	if err != nil {
		return "", nil, err
	}
	return id, acted.Return, nil
}

func (s *stand) fault(f sandbox.Fault) {
	s.t.Helper()
	if _, err := s.box.SetFault(f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) ledger(id string) sandbox.Payment {
	s.t.Helper()
	l := s.box.Ledger("", id, "")
	if len(l.Payments) != 1 {
		s.t.Fatalf("%d payments with id %s", len(l.Payments), id)
	}
	return l.Payments[0]
}

// row is a record as the admin endpoint shows it.
type row struct {
	Ref, State, Reason, ID, Order, Conversion string
	Deliveries                                int
	Money                                     string
}

func (s *stand) rows() ([]row, error) {
	var all []row
	cursor := ""
	for {
		res, err := http.Get("http://" + s.Admin + "/payments/list?limit=500&cursor=" + url.QueryEscape(cursor))
		if err != nil {
			return nil, err
		}
		var page struct {
			Payments []row
			Next     string
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("listing payments: %s: %w", res.Status, err)
		}
		all = append(all, page.Payments...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// record is the record of an id; the zero row while there is none.
func (s *stand) record(id string) row {
	s.t.Helper()
	all, err := s.rows()
	if err != nil {
		return row{}
	}
	for _, r := range all {
		if r.ID == id {
			return r
		}
	}
	return row{}
}

func (s *stand) waitFor(id, state string, most time.Duration) {
	s.t.Helper()
	var last row
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if last = s.record(id); last.State == state {
			return
		}
	}
	s.t.Fatalf("payment %s is %+v after %s, not %s", id, last, most, state)
}

// told is how often the shop was told that an id is paid.
func (s *stand) told(id string) (n int) {
	for _, r := range s.shop.Told() {
		if r.Header.Get("X-Payment-Id") == id {
			n++
		}
	}
	return n
}

// come sends a return as a browser does.
func come(b *harness.Browser, ret *sandbox.Return) (harness.Page, error) {
	if ret.Method == http.MethodGet {
		return b.Try(http.MethodGet, ret.URL, "")
	}
	return b.Try(http.MethodPost, ret.URL, form(ret).Encode())
}

func form(ret *sandbox.Return) url.Values {
	v := make(url.Values)
	for name, value := range ret.Form {
		v.Set(name, value)
	}
	return v
}

// tally counts answers.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[what]++
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.n)
}

func contains(s, part string) bool { return strings.Contains(s, part) }
