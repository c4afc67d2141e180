package watch

import (
	"maps"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Shop is how a site has taken hand-overs lately.
type Shop struct {
	// OK is when it took one last.
	OK time.Time
	// Fails is how many in a row it did not take, since Since; Why is why not the last
	// of them, and Status what it answered, 0 if nothing was.
	Fails       int
	Since, Last time.Time
	Why         payment.Reason
	Status      int

	// told is whether it was told that it is down.
	told bool
}

// Failing says that it has taken nothing since the first that it did not take.
func (s Shop) Failing() bool { return s.Fails > 0 }

// shop notes how a hand-over ended. What was parked without telling the shop says
// nothing of it.
func (w *Watch) shop(r *payment.Record, e engine.Event, now time.Time) {
	ok := e.Name == engine.EventDelivered
	fails := e.Name == engine.EventMissed
	if e.Name == engine.EventParked {
		switch r.Reason {
		case payment.ReasonNoProof, payment.ReasonGaveUp, payment.ReasonShopRefused, payment.ReasonUnreachable, payment.ReasonNoRoute:
			fails = true
		}
	}
	if !ok && !fails {
		return
	}
	s := w.shops[r.Site]
	if s == nil {
		if len(w.shops) >= maxNames {
			return
		}
		s = &Shop{}
		w.shops[r.Site] = s
	}
	if ok {
		*s = Shop{OK: now, told: s.told}
		return
	}
	if s.Fails == 0 {
		s.Since = now
	}
	s.Fails++
	s.Last, s.Why, s.Status = now, r.Reason, r.Delivery.Status
}

// Shops are the sites to which something was handed over.
func (w *Watch) Shops() map[string]Shop {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copied(w.shops)
}

// Slow is how often each site's page took long over a hand-over, and when last.
func (w *Watch) Slow() map[string]Tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.slow)
}
