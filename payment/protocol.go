package payment

import (
	"errors"
	"fmt"
	"time"
)

// Protocol is what a gateway's document says about the gateway, whoever's account
// it is. A field at its zero value means that the document doesn't say so; nothing
// is assumed in its favour then.
type Protocol struct {
	// Name is the protocol's name, and the first part of the issuer. It
	// stands in every ledger and never changes. Modules that speak one protocol
	// share it.
	Name string

	// AnswersOrder and AnswersAmount say whether a successful answer to verify names
	// the order, and the amount.
	AnswersOrder, AnswersAmount bool
	// ReturnsOrder says whether the customer's return names the order.
	ReturnsOrder bool
	// SendsAmount says whether verify tells the gateway the amount; ComparesAmount
	// whether the document promises that verify refuses another one than was paid.
	SendsAmount, ComparesAmount bool
	// BindsAmount says that a payment can be paid with no other amount than it was
	// created with. Where the intent tells who created it, verify needs to name none.
	BindsAmount bool
	// TellsFirst says whether a repeated verify is answered differently from the
	// first.
	TellsFirst bool
	// GivesBack says whether money that is never verified goes back to the payer by
	// itself.
	GivesBack bool
	// ProvesInReturn says that verify needs something that only the customer's return
	// brings: [Claimed.Proof]. A payment whose customer never returns can't be
	// verified then, and isn't asked about.
	ProvesInReturn bool
	// NumbersOrders says that the gateway's order numbers are integers which must not
	// repeat: [Order.Serial] and [Query.Serial] carry one, which is kept with the
	// payment.
	NumbersOrders bool

	// Window is how long after the payment it can be verified.
	Window time.Duration
	// Min and Max are the least and the greatest amount, in rials. Every amount is a
	// multiple of Step rials: 10 where the gateway is told whole toman.
	Min, Max, Step Rials

	// Params are the names of the parameters that the gateway adds to the return,
	// exactly as documented or seen.
	Params []string
	// Marks are those of them that every return carries, so that a return can be
	// recognised anywhere. Case does not count. Empty where no document says.
	Marks []string
}

// MayBeSigned reports whether `expect signed` is safe: a signature can't be used with
// another's payment, because verify is bound to the price or to the order.
func (p Protocol) MayBeSigned() bool { return p.AnswersOrder || p.AnswersAmount || p.ComparesAmount }

// CheckAmount tells why the gateway doesn't accept a price; nil where it does.
func (p Protocol) CheckAmount(r Rials) error {
	switch {
	case r <= 0:
		return errors.New("the amount must be more than 0 rials")
	case r < p.Min:
		return fmt.Errorf("%s rials is less than the least amount, %s rials (an amount in toman?)", r, p.Min)
	case p.Max > 0 && r > p.Max:
		return fmt.Errorf("%s rials is more than the greatest amount, %s rials", r, p.Max)
	case p.Step > 1 && r%p.Step != 0:
		return fmt.Errorf("%s rials is not a multiple of %s rials", r, p.Step)
	}
	return nil
}

// Traits are what one provider's configuration adds to its [Protocol].
type Traits struct {
	// Issuer is protocol, account and environment; see [Issuer]. Receipts are unique
	// by it. FormerIssuers are what earlier versions called this issuer: what they
	// wrote under these names is looked up and never written any more.
	Issuer        string
	FormerIssuers []string
	// Account tells the account at the issuer from others: see [AccountID], which
	// makes it. Where it is empty, all names of one issuer count as one account.
	Account string
	// Host is the host that is called. Pace, lanes and breaker are by host: they are
	// about who answers, not about whose money it is. Empty stands for Issuer.
	Host string
	// Environment is [Live] or [Sandbox].
	Environment string
	// PayerFee is the most in rials that the payer may have paid on top of price
	// under a documented fee; nil where there is none.
	PayerFee func(price Rials) Rials
}

// Terms are all that is known of a provider before it is asked anything.
type Terms struct {
	Protocol
	Traits
}

// TermsOf are the terms of a provisioned provider.
func TermsOf(p Provider) Terms { return Terms{p.Protocol(), p.Traits()} }
