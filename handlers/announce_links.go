package handlers

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// mostLooked is how much of a JSON answer is looked at, mostLinks how many of its
	// addresses.
	mostLooked = 16 << 10
	mostLinks  = 8
	// mostWindow is what Zstandard may look back on: what its encoders use for the web.
	mostWindow = 8 << 20
)

// linkSeeker keeps the beginning of an answer that may send its page's script to a
// bank, and looks at it once.
//
// Its invariant: the look comes when all is there that it needs, in however many
// pieces the answer is written and by whatever coding of [plain] it is compressed,
// and before the browser has the whole answer.
type linkSeeker struct {
	coding string
	// whole is the length at which the answer ends, where it says so.
	whole int
	body  []byte
}

// seeker is what looks for links in an answer, nil for one without. Every answer of a
// site that tracks is asked.
func seeker(r *http.Request, header http.Header) *linkSeeker {
	if !mayBeJSON(r, header) {
		return nil
	}
	s := &linkSeeker{whole: mostLooked}
	if codings := header["Content-Encoding"]; len(codings) > 0 {
		s.coding = strings.ToLower(strings.TrimSpace(codings[0]))
		if len(codings) > 1 || !knownCoding(s.coding) {
			return nil
		}
	}
	if n, err := strconv.Atoi(header.Get("Content-Length")); err == nil {
		s.whole = min(n, mostLooked)
	}
	return s
}

// mayBeJSON: an answer says that it is JSON, or a script has asked for what PHP calls
// HTML unless it is told otherwise.
func mayBeJSON(r *http.Request, header http.Header) bool {
	kinds := header["Content-Type"]
	if len(kinds) == 0 {
		return false
	}
	kind, _, _ := strings.Cut(kinds[0], ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return true
	case kind == "text/html" || kind == "text/plain" || kind == "text/json":
		return r.Header.Get("X-Requested-With") != "" || r.Header.Get("Sec-Fetch-Dest") == "empty"
	}
	return false
}

// take keeps what is about to be written, and reports whether nothing more is needed.
func (s *linkSeeker) take(b []byte) bool {
	s.body = append(s.body, b[:min(len(b), mostLooked-len(s.body))]...)
	return len(s.body) >= s.whole
}

// seek looks at an answer's next piece.
func (f *filter) seek(b []byte) {
	if f.links != nil && f.links.take(b) {
		f.sought()
	}
}

// sought notes what was found, once.
func (f *filter) sought() {
	if s := f.links; s != nil {
		f.links = nil
		f.h.notedIn(f.r, plain(s.coding, s.body))
	}
}

func knownCoding(coding string) bool {
	switch coding {
	case "", "identity", "gzip", "x-gzip", "deflate", "zstd":
		return true
	}
	return false
}

// plain is the beginning of what was compressed, as far as it can be read.
func plain(coding string, body []byte) []byte {
	var from io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "", "identity":
		return body
	case "gzip", "x-gzip":
		from, err = gzip.NewReader(from)
	case "deflate":
		from, err = zlib.NewReader(from)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow)); err == nil {
			defer z.Close()
			from = z
		}
	}
	if err != nil {
		return nil
	}
	// What comes before an error was read rightly: the rest was not kept.
	text, _ := io.ReadAll(io.LimitReader(from, mostLooked))
	return text
}

// notedIn notes the pay page that a shop's JSON sends its script to, as OpenCart's does:
// like a redirect without headers it proves nothing, and tells whose visit the payment
// began with.
func (h *Handler) notedIn(r *http.Request, body []byte) {
	rest := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(rest) == 0 || !bytes.ContainsRune([]byte(`{["`), rune(rest[0])) {
		return // a page
	}
	for range mostLinks {
		at := bytes.Index(rest, []byte("http"))
		if at < 0 {
			return
		}
		rest = rest[at:]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return
		}
		text := strings.ReplaceAll(strings.ReplaceAll(string(rest[:end]), `\/`, "/"), `\u0026`, "&")
		rest = rest[end:]
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue
		}
		if all, id := h.payees(r, u); len(all) > 0 {
			h.noted(r, all, id)
			return
		}
	}
}
