package handlers

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/scrub"
)

// filter stands between the shop's answer and the browser: it lets somebody
// read our headers in it (announcements, acks) and takes them out, and may put
// another answer in its place. Streams, upgrades and informational answers pass
// through it.
//
// Its invariant: nothing of an answer leaves before it was looked at, and of one
// that was refused nothing leaves but what [refusal] keeps.
type filter struct {
	caddyhttp.ResponseWriterWrapper

	// reader, if set, reads the header before it is cleaned and goes out. It is
	// no function, because one for each request would have to be allocated.
	reader headerReader
	// status is what was written, 0 before. For whoever writes, a refused answer
	// is written as well.
	status int
	// gone: the browser did not take what was written. A body that breaks off then
	// says nothing of whoever wrote it.
	gone bool
	// refused is set once the answer is not to go out.
	refused *refusal
	// caching is what the answer says to caches at least, whatever it says.
	caching string
	// links is set for an answer whose body may name a pay page: JSON of a site that
	// tracks, announcing nothing.
	links *linkSeeker
	gating
}

// headerReader reads an answer's header, and may change it, or refuse the whole
// answer by [filter.refuse].
type headerReader interface {
	answered(status int, h http.Header)
}

func newFilter(w http.ResponseWriter) *filter {
	return &filter{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
}

// serve lets the rest of the chain answer. What was refused is replaced when the
// chain has ended, so that the shop's script runs to its end.
func (f *filter) serve(next caddyhttp.Handler, r *http.Request) error {
	err := f.answeredBy(next, r)
	if f.refused != nil {
		return f.refused.page(f.ResponseWriter, r)
	}
	return err
}

// answeredBy runs the chain. A body that breaks off behind a refused answer is
// nobody's loss; every other panic goes on.
func (f *filter) answeredBy(next caddyhttp.Handler, r *http.Request) error {
	defer func() {
		if f.refused == nil {
			return
		}
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares so
			panic(p)
		}
	}()
	err := next.ServeHTTP(f, r)
	if err == nil || f.status != 0 {
		f.finish()
	} else {
		// An error is no answer: somebody else will give one, about the same person.
		if f.caching != "" {
			privately(f.Header(), f.caching)
		}
		scrub.Response(f.Header())
	}
	return err
}

// Header implements http.ResponseWriter.
func (f *filter) Header() http.Header {
	if f.refused != nil {
		return f.refused.scratch
	}
	return f.ResponseWriter.Header()
}

// WriteHeader implements http.ResponseWriter.
func (f *filter) WriteHeader(status int) {
	if f.refused == nil && f.status == 0 {
		f.look(status)
	}
	if f.refused == nil {
		f.ResponseWriter.WriteHeader(status)
	}
}

// look is the one look at an answer, before the first byte of it leaves.
func (f *filter) look(status int) {
	f.lookAgain()
	h := f.ResponseWriter.Header()
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		f.status = status
		f.read(status, h)
	}
	if f.refused == nil {
		scrub.Response(h)
	}
}

// read gives a final answer's header to its readers.
func (f *filter) read(status int, h http.Header) {
	if f.reader != nil && f.refused == nil {
		f.reader.answered(status, h)
	}
	if f.refused != nil {
		return
	}
	if f.passed.any() {
		f.caching = forNobody
	}
	if f.caching != "" {
		privately(h, f.caching)
	}
}

// ensureHeader writes the status 200 that a body without a WriteHeader stands for.
func (f *filter) ensureHeader() {
	if f.status == 0 {
		f.WriteHeader(http.StatusOK)
	}
}

// Write implements http.ResponseWriter.
func (f *filter) Write(b []byte) (int, error) {
	f.ensureHeader()
	if f.refused != nil {
		return len(b), nil
	}
	f.seek(b)
	n, err := f.ResponseWriter.Write(b)
	f.gone = f.gone || err != nil
	return n, err
}

// ReadFrom implements io.ReaderFrom: who copies a body without a word about the
// header before must not get it past the filter.
func (f *filter) ReadFrom(body io.Reader) (int64, error) {
	f.ensureHeader()
	if f.refused != nil {
		return io.Copy(io.Discard, body)
	}
	if f.links != nil {
		return io.Copy(onlyWriter{f}, body)
	}
	return f.ResponseWriterWrapper.ReadFrom(body)
}

// onlyWriter hides ReadFrom.
type onlyWriter struct{ io.Writer }

// FlushError is what http.ResponseController calls; it sends the header too.
func (f *filter) FlushError() error {
	f.ensureHeader()
	if f.refused != nil {
		return nil
	}
	return http.NewResponseController(f.ResponseWriter).Flush()
}

// Hijack takes the connection, with which anything may be answered.
func (f *filter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	first := f.status == 0
	if f.refused == nil && first {
		f.look(http.StatusSwitchingProtocols)
	}
	if f.refused != nil {
		return nil, nil, http.ErrNotSupported
	}
	conn, rw, err := http.NewResponseController(f.ResponseWriter).Hijack()
	if err != nil && first {
		f.status = 0 // what is answered instead is still to be looked at
	}
	return conn, rw, err
}

// Push implements http.Pusher.
func (f *filter) Push(target string, opts *http.PushOptions) error {
	if f.refused != nil {
		return http.ErrNotSupported
	}
	return f.ResponseWriterWrapper.Push(target, opts)
}

// finish ends an answer: it looks at one of which nothing was written, because
// net/http will answer 200 with these headers, and cleans what was added behind
// the header: trailers.
func (f *filter) finish() {
	f.sought()
	if f.refused == nil && f.status == 0 {
		f.lookAgain()
		f.read(http.StatusOK, f.ResponseWriter.Header())
	}
	if f.refused == nil {
		scrub.Response(f.Header())
	}
}

// Interface guards.
var (
	_ http.ResponseWriter = (*filter)(nil)
	_ http.Pusher         = (*filter)(nil)
	_ http.Hijacker       = (*filter)(nil)
	_ io.ReaderFrom       = (*filter)(nil)
)
