package returns_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// Five customers who paid and have no proof come while strangers from hundreds of
// addresses bring well-formed inventions: each is on record at once or told so,
// and is served well inside the bank's ten minutes.
func TestGenuineCustomersBesideAFloodOfStrangers(t *testing.T) {
	t.Parallel()
	const (
		strangers = 24 // at once
		genuine   = 5
		most      = 90 * time.Second
	)
	w := newWorld(t, sandbox.Options{}, "")
	w.behindProxy()
	site, shop := w.plain("verify /back idpay {\nexpect none\ntimeout 2s\n}")
	w.start()
	stop := make(chan struct{})
	var flood sync.WaitGroup
	var sent, wrong atomic.Int64
	for n := range strangers {
		flood.Go(func() {
			b := harness.NewBrowser(t)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				// Half from a hundred addresses, half from ever new /64s of one provider.
				from := fmt.Sprintf("198.51.100.%d", 1+(i*strangers+n)%100)
				if i%2 == 0 {
					from = fmt.Sprintf("2001:db8:%x:%x::1", n, i)
				}
				p, err := b.Try(http.MethodGet, fmt.Sprintf("%s/back?status=10&track_id=1&order_id=x%d-%d&id=%s", site, n, i, randomID()), "", "X-Forwarded-For", from)
				if sent.Add(1); err != nil || p.Status == http.StatusOK || p.Status >= 500 {
					wrong.Add(1)
				}
			}
		})
	}
	time.Sleep(15 * time.Second) // until all that strangers may use is used up
	var customers sync.WaitGroup
	waited := make([]time.Duration, genuine)
	for n := range genuine {
		bill, ret := w.paid("idpay", fmt.Sprint("genuine-", n), 50_000, site+"/back")
		customers.Go(func() {
			b := harness.NewBrowser(t)
			for began := time.Now(); time.Since(began) < most; time.Sleep(2 * time.Second) { // the page refreshes itself
				p, err := b.Try(http.MethodGet, ret.URL, "", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", 10+n))
				if err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted && p.Status != http.StatusTooManyRequests {
					t.Errorf("customer %d: %d %v", n, p.Status, err)
				}
				if w.ledger(bill.ID).Verify.First == 1 && p.Status == http.StatusOK {
					waited[n] = time.Since(began)
					return
				}
			}
			t.Errorf("customer %d has not been served after %s", n, most)
		})
	}
	customers.Wait()
	close(stop)
	flood.Wait()
	t.Logf("%d inventions; the customers waited %v", sent.Load(), waited)
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d inventions were not refused as they should", n)
	}
	if n := len(shop.Told()); n != genuine {
		t.Errorf("the shop was told of %d payments", n)
	}
}
