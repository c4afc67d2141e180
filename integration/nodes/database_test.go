package nodes_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// The database is down: 503 on what concerns payments and nothing else, also for
// a node that starts meanwhile; and it goes on by itself when it is back.
func TestDatabaseDown(t *testing.T) {
	db := pgtest.Start(t)
	w := newWorld(t, db, 2, "absent deliver\nbounce off")
	id, ret := w.mustBuy(0)
	db.Kill()
	w.nodes[1].Kill()
	w.nodes[1].Start()
	for i := range w.nodes {
		b := w.browser(i)
		b.Client.Timeout = 30 * time.Second
		// The first may wait for an answer; from then on it is known.
		_, _ = come(b, ret)
		for range 3 {
			p, err := come(b, ret)
			if err != nil || p.Status != http.StatusServiceUnavailable {
				t.Errorf("node %d, a return: %d %v", i, p.Status, err)
			}
		}
		for _, address := range []string{"http://" + host + "/", "http://" + plain + "/"} {
			if p, err := b.Try(http.MethodGet, address, ""); err != nil || p.Status != http.StatusOK {
				t.Errorf("node %d, %s: %d %v", i, address, p.Status, err)
			}
		}
	}
	db.Again(t)
	harness.Wait(t, "the return is taken", 30*time.Second, func() bool {
		p, err := come(w.browser(1), ret)
		return err == nil && p.Status == http.StatusOK
	})
	w.waitState("delivered", 1, 30*time.Second)
	if w.told(id) != 1 || w.verifies(id).Calls != 1 {
		t.Errorf("told %d times, asked %d times", w.told(id), w.verifies(id).Calls)
	}
	for _, n := range w.nodes {
		if strings.Contains(n.Log(), harness.Secret) || strings.Contains(n.Log(), harness.APIKey) {
			t.Error("a secret is in the log")
		}
	}
}

// F35: the database is killed again and again under load. Nothing is credited
// twice, nothing is credited that was not settled, nothing settled is lost.
func TestDatabaseKilledUnderLoad(t *testing.T) {
	const rounds, browsers = 8, 4
	db := pgtest.Start(t)
	w := newWorld(t, db, 2, "absent deliver", "timeout 4s", "timeout 1s")
	w.shop.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
		_, _ = rw.Write([]byte("the shop answers"))
	})
	var mu sync.Mutex
	returns := make(map[string]*sandbox.Return)
	stop := make(chan struct{})
	var load sync.WaitGroup
	for n := range browsers {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				id, ret, err := w.buy(n % 2)
				if err != nil {
					time.Sleep(20 * time.Millisecond)
					continue
				}
				mu.Lock()
				returns[id] = ret
				mu.Unlock()
				b := w.browser((n + 1) % 2)
				b.Client.Timeout = 10 * time.Second
				if p, err := come(b, ret); err == nil && p.Status >= 400 && p.Status != http.StatusServiceUnavailable {
					t.Errorf("a paid return got %d", p.Status)
				}
			}
		})
	}
	for i := range rounds {
		time.Sleep(time.Duration(200+rand.IntN(800)) * time.Millisecond)
		if i%2 == 0 {
			db.Kill()
		} else {
			db.Immediate()
		}
		db.Again(t)
	}
	time.Sleep(time.Second)
	close(stop)
	load.Wait()
	comeAgain(t, w, returns)
	w.checkBooks(returns, rounds)
}

// comeAgain: every customer comes once more, as people do.
func comeAgain(t *testing.T, w *world, returns map[string]*sandbox.Return) {
	t.Helper()
	harness.Wait(t, "the nodes are ready", 30*time.Second, func() bool {
		for i := range w.nodes {
			if p, err := w.browser(i).Try(http.MethodPost, "http://"+host+"/buy/mug", ""); err != nil || p.Status != http.StatusSeeOther {
				return false
			}
		}
		return true
	})
	var again sync.WaitGroup
	slots := make(chan struct{}, 8)
	n := 0
	for _, ret := range returns {
		slots <- struct{}{}
		n++
		i := n % len(w.nodes)
		again.Go(func() {
			defer func() { <-slots }()
			p, err := come(w.browser(i), ret)
			if err != nil || p.Status >= 400 && p.Status != http.StatusConflict {
				t.Errorf("a paid return got %d, %v", p.Status, err)
			}
		})
	}
	again.Wait()
}

// checkBooks compares what the shop was told with the bank's ledger.
func (w *world) checkBooks(returns map[string]*sandbox.Return, kills int) {
	t := w.t
	t.Helper()
	// A delivery whose end the database had not yet on its disk is parked when its
	// lease is over, which is longer than a test should take.
	var states map[string]int
	rest := func() int {
		return states["delivered"] + states["parked"] + states["review"] + states["delivering"]
	}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if states, _ = w.states(); rest() >= len(returns) {
			break
		}
	}
	if rest() != len(returns) {
		t.Fatalf("%d payments do not come to rest: %v", len(returns), states)
	}
	credits := make(map[string]int)
	for _, r := range w.shop.Told() {
		credits[r.Header.Get("X-Payment-Id")]++
	}
	settled := 0
	for _, p := range w.box.Ledger("", "", "").Payments {
		if returns[p.ID] == nil {
			continue
		}
		if p.Settled > 0 {
			settled++
		}
		if credits[p.ID] > 1 {
			t.Errorf("%s was credited %d times", p.ID, credits[p.ID])
		}
		if credits[p.ID] > 0 && p.Settled != 50_000 {
			t.Errorf("%s was credited and not settled", p.ID)
		}
	}
	if states["delivered"] > len(credits) {
		t.Errorf("%d are delivered, the shop heard of %d", states["delivered"], len(credits))
	}
	t.Logf("%d kills, %d payments: %d settled, %d credited, %v", kills, len(returns), settled, len(credits), states)
	if len(returns) < kills {
		t.Errorf("only %d payments: that was no load", len(returns))
	}
}

// F37: the primary dies and a standby takes over that has lost the tail. What was
// credited and forgotten is not credited again: a person looks.
func TestFailoverThatLostTheTail(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.Standby(t)
	w := newWorldAt(t, primary, pgtest.DSNs([]*pgtest.Cluster{primary, standby}), 2, "absent deliver\nbounce off")
	known, knownRet := w.mustBuy(0)
	if p, err := come(w.browser(0), knownRet); err != nil || p.Status != http.StatusOK {
		t.Fatal(p.Status, err)
	}
	w.waitState("delivered", 1, 20*time.Second)
	// One that is created before the standby falls behind, one that the standby
	// has as "being asked", and one that it never hears of.
	created, createdRet := w.mustBuy(0)
	asked, askedRet := w.mustBuy(1)
	w.fault(sandbox.Fault{Kind: "delay", MS: 2500, When: "after", Operation: "verify", Payment: asked, Count: 1})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = come(w.browser(1), askedRet)
	}()
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return w.verifies(asked).Calls == 1 })
	time.Sleep(500 * time.Millisecond)
	standby.CutOff(t)
	time.Sleep(500 * time.Millisecond)
	<-done
	never, neverRet := w.mustBuy(0)
	for _, ret := range []*sandbox.Return{createdRet, neverRet} {
		if p, err := come(w.browser(0), ret); err != nil || p.Status != http.StatusOK {
			t.Fatal(p.Status, err)
		}
	}
	w.waitState("delivered", 4, 20*time.Second)
	for _, id := range []string{known, created, asked, never} {
		if w.told(id) != 1 {
			t.Fatalf("%s: told %d times before the failover", id, w.told(id))
		}
	}
	primary.Kill()
	standby.Promote(t)
	w.db = standby
	answers := make(map[string]int)
	for name, ret := range map[string]*sandbox.Return{"known": knownRet, "created": createdRet, "asked": askedRet, "never": neverRet} {
		harness.Wait(t, "the new primary is used", 30*time.Second, func() bool {
			p, err := come(w.browser(0), ret)
			answers[fmt.Sprint(name, " ", p.Status)]++
			return err == nil && p.Status != http.StatusServiceUnavailable
		})
	}
	// Everybody keeps coming; nothing is credited again.
	for range 5 {
		time.Sleep(2 * time.Second)
		for i, ret := range []*sandbox.Return{knownRet, createdRet, askedRet, neverRet} {
			_, _ = come(w.browser(i%2), ret)
		}
	}
	for _, id := range []string{known, created, asked, never} {
		if w.told(id) != 1 {
			t.Errorf("%s: told %d times", id, w.told(id))
		}
	}
	states, _ := w.states()
	t.Logf("%v, %v", answers, states)
	if states["delivered"] != 1 || states["review"] < 2 {
		t.Errorf("%v: what can't be known belongs to a person", states)
	}
}
