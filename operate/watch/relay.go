package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
)

// Relayed is what was seen of one kind of trouble at a relay since the start.
type Relayed struct {
	// Event is the engine's name of it, Where the site, the provider where none is
	// known, or Elsewhere.
	Event, Where string
	N            int
	Last         time.Time
	// Why is the newest one's reason, which says what to write.
	Why string
}

// relayedKind reports whether a relay's owner must hear of this event when asking how things
// are. The errors of such events are ours, without a secret or a provider's text.
func relayedKind(name string) bool {
	switch name {
	case engine.EventRelayStranger, engine.EventRelayCall, engine.EventRelayDown, engine.EventNeedsSession, engine.EventMissedReturn, engine.EventForeignReturn:
		return true
	}
	return false
}

// mostRelayed bounds for how many places trouble is told apart. Strangers invent places
// where a wildcard serves any name, so what comes beyond is told of all other places
// together.
//
// Invariant: no trouble goes untold because others came before it.
const mostRelayed = 64

// Elsewhere stands for all places beyond those that are told apart.
const Elsewhere = "*"

type relayedKey struct{ event, where string }

// relay notes an event; the caller holds the lock.
func (w *Watch) relay(e engine.Event, now time.Time) {
	where := e.Site
	if e.Record != nil {
		where = e.Record.Site
	}
	k := relayedKey{e.Name, cmp.Or(where, e.Provider)}
	t := w.relayed[k]
	if t == nil && len(w.relayed) >= mostRelayed {
		k.where = Elsewhere
		t = w.relayed[k]
	}
	if t == nil {
		if w.relayed == nil {
			w.relayed = make(map[relayedKey]*Relayed)
		}
		t = &Relayed{Event: k.event, Where: k.where}
		w.relayed[k] = t
	}
	t.N++
	t.Last = now
	if e.Err != nil {
		t.Why = e.Err.Error()
	}
}

// outageKept is for how long an outage of the ledger is told after it has ended: whoever looks
// the next morning learns of it. The other troubles stay, because a plugin or an address that
// was wrong once is wrong until somebody changes it.
const outageKept = 24 * time.Hour

// Relayed are the troubles of all relays, by where they are.
func (w *Watch) Relayed() []Relayed {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Relayed
	now := w.now()
	maps.DeleteFunc(w.relayed, func(k relayedKey, t *Relayed) bool {
		return k.event == engine.EventRelayDown && now.Sub(t.Last) >= outageKept
	})
	for _, t := range slices.SortedFunc(maps.Values(w.relayed), func(a, b *Relayed) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Event, b.Event))
	}) {
		all = append(all, *t)
	}
	return all
}
