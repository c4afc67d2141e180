package dashboard

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// Changer tells when a page is to be loaded anew.
type Changer interface {
	// Changed is closed by the next change.
	Changed() <-chan struct{}
}

// A page asks for a stream of changes and loads itself anew when there was one. Without
// JavaScript, or where there is no room for its stream, it is as it was when it was
// loaded.
const (
	// maxStreams bounds the streams of a process.
	maxStreams = 64
	// streamPace is how often a change is told at most, streamPulse how often something
	// is sent without one, and streamStale how often a page is loaded anew anyway:
	// another node's changes are told by nobody.
	streamPace  = time.Second
	streamPulse = 15 * time.Second
	streamStale = time.Minute
	// streamLife is how long one lasts; the browser asks anew, as whoever he is then.
	streamLife = 30 * time.Minute
)

var streams atomic.Int64

// live sends an event for each change, until the browser leaves, the server or the
// configuration ends, or the stream has lasted.
//
// Invariant: a stream holds up neither a reload nor the end of the process, keeps no
// store open, and says nothing but that something has changed.
func (p *page) live() {
	changes, ok := p.h.app.(Changer)
	if !ok {
		p.w.WriteHeader(http.StatusNoContent) // a browser doesn't ask again then
		return
	}
	defer streams.Add(-1)
	if streams.Add(1) > maxStreams {
		p.w.Header().Set("Retry-After", "60")
		http.Error(p.w, "too many pages are live", http.StatusServiceUnavailable)
		return
	}
	hd := p.w.Header()
	hd.Set("Content-Type", "text/event-stream")
	hd.Set("X-Accel-Buffering", "no")
	hd.Set("X-Content-Type-Options", "nosniff")
	control := http.NewResponseController(p.w)
	send := func(text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(2 * streamPulse)) // not every writer has one
		_, err := fmt.Fprint(p.w, text)
		return err == nil && control.Flush() == nil
	}
	end := time.NewTimer(streamLife)
	defer end.Stop()
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	told := time.Now()
	changed := changes.Changed()
	if !send("retry: 5000\n\n") {
		return
	}
	for {
		text := ": \n\n"
		select {
		case <-p.r.Context().Done():
			return
		case <-p.h.ended:
			return
		case <-end.C:
			return
		case <-changed:
			// What comes at once is one change.
			if !p.pause(streamPace - time.Since(told)) {
				return
			}
			text, told, changed = "event: changed\ndata: \n\n", time.Now(), changes.Changed()
		case <-pulse.C:
			if time.Since(told) >= streamStale {
				text, told = "event: changed\ndata: \n\n", time.Now()
			}
		}
		if !send(text) {
			return
		}
	}
}

// pause waits; false where the stream is to end.
func (p *page) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.r.Context().Done():
	case <-p.h.ended:
	}
	return false
}
