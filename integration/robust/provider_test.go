package robust_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// F19–F24: whatever a provider does, a paying customer never hears "not paid",
// and the payment is settled once the provider is back.
func TestProviderFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  sandbox.Fault
		review bool
	}{
		"F20 settles, answers too late": {sandbox.Fault{Kind: "after", MS: 1500}, false},
		"F20 settles, resets":           {sandbox.Fault{Kind: "reset", When: "after"}, false},
		"F19 resets":                    {sandbox.Fault{Kind: "reset"}, false},
		"F19 never answers":             {sandbox.Fault{Kind: "hang", MS: 3000}, false},
		"F21 500":                       {sandbox.Fault{Kind: "status", Status: 500}, false},
		"F21 500 after settling":        {sandbox.Fault{Kind: "status", Status: 500, When: "after"}, false},
		"F21 503":                       {sandbox.Fault{Kind: "status", Status: 503}, false},
		"F21 429":                       {sandbox.Fault{Kind: "status", Status: 429, RetryAfter: 2}, false},
		"F22 HTML":                      {sandbox.Fault{Kind: "html"}, false},
		"F22 HTML after settling":       {sandbox.Fault{Kind: "html", When: "after"}, false},
		"F22 nothing":                   {sandbox.Fault{Kind: "empty"}, false},
		"F22 half a JSON":               {sandbox.Fault{Kind: "truncate"}, false},
		"F22 cut off":                   {sandbox.Fault{Kind: "cut"}, false},
		"F22 a megabyte":                {sandbox.Fault{Kind: "big"}, false},
		"F24 keys twice":                {sandbox.Fault{Kind: "duplicate_keys"}, false},
		"A52 a redirect":                {sandbox.Fault{Kind: "redirect", Location: "http://192.0.2.1/"}, false},
		"F23 another id":                {sandbox.Fault{Kind: "wrong_id"}, true},
		"F23 another order":             {sandbox.Fault{Kind: "wrong_order"}, true},
		"F23 another amount":            {sandbox.Fault{Kind: "wrong_amount", Delta: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faulty(t, c.fault, c.review)
		})
	}
}

// faulty is one payment that a fault strikes, in a Caddy of its own: together
// they would open the breaker.
func faulty(t *testing.T, f sandbox.Fault, review bool) {
	s := newStand(t, "idpay", "", "provider idpay {", "provider idpay {\n\t\t\ttimeout 1s").start()
	b := harness.NewCustomer(t)
	id, ret := s.buy(b)
	f.Operation, f.Payment, f.Count = "verify", id, 1
	s.fault(f)
	p, err := come(b, ret)
	if err != nil {
		t.Fatal(err)
	}
	if review {
		if p.Status != http.StatusConflict || s.told(id) != 0 {
			t.Errorf("status %d, told %d times", p.Status, s.told(id))
		}
		if r := s.record(id); r.State != "review" {
			t.Errorf("%+v", r)
		}
		return
	}
	if p.Status != http.StatusAccepted {
		t.Fatalf("status %d", p.Status)
	}
	if p.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// The page refreshes itself, by a pointer, until the worker has asked again.
	harness.Wait(t, "the page ends", 25*time.Second, func() bool {
		p = follow(t, b, p)
		if p.Status == http.StatusPaymentRequired || p.Status >= 500 {
			t.Fatalf("status %d", p.Status)
		}
		time.Sleep(200 * time.Millisecond)
		return p.Status == http.StatusOK
	})
	if p.Body != "the shop answers" {
		t.Errorf("the page ended with %s", p.Body)
	}
	if s.told(id) != 1 {
		t.Errorf("told %d times", s.told(id))
	}
	if v := s.ledger(id).Verify; v.MaxInFlight > 1 || v.First+v.Again == 0 {
		t.Errorf("%+v", v)
	}
}

// S2-12: a wrong key is the owner's matter, never the customer's, and is mended
// by a reload within the window.
func TestKeyIsMendedByAReload(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "deliver idempotent")
	good := s.text
	s.start()
	b := harness.NewCustomer(t)
	id, ret := s.buy(b)
	s.fault(sandbox.Fault{Kind: "error", Code: "12", Operation: "verify", Payment: id})
	p, err := come(b, ret)
	if err != nil || p.Status != http.StatusAccepted {
		t.Fatalf("%d %v", p.Status, err)
	}
	harness.Wait(t, "somebody is told", 30*time.Second, func() bool { return contains(s.Log(), "provider_needs_owner") })
	s.box.ClearFaults()
	s.Write(good + "# changed\n")
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	harness.Wait(t, "the page ends", 30*time.Second, func() bool {
		p = follow(t, b, p)
		time.Sleep(200 * time.Millisecond)
		return p.Status == http.StatusOK
	})
	if s.told(id) != 1 {
		t.Errorf("told %d times", s.told(id))
	}
}
