package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Intent is a payment that a program of the shop's has started, as it tells us of it
// without any visitor's request.
type Intent struct {
	// Site is the shop, as records name it; empty where only one has this provider.
	Site string
	// Provider is the provider's name; empty where the site has only one.
	Provider  string
	ID, Order string
	Amount    payment.Rials
	// Return is where the customer comes back to: an address or a path of the site;
	// empty where that is not known.
	Return string
}

// Announcer is [Sites] that can check an intent as they check the headers on a shop's
// answer.
type Announcer interface {
	// Announcement is what an intent announces. Its error says what to write instead.
	Announcement(ctx context.Context, in Intent) (Announcement, error)
}

// ErrNoSites says that no site of the running configuration takes payments.
var ErrNoSites = errors.New("no site of this configuration takes payments")

// intendTime bounds how long a program waits until its intent is durable.
const intendTime = 2 * time.Second

// Intend records a program's intent. When it returns without an error, the intent is
// durable: only then may a customer be sent to pay. wrong is an intent that can't be used
// whatever the ledger says; err that of the ledger, or ErrForeign.
func (e *Engine) Intend(ctx context.Context, in Intent) (rec *payment.Record, wrong, err error) {
	// A caller that has gone is no reason to forget what the bank knows.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), intendTime)
	defer cancel()
	sites, ok := e.Sites.(Announcer)
	if !ok {
		return nil, ErrNoSites, nil
	}
	a, wrong := sites.Announcement(ctx, in)
	if wrong != nil {
		return nil, wrong, nil
	}
	rec, err = e.Announce(ctx, a)
	return rec, nil, err
}
