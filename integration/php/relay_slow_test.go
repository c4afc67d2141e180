package php_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// slow is a payment whose gateway answers late.
type slow struct {
	order string
	// plugin is after how many milliseconds the plugin gives up.
	plugin int
	// faults are the gateway's, for this payment.
	faults []sandbox.Fault
	// tabs are how many tabs of the customer's come back at once.
	tabs int
	// to are the pages at which the tabs end, sorted.
	to []string
	// later is the page of a second look, when the gateway has answered; empty: there is none.
	later string
	// calls is how often the gateway was asked to verify it, at most.
	calls int
}

const (
	received = "/order-received/"
	failed   = "/cart?failed=1"
)

func delay(ms int64, when string, count int) sandbox.Fault {
	return sandbox.Fault{Provider: "zarinpal", Operation: sandbox.OpVerify, Kind: "delay", When: when, MS: ms, Count: count}
}

// TestRelaySlowGateway: a gateway answers later than the plugin waits, than Caddy itself waits
// (8 seconds), or than `timeout` says. The customers all come at the same time.
func TestRelaySlowGateway(t *testing.T) {
	t.Parallel()
	w := slowWorld(t, "", "")
	w.late([]slow{
		{order: "601", plugin: 15000, faults: []sandbox.Fault{delay(7500, "after", 0)}, to: []string{received}, later: failed, calls: 1},
		{order: "602", plugin: 15000, faults: []sandbox.Fault{delay(8500, "after", 0)}, to: []string{received}, later: failed, calls: 1},
		// It answers the plugin's question, while ours beside it has no answer yet.
		{order: "603", plugin: 15000, faults: []sandbox.Fault{delay(10000, "after", 0)}, to: []string{received}, calls: 2},
		{order: "604", plugin: 15000, faults: []sandbox.Fault{delay(10000, "before", 0)}, to: []string{received}, calls: 2},
		// It never answers the plugin's question, and ours at once: with "first", or with
		// "already verified", which only the plugin's own explains.
		{order: "605", plugin: 15000, faults: []sandbox.Fault{delay(60000, "before", 1)}, to: []string{received}, calls: 2},
		{order: "606", plugin: 15000, faults: []sandbox.Fault{delay(60000, "after", 1)}, to: []string{received}, calls: 2},
		// The plugin gives up before: its next question hears what was answered since.
		{order: "607", plugin: 3000, faults: []sandbox.Fault{delay(6000, "after", 1)}, to: []string{failed}, later: received, calls: 1},
		{order: "608", plugin: 3000, faults: []sandbox.Fault{delay(9000, "after", 0)}, to: []string{failed}, later: received, calls: 2},
		// A second tab waits for the end of the first, and its question is not the first.
		{order: "609", plugin: 15000, faults: []sandbox.Fault{delay(8500, "after", 0)}, tabs: 2, to: []string{failed, received}, calls: 1},
		{order: "610", plugin: 3000, faults: []sandbox.Fault{delay(9000, "after", 0)}, tabs: 2, to: []string{failed, failed}, later: received, calls: 2},
		// However long we let the plugin wait, the second tab waits, too.
		{order: "611", plugin: 25000, faults: []sandbox.Fault{delay(14000, "after", 0)}, tabs: 2, to: []string{failed, received}, calls: 2},
	}, func(order, id string) {
		// A job of the shop's asks twice at once, beside the page of no customer.
		words := w.asks(id, 2)
		if !slices.Equal(words, []int{100, 101}) {
			t.Errorf("of two questions at once one is the first, not %v", words)
		}
	})
}

// TestRelaySlowWritten: with `timeout` a question is cut there, the plugin's too, and asked
// again while the plugin waits.
func TestRelaySlowWritten(t *testing.T) {
	t.Parallel()
	w := slowWorld(t, "", "\t\t\ttimeout 2s\n")
	w.late([]slow{
		{order: "621", plugin: 15000, faults: []sandbox.Fault{delay(1500, "after", 0)}, to: []string{received}, later: failed, calls: 1},
		{order: "622", plugin: 15000, faults: []sandbox.Fault{delay(4000, "before", 1)}, to: []string{received}, calls: 2},
		{order: "623", plugin: 15000, faults: []sandbox.Fault{delay(4000, "after", 2)}, to: []string{received}, calls: 3},
		{order: "624", plugin: 1000, faults: []sandbox.Fault{delay(4000, "after", 1)}, to: []string{failed}, later: received, calls: 2},
	}, nil)
}

// TestRelaySlowPage: gateway and page together take longer than we let a plugin wait for its gateway.
// The second tab waits for the page all the same.
func TestRelaySlowPage(t *testing.T) {
	t.Parallel()
	w := slowWorld(t, "", "")
	w.waits = map[string]int{"631": 18000} // with the gateway's 9 s more than 25, and as far from the 35 that a tab waits
	w.late([]slow{{order: "631", plugin: 15000, faults: []sandbox.Fault{delay(9000, "after", 0)}, tabs: 2, to: []string{failed, received}, calls: 2}}, nil)
}

// slowWorld is a shop whose PHP has a worker for each customer that waits, in a site of its own or
// in the usual one.
func slowWorld(t *testing.T, site, provider string) *world {
	t.Helper()
	fpm, err := harness.NewFPM(harness.FPMProgram(t), t.TempDir(), 32)
	if err == nil {
		err = fpm.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fpm.Stop)
	s := pluginSetup("", provider)
	s.fpm, s.site = fpm, site
	return newWorld(t, s)
}

// late lives all of them at once, and job, if any, with one more payment.
func (w *world) late(all []slow, job func(order, id string)) {
	w.t.Helper()
	timeouts, returns, ids := map[string]int{}, map[string]*sandbox.Return{}, map[string]string{}
	begin := func(order string, faults []sandbox.Fault) {
		id := w.start(order)
		ids[order], returns[order] = id, w.act(id, "pay")
		for _, f := range faults {
			f.Payment = id
			if _, err := w.box.SetFault(f); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for _, s := range all {
		timeouts[s.order] = s.plugin
		begin(s.order, s.faults)
	}
	if job != nil {
		begin("699", []sandbox.Fault{delay(8500, "after", 0)})
	}
	w.behave(map[string]any{"timeouts": timeouts, "waits": w.waits})
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() { w.lateOne(s, ids[s.order], returns[s.order]) })
	}
	if job != nil {
		wg.Go(func() { job("699", ids["699"]) })
	}
	wg.Wait()
	credits := w.credits()
	slices.Sort(credits)
	var want []string
	for _, s := range all {
		want = append(want, s.order)
	}
	if !slices.Equal(credits, want) {
		w.t.Errorf("credited are %v, not %v", credits, want)
	}
}

func (w *world) lateOne(s slow, id string, ret *sandbox.Return) {
	var tabs sync.WaitGroup
	to := make([]string, max(1, s.tabs))
	for i := range to {
		tabs.Go(func() { to[i] = strings.TrimSuffix(w.returns(ret), s.order) })
	}
	tabs.Wait()
	slices.Sort(to)
	if !slices.Equal(to, s.to) {
		w.t.Errorf("order %s: its customer ends at %v, not at %v", s.order, to, s.to)
	}
	if slices.Contains(to, received) {
		w.waitState(id, "delivered")
	} else {
		w.waitState(id, "verified")
	}
	if s.later != "" {
		if to := strings.TrimSuffix(w.returns(ret), s.order); to != s.later {
			w.t.Errorf("order %s: at a second look its customer ends at %s, not at %s", s.order, to, s.later)
		}
		w.waitState(id, "delivered")
	}
	if n := w.truth(id).Verify.Calls; n > s.calls {
		w.t.Errorf("order %s: the gateway was asked %d times, not %d", s.order, n, s.calls)
	}
}

// asks is n questions about a payment at once, and the codes that are heard, sorted.
func (w *world) asks(id string, n int) []int {
	var wg sync.WaitGroup
	codes := make([]int, n)
	client := http.Client{Timeout: 30 * time.Second}
	for i := range codes {
		wg.Go(func() {
			res, err := client.Post(w.site+"/-/pay/relay-secret-canary-77/zarinpal/pg/v4/payment/verify.json", "application/json",
				strings.NewReader(`{"merchant_id":"6a7f99eb-7c20-4412-a972-6dfb7cd253a4","amount":50000,"authority":"`+id+`"}`))
			if err != nil {
				w.t.Error(err)
				return
			}
			defer res.Body.Close()
			var said struct{ Data struct{ Code int } }
			if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
				w.t.Error(err)
			}
			codes[i] = said.Data.Code
		})
	}
	wg.Wait()
	slices.Sort(codes)
	return codes
}
