package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// keptName is what the ledger's own key is called in the ledger.
	keptName = "signing_key"
	// keptAgain is how often a ledger without a key of its own is looked at again: another
	// node, or the configuration that a reload replaces, makes one when it first needs it.
	keptAgain = 10 * time.Second
	// keptSoon is how often it is looked at again if that couldn't be read.
	keptSoon = time.Second
	// keptTime bounds such a look, for which nobody waits.
	keptTime = 5 * time.Second
)

// errNoneKept keeps the ledger from making a key where one is only looked for. Whoever wrote a
// signing_key from the start has no second secret in the ledger and its backups.
var errNoneKept = errors.New("the ledger has no key of its own")

// errUnread: see [App.Trusting].
var errUnread = fmt.Errorf("%w: whether it has a key of its own can't be read yet", handlers.ErrNotOpen)

// Keys implements handlers.App.
//
// Invariant: the key that the ledger keeps is among those that verify, also after others are
// written, and it signs as long as none is. So the customers of a shop that had no signing_key
// keep what they bought when it gets one, and again when it loses it.
func (a *App) Keys(ctx context.Context) (*token.Keys, error) {
	if a.keys != nil {
		return a.Trusting(ctx, a.keys)
	}
	eng, err := a.Engine(ctx)
	if err != nil {
		return nil, err
	}
	a.opened.Lock()
	defer a.opened.Unlock()
	if a.opened.made != nil {
		return a.opened.made, nil
	}
	key, err := keptKey(ctx, eng, func() ([]byte, error) {
		b := make([]byte, payment.MinSecret)
		_, err := rand.Read(b)
		return b, err
	})
	if err != nil {
		return nil, err
	}
	a.opened.kept = key
	a.opened.made, err = token.NewKeys(*key)
	return a.opened.made, err
}

// Trusting implements handlers.App.
//
// Invariant: as long as nobody knows whether the ledger has a key of its own, because the ledger
// couldn't be read since this Caddy started, no buyer's cookie is taken for a stranger's.
func (a *App) Trusting(ctx context.Context, keys *token.Keys) (*token.Keys, error) {
	select {
	case <-a.gate:
	default:
		return keys, errUnread // a page is worth no wait for the ledger
	}
	a.opened.Lock()
	defer a.opened.Unlock()
	eng := a.engine
	if a.opened.err != nil || eng == nil {
		return keys, nil // whoever reads what a browser brings asks for the engine first
	}
	a.opened.note(keys, time.Now())
	if a.IgnoreLedgerKey {
		return keys, nil
	}
	if a.opened.kept == nil {
		every := keptAgain
		if !a.opened.read {
			every = keptSoon
		}
		if now := time.Now(); now.Sub(a.opened.looked) >= every {
			a.opened.looked = now
			a.Enter() // the ledger stays open meanwhile
			go a.lookForKey(context.WithoutCancel(ctx), eng)
		}
		if !a.opened.read {
			return keys, errUnread
		}
		return keys, nil
	}
	with := a.opened.with[keys]
	if with == nil {
		var err error
		if with, err = keys.Trusting(*a.opened.kept); err != nil {
			return keys, fmt.Errorf("deriving the keys of the ledger's own key: %w", err)
		}
		if a.opened.with == nil {
			a.opened.with = make(map[*token.Keys]*token.Keys)
		}
		a.opened.with[keys] = with
	}
	return with, nil
}

// lookForKey looks whether the ledger has got a key of its own.
func (a *App) lookForKey(ctx context.Context, eng *engine.Engine) {
	defer a.Leave()
	ctx, cancel := context.WithTimeout(ctx, keptTime)
	defer cancel()
	key, err := keptKey(ctx, eng, noneKept)
	a.opened.Lock()
	defer a.opened.Unlock()
	a.opened.keep(key, err)
}

// keep notes what a look for the ledger's own key has found; another one follows if it found none.
func (o *once) keep(key *payment.SigningKey, err error) {
	o.read = o.read || err == nil || errors.Is(err, errNoneKept)
	if err == nil {
		o.kept = key
	}
}

// note notes which written key signs, once an hour.
func (o *once) note(keys *token.Keys, now time.Time) {
	if now.Sub(o.signed[keys]) < time.Hour {
		return
	}
	if o.signed == nil {
		o.signed = make(map[*token.Keys]time.Time)
	}
	o.signed[keys] = now
	o.signers.note(keys.Known()[0], now)
}

const (
	// mostSigners is how many keys are remembered.
	mostSigners = 8
	// goneAfter is how long an owner is told of a key that is written no more.
	goneAfter = 30 * 24 * time.Hour
)

// signers are the written keys that have signed while this process has had the ledger open, and
// when each did so last. A restart forgets them: the ledger keeps nothing of a written key.
type signers struct {
	mu   sync.Mutex
	last map[token.Key]time.Time
}

func (s *signers) note(key token.Key, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = make(map[token.Key]time.Time)
	}
	s.last[key] = now
	for len(s.last) > mostSigners {
		oldest := key
		for k, at := range s.last {
			if at.Before(s.last[oldest]) {
				oldest = k
			}
		}
		delete(s.last, oldest)
	}
}

// gone returns the names of those that are written no more.
func (s *signers) gone(written []token.Key, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for key, at := range s.last {
		there := func(w token.Key) bool { return w.Mark == key.Mark }
		if now.Sub(at) < goneAfter && !slices.ContainsFunc(written, there) && !slices.Contains(names, key.Name) {
			names = append(names, key.Name)
		}
	}
	slices.Sort(names)
	return names
}

// written are all keys of the configuration.
func (a *App) written() []token.Key {
	known := a.sites.Known()
	if a.keys != nil {
		known = append(known, a.keys.Known()...)
	}
	return known
}

// noneKept makes no key.
func noneKept() ([]byte, error) { return nil, errNoneKept }

// keptKey reads the ledger's own key. If there is none, mint makes it.
func keptKey(ctx context.Context, eng *engine.Engine, mint func() ([]byte, error)) (*payment.SigningKey, error) {
	secret, err := eng.Store.Secret(ctx, keptName, mint)
	if err != nil {
		return nil, fmt.Errorf("reading the store's own key: %w", err)
	}
	key, err := payment.NewSigningKey(secret, "")
	if err != nil {
		return nil, fmt.Errorf("the store's own key: %w", err)
	}
	return &key, nil
}
