package attacks_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// floods: as much as a test may, so that who counts is seen. A plugin's cell is
// FLOOD where every stranger's request is a question to the provider.
func floods() []attack {
	asking := []string{tolerant, strict, authority}
	return []attack{
		{
			id: "A40", name: "forwarded_for", title: "X-Forwarded-For, Forwarded and X-Real-IP, a new one each time, to dodge the limits (CVE-2026-0692)",
			ours: []string{silent}, plugins: asking, alone: true,
			run: func(x *trial) {
				x.flood(60, func(n int) (*harness.Browser, []string) {
					ip := fmt.Sprintf("203.0.113.%d", n)
					return x.stranger(), []string{"X-Forwarded-For", ip, "Forwarded", "for=" + ip, "X-Real-IP", ip}
				})
			},
		},
		{
			id: "A59", name: "invented_ids_from_one_client", title: "a flood of well-formed invented ids from one client", ours: []string{silent}, plugins: asking, alone: true,
			run: func(x *trial) {
				x.flood(100, func(int) (*harness.Browser, []string) { return x.stranger(), nil })
			},
		},
		{
			id: "A60", name: "invented_ids_from_many_clients", title: "the same from as many addresses", ours: []string{announced, silent}, plugins: asking, alone: true,
			run: func(x *trial) {
				x.flood(100, func(n int) (*harness.Browser, []string) { return x.from(x.client(10 + n)), nil })
			},
		},
		{
			id: "A61", name: "tripping_the_breaker", title: "invented ids, so that the provider's errors stop all payments", none: "it has no breaker", ours: []string{silent}, alone: true,
			run: func(x *trial) {
				x.flood(50, func(n int) (*harness.Browser, []string) { return x.from(x.client(10 + n)), nil })
				x.ours(!strings.Contains(x.w.Log(), "provider_breaker"), "the breaker opened")
			},
		},
		{
			id: "A62", name: "one_id_from_many_connections", title: "one genuine id from 100 connections at once", plugins: []string{tolerant},
			run: func(x *trial) {
				id, order, ret := x.paid(x.customer(), 50_000)
				x.box.gather(8)
				codes := x.all(100, func(n int) (harness.Page, error) { return x.try(x.from(x.client(10+n)), ret) })
				for code := range codes {
					x.ours(code == http.StatusOK || code == http.StatusAccepted, "%v", codes)
				}
				v := x.truth(id).Verify
				x.ours(v.Calls == 1 && v.MaxInFlight == 1 && x.credited(order) == 1, "%+v, credited %d times", v, x.credited(order))
				if v.Calls > 5 {
					x.say(flood, "%+v", v)
				}
			},
		},
		{
			id: "A64", name: "disk_filled_by_claims", title: "records written for returns that nobody explains", none: "it keeps no record of them",
			run: func(x *trial) {
				b := x.stranger()
				for range 20 {
					x.get(b, x.back+"?id="+x.invented())
				}
				x.ours(len(x.rows()) == 0, "malformed returns left %d records", len(x.rows()))
				for range 5 {
					x.refused(x.send(b, x.forged(x.invented(), "A64-1")))
				}
				for range 50 {
					p, err := x.try(b, x.forged(x.invented(), "A64-1"))
					x.ours(err == nil && p.Status != http.StatusOK && p.Status < 500, "%d %v", p.Status, err)
				}
				most := 5 // traces of what nothing announced, for each client
				if x.how == silent {
					most = 45 // what waits for its turn, and is kept for a day
				}
				x.ours(len(x.rows()) <= most, "%d records", len(x.rows()))
			},
		},
		{
			// 500 returns and 30 s, scaled by ten. Our plugins wait 1.5 s where
			// published ones wait 5 s and more.
			id: "A65", name: "slow_provider", title: "a provider that settles at once and answers late, many customers at once", plugins: asking,
			run: func(x *trial) {
				x.fault(sandbox.Fault{Kind: "delay", When: "after", MS: 2500, Operation: "verify"})
				rets := make([]*sandbox.Return, 25)
				orders := make([]string, len(rets))
				for n := range rets {
					_, orders[n], rets[n] = x.paid(x.customer(), 50_000)
				}
				codes := x.all(len(rets), func(n int) (harness.Page, error) {
					p, err := x.try(x.from(x.client(10+n)), rets[n])
					return p, err
				})
				for code := range codes {
					x.ours(code == http.StatusOK || code == http.StatusAccepted, "%v", codes)
				}
				x.box.ClearFaults()
				for n, order := range orders {
					x.ends(x.customer(), rets[n], order)
				}
			},
		},
		{
			id: "A66", name: "expensive_to_read", title: "parameters that are expensive to take apart", plugins: asking,
			run: func(x *trial) {
				b := x.stranger()
				for _, body := range []string{
					strings.Repeat("[", 60<<10), strings.Repeat("&", 60<<10), strings.Repeat("a[", 30<<10), strings.Repeat("%25", 20<<10), strings.Repeat("=&", 30<<10), "id=" + strings.Repeat("%f0%9f", 10<<10),
				} {
					p, err := x.ask(b, http.MethodPost, x.site+x.back, "status=10&"+body)
					x.ours(err == nil && p.Status == http.StatusBadRequest, "%.10s: %d %v", body, p.Status, err)
				}
				x.ours(len(x.runs()) == 0, "PHP ran")
				_, order, ret := x.paid(x.customer(), 50_000)
				x.ends(x.customer(), ret, order)
			},
		},
	}
}

// flood brings invented ids, all at once, beside one who has paid.
func (x *trial) flood(n int, who func(int) (*harness.Browser, []string)) {
	x.Helper()
	known := x.order(50_000)
	id, order, ret := x.paid(x.customer(), 50_000)
	begin := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		codes := x.all(n, func(i int) (harness.Page, error) {
			b, header := who(i)
			return x.try(b, x.forged(x.invented(), known), header...)
		})
		for code := range codes {
			x.ours(code != http.StatusOK && code < 500, "%v", codes)
		}
	}()
	if x.how != silent {
		x.status(x.come(x.customer(), ret), http.StatusOK)
	}
	<-done
	calls := x.box.about(known)
	most := 20 + int(10*time.Since(begin).Seconds()) + 2
	if calls > most {
		x.say(flood, "%d questions for %d requests, at most %d", calls, n, most)
	}
	// Who comes with a genuine payment and nothing to show for it waits a little.
	x.ends(x.customer(), ret, order)
	x.ours(x.truth(id).Verify.First == 1, "%+v", x.truth(id).Verify)
}

// all does n things at once and counts the answers.
func (x *trial) all(n int, do func(int) (harness.Page, error)) map[int]int {
	x.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	codes := make(map[int]int)
	for i := range n {
		wait.Go(func() {
			p, err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				x.ours(false, "%v", err)
				return
			}
			codes[p.Status]++
		})
	}
	wait.Wait()
	return codes
}
