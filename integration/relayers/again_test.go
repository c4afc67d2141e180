// Package relayers_test runs every gateway that can be relayed against its twin in the sandbox,
// through the engine: what a shop hears must be what its gateway says.
package relayers_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/idpay"
	"github.com/rahgir/caddy-payments/providers/invoice"
	"github.com/rahgir/caddy-payments/providers/nextpay"
	"github.com/rahgir/caddy-payments/providers/payping"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/sama"
	"github.com/rahgir/caddy-payments/providers/vandar"
	"github.com/rahgir/caddy-payments/providers/zarinpal"
	"github.com/rahgir/caddy-payments/providers/zibal"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage/memory"
)

const (
	key  = "relayers-key-0123456789"
	uuid = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4"
	back = "https://shop.test/cb?o=7"
)

// gateway is one that can be relayed, and how plugins speak to it about 50,000 rials.
type gateway struct {
	make func(base string) payment.Relayer
	// create and verify are a path and a body; verify's have %s for the id, and PROOF
	// for what else it must be told.
	create, verify [2]string
	header         map[string]string
}

// onlyOne: a repeated verify is answered like the first, so nobody can tell them apart.
var onlyOne = map[string]bool{"invoice": true}

var gateways = map[string]gateway{
	"zarinpal": {
		make: func(base string) payment.Relayer {
			p := &zarinpal.Provider{MerchantID: uuid}
			p.BaseURL = base
			return p
		},
		create: [2]string{"/pg/v4/payment/request.json", `{"merchant_id":"` + uuid + `","amount":50000,"callback_url":"` + back + `","description":"d"}`},
		verify: [2]string{"/pg/v4/payment/verify.json", `{"merchant_id":"` + uuid + `","amount":50000,"authority":"%s"}`},
	},
	"zibal": {
		make:   func(base string) payment.Relayer { p := &zibal.Provider{Merchant: key}; p.BaseURL = base; return p },
		create: [2]string{"/v1/request", `{"merchant":"` + key + `","amount":50000,"callbackUrl":"` + back + `"}`},
		verify: [2]string{"/v1/verify", `{"merchant":"` + key + `","trackId":%s}`},
	},
	"nextpay": {
		make:   func(base string) payment.Relayer { p := &nextpay.Provider{APIKey: key}; p.BaseURL = base; return p },
		create: [2]string{"/nx/gateway/token", `{"api_key":"` + key + `","order_id":"7","amount":5000,"callback_uri":"` + back + `"}`},
		verify: [2]string{"/nx/gateway/verify", `{"api_key":"` + key + `","trans_id":"%s","amount":5000}`},
	},
	"vandar": {
		make:   func(base string) payment.Relayer { p := &vandar.Provider{APIKey: key}; p.BaseURL = base; return p },
		create: [2]string{"/api/v4/send", `{"api_key":"` + key + `","amount":50000,"callback_url":"` + back + `"}`},
		verify: [2]string{"/api/v4/verify", `{"api_key":"` + key + `","token":"%s"}`},
	},
	"payping": {
		make:   func(base string) payment.Relayer { p := &payping.Provider{Token: key}; p.BaseURL = base; return p },
		header: map[string]string{"Authorization": "Bearer " + key},
		create: [2]string{"/v3/pay", `{"amount":5000,"returnUrl":"` + back + `","clientRefId":"7"}`},
		verify: [2]string{"/v3/pay/verify", `{"paymentRefId":PROOF,"paymentCode":"%s","amount":5000}`},
	},
	"idpay": {
		make:   func(base string) payment.Relayer { p := &idpay.Provider{APIKey: uuid}; p.BaseURL = base; return p },
		header: map[string]string{"X-Api-Key": uuid},
		create: [2]string{"/v1.1/payment", `{"order_id":"7","amount":50000,"callback":"` + back + `"}`},
		verify: [2]string{"/v1.1/payment/verify", `{"id":"%s","order_id":"7"}`},
	},
	"sama": {
		make:   func(base string) payment.Relayer { p := &sama.Provider{MerchantID: uuid}; p.BaseURL = base; return p },
		create: [2]string{"/api/pg/v2/payment/request.json/", `{"merchant_id":"` + uuid + `","amount":50000,"callback_url":"` + back + `"}`},
		verify: [2]string{"/api/pg/v2/payment/verify.json/", `{"merchant_id":"` + uuid + `","amount":50000,"authority":"%s"}`},
	},
	"invoice": {
		make: func(base string) payment.Relayer {
			p := &invoice.Provider{Account: invoice.Account{APIKey: key}}
			p.BaseURL = base
			return p
		},
		create: [2]string{"/invoice/request", `{"api_key":"` + key + `","amount":50000,"return_url":"` + back + `"}`},
		verify: [2]string{"/invoice/check/%s", `{"api_key":"` + key + `"}`},
	},
}

// world is one gateway in the sandbox, and an engine that relays it.
type world struct {
	*engine.Engine
	t     *testing.T
	name  string
	gate  gateway
	relay payment.Relayer
	bank  *sandbox.Server
	id    string
	proof string
}

func newWorld(t *testing.T, name string) *world {
	t.Helper()
	bank, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(bank)
	t.Cleanup(server.Close)
	w := &world{t: t, name: name, gate: gateways[name], bank: bank}
	w.relay = w.gate.make(server.URL + "/" + name)
	if err := providertest.Provision(t, w.relay.(caddy.Provisioner)); err != nil {
		t.Fatal(err)
	}
	w.Engine, err = engine.New(t.Context(), engine.Config{
		Store: memory.New(nil), Sites: shop{}, Observer: quiet{},
		Providers: map[string]engine.Provider{name: {Provider: w.relay, Timeout: payment.DefaultTimeout, Patience: payment.RelayPatience}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// The shop creates, and its customer pays.
	var made string
	w.relayed(payment.RelayCreate, w.gate.create, func(r payment.RelayReply) {
		made, _ = w.relay.ReadCreated(r)
	})
	if w.id = made; made == "" {
		t.Fatal("nothing was created")
	}
	acted, err := bank.Act(made, sandbox.ActionPay)
	if err != nil {
		t.Fatal(err)
	}
	came := returned(t, acted.Return)
	c, err := w.relay.ReadReturn(func(name string) string { return came[name] })
	if err != nil {
		t.Fatal(err)
	}
	w.proof = c.Proof
	return w
}

// call is one call of a plugin's.
func (w *world) call(of [2]string) payment.RelayCall {
	path, body := of[0], of[1]
	if strings.Contains(path, "%s") {
		path = fmt.Sprintf(path, w.id)
	} else if strings.Contains(body, "%s") {
		body = fmt.Sprintf(body, w.id)
	}
	return payment.RelayCall{Method: http.MethodPost, Path: path, Type: "application/json", Body: []byte(strings.Replace(body, "PROOF", w.proof, 1)), Header: w.gate.header}
}

// relayed makes a call through the engine. heard is called with the answer, if there is one.
func (w *world) relayed(kind payment.RelayKind, of [2]string, heard func(payment.RelayReply)) {
	w.t.Helper()
	call := w.call(of)
	ask, err := w.relay.ReadCall(kind, call)
	if err != nil {
		w.t.Fatal(err)
	}
	c := engine.Relay{
		Site: "shop.test", Route: "/cb " + w.name, Provider: w.name, Call: call, Ask: ask, Bound: true, Policy: engine.Policy{Once: true, Many: true},
		Say: func(r payment.RelayReply) bool { heard(r); return true }, Break: func() {},
	}
	if kind == payment.RelayCreate {
		w.RelayCreate(w.t.Context(), c)
		return
	}
	w.RelayVerify(w.t.Context(), c)
}

// ask is what a plugin hears that verifies.
func (w *world) ask() (a payment.Answer, heard bool) {
	w.relayed(payment.RelayVerify, w.gate.verify, func(r payment.RelayReply) { a, heard = w.relay.ReadVerified(r), true })
	return a, heard
}

// direct is what the gateway itself answers.
func (w *world) direct() payment.Answer {
	return w.relay.ReadVerified(w.relay.ForwardCall(w.t.Context(), w.call(w.gate.verify)))
}

func (w *world) books() sandbox.Payment {
	w.t.Helper()
	all := w.bank.Ledger(w.name, w.id, "").Payments
	if len(all) != 1 {
		w.t.Fatalf("%d payments", len(all))
	}
	return all[0]
}

func (w *world) record() *payment.Record {
	w.t.Helper()
	rec, err := w.RelayOf(w.t.Context(), w.name, w.id)
	if err != nil || rec == nil {
		w.t.Fatalf("%v, %v", rec, err)
	}
	return rec
}

// returned are the parameters with which a customer comes back.
func returned(t *testing.T, r *sandbox.Return) map[string]string {
	t.Helper()
	params := map[string]string{}
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range u.Query() {
		params[name] = v[0]
	}
	maps.Copy(params, r.Form)
	return params
}

type shop struct{}

func (shop) Policy(*payment.Record) (engine.Policy, bool) {
	return engine.Policy{Once: true, Many: true}, true
}
func (shop) Deliver(context.Context, *payment.Record) engine.Handed {
	return engine.Handed{Unsent: true}
}
func (shop) Expect(context.Context, *payment.Record) (payment.Expectation, error) {
	return payment.Expectation{}, engine.ErrUnanswered
}

type quiet struct{}

func (quiet) Observe(engine.Event) {}

// What was verified elsewhere is answered as its gateway answers, at the first ask and at each
// later one: one call of the gateway's each, and no more inquiries than asks. Our books say
// why, and never that it is unknown.
func TestVerifiedElsewhere(t *testing.T) {
	const asks = 6
	for name := range gateways {
		for _, mute := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, inquiries answered: %v", name, !mute), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, name)
				if first := w.direct(); first.Outcome != payment.OutcomePaid {
					t.Fatalf("the gateway: %+v", first)
				}
				if mute {
					if _, err := w.bank.SetFault(sandbox.Fault{Operation: "inquiry", Kind: "status", Status: http.StatusInternalServerError}); err != nil {
						t.Fatal(err)
					}
				}
				want, before := w.direct().Outcome, w.books()
				firsts := 0
				for n := range asks {
					a, heard := w.ask()
					if a.Outcome == payment.OutcomePaid {
						firsts++
					}
					if !heard || a.Outcome != want {
						t.Errorf("ask %d: heard %v: %v, and the gateway says %v", n+1, heard, a.Outcome, want)
					}
				}
				after := w.books()
				if calls := after.Verify.Calls - before.Verify.Calls; calls > asks || !onlyOne[name] && calls < asks {
					t.Errorf("%d asks cost %d verify calls", asks, calls)
				}
				if n := after.Inquiries - before.Inquiries; n > asks {
					t.Errorf("%d asks cost %d inquiries", asks, n)
				}
				r := w.record()
				if elsewhere := r.State == payment.Review && r.Reason == payment.ReasonElsewhere; !onlyOne[name] && (!elsewhere || firsts > 0) {
					t.Errorf("it is %s (%s), and the shop heard \"first\" %d times", r.State, r.Reason, firsts)
				}
			})
		}
	}
}

// An answer to the shop's ask that was truly lost is explained by the gateway's "again", whatever
// that lacks: the shop hears "first" in the same ask, and then never again.
func TestALostAnswerIsExplained(t *testing.T) {
	for name := range gateways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, name)
			if _, err := w.bank.SetFault(sandbox.Fault{Operation: "verify", Kind: "reset", When: "after", Count: 1}); err != nil {
				t.Fatal(err)
			}
			if a, heard := w.ask(); !heard || a.Outcome != payment.OutcomePaid {
				t.Fatalf("heard %v: %+v; it is %s (%s)", heard, a, w.record().State, w.record().Reason)
			}
			if n := w.books(); n.Verify.Calls > 3 || n.Inquiries > 2 {
				t.Errorf("%d verify calls, %d inquiries", n.Verify.Calls, n.Inquiries)
			}
			if r := w.record(); r.State != payment.Delivered {
				t.Errorf("it is %s (%s)", r.State, r.Reason)
			}
			if a, heard := w.ask(); !heard || a.Outcome != payment.OutcomeAgain && !onlyOne[name] {
				t.Errorf("then it heard %+v", a)
			}
		})
	}
}
