package returns_test

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

func randomID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// DESIGN 9, A59: a flood of invented ids is paced; who has proof is served at
// once beside it, and never told to go away.
func TestStrangersArePaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "\t\tprovider idpay other {\n\t\t\tapi_key 9ad0e1cc-2f7b-43a5-8c09-3b1d54f7a6e2\n\t\t\tbase_url SANDBOX_URL/idpay\n\t\t}")
	w.text = strings.ReplaceAll(w.text, "SANDBOX_URL", w.url)
	open, _ := w.plain("verify /back other {\ntimeout 2s\n}")
	site, shop := w.plain("verify /back idpay {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	type one struct {
		id  string
		ret *sandbox.Return
	}
	var genuine []one
	for i := range 5 {
		id, _ := begin(t, b, site, string(rune('a'+i)), 50_000)
		genuine = append(genuine, one{id, w.act(id, "pay")})
	}
	// A bank that takes its time makes the flood fill the queues.
	w.fault(sandbox.Fault{Kind: "delay", MS: 100, Operation: "verify"})
	start := time.Now()
	var wait sync.WaitGroup
	var mu sync.Mutex
	codes := make(map[int]int)
	for range 20 {
		wait.Go(func() {
			for range 5 {
				p, err := harness.NewBrowser(t).Try(http.MethodGet, open+"/back?status=10&order_id=1&id="+randomID(), "")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				codes[p.Status]++
				mu.Unlock()
			}
		})
	}
	for _, g := range genuine {
		before := time.Now()
		p := come(b, g.ret)
		if p.Status != http.StatusOK || time.Since(before) > 5*time.Second {
			t.Errorf("a genuine return: %d after %s", p.Status, time.Since(before))
		}
		time.Sleep(100 * time.Millisecond)
	}
	wait.Wait()
	took := time.Since(start)
	calls := w.box.Ledger("", "", "").Totals.VerifyUnknown
	if most := 20 + int(10*took.Seconds()) + 2; calls > most || calls == 0 {
		t.Errorf("%d calls in %s, at most %d", calls, took, most)
	}
	t.Logf("100 invented ids in %s: %d calls, answers %v", took.Round(time.Millisecond), calls, codes)
	for code := range codes {
		if code >= 500 || code == http.StatusOK {
			t.Errorf("a stranger got %d", code)
		}
	}
	if n := len(shop.Told()); n != len(genuine) {
		t.Errorf("%d genuine returns were delivered", n)
	}
	// A61: what nobody knows never opens the breaker.
	if strings.Contains(w.Log(), "provider_breaker") {
		t.Error("the breaker opened")
	}
}

// A10: a "no" to a stranger stands for ten seconds per (id, order).
func TestNegativeAnswersAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.plain("verify /back idpay")
	w.start()
	b := harness.NewBrowser(t)
	id := randomID()
	for range 10 {
		refused(t, b.Get(site+"/back?status=10&order_id=101&id="+id))
	}
	if n := w.box.Ledger("", "", "").Totals.VerifyUnknown; n != 1 {
		t.Errorf("asked %d times", n)
	}
	refused(t, b.Get(site+"/back?status=10&order_id=102&id="+id))
	if n := w.box.Ledger("", "", "").Totals.VerifyUnknown; n != 2 {
		t.Errorf("another order: asked %d times", n)
	}
}

// A62 without any intent: one call in flight per id, one delivery, and nobody
// is told that something is wrong.
func TestManyStrangersWithOneReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay")
	w.start()
	bill, ret := w.paid("idpay", "101", 50_000, site+"/back")
	w.fault(sandbox.Fault{Kind: "delay", MS: 500, Operation: "verify"})
	var wait sync.WaitGroup
	var mu sync.Mutex
	codes := make(map[int]int)
	for range 100 {
		wait.Go(func() {
			p, err := harness.NewBrowser(t).Try(http.MethodGet, ret.URL, "")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			codes[p.Status]++
			mu.Unlock()
		})
	}
	wait.Wait()
	v := w.ledger(bill.ID).Verify
	if v.Calls != 1 || v.MaxInFlight != 1 || len(shop.Told()) != 1 {
		t.Errorf("%d calls, %d at once, told %d times", v.Calls, v.MaxInFlight, len(shop.Told()))
	}
	t.Logf("100 returns of one stranger's receipt: %v", codes)
	for code := range codes {
		if code != http.StatusOK && code != http.StatusAccepted {
			t.Errorf("%d answers with status %d", codes[code], code)
		}
	}
}
