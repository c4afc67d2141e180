package nodes_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// F28: 256 returns of one payment at once, spread over the nodes: one question
// to the provider, one delivery as verified.
func TestReturnsSpreadOverNodes(t *testing.T) {
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d nodes", n), func(t *testing.T) {
			w := newWorld(t, servers.Cluster(t), n, "bounce off")
			browsers := make([]*harness.Browser, n)
			for i := range n {
				browsers[i] = w.browser(i)
				browsers[i].Client.Jar = nil
			}
			w.fault(sandbox.Fault{Kind: "delay", MS: 300, Operation: "verify"})
			for round := range 3 {
				id, ret := w.mustBuy(round % n)
				var codes tally
				var wait sync.WaitGroup
				gate := make(chan struct{})
				for i := range 256 {
					wait.Go(func() {
						<-gate
						p, err := come(browsers[i%n], ret)
						if err != nil {
							codes.add(err.Error())
							return
						}
						codes.add(strconv.Itoa(p.Status))
						if p.Status != http.StatusOK && p.Status != http.StatusAccepted {
							t.Errorf("status %d", p.Status)
						}
					})
				}
				close(gate)
				wait.Wait()
				w.waitState("delivered", round+1, 30*time.Second)
				if v := w.verifies(id); v.Calls != 1 || w.told(id) != 1 {
					t.Errorf("asked %d times, told %d times", v.Calls, w.told(id))
				}
				t.Logf("answers: %s", &codes)
			}
		})
	}
}

// A node is killed while it asks the provider. Another takes the payment up
// without its customer, in under 20 s, and delivers it once.
func TestNodeKilledDuringVerify(t *testing.T) {
	w := newWorld(t, servers.Cluster(t), 2, "absent deliver")
	id, ret := w.mustBuy(0)
	w.fault(sandbox.Fault{Kind: "delay", MS: 60_000, When: "after", Operation: "verify", Count: 1})
	go func() { _, _ = come(w.browser(0), ret) }()
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return w.verifies(id).Calls == 1 })
	w.nodes[0].Kill()
	begin := time.Now()
	harness.Wait(t, "the other node asks", 20*time.Second, func() bool { return w.verifies(id).Calls == 2 })
	t.Logf("taken over %s after the kill", time.Since(begin).Round(100*time.Millisecond))
	// Its customer refreshes the page.
	if p, err := come(w.browser(1), ret); err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted && p.Status != http.StatusSeeOther {
		t.Errorf("%d %v", p.Status, err)
	}
	w.waitState("delivered", 1, 90*time.Second)
	if v := w.verifies(id); v.First != 1 || w.told(id) != 1 {
		t.Errorf("told %d times, %+v", w.told(id), v)
	}
}

// F29: a node stands still past its lease while the provider answers, and goes
// on when another has delivered: it changes nothing.
func TestNodeStoppedPastItsLease(t *testing.T) {
	w := newWorld(t, servers.Cluster(t), 2, "absent deliver", "timeout 4s", "timeout 2s")
	id, ret := w.mustBuy(0)
	w.fault(sandbox.Fault{Kind: "delay", MS: 1000, When: "after", Operation: "verify", Count: 1})
	done := make(chan harness.Page, 1)
	go func() {
		p, _ := come(w.browser(0), ret)
		done <- p
	}()
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return w.verifies(id).Calls == 1 })
	w.nodes[0].Pause()
	time.Sleep(17 * time.Second) // its lease is 15 s
	if p, err := come(w.browser(1), ret); err != nil || p.Status != http.StatusOK && p.Status != http.StatusAccepted {
		t.Errorf("%d %v", p.Status, err)
	}
	w.waitState("delivered", 1, 90*time.Second)
	_, before := w.states()
	w.nodes[0].Resume()
	<-done
	time.Sleep(3 * time.Second)
	if states, after := w.states(); after != before || states["delivered"] != 1 {
		t.Errorf("the record was changed %d times by a node whose lease had ended: %v", after-before, states)
	}
	if w.told(id) != 1 {
		t.Errorf("told %d times", w.told(id))
	}
}

// What the worker has to do is shared: every node asks for a part of it.
func TestWorkIsShared(t *testing.T) {
	const payments = 60
	w := newWorld(t, servers.Cluster(t), 3, "absent deliver\ndeliver idempotent\ntimeout 1s")
	w.fault(sandbox.Fault{Kind: "status", Status: 500, Operation: "verify", Count: payments})
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for range payments {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			_, ret, err := w.buy(0) // all customers come by one node, and leave
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := come(w.browser(0), ret); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	harness.Wait(t, "all are settled", 2*time.Minute, func() bool {
		states, _ := w.states()
		return states["verified"]+states["delivering"]+states["delivered"] == payments
	})
	settled := func(i int) int {
		log := w.nodes[i].Log()
		return strings.Count(log, `"payment_verified"`) + strings.Count(log, "\tpayment_verified")
	}
	harness.Wait(t, "all have said so", 30*time.Second, func() bool { // it is on record before it is in the log
		return settled(0)+settled(1)+settled(2) >= payments
	})
	total := 0
	for i := range w.nodes {
		asked := settled(i)
		t.Logf("node %d settled %d", i, asked)
		if i > 0 && asked == 0 {
			t.Errorf("node %d did nothing", i)
		}
		total += asked
	}
	if total != payments {
		t.Errorf("%d payments were settled %d times", payments, total)
	}
	for _, p := range w.box.Ledger("", "", "").Payments {
		if v := p.Verify; v.First != 1 || v.MaxInFlight != 1 {
			t.Errorf("%s: %+v", p.ID, v)
		}
	}
}
