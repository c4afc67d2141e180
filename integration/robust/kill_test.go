package robust_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// F01, F02: kill -9 at random moments under load. Nothing is credited twice,
// nothing is credited that was not settled, and nothing settled is lost.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	const rounds, browsers = 25, 4
	s := newStand(t, "idpay", "absent deliver", "provider idpay {", "provider idpay {\n\t\t\ttimeout 1s")
	s.shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
		_, _ = w.Write([]byte("the shop answers"))
	})
	s.start()
	s.fault(sandbox.Fault{Kind: "delay", MS: 8, Operation: "verify"})
	s.fault(sandbox.Fault{Kind: "delay", MS: 4, Operation: "verify", When: "after"})
	var mu sync.Mutex
	returns := make(map[string]*sandbox.Return) // what browsers came or will come with
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range browsers {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				b := harness.NewBrowser(t)
				b.Client.Timeout = 3 * time.Second
				id, ret, err := s.tryBuy(b)
				if err != nil {
					time.Sleep(20 * time.Millisecond) // it is down
					continue
				}
				mu.Lock()
				returns[id] = ret
				mu.Unlock()
				if p, err := come(b, ret); err == nil && p.Status != http.StatusOK && p.Status != http.StatusAccepted && p.Status != http.StatusServiceUnavailable {
					t.Errorf("a paid return got %d", p.Status)
				}
			}
		})
	}
	for range rounds {
		time.Sleep(time.Duration(40+rand.IntN(250)) * time.Millisecond)
		s.Kill()
		s.Caddy.Start()
	}
	close(stop)
	load.Wait()
	s.box.ClearFaults()

	// Every customer comes once more, as people do; then all comes to rest.
	var again sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, ret := range returns {
		slots <- struct{}{}
		again.Go(func() {
			defer func() { <-slots }()
			p, err := come(harness.NewBrowser(t), ret)
			if err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted && p.Status != http.StatusConflict {
				t.Errorf("a paid return got %d, %v", p.Status, err)
			}
		})
	}
	again.Wait()
	var all map[string]row
	harness.Wait(t, "all payments come to rest", 90*time.Second, func() bool {
		list, err := s.rows()
		if err != nil {
			return false
		}
		all = make(map[string]row, len(list))
		for _, r := range list {
			all[r.ID] = r
		}
		for id := range returns {
			switch all[id].State {
			case "delivered", "parked", "review":
			default:
				return false
			}
		}
		return true
	})
	credits := make(map[string]int)
	for _, r := range s.shop.Told() {
		credits[r.Header.Get("X-Payment-Id")]++
		if r.Header.Get("X-Payment-Amount") != "50000" {
			t.Errorf("amount %s", r.Header.Get("X-Payment-Amount"))
		}
	}
	states, reasons, settled := make(map[string]int), make(map[string]int), 0
	truth := make(map[string]sandbox.Payment)
	for _, p := range s.box.Ledger("", "", "").Payments {
		truth[p.ID] = p
	}
	for id, n := range credits {
		if n > 1 {
			t.Errorf("%s was credited %d times: %+v", id, n, all[id])
		}
		if p := truth[id]; p.Settled != 50_000 {
			t.Errorf("%s was credited and not settled: %+v", id, p)
		}
	}
	for id := range returns {
		r := all[id]
		states[r.State]++
		if r.Reason != "" {
			reasons[r.State+"/"+r.Reason]++
		}
		if truth[id].Settled > 0 {
			settled++
		}
		if r.State == "delivered" && credits[id] != 1 {
			t.Errorf("%s is delivered, the shop was told %d times", id, credits[id])
		}
		if r.State == "review" {
			t.Errorf("%s needs a person for no reason: %+v", id, r)
		}
		if truth[id].Verify.MaxInFlight > 1 {
			// Only a dead process's last call may overlap with its heir's.
			reasons["overlapping calls"]++
		}
	}
	t.Logf("%d kills, %d payments: %d settled, %d credited, states %v, %v", rounds, len(returns), settled, len(credits), states, reasons)
	if len(returns) < rounds {
		t.Errorf("only %d payments: that was no load", len(returns))
	}
}

// F15: SIGTERM while the provider is slow; the next start finishes the payment.
func TestStoppedDuringVerify(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "deliver idempotent\ntimeout 1s").start()
	b := harness.NewBrowser(t)
	id, ret := s.buy(b)
	s.fault(sandbox.Fault{Kind: "after", MS: 6000, Operation: "verify", Count: 1})
	done := make(chan struct{})
	go func() {
		defer close(done)
		p, err := come(b, ret)
		if err == nil && p.Status != http.StatusAccepted && p.Status != http.StatusOK {
			t.Errorf("status %d", p.Status)
		}
	}()
	harness.Wait(t, "the provider is asked", 10*time.Second, func() bool { return s.ledger(id).Verify.Calls == 1 })
	begin := time.Now()
	s.Stop()
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("stopping took %s", took)
	}
	<-done
	s.Caddy.Start()
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted {
		t.Errorf("%d %v", p.Status, err)
	}
	s.waitFor(id, "delivered", 20*time.Second)
	if v := s.ledger(id).Verify; s.told(id) != 1 || v.First != 1 {
		t.Errorf("told %d times, %+v", s.told(id), v)
	}
}

// 4.7: killed while the shop was being told. Nobody knows whether it credited,
// so a person looks, and the shop is not told again.
func TestKilledDuringDelivery(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "").start()
	s.shop.SetAnswer(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	id, ret := s.buy(harness.NewBrowser(t))
	go func() { _, _ = come(harness.NewBrowser(t), ret) }()
	harness.Wait(t, "the shop is told", 10*time.Second, func() bool { return s.told(id) == 1 })
	s.Kill()
	s.shop.SetAnswer(nil)
	s.Caddy.Start()
	for range 3 {
		if p, err := come(harness.NewBrowser(t), ret); err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted {
			t.Errorf("%d %v", p.Status, err)
		}
	}
	s.waitFor(id, "parked", 20*time.Second)
	if s.told(id) != 1 || s.ledger(id).Verify.Calls != 1 {
		t.Errorf("told %d times, asked %d times", s.told(id), s.ledger(id).Verify.Calls)
	}
	if r := s.record(id); r.Reason != "interrupted" {
		t.Errorf("%+v", r)
	}
}
