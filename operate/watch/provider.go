package watch

import (
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/engine"
)

// Line is how one kind of call has gone lately.
type Line struct {
	// OK is when one was answered last.
	OK time.Time
	// Fails is how many in a row were not, since Since; Last is the newest of them
	// and Err its error, without secrets.
	Fails       int
	Since, Last time.Time
	Err         string
	// Refused is whether the provider answered the last of them, with a "no".
	Refused bool
}

// Failing says that nothing has been answered since the first failure, and it was not one
// alone.
func (l Line) Failing() bool { return l.Fails >= failsMany }

// failsMany is how many failures in a row are trouble: one is an accident.
const failsMany = 3

func (l *Line) ok(now time.Time) { *l = Line{OK: now} }

func (l *Line) fail(now time.Time, err error, refused bool) {
	if l.Fails == 0 {
		l.Since = now
	}
	l.Fails++
	l.Last, l.Refused, l.Err = now, refused, ""
	if err != nil {
		l.Err = err.Error()
	}
}

// Provider is how a provider has answered lately.
type Provider struct {
	// Asked are verifications and inquiries, Created the payments that it was asked to
	// start.
	Asked, Created Line
	// Refusing: it does not take our key, address or account since Since; Code is its
	// own.
	Refusing    bool
	Since, Last time.Time
	Code        string
	// Broken: calls to it are kept back since BrokenSince, because too many in a row
	// had no answer.
	Broken      bool
	BrokenSince time.Time

	// told is the cause that was told last; see [Watch.ProviderTurn].
	told string
}

// Up says that it takes our key and answers what it is asked.
func (p Provider) Up() bool { return !p.Refusing && !p.Asked.Failing() }

// Answered is when it answered last, whatever it was asked; zero if nothing is known.
func (p Provider) Answered() time.Time {
	if p.Created.OK.After(p.Asked.OK) {
		return p.Created.OK
	}
	return p.Asked.OK
}

func (p *Provider) asked(e engine.Event, now time.Time) {
	if e.Outcome != engine.VerifyUnknown {
		p.Broken = false
	}
	switch e.Outcome {
	case engine.VerifyUnknown:
		p.Asked.fail(now, e.Err, false)
	case engine.VerifyOperator:
		p.Asked.ok(now)
		p.refuse(e, now)
	case "busy":
		p.Asked.ok(now)
	default:
		p.Asked.ok(now)
		p.take()
	}
}

func (p *Provider) started(e engine.Event, now time.Time) {
	if errors.Is(e.Err, engine.ErrSiteRefused) {
		return // a stranger's Host, and not the provider's trouble
	}
	switch e.Outcome {
	case engine.CreateOK:
		p.Created.ok(now)
		p.take()
	case engine.CreateUnreachable, engine.CreateRefused:
		p.Created.fail(now, e.Err, e.Outcome == engine.CreateRefused)
	}
}

// broke notes that calls are kept back.
func (p *Provider) broke(e engine.Event, now time.Time) {
	if e.Alert && !p.Broken {
		p.Broken, p.BrokenSince = true, now
	}
}

func (p *Provider) refuse(e engine.Event, now time.Time) {
	if !p.Refusing {
		p.Refusing, p.Since = true, now
	}
	p.Last = now
	if e.Record != nil && e.Record.Code != "" {
		p.Code = e.Record.Code
	}
}

// take: the provider takes our key again.
func (p *Provider) take() { p.Refusing, p.Code = false, "" }

// Provider is what is known of a provider; zero if nothing.
func (w *Watch) Provider(name string) Provider {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.providers[name]; p != nil {
		return *p
	}
	return Provider{}
}

// Providers are the providers that are known.
func (w *Watch) Providers() map[string]Provider {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copied(w.providers)
}

func copied[T any](of map[string]*T) map[string]T {
	all := make(map[string]T, len(of))
	for name, x := range of {
		all[name] = *x
	}
	return all
}
