package robust_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// killsAtOnce is how many Caddys are killed side by side, campaign how often
// the processes of one ledger are before its books are compared.
const (
	killsAtOnce = 2
	campaign    = 150
)

// F02: kill -9 at random moments under load, at the start too. Nothing is
// credited twice, nothing is credited that was not settled, and nothing that was
// paid is lost.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	kills := amount(t, envKills, 300)
	report := newProgress("kill -9 at random moments under load", kills)
	bin := harness.Plain(t)
	var mu sync.Mutex
	var sum result
	var lanes sync.WaitGroup
	left := kills
	next := func() (n, id int) {
		mu.Lock()
		defer mu.Unlock()
		n = min(campaign, left)
		left -= n
		return n, left / campaign
	}
	for range killsAtOnce {
		lanes.Go(func() {
			var resting sync.WaitGroup
			for n, id := next(); n > 0; n, id = next() {
				b := newBooks(t, bin, id%2 == 0)
				slow(b.stand)
				b.killed(n, report)
				// While the last of them come to rest, the next are killed.
				resting.Go(func() {
					res := b.compare(b.rest(150 * time.Second))
					b.Kill()
					mu.Lock()
					defer mu.Unlock()
					sum.add(res)
				})
			}
			resting.Wait()
		})
	}
	lanes.Wait()
	t.Logf("%d kills: %s", kills, sum)
	report.end(sum)
	if sum.paid < kills {
		t.Errorf("only %d payments: that was no load", sum.paid)
	}
}

// slow gives kills a chance to strike in the middle of a call.
func slow(s *stand) {
	s.t.Helper()
	s.shop.SetAnswer(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
		_, _ = w.Write([]byte("the shop answers"))
	})
	s.fault(sandbox.Fault{Kind: "delay", MS: 8, Operation: "verify"})
	s.fault(sandbox.Fault{Kind: "delay", MS: 4, Operation: "verify", When: "after"})
}

// killed kills n processes under load; the one after the last is left to come to
// rest.
func (b *books) killed(n int, report *progress) {
	b.t.Helper()
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if b.serve() == nil {
					time.Sleep(5 * time.Millisecond) // it is down
				}
			}
		})
	}
	for range n {
		if err := b.liveAWhile(); err != nil {
			b.t.Error(err)
			break
		}
		b.Kill()
		report.step(1)
	}
	b.Caddy.Start()
	close(stop)
	load.Wait()
	b.box.ClearFaults()
	b.everybodyComes(func(*customer) bool { return rand.IntN(8) == 0 })
}

// liveAWhile starts a process and returns when it is to die: mostly after it has
// served for a moment, however slow the machine is, else in its start.
func (b *books) liveAWhile() error {
	exited, err := b.Launch()
	if err != nil {
		return err
	}
	span := between(0, 250*time.Millisecond)
	if rand.IntN(5) > 0 {
		for end := time.Now().Add(30 * time.Second); !b.Serving() && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		span = between(0, 450*time.Millisecond)
	}
	select {
	case <-time.After(span):
		return nil
	case <-exited:
		return errors.New("the process ended by itself")
	}
}

// F15: SIGTERM while the provider is slow; the next start finishes the payment.
func TestStoppedDuringVerify(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "deliver idempotent\ntimeout 1s").start()
	b := harness.NewCustomer(t)
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
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return s.ledger(id).Verify.Calls == 1 })
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
	id, ret := s.buy(harness.NewCustomer(t))
	go func() { _, _ = come(harness.NewCustomer(t), ret) }()
	harness.Wait(t, "the shop is told", 30*time.Second, func() bool { return s.told(id) == 1 })
	s.Kill()
	s.shop.SetAnswer(nil)
	s.Caddy.Start()
	for range 3 {
		if p, err := come(harness.NewCustomer(t), ret); err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted {
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
