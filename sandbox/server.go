package sandbox

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxBody caps what a request may send: no documented message comes near.
const maxBody = 64 << 10

// Server speaks the providers' wire protocols. It is safe for concurrent use.
type Server struct {
	opts Options
	st   *state
}

// New makes a server with an empty ledger.
func New(opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Server{opts: opts, st: newState(opts.Now)}, nil
}

// ServeHTTP answers one request of a client, of a payer's browser, or of
// the people who run the sandbox.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.opts.AllowRemote && !loopback(r.RemoteAddr) {
		http.Error(w, "403: this is a payment sandbox; it answers only clients on the same machine (loopback).\n"+
			"To open it to others, write allow_remote in its configuration.", http.StatusForbidden)
		return
	}
	seg := segments(r.URL.Path)
	if len(seg) == 0 {
		s.serveIndex(w, r)
		return
	}
	if seg[0] != "_control" {
		s.st.mu.Lock()
		s.st.count(r.Method + " " + r.URL.Path)
		s.st.mu.Unlock()
	}
	switch g := registered[seg[0]]; {
	case seg[0] == "_control":
		s.serveControl(w, r, seg[1:])
	case g != nil:
		g.serve(s, w, r, seg[1:])
	default:
		notFound(w)
	}
}

// segments splits a path; a trailing slash makes no difference here. Where a
// document insists on one, its handler looks at the path itself.
func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func loopback(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

func notFound(w http.ResponseWriter) {
	http.Error(w, "404: the sandbox has no such address. It serves "+paths()+".", http.StatusNotFound)
}

func methodNotAllowed(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	http.Error(w, "405: only "+allow+" is allowed here.", http.StatusMethodNotAllowed)
}

// readPost reads the body of a call that must be a POST. If ok is false, the call was
// answered.
func readPost(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if r.Method != http.MethodPost {
		methodNotAllowed(w, http.MethodPost)
		return nil, false
	}
	return readBody(w, r)
}

// readBody reads a capped body, or answers and reports false.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, true
	}
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		http.Error(w, "413: the body is larger than 64 KiB.", http.StatusRequestEntityTooLarge)
	} else {
		http.Error(w, "400: the body could not be read.", http.StatusBadRequest)
	}
	return nil, false
}

// accepts checks a secret: against the configured ones, or else whether it is
// plausible. "wrong" and "invalid" are refused so that a demo can show what a
// bad key looks like.
func accepts(secret string, known []string) bool {
	if len(known) > 0 {
		return slices.Contains(known, secret)
	}
	lower := strings.ToLower(secret)
	return strings.TrimSpace(secret) != "" &&
		!strings.Contains(lower, "wrong") && !strings.Contains(lower, "invalid")
}

// origin returns the front part of the links that the sandbox hands out.
func (s *Server) origin(r *http.Request) string {
	if s.opts.PublicURL != "" {
		return s.opts.PublicURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Interface guard
var _ http.Handler = (*Server)(nil)
