package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/payment"
)

// A payment is told to a webhook, and to people what needs one, with the lines of a
// Caddyfile; neither sees a card or a secret.
func TestWebhookAndNotify(t *testing.T) {
	const key = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
	t.Setenv("TEST_HOOK_KEY", key)
	wh, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	got := make(map[string]string) // type to body
	var text string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/sms" {
			text += string(body)
			return
		}
		if err := wh.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		var m struct{ Type string }
		_ = json.Unmarshal(body, &m)
		got[m.Type] = string(body)
	}))
	defer s.Close()
	w := newListening(t)
	w.text = strings.Replace(w.text, "storage test_memory", `storage test_memory
		webhook `+s.URL+`/hooks {
			secret {env.TEST_HOOK_KEY}
		}
		notify sms {
			on provider_down review
			report POST `+s.URL+`/sms
			body json `+"`"+`{"text":"{text}"}`+"`"+`
		}`, 1)
	w.must(w.load())
	w.buy("12")
	have := func(types ...string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, k := range types {
				if got[k] == "" {
					return false
				}
			}
			return true
		}
	}
	harness.Wait(t, "both messages", 15*time.Second, have("payment.verified", "payment.delivered"))
	e, err := w.app().Engine(t.Context())
	w.must(err)
	page, err := e.Store.List(t.Context(), payment.Listing{Order: "12"})
	w.must(err)
	card := page.Records[0].Receipt.Card
	mu.Lock()
	body := got["payment.delivered"]
	mu.Unlock()
	if card == "" || strings.Contains(body, card) || strings.Contains(body, harness.APIKey) || !strings.Contains(body, `"order":"12"`) || !strings.Contains(body, `"amount_rials":50000`) {
		t.Errorf("card %q, sent %s", card, body)
	}
	// News about a provider, each turn once.
	observe := e.Observer
	for range 3 {
		observe.Observe(engine.Event{Name: engine.EventBreaker, Record: &payment.Record{Provider: "idpay"}, Alert: true})
	}
	harness.Wait(t, "down", 10*time.Second, have("provider.down"))
	observe.Observe(engine.Event{Name: engine.EventAsked, Record: &payment.Record{Provider: "idpay"}, Outcome: engine.VerifyPaid})
	harness.Wait(t, "up", 10*time.Second, have("provider.up"))
	harness.Wait(t, "people", 15*time.Second, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(text, "the provider does not answer · idpay") && !strings.Contains(text, "answers again")
	})
}
