package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Intent is a payment that a program of the shop has started, and that it announces without
// a visitor's request.
type Intent struct {
	// Site is the shop, as records name it; it may be empty if only one has this provider.
	Site string
	// Provider is the provider's name; it may be empty if the site has only one.
	Provider  string
	ID, Order string
	Amount    payment.Rials
	// Return is where the customer comes back: an address or a path of the site; empty if
	// that is not known.
	Return string
}

// Announcer is a [Sites] that checks an intent like the headers of a shop's answer.
type Announcer interface {
	// Announcement returns what an intent announces. Its error says what to write instead.
	Announcement(ctx context.Context, in Intent) (Announcement, error)
}

// ErrNoSites says that no site of the running configuration takes payments.
var ErrNoSites = errors.New("no site of this configuration takes payments")

// intendTime bounds how long a program waits until its intent is durable.
const intendTime = 2 * time.Second

// Intend records a program's intent. When both errors are nil the intent is durable, and
// only then may a customer be sent to pay. wrong says that the intent can't be used,
// whatever the ledger holds. err is the ledger's error, or ErrForeign.
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
