package watch_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// What strangers cause at a relay is counted by kind and place, and bounded.
func TestRelayed(t *testing.T) {
	at := time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC)
	w := watch.New(func() time.Time { return at })
	for range 3 {
		w.Note(engine.Event{Name: engine.EventRelayStranger, Provider: "p", Err: errors.New("write `allow 10.0.0.9`")})
	}
	w.Note(engine.Event{Name: engine.EventNeedsSession, Site: "shop.test", Provider: "p"})
	w.Note(engine.Event{Name: engine.EventVerified, Site: "shop.test", Provider: "p"})
	got := w.Relayed()
	if len(got) != 2 || got[0].Where != "p" || got[0].N != 3 || got[0].Why != "write `allow 10.0.0.9`" || !got[0].Last.Equal(at) || got[1].Event != engine.EventNeedsSession {
		t.Errorf("%+v", got)
	}
	for i := range 1000 {
		w.Note(engine.Event{Name: engine.EventRelayCall, Site: fmt.Sprint(i)})
	}
	if n := len(w.Relayed()); n != 64+1 { // and one for all other places
		t.Errorf("%d are remembered", n)
	}
}

// An outage of the ledger is told until the next day, also one of places beyond the bound; what a
// person must change stays.
func TestRelayedOutageIsForgotten(t *testing.T) {
	at := time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC)
	w := watch.New(func() time.Time { return at })
	for i := range 200 {
		w.Note(engine.Event{Name: engine.EventRelayDown, Site: fmt.Sprint(i)})
	}
	w.Note(engine.Event{Name: engine.EventNeedsSession, Site: "shop.test"})
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 66}, {24*time.Hour - 1, 66}, {24 * time.Hour, 1}, {1000 * time.Hour, 1}} {
		at = time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC).Add(c.after)
		if n := len(w.Relayed()); n != c.want {
			t.Errorf("after %s: %d, want %d", c.after, n, c.want)
		}
	}
	w.Note(engine.Event{Name: engine.EventRelayDown, Site: "1"})
	if n := len(w.Relayed()); n != 2 {
		t.Errorf("a new one: %d", n)
	}
}
