package handlers

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/scrub"
)

// filter stands between the shop's answer and the browser: it lets somebody
// read our headers in it (announcements, acks) and takes them out. Streams,
// upgrades and informational answers pass through it.
type filter struct {
	caddyhttp.ResponseWriterWrapper

	// reader, if set, reads the header before it is cleaned and goes out. It is
	// no function, because one for each request would have to be allocated.
	reader headerReader
	// status is what was written, 0 before.
	status int
}

// headerReader reads an answer's header, and may change it.
type headerReader interface {
	answered(status int, h http.Header)
}

func newFilter(w http.ResponseWriter) *filter {
	return &filter{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
}

// WriteHeader implements http.ResponseWriter.
func (f *filter) WriteHeader(status int) {
	final := status >= http.StatusOK || status == http.StatusSwitchingProtocols
	if f.status == 0 {
		h := f.Header()
		if final {
			f.status = status
			if f.reader != nil {
				f.reader.answered(status, h)
			}
		}
		scrub.Response(h)
	}
	f.ResponseWriter.WriteHeader(status)
}

// imply writes the header that whoever goes on without one means.
func (f *filter) imply() {
	if f.status == 0 {
		f.WriteHeader(http.StatusOK)
	}
}

// Write implements http.ResponseWriter.
func (f *filter) Write(b []byte) (int, error) {
	f.imply()
	return f.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom: who copies a body without a word about the
// header before must not get it past the filter.
func (f *filter) ReadFrom(body io.Reader) (int64, error) {
	f.imply()
	return f.ResponseWriterWrapper.ReadFrom(body)
}

// FlushError is what http.ResponseController calls; it sends the header too.
func (f *filter) FlushError() error {
	f.imply()
	return http.NewResponseController(f.ResponseWriter).Flush()
}

// sweep cleans what was added behind the header: trailers.
func (f *filter) sweep() {
	if f.status == 0 {
		// Nothing was written: net/http will answer 200 with these headers.
		if f.reader != nil {
			f.reader.answered(http.StatusOK, f.Header())
		}
	}
	scrub.Response(f.Header())
}

// Interface guards.
var (
	_ http.ResponseWriter = (*filter)(nil)
	_ http.Pusher         = (*filter)(nil)
	_ io.ReaderFrom       = (*filter)(nil)
)
