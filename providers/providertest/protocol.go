package providertest

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
)

// protocol compares what the provider says of its document with what it does.
func (s Suite) protocol(t *testing.T) {
	base, count := server(t, reply(http.StatusOK, "application/json", s.Verified))
	p := s.New(t, base, patience)
	says, traits := p.Protocol(), p.Traits()
	fresh, ok := p.(caddy.Module).CaddyModule().New().(payment.Provider)
	if !ok || fresh.Protocol().Name != says.Name {
		t.Error("an empty value says nothing of its protocol")
	}
	if says.Name == "" || strings.Contains(says.Name, "|") || !strings.HasPrefix(traits.Issuer, says.Name+"|") {
		t.Errorf("protocol %q, issuer %q", says.Name, traits.Issuer)
	}
	if traits.Environment != payment.Live && traits.Environment != payment.Sandbox {
		t.Errorf("environment %q", traits.Environment)
	}
	for _, mark := range says.Marks {
		if !slices.Contains(says.Params, mark) {
			t.Errorf("the mark %s is no parameter", mark)
		}
	}
	for name := range s.Genuine {
		if !slices.Contains(says.Params, name) {
			t.Errorf("the return's parameter %s is not among %v", name, says.Params)
		}
	}
	c, err := p.ReadReturn(func(name string) string { return s.Genuine[name] })
	if err != nil || (c.Order != "") != says.ReturnsOrder || (c.Proof != "") != says.ProvesInReturn || len(c.Proof) > payment.MaxProof {
		t.Errorf("the return is read as %+v, %v", c, err)
	}
	// A return that is made for a customer who is away names what verify must be told.
	made := p.ReturnParams(&payment.Record{ID: c.ID, Order: c.Order, Proof: c.Proof, Receipt: new(payment.Receipt)})
	if again, err := p.ReadReturn(func(name string) string { return made[name] }); says.ProvesInReturn && (err != nil || again.Proof != c.Proof) {
		t.Errorf("a return that is made anew is read as %+v, %v", again, err)
	}
	a := p.Verify(t.Context(), s.Query)
	if a.Receipt == nil || (a.Receipt.Order != "") != says.AnswersOrder || (a.Receipt.Amount != 0) != says.AnswersAmount {
		t.Errorf("verify answers %+v", a)
	}
	for _, amount := range []payment.Rials{s.Query.Amount, s.Order.Amount} {
		if err := says.CheckAmount(amount); err != nil {
			t.Errorf("the suite's own amount: %v", err)
		}
	}
	if creator, ok := p.(payment.Creator); ok && creator.CanCreate() {
		before := count.Load()
		s.amounts(t, creator, says)
		if n := count.Load() - before; n != 0 {
			t.Errorf("it was asked %d times for amounts that it doesn't accept", n)
		}
	}
	if !reflect.DeepEqual(says, p.Protocol()) {
		t.Error("the protocol changed")
	}
}

// amounts tries prices just outside of what the document allows.
func (s Suite) amounts(t *testing.T, creator payment.Creator, says payment.Protocol) {
	t.Helper()
	wrong := []payment.Rials{0, -1, says.Min - 1}
	if says.Max > 0 {
		wrong = append(wrong, says.Max+max(says.Step, 1))
	}
	if says.Step > 1 {
		wrong = append(wrong, s.Order.Amount+1)
	}
	for _, amount := range wrong {
		o := s.Order
		o.Amount = amount
		if started, err := creator.Create(t.Context(), o); !errors.Is(err, payment.ErrRefused) {
			t.Errorf("create of %d rials: %+v, %v", amount, started, err)
		}
	}
}
