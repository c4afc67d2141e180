package watch

import "time"

// Why a provider earns no money, and why a ledger soon will take none.
const (
	// CauseUnanswered: it answers nothing, or calls to it are kept back because of that.
	CauseUnanswered = "unanswered"
	// CauseRefused: it does not take our key, address or account.
	CauseRefused = "refused"
	// CauseCreate: it starts no payments.
	CauseCreate = "create"
	// CauseFull: the ledger takes no new payments.
	CauseFull = "full"
	// CauseLow: at the pace of the last hours it will soon take none.
	CauseLow = "low"
)

// LowSoon is how near the end of the room must be to be told.
const LowSoon = 7 * 24 * time.Hour

// Turn is that a provider, or the ledger, went down, is down for another cause, or came
// back.
type Turn struct {
	// Provider is empty for the ledger.
	Provider string
	Down     bool
	// Cause is one of the Cause… words; of what came back, what it was.
	Cause string
	Since time.Time
}

// Down is why a provider earns no money, and since when; "" where it does.
func (p Provider) Down() (cause string, since time.Time) {
	switch {
	case p.Refusing:
		return CauseRefused, p.Since
	case p.Asked.Failing():
		return CauseUnanswered, p.Asked.Since
	case p.Broken:
		return CauseUnanswered, p.BrokenSince
	case p.Created.Failing():
		return CauseCreate, p.Created.Since
	}
	return "", time.Time{}
}

// ProviderTurn reports whether a provider's state is another than what was told of it
// last, and notes it as told.
//
// Invariant: each turn is told once in a process, whoever asks and however often the
// configuration is loaded meanwhile.
func (w *Watch) ProviderTurn(name string) (Turn, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.providers[name]
	if p == nil {
		return Turn{}, false
	}
	cause, since := p.Down()
	return turn(Turn{Provider: name, Cause: cause, Since: since}, &p.told)
}

// LedgerTurn is ProviderTurn for the ledger.
func (w *Watch) LedgerTurn() (Turn, bool) {
	in, falling := w.Full()
	w.mu.Lock()
	defer w.mu.Unlock()
	t := Turn{}
	switch {
	case w.ledger.Seen.IsZero():
		return t, false
	case w.ledger.Trouble != "":
		t.Cause, t.Since = CauseFull, w.ledger.Since
	case falling && in < LowSoon:
		t.Cause, t.Since = CauseLow, w.ledger.Seen
	}
	return turn(t, &w.toldLedger)
}

// shopMany is how many hand-overs in a row that a shop has not taken are trouble.
const shopMany = 2

// ShopTurn is ProviderTurn for a site's shop: down says that it takes no paid orders.
func (w *Watch) ShopTurn(site string) (down, turned bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.shops[site]
	if s == nil {
		return false, false
	}
	switch down = s.Fails >= shopMany; {
	case down == s.told, !down && s.Fails > 0:
		return down, false
	}
	s.told = down
	return down, true
}

func turn(t Turn, told *string) (Turn, bool) {
	if t.Cause == *told {
		return Turn{}, false
	}
	was := *told
	if *told = t.Cause; t.Cause == "" {
		t.Cause = was
		return t, true
	}
	t.Down = true
	return t, true
}

// Changed is closed when anything is noted after the call.
func (w *Watch) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.changed
}

// change wakes who waits for a change. The lock is held.
func (w *Watch) change() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}
