package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The operations that a fault can be limited to.
const (
	OpCreate     = "create"
	OpVerify     = "verify"
	OpInquiry    = "inquiry"
	OpList       = "list"
	OpConversion = "conversion"
	OpRefund     = "refund" // refunds and reversals
)

// call is one understood API request. exec changes the state and makes the
// answer; it runs with state.mu held.
type call struct {
	provider string
	op       string
	subject  string // the payment's id, or the track id of a conversion
	order    string
	exec     func() answer
}

// answer is what an API call gets: a JSON value, or nothing.
type answer struct {
	status int
	body   any
	raw    []byte // instead of body: an HTML page, half a JSON, …
	kind   string // Content-Type of raw
	header http.Header
	cut    bool // promise the whole body, send half, hang up
}

func reply(status int, body any) answer {
	return answer{status: status, body: body}
}

// serveJSON serves a call whose body is a JSON object, or 404 if make is nil. denied may
// refuse it by its credential.
func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request, provider string, make func(map[string]any, *http.Request) call, denied func(fields map[string]any) *answer) {
	if make == nil {
		notFound(w)
		return
	}
	body, ok := readPost(w, r)
	if !ok {
		return
	}
	fields := readObject(r, body)
	c := make(fields, r)
	c.provider = provider
	s.serveUnless(w, r, denied(fields), c)
}

// serveUnless runs a call, or gives the answer by which its credential is refused.
func (s *Server) serveUnless(w http.ResponseWriter, r *http.Request, denied *answer, c call) {
	if denied != nil {
		c.exec = func() answer { return *denied }
	}
	s.serveCall(w, r, c)
}

// bearer reports whether a request has one of the API keys as its bearer token.
func (s *Server) bearer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && accepts(token, s.opts.APIKeys)
}

// unless returns an answer where something is not so.
func unless(ok bool, a answer) *answer {
	if ok {
		return nil
	}
	return &a
}

// serveCall runs a call with the faults that apply to it.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, c call) {
	s.st.mu.Lock()
	p := s.st.find(c.provider, c.subject)
	if c.op == OpVerify {
		if p != nil {
			p.verifyCalls++
			p.inFlight++
			p.inFlightMax = max(p.inFlightMax, p.inFlight)
		} else {
			s.st.unknownVerify++
		}
	}
	faults := s.st.take(c)
	released := s.st.faultsReleased
	s.st.mu.Unlock()

	if c.op == OpVerify && p != nil {
		defer func() {
			s.st.mu.Lock()
			p.inFlight--
			s.st.mu.Unlock()
		}()
	}

	if !s.disturb(w, r, faults, whenBefore, released) {
		return
	}
	ans, replaced := replacement(faults, whenBefore, c)
	s.st.mu.Lock()
	if !replaced {
		if slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == kindAgain }) {
			c.exec() // the other's call
		}
		ans = c.exec()
	}
	now := s.st.clock()
	s.st.mu.Unlock()
	if !replaced {
		if !s.disturb(w, r, faults, whenAfter, released) {
			return
		}
		if other, instead := replacement(faults, whenAfter, c); instead {
			ans = other
		} else {
			ans = mangle(ans, faults, c)
		}
	}
	ans.write(w, now)
}

// write sends the answer. Date is the sandbox's clock, because clients measure
// their skew with it.
func (a answer) write(w http.ResponseWriter, now time.Time) {
	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	body, kind := a.raw, a.kind
	if body == nil && a.body != nil {
		body, kind = appendJSON(nil, a.body), "application/json"
	}
	if kind != "" {
		h.Set("Content-Type", kind)
	}
	if a.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(a.status)
	if a.cut {
		body = body[:len(body)/2]
	}
	w.Write(body) // the client may be gone; there is nobody left to tell
}
