package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// crossOrigin keeps web pages that the developer happens to visit from pulling
// the levers of a sandbox on localhost.
var crossOrigin = http.NewCrossOriginProtection()

// serveControl is the JSON API and the page for the people who run the sandbox.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request, seg []string) {
	if err := crossOrigin.Check(r); err != nil {
		http.Error(w, "403: cross-origin requests may not change the sandbox.", http.StatusForbidden)
		return
	}
	if len(seg) == 0 {
		s.serveControlPage(w, r)
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	out, err := s.control(r, seg, body)
	form := isForm(r, body) && strings.Contains(r.Header.Get("Accept"), "text/html")
	switch {
	case err == nil && form:
		// A person pressed a button of the page: back to the page.
		w.Header().Set("Location", strings.Repeat("../", len(seg)-1)+"./")
		w.WriteHeader(http.StatusSeeOther)
	case err == nil:
		writeJSON(w, http.StatusOK, out)
	default:
		writeJSON(w, statusOf(err), map[string]string{"error": err.Error()})
	}
}

var (
	errNoSuchControl = errors.New("no such control address; see GET /_control/")
	errMethod        = errors.New("method not allowed here")
)

func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, errNoSuchControl):
		return http.StatusNotFound
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(err, errFinished), errors.Is(err, errNothingToSend):
		return http.StatusConflict
	}
	return http.StatusBadRequest
}

// control does one thing and says what came of it.
func (s *Server) control(r *http.Request, seg []string, body []byte) (any, error) {
	get, post, del := r.Method == http.MethodGet, r.Method == http.MethodPost, r.Method == http.MethodDelete
	switch name := seg[0]; {
	case name == "ledger" && len(seg) == 1:
		if !get {
			return nil, errMethod
		}
		q := r.URL.Query()
		return s.Ledger(q.Get("provider"), q.Get("id"), q.Get("order")), nil
	case name == "faults" && len(seg) == 1 && get:
		return map[string]any{"faults": s.Faults()}, nil
	case name == "faults" && len(seg) == 1 && post:
		return s.controlFaults(r, body)
	case name == "faults" && len(seg) == 1 && del, name == "faults" && len(seg) == 2 && seg[1] == "clear" && post:
		return map[string]int{"cleared": s.ClearFaults()}, nil
	case name == "faults" && len(seg) == 2 && del:
		return map[string]int{"cleared": 1}, s.ClearFault(seg[1])
	case name == "clock" && len(seg) == 1:
		return s.controlClock(r, body)
	case name == "settings" && len(seg) == 1 && get:
		return s.Settings(), nil
	case name == "settings" && len(seg) == 1 && post:
		return s.controlSettings(body)
	case name == "payments" && len(seg) == 2 && get:
		l := s.Ledger("", seg[1], "")
		if len(l.Payments) == 0 {
			return nil, fmt.Errorf("payment %q: %w", seg[1], ErrNotFound)
		}
		return l.Payments[0], nil
	case name == "payments" && len(seg) == 3 && post:
		return s.controlPayment(r, seg[1], seg[2], body)
	case name == "reset" && len(seg) == 1 && post:
		s.Reset()
		return map[string]bool{"reset": true}, nil
	case name == "ledger", name == "faults", name == "settings", name == "payments", name == "reset":
		return nil, errMethod
	}
	return nil, errNoSuchControl
}

// controlFaults takes one fault, a list of them, or the page's form.
func (s *Server) controlFaults(r *http.Request, body []byte) (any, error) {
	var faults []Fault
	switch trimmed := bytes.TrimSpace(body); {
	case isForm(r, body):
		f, err := formFault(body)
		if err != nil {
			return nil, err
		}
		faults = []Fault{f}
	case len(trimmed) > 0 && trimmed[0] == '[':
		if err := decode(body, &faults); err != nil {
			return nil, err
		}
	default:
		faults = make([]Fault, 1)
		if err := decode(body, &faults[0]); err != nil {
			return nil, err
		}
	}
	// All are checked before the first is armed.
	for i := range faults {
		if err := faults[i].validate(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	out := make([]Fault, 0, len(faults))
	for _, f := range faults {
		armed, err := s.SetFault(f)
		if err != nil {
			return nil, err
		}
		out = append(out, armed)
	}
	return map[string]any{"faults": out}, nil
}

func (s *Server) controlClock(r *http.Request, body []byte) (any, error) {
	var in struct {
		Advance string `json:"advance"`
	}
	if r.Method == http.MethodPost {
		if isForm(r, body) {
			form, _ := url.ParseQuery(string(body))
			in.Advance = form.Get("advance")
		} else if err := decode(body, &in); err != nil {
			return nil, err
		}
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, fmt.Errorf("advance %q is not a duration such as 11m", in.Advance)
		}
		s.Advance(d)
	}
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	return map[string]any{"now": s.st.clock(), "offset": s.st.offset.String()}, nil
}

// controlSettings merges: what a request does not name stays.
func (s *Server) controlSettings(body []byte) (any, error) {
	var in map[string]json.RawMessage
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	current := s.Settings()
	merged := make(map[string]Settings)
	for provider, raw := range in {
		names := []string{provider}
		if provider == "all" {
			names = gateways()
		}
		for _, name := range names {
			c, done := merged[name]
			if !done {
				c = current[name]
			}
			if err := decode(raw, &c); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			merged[name] = c
		}
	}
	for name, c := range merged {
		if err := c.validate(name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, c := range merged {
		if err := s.SetSettings(name, c); err != nil {
			return nil, err
		}
	}
	return s.Settings(), nil
}

func (s *Server) controlPayment(r *http.Request, id, what string, body []byte) (any, error) {
	switch what {
	case "act":
		var in struct {
			Action string `json:"action"`
		}
		if isForm(r, body) {
			form, _ := url.ParseQuery(string(body))
			in.Action = form.Get("action")
		} else if err := decode(body, &in); err != nil {
			return nil, err
		}
		return s.Act(id, in.Action)
	case "settings":
		var c Settings
		if err := decode(body, &c); err != nil {
			return nil, err
		}
		return c, s.SetPaymentSettings(id, c)
	}
	return nil, errNoSuchControl
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // people copy return URLs out of it
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		http.Error(w, "500: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(buf.Bytes()) // the client may be gone
}
