package returns_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A01–A05 and A07 where nothing but IDPay's own answer names the order.
func TestReceiptsWithoutIntent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay")
	w.start()
	b := harness.NewBrowser(t)
	back := func(id, order, status string) string {
		return site + "/back?status=" + status + "&id=" + id + "&order_id=" + order
	}
	t.Run("A01 an invented id", func(t *testing.T) {
		refused(t, b.Get(back(strings.Repeat("ab", 16), "101", "100")))
	})
	t.Run("A02 never paid", func(t *testing.T) {
		bill := w.made("idpay", "102", 50_000, site+"/back")
		refused(t, b.Get(back(bill.ID, "102", "10")))
	})
	t.Run("A03 the replay of a delivered return", func(t *testing.T) {
		_, ret := w.paid("idpay", "103", 50_000, site+"/back")
		status(t, come(b, ret), http.StatusOK)
		told, asked := len(shop.Told()), w.asked()
		for _, who := range []*harness.Browser{b, harness.NewBrowser(t), b} {
			p := come(who, ret)
			status(t, p, http.StatusOK)
			if p.Body == "the shop answers" {
				t.Error("the shop was asked again")
			}
		}
		if len(shop.Told()) != told || w.asked() != asked {
			t.Errorf("told %d more, asked %d more", len(shop.Told())-told, w.asked()-asked)
		}
	})
	t.Run("A05 the receipt of one order with another", func(t *testing.T) {
		bill, ret := w.paid("idpay", "104", 50_000, site+"/back")
		refused(t, b.Get(back(bill.ID, "105", "10")))
		status(t, come(b, ret), http.StatusOK)
		if h := shop.Told()[len(shop.Told())-1].Header; h.Get("X-Payment-Order") != "104" {
			t.Errorf("credited %s", h.Get("X-Payment-Order"))
		}
		refused(t, b.Get(back(bill.ID, "105", "100")))
	})
	t.Run("A07 two receipts for one order", func(t *testing.T) {
		_, first := w.paid("idpay", "106", 50_000, site+"/back")
		bill, second := w.paid("idpay", "106", 50_000, site+"/back")
		status(t, come(b, first), http.StatusOK)
		told := len(shop.Told())
		refused(t, come(b, second))
		if calls := w.ledger(bill.ID).Verify.Calls; calls != 0 {
			t.Errorf("the second was asked for %d times", calls)
		}
		if len(shop.Told()) != told {
			t.Error("the second was delivered")
		}
	})
	t.Run("a documented unpaid return", func(t *testing.T) {
		asked, wrote := w.asked(), w.writes(site)
		for _, s := range []string{"1", "2", "3", "7", "8"} {
			bill := w.made("idpay", "107", 50_000, site+"/back")
			refused(t, b.Get(back(bill.ID, "107", s)))
		}
		if w.asked() != asked || w.writes(site) != wrote {
			t.Errorf("asked %d, wrote %d", w.asked()-asked, w.writes(site)-wrote)
		}
	})
	t.Run("A13 a paid one tampered to unpaid", func(t *testing.T) {
		bill, ret := w.paid("idpay", "108", 50_000, site+"/back")
		refused(t, b.Get(back(bill.ID, "108", "7")))
		status(t, come(b, ret), http.StatusOK)
	})
	t.Run("A51 no difference between unknown and foreign", func(t *testing.T) {
		bill, _ := w.paid("idpay", "109", 50_000, site+"/back")
		unknown := b.Get(back(strings.Repeat("cd", 16), "110", "10"))
		foreign := b.Get(back(bill.ID, "110", "10"))
		if unknown.Status != foreign.Status || without(unknown.Body, "Reference") != without(foreign.Body, "Reference") {
			t.Errorf("%d and %d:\n%s\n%s", unknown.Status, foreign.Status, unknown.Body, foreign.Body)
		}
	})
	t.Run("A12 the environment is no parameter", func(t *testing.T) {
		_, ret := w.paid("idpay", "111", 50_000, site+"/back")
		status(t, b.Get(ret.URL+"&sandbox=1&test_ipn=1", "X-SANDBOX", "1"), http.StatusOK)
		if h := shop.Told()[len(shop.Told())-1].Header; h.Get("X-Payment-Environment") != "live" {
			t.Errorf("%s", h.Get("X-Payment-Environment"))
		}
	})
}

// without drops the lines that name a reference, which no two pages share.
func without(body, word string) string {
	var kept []string
	for line := range strings.SplitSeq(body, "\n") {
		if !strings.Contains(line, word) && !strings.Contains(line, "<code") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// A07 with intents: who comes with a payment that was announced may know that
// its order is paid, and is told not to pay once more.
func TestSecondPaymentIsNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	first, _ := begin(t, b, site, "101", 50_000)
	second, _ := begin(t, b, site, "101", 50_000)
	status(t, come(b, w.act(first, "pay")), http.StatusOK)
	p := come(b, w.act(second, "pay"))
	refused(t, p)
	if !strings.Contains(p.Body, "already") || strings.Contains(p.Body, "You may pay again") {
		t.Errorf("the page does not say that the order is paid:\n%s", p.Body)
	}
	if calls := w.ledger(second).Verify.Calls; calls != 0 || len(shop.Told()) != 1 {
		t.Errorf("the second was asked for %d times; told %d", calls, len(shop.Told()))
	}
}

// A07 where unverified money does not go back by itself: the second payment was
// captured, so a person decides.
func TestSecondPaymentOfTheScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back 24pal {\nexpect intent\n}")
	k := &keeper{w: w, provider: "24pal", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	b := harness.NewBrowser(t)
	first, _ := begin(t, b, site, "101", 50_000)
	second, _ := begin(t, b, site, "101", 50_000)
	status(t, come(b, w.act(first, "pay")), http.StatusOK)
	status(t, come(b, w.act(second, "pay")), http.StatusConflict)
	if r := w.record(second); r.State != "review" || r.Reason != "second_payment" {
		t.Errorf("%+v", r)
	}
	if n := len(shop.Told()); n != 1 {
		t.Errorf("told %d times", n)
	}
	t.Run("declined on the bank's page", func(t *testing.T) {
		id, _ := begin(t, b, site, "102", 50_000)
		refused(t, come(b, w.act(id, "decline")))
		if calls := w.ledger(id).Verify.Calls; calls != 1 {
			t.Errorf("what is not documented must be asked: %d calls", calls)
		}
		t.Run("M9 and then paid after all", func(t *testing.T) {
			ret := w.act(id, "pay")
			harness.Wait(t, "the payment is taken", 30e9, func() bool { return come(b, ret).Status == http.StatusOK })
			if r := w.record(id); r.State != "delivered" {
				t.Errorf("%+v", r)
			}
		})
	})
}

// A04, C14: with the store gone a consumed receipt is a person's matter, never
// credit.
func TestReplayAfterTheStoreWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay\nverify /script 24pal {\nexpect signed\n}")
	w.start()
	b := harness.NewBrowser(t)
	bill, ret := w.paid("idpay", "101", 50_000, site+"/back")
	status(t, come(b, ret), http.StatusOK)
	key := harness.Sign(harness.ReturnKey(t, harness.Secret), site, "/script", "24pal", "201", 50_000, hour())
	script, again := w.paid("24pal", "", 50_000, site+"/script?"+key.Encode())
	status(t, come(b, again), http.StatusOK)
	told := len(shop.Told())

	w.Stop()
	ledger := filepath.Join(w.Data(), "ledger")
	if _, err := os.Stat(ledger); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(ledger); err != nil {
		t.Fatal(err)
	}
	w.Caddy.Start()
	status(t, come(b, ret), http.StatusConflict)
	if r := w.record(bill.ID); r.State != "review" || r.Reason != "already_verified" {
		t.Errorf("idpay: %+v", r)
	}
	status(t, come(b, again), http.StatusConflict)
	if r := w.record(script.ID); r.State != "review" {
		t.Errorf("24pal: %+v", r)
	}
	// A81, M7: the same with an attempt that ends in silence first.
	w.Stop()
	if err := os.RemoveAll(ledger); err != nil {
		t.Fatal(err)
	}
	w.Caddy.Start()
	w.fault(sandbox.Fault{Kind: "reset", Operation: "verify", Payment: bill.ID, Count: 1})
	p := come(b, ret)
	harness.Wait(t, "the payment comes to rest", 20e9, func() bool { return w.record(bill.ID).State == "review" })
	if p.Status != http.StatusAccepted && p.Status != http.StatusConflict {
		t.Errorf("status %d", p.Status)
	}
	if len(shop.Told()) != told {
		t.Errorf("credited %d times more", len(shop.Told())-told)
	}
}
