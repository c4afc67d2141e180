package handlers

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
)

// till is a provider that starts payments, between 1,000 and 1,000,000 rials.
type till struct {
	paper
	payment.Creator
}

func (till) Traits() payment.Traits { return payment.Traits{} }
func (till) CanCreate() bool        { return true }
func (till) Protocol() payment.Protocol {
	return payment.Protocol{Min: 1000, Max: 1_000_000, Step: 10}
}

// selling is an app with a till.
type selling struct{ idle }

func (selling) Provider(string) (ProviderInfo, bool) {
	return ProviderInfo{Provider: till{}, Name: "bank"}, true
}

// What a checkout sells must be what its provider takes, below, at and above its
// bounds; and what a donation is called is no sku beside one.
func TestWhatACheckoutMaySell(t *testing.T) {
	t.Parallel()
	item := func(sku string, amount int64) *Checkout {
		return &Checkout{Path: "/buy", Providers: []string{"bank"}, Items: []Item{{SKU: sku, Amount: amount}}}
	}
	donate := func(least, most int64) *Checkout {
		return &Checkout{Path: "/give", Providers: []string{"bank"}, Donate: &Donation{Min: least, Max: most}}
	}
	for name, c := range map[string]struct {
		of     []*Checkout
		refuse string
	}{
		"item below":              {[]*Checkout{item("mug", 990)}, "is less than"},
		"item at the least":       {[]*Checkout{item("mug", 1000)}, ""},
		"item at the most":        {[]*Checkout{item("mug", 1_000_000)}, ""},
		"item above":              {[]*Checkout{item("mug", 1_000_010)}, "is more than"},
		"item between the steps":  {[]*Checkout{item("mug", 1005)}, "multiple of 10"},
		"least between steps":     {[]*Checkout{donate(1005, 5000)}, "the least"},
		"most between steps":      {[]*Checkout{donate(1000, 4999)}, "the most"},
		"donate below":            {[]*Checkout{donate(990, 5000)}, "the least"},
		"donate at the bounds":    {[]*Checkout{donate(1000, 1_000_000)}, ""},
		"donate above":            {[]*Checkout{donate(1000, 1_000_010)}, "the most"},
		"donate nothing":          {[]*Checkout{donate(0, 5000)}, "donate"},
		"donate upside down":      {[]*Checkout{donate(5000, 4990)}, "donate"},
		"donation without donate": {[]*Checkout{item(donation, 5000)}, ""},
		"donation beside donate":  {[]*Checkout{item(donation, 5000), donate(1000, 5000)}, "any sum"},
		"twice":                   {[]*Checkout{{Path: "/buy", Providers: []string{"bank"}, Items: []Item{{SKU: "a", Amount: 1000}, {SKU: "a", Amount: 1000}}}}, "twice"},
	} {
		h := &Handler{app: selling{}, Checkout: c.of}
		var err error
		for _, checkout := range c.of {
			if e := checkout.provision(caddy.Context{}, h); e != nil {
				err = e
			}
		}
		if c.refuse == "" && err != nil || c.refuse != "" && (err == nil || !strings.Contains(err.Error(), c.refuse)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who is sent away must not be taken for a customer who comes back.
func TestNobodyIsRedirectedToTheRouteItself(t *testing.T) {
	t.Parallel()
	for to, ok := range map[string]bool{
		"/back": false, "/back?declined=1": false, "/BACK": false, "": false,
		"/cart": true, "/backs": true, "https://elsewhere.example/back": true, "/?back": true,
	} {
		for _, set := range []func(*Verify, *Answer){
			func(v *Verify, a *Answer) { v.Declined = a }, func(v *Verify, a *Answer) { v.Duplicate = a },
		} {
			v := routed("/back").Verify[0]
			set(v, &Answer{Mode: answerRedirect, To: to})
			if err := v.checkValues(); (err == nil) != ok {
				t.Errorf("redirect %q: %v", to, err)
			}
		}
	}
}
