package attacks_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rewrite replaces a text in all that the provider answers to a verify call.
func (b *box) rewrite(old, now string) {
	b.instead(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		b.Server.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if strings.Contains(r.URL.Path, "verify") {
			body = bytes.ReplaceAll(body, []byte(old), []byte(now))
		}
		maps.Copy(w.Header(), rec.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
	}))
}

// reply answers every verify call with this text, without doing anything.
func (b *box) reply(text string) {
	b.instead(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "verify") {
			b.Server.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}))
}

// gather holds the answers to verify calls until so many were asked, or a second
// has passed since the first, and lets them go together.
func (b *box) gather(n int) {
	var mu sync.Mutex
	var once sync.Once
	open, asked := make(chan struct{}), 0
	release := func() { once.Do(func() { close(open) }) }
	b.instead(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "verify") && !strings.Contains(r.URL.Path, "/check/") {
			b.Server.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		b.Server.ServeHTTP(rec, r)
		mu.Lock()
		if asked++; asked == 1 {
			time.AfterFunc(time.Second, release)
		}
		if asked >= n {
			release()
		}
		mu.Unlock()
		<-open
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}))
}
