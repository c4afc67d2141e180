package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// On relayed and observed routes an order may be paid more than once unless the owner
// writes `orders once`: the shop decides what an order may take.
func TestOrdersOfAPluginAreMany(t *testing.T) {
	t.Parallel()
	for orders, many := range map[string]bool{"": true, "many": true, "once": false} {
		if got := (&Observe{Orders: orders}).policy(); got.Many != many || !got.Once {
			t.Errorf("orders %q: %+v", orders, got)
		}
	}
	h := numberedShop(t, "3714061849", "/cb?o=1")
	h.Verify = nil
	r := asked(httptest.NewRequest(http.MethodPost, "http://shop.test:12112/-/pay/secret/p/create", nil))
	for callback, leads := range map[string]bool{
		"":                               false, // a verify
		"http://shop.test:12112/cb?o=1":  true,  // an observed return
		"http://shop.test:12112/other":   true,  // one that no route takes
		"http://elsewhere.test/cb":       false,
		"https://shop.test:12112/cb?o=1": true, // (the scheme is another origin; the host tells)
	} {
		u, err := url.Parse(callback)
		if err != nil {
			t.Fatal(err)
		}
		if callback == "" {
			u = nil
		}
		site, led := h.calledFor(r, u, "p")
		if !site.Policy.Many || !site.Policy.Once || led != leads {
			t.Errorf("%q: %+v, leads %v", callback, site.Policy, led)
		}
		if u == nil {
			continue
		}
		if at, ok := h.callback(t.Context(), u, "p", nil); ok && !at.Policy.Many {
			t.Errorf("%q, at a listener: %+v", callback, at.Policy)
		}
	}
}

// What a shop's answer to its customer's return says: `refused` goes before everything
// else, `ack` says what proves a credit, and `paid_when` that it is paid.
func TestWhatAnAnswerToAReturnSays(t *testing.T) {
	t.Parallel()
	redirect := func(to string) http.Header { return http.Header{"Location": {to}} }
	cart := []Refused{{Mode: refusedRedirect, Patterns: []string{"*/cart*"}}}
	for name, c := range map[string]struct {
		route  Observe
		status int
		header http.Header
		said   payment.ShopPage
		paid   bool
	}{
		"199":                     {Observe{}, 199, http.Header{}, payment.PageBad, false},
		"200":                     {Observe{}, 200, http.Header{}, payment.PageGood, false},
		"302":                     {Observe{}, 302, redirect("https://shop.test/cart"), payment.PageGood, false},
		"399":                     {Observe{}, 399, http.Header{}, payment.PageGood, false},
		"400":                     {Observe{}, 400, http.Header{}, payment.PageBad, false},
		"500":                     {Observe{}, 500, http.Header{}, payment.PageBad, false},
		"refused":                 {Observe{Refused: cart}, 302, redirect("https://shop.test/cart?failed=1"), payment.PageRefused, false},
		"not refused":             {Observe{Refused: cart}, 302, redirect("https://shop.test/order-received/1"), payment.PageGood, false},
		"refused, a page":         {Observe{Refused: cart}, 200, http.Header{}, payment.PageGood, false},
		"paid":                    {Observe{PaidWhen: []Refused{{Mode: refusedRedirect, Patterns: []string{"*/order-received/*"}}}}, 302, redirect("https://shop.test/order-received/1"), payment.PageGood, true},
		"not paid":                {Observe{PaidWhen: []Refused{{Mode: refusedRedirect, Patterns: []string{"*/order-received/*"}}}}, 302, redirect("https://shop.test/cart"), payment.PageGood, false},
		"paid and refused":        {Observe{PaidWhen: cart, Refused: cart}, 302, redirect("https://shop.test/cart"), payment.PageRefused, true},
		"ack by redirect":         {Observe{Ack: &Ack{Mode: ackRedirect, Patterns: []string{"*/done"}}}, 302, redirect("https://shop.test/done"), payment.PageGood, false},
		"ack by another redirect": {Observe{Ack: &Ack{Mode: ackRedirect, Patterns: []string{"*/done"}}}, 302, redirect("https://shop.test/login"), payment.PageBad, false},
		"ack by redirect, a page": {Observe{Ack: &Ack{Mode: ackRedirect, Patterns: []string{"*/done"}}}, 200, http.Header{}, payment.PageBad, false},
		"ack by header":           {Observe{Ack: &Ack{Mode: ackHeader}}, 200, http.Header{"X-Payment-Ack": {"K1"}}, payment.PageGood, false},
		"ack by another's header": {Observe{Ack: &Ack{Mode: ackHeader}}, 200, http.Header{"X-Payment-Ack": {"K2"}}, payment.PageBad, false},
	} {
		p := &observedPage{route: &c.route, id: "K1", said: payment.PageNone}
		p.answered(c.status, c.header)
		if p.said != c.said || p.paid != c.paid {
			t.Errorf("%s: %q, paid %v; want %q, %v", name, p.said, p.paid, c.said, c.paid)
		}
	}
}

// `rescue` is on where the return's address is known, unless the owner writes `off`; `on`
// begins anew after a plugin that needed its customer's session.
func TestRescueIsOnByDefault(t *testing.T) {
	t.Parallel()
	h := numberedShop(t, "3714061849", "/cb?o=1")
	h.log, h.Verify = zap.NewNop(), nil
	o := h.Observe[0]
	o.conf.name = "/cb p"
	s := &Sites{handlers: []*Handler{h}, settled: true}
	rec := &payment.Record{Site: h.place().shopName(), Route: "/cb p", Provider: "p", Return: &payment.Return{URI: "/cb?o=1"}}
	for written, want := range map[string]engine.Rescue{"": engine.RescueDefault, "on": engine.RescueOn, "off": engine.RescueOff} {
		o.Rescue = written
		if got := s.Rescues(rec); got != want {
			t.Errorf("rescue %q is %q", written, got)
		}
	}
	// A line that isn't there says nothing for good; one that takes the return over does.
	for name, r := range map[string]*payment.Record{
		"another site's":     {Site: "other.test", Route: "/cb p", Provider: "p"},
		"another route's":    {Site: rec.Site, Route: "/old p", Provider: "p"},
		"another provider's": {Site: rec.Site, Route: "/cb q", Provider: "q"},
	} {
		for _, written := range []string{"", "on", "off"} {
			if o.Rescue = written; s.Rescues(r) != engine.RescueAway {
				t.Errorf("%s payment, rescue %q: %q", name, written, s.Rescues(r))
			}
		}
	}
	o.Rescue = ""
	h.Observe, h.Verify = nil, []*Verify{{Match: o.Match, Provider: "p", route: verifyRoute{name: "/cb p"}}}
	if got := s.Rescues(rec); got != engine.RescueOff {
		t.Errorf("what a verify line takes: %q", got)
	}
	h.Observe, h.Verify = []*Observe{o}, nil
	if got := s.Replay(t.Context(), &payment.Record{Site: rec.Site, Route: rec.Route, Provider: "p"}); !got.Unsent || got.Taken {
		t.Errorf("without an address a return was made: %+v", got)
	}
}

// A payment is looked after by us if a verify route takes its return, and no observe route.
func TestWhoSettlesARelayedPayment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, route       string
		verifies, watches bool
		want              bool
	}{
		{"its route verifies", "/cb bank", true, false, true},
		{"its route verifies, another watches", "/cb bank", true, true, true},
		{"its route watches, another verifies", "/seen bank", true, true, false},
		{"no route is known, one verifies", "", true, false, true},
		{"no route is known, both are there", "", true, true, false},
		{"it watches", "/seen bank", false, true, false},
		{"its route is gone", "/gone bank", true, false, false},
		{"nobody", "/cb bank", false, false, false},
	} {
		h := routed("/cb")
		h.server = serving("12112")
		standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
		if c.watches {
			o := &Observe{Provider: "bank"}
			o.conf.name, o.conf.provider = "/seen bank", h.Verify[0].route.provider
			h.Observe = []*Observe{o}
		}
		if !c.verifies {
			h.Verify = nil
		}
		s := &Sites{handlers: []*Handler{h}, settled: true}
		rec := &payment.Record{Site: h.place().shopName(), Route: c.route, Provider: "bank", Relay: new(payment.Relayed), Return: &payment.Return{URI: "/cb?o=1"}}
		if got := s.Settles(rec); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// `mode plugin` is short for `expect none` and `deliver idempotent`, and contradicts
// whatever says otherwise.
func TestModePluginIsShort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode, expect, deliver string
		fails                 bool
		wantExpect, want      string
	}{
		"plugin":                         {modePlugin, "", "", false, expectNone, deliverIdempotent},
		"plugin, and both are written":   {modePlugin, expectNone, deliverIdempotent, false, expectNone, deliverIdempotent},
		"plugin, and an intent":          {modePlugin, expectIntent, "", true, "", ""},
		"plugin, and delivered once":     {modePlugin, "", deliverOnce, true, "", ""},
		"no mode":                        {"", "", "", false, "", ""},
		"no mode, and an intent is once": {"", expectIntent, deliverOnce, false, expectIntent, deliverOnce},
	} {
		v := routed("/back").Verify[0]
		v.Mode, v.Deliver = c.mode, c.deliver
		if c.expect != "" {
			v.Expect = &Expect{Mode: c.expect}
		}
		err := v.provisionMode()
		got := ""
		if v.Expect != nil {
			got = v.Expect.Mode
		}
		if (err != nil) != c.fails || err == nil && (got != c.wantExpect || v.Deliver != c.want) {
			t.Errorf("%s: expect %q, deliver %q, %v", name, got, v.Deliver, err)
		}
	}
}

// alone is an app without a relay.
type alone struct{ away }

func (alone) Relays(string) bool { return false }

// The provider is asked after a return where it can be asked without settling anything,
// and where neither a relay nor the shop's answer tells.
func TestAsksAfterAReturn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ inquires, relay, paidWhen, want bool }{
		{true, false, false, true}, {false, false, false, false}, {true, true, false, false}, {true, false, true, false}, {true, true, true, false},
	} {
		h := numberedShop(t, "3714061849", "/cb?o=1")
		if !c.relay {
			h.app = alone{h.app.(away)}
		}
		o := h.Observe[0]
		if o.conf.inquires = c.inquires; c.paidWhen {
			o.PaidWhen = []Refused{{Mode: refusedStatus, Patterns: []string{"201"}}}
		}
		if got := h.asksAfter(o); got != c.want {
			t.Errorf("%+v: asks %v", c, got)
		}
	}
}

// A job may announce what a page may: payments of a verify route, and of a shop that
// verifies by itself, whose return address nobody needs.
func TestAJobAnnouncesToObserve(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verify, observe    bool
		provider, ret      string
		observed, returned bool
		wrong              string
	}{
		"observe alone":             {false, true, "", "", true, false, ""},
		"observe, and an address":   {false, true, "p", "/cb", true, false, ""},
		"observe, another provider": {false, true, "bank", "", false, false, "no verify or observe route of this site has it"},
		"verify alone":              {true, false, "", "/cb", false, true, ""},
		"both, of two providers":    {true, true, "", "", false, false, "provider is missing"},
		"both, the observed":        {true, true, "p", "", true, false, ""},
		"both, the verified":        {true, true, "bank", "/cb", false, true, ""},
		"neither":                   {false, false, "", "", false, false, engine.ErrNoSites.Error()},
	} {
		h := numberedShop(t, "3714061849", "/cb?o=1")
		if !c.verify {
			h.Verify = nil
		}
		if !c.observe {
			h.Observe = nil
		}
		if c.observe {
			h.Observe[0].conf.provider.Name = "p"
		}
		s := &Sites{handlers: []*Handler{h}, settled: true}
		a, err := s.Announcement(t.Context(), engine.Intent{ID: "K1", Order: "101", Amount: 50_000, Provider: c.provider, Return: c.ret})
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %+v, %v", name, a, err)
			}
			continue
		}
		if err != nil || a.Observed != c.observed || (a.Return != nil) != c.returned || a.Site != "shop.test:12112" || a.Amount != 50_000 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}
