package payment

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Protocol is what a gateway's document says about the gateway, for every account. A field
// at its zero value means that the document doesn't say so. Then the less favourable case
// is assumed.
type Protocol struct {
	// Name is the protocol's name, and the first part of the issuer. It is stored in
	// every ledger, so it never changes. Modules that speak one protocol share it.
	Name string

	// AnswersOrder and AnswersAmount say whether a successful answer to verify names
	// the order, and the amount.
	AnswersOrder, AnswersAmount bool
	// ReturnsOrder says whether the customer's return names the order.
	ReturnsOrder bool
	// SendsAmount says whether verify tells the gateway the amount. ComparesAmount says
	// whether the document promises that verify refuses an amount that was not paid.
	SendsAmount, ComparesAmount bool
	// BindsAmount says that a payment can only be paid with the amount with which it was
	// created. If we know that amount, verify need not name it.
	BindsAmount bool
	// TellsFirst says whether the gateway answers a repeated verify differently from the
	// first.
	TellsFirst bool
	// GivesBack says whether the gateway returns money that is never verified to the
	// payer by itself.
	GivesBack bool
	// ProvesInReturn says that verify needs something that only the customer's return
	// brings: [Claimed.Proof]. If the customer never returns, the payment can't be
	// verified, and the gateway isn't asked.
	ProvesInReturn bool
	// PostsReturn says that the customer's return is a posted form. Else it is a GET, or
	// the document doesn't say.
	PostsReturn bool
	// NumbersOrders says that the gateway's order numbers are integers that must not
	// repeat. [Order.Serial] and [Query.Serial] carry one, which is kept with the payment.
	NumbersOrders bool

	// Window is how long after the payment it can be verified.
	Window time.Duration
	// Min and Max are the least and the greatest amount, in rials. Every amount is a
	// multiple of Step rials: 10 where the gateway is told whole toman.
	Min, Max, Step Rials

	// Params are the names of the parameters that the gateway adds to the return,
	// exactly as documented or seen.
	Params []string
	// Marks are those of Params that every return carries, so that a return can be
	// recognised anywhere. Case does not matter. Empty if no document says.
	Marks []string
}

// MayBeSigned reports whether `expect signed` is safe: verify is bound to the price or to
// the order, so nobody can use a signature with another payment.
func (p Protocol) MayBeSigned() bool { return p.AnswersOrder || p.AnswersAmount || p.ComparesAmount }

// CheckAmount returns nil if the gateway accepts a price, else an error that says why not.
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

// Traits is what a provider's configuration adds to its [Protocol].
type Traits struct {
	// Issuer is protocol, account and environment; see [Issuer]. Receipts are unique by
	// it.
	Issuer string
	// Former are the issuers of keys that this account had before. They are this account, so
	// its key is good for their payments. Nobody else's is.
	Former []string
	// Account names the account: see [AccountID], which makes it. If it is empty, all
	// names of one issuer count as one account.
	Account string
	// Host is the host that is called. Each host has its own lanes and circuit breaker,
	// because they concern the server and not the account. Empty stands for Issuer.
	Host string
	// Environment is [Live] or [Sandbox].
	Environment string
	// PayerFee returns the most, in rials, that a payer may have paid on top of the price
	// by a documented fee; nil if there is no such fee.
	PayerFee func(price Rials) Rials
}

// AnswersFor reports whether what this account says about a payment of an issuer means
// anything. An account neither knows nor denies what another one has taken.
func (t Traits) AnswersFor(issuer string) bool {
	return t.Issuer == issuer || slices.Contains(t.Former, issuer)
}

// Terms is everything that is known of a provider before it is asked.
type Terms struct {
	Protocol
	Traits
}

// TermsOf returns the terms of a provisioned provider.
func TermsOf(p Provider) Terms { return Terms{p.Protocol(), p.Traits()} }
