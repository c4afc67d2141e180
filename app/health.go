package app

import (
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/engine"
)

// health remembers, since the process began, what doctor can say of lately.
// Forgetting it loses nothing: the log has it.
type health struct {
	mu        sync.Mutex
	refusing  map[string]refusal
	nameless  int
	namelessT time.Time
}

// refusal is a provider that doesn't take our key, address or account.
type refusal struct {
	since, last time.Time
	code        string
}

var processHealth = health{refusing: make(map[string]refusal)}

// note keeps what an event says. A provider that settles or declines something
// takes our key again.
func (h *health) note(e engine.Event) {
	f := factsOf(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e.Name {
	case engine.EventOperator:
		if f.provider == "" {
			return
		}
		now := time.Now()
		r, known := h.refusing[f.provider]
		if !known {
			r.since = now
		}
		r.last = now
		if e.Record != nil {
			r.code = e.Record.Code
		}
		h.refusing[f.provider] = r
	case engine.EventVerified:
		delete(h.refusing, f.provider)
	case engine.EventUnannounced:
		h.nameless++
		h.namelessT = time.Now()
	}
}

// refuses says whether a provider has refused us and not settled anything since.
func (h *health) refuses(provider string) (refusal, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.refusing[provider]
	return r, ok
}

// unannounced is how many returns nothing announced, and when the last one came.
func (h *health) unannounced() (int, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nameless, h.namelessT
}
