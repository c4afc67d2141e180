package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	whenBefore = "before"
	whenAfter  = "after"
)

// Fault is one thing that goes wrong. Empty Provider, Operation, Payment and
// Order match everything.
type Fault struct {
	ID        string `json:"id,omitempty"`
	Provider  string `json:"provider,omitempty"`
	Operation string `json:"operation,omitempty"` // create, verify, inquiry, list, refund, conversion
	Payment   string `json:"payment,omitempty"`   // the provider's id; a network's track id
	Order     string `json:"order,omitempty"`

	// Kind is one of delay, hang, reset, status, html, redirect, error, empty,
	// truncate, cut, wrong_amount, wrong_id, wrong_order, numbers_as_strings,
	// strings_as_numbers, drop_fields, persian_digits, big, duplicate_keys, again.
	// "after" is short for delay (with ms) or reset (without) after processing.
	Kind string `json:"kind"`
	// When is before (the call has no effect) or after (it has, only the
	// answer suffers). Default: before for delay, hang, reset, status, html,
	// redirect and error; the others are always after.
	When string `json:"when,omitempty"`
	// Count is how many calls suffer; 0 is until cleared.
	Count int `json:"count,omitempty"`
	// Skip lets that many matching calls pass first.
	Skip int `json:"skip,omitempty"`

	MS         int64    `json:"ms,omitempty"`          // delay, hang
	Status     int      `json:"status,omitempty"`      // status; html (200), redirect (302)
	RetryAfter int      `json:"retry_after,omitempty"` // status: seconds
	Factor     float64  `json:"factor,omitempty"`      // wrong_amount
	Delta      int64    `json:"delta,omitempty"`       // wrong_amount
	Value      string   `json:"value,omitempty"`       // wrong_id, wrong_order
	Fields     []string `json:"fields,omitempty"`      // names or dotted paths
	Location   string   `json:"location,omitempty"`    // redirect
	Code       string   `json:"code,omitempty"`        // error: a documented error of the provider

	// Hits says how often it struck.
	Hits int `json:"hits"`
}

// kinds of faults: those that answer instead of the provider, of which one
// call suffers only one, and those that spoil an answer.
var (
	insteadKinds = []string{"hang", "reset", "status", "html", "redirect", "error"}
	mangleKinds  = []string{
		"empty", "truncate", "cut", "wrong_amount", "wrong_id", "wrong_order", "numbers_as_strings",
		"strings_as_numbers", "drop_fields", "persian_digits", "big", "duplicate_keys", kindAgain,
	}
)

// kindAgain is a verify call that somebody else has made just before: what is
// answered is the answer to a repeated one.
const kindAgain = "again"

func (f *Fault) validate() error {
	if f.Kind == "after" {
		f.Kind, f.When = "reset", whenAfter
		if f.MS > 0 {
			f.Kind = "delay"
		}
	}
	if f.Provider == "all" {
		f.Provider = ""
	}
	if f.Provider != "" && registered[f.Provider] == nil {
		return fmt.Errorf("provider %q is unknown; they are %s", f.Provider, strings.Join(services(), ", "))
	}
	switch f.Operation {
	case "", OpCreate, OpVerify, OpInquiry, OpList, OpRefund, OpConversion:
	default:
		return fmt.Errorf("operation %q is unknown; it is create, verify, inquiry, list, refund or conversion", f.Operation)
	}
	mangles := slices.Contains(mangleKinds, f.Kind)
	if !mangles && f.Kind != "delay" && !slices.Contains(insteadKinds, f.Kind) {
		return fmt.Errorf("kind %q is unknown; it is delay, after, %s or %s", f.Kind,
			strings.Join(insteadKinds, ", "), strings.Join(mangleKinds, ", "))
	}
	switch {
	case f.When == "" && mangles:
		f.When = whenAfter
	case f.When == "":
		f.When = whenBefore
	case f.When != whenBefore && f.When != whenAfter:
		return fmt.Errorf("when %q is neither before nor after", f.When)
	case f.When == whenBefore && mangles:
		return fmt.Errorf("%s spoils an answer, so it can't come before processing", f.Kind)
	}
	if f.Kind == kindAgain && f.Operation != OpVerify {
		return fmt.Errorf("again is a fault of verify: write the operation")
	}
	if f.Count < 0 || f.Skip < 0 || f.MS < 0 || f.MS > 600_000 || f.RetryAfter < 0 {
		return fmt.Errorf("count, skip, retry_after and ms (at most 600000) can't be negative")
	}
	return f.validateKind()
}

// validateKind checks and fills in what only some kinds have.
func (f *Fault) validateKind() error {
	switch f.Kind {
	case "delay":
		f.MS = cmp.Or(f.MS, 1000)
	case "status":
		f.Status = cmp.Or(f.Status, http.StatusInternalServerError)
		if f.Status == http.StatusTooManyRequests && f.RetryAfter == 0 {
			f.RetryAfter = 1
		}
	case "redirect":
		f.Status, f.Location = cmp.Or(f.Status, http.StatusFound), cmp.Or(f.Location, "/")
	case "html":
		f.Status = cmp.Or(f.Status, http.StatusOK)
	case "wrong_amount":
		if f.Factor == 0 && f.Delta == 0 {
			f.Factor = 10
		}
	case "drop_fields":
		if len(f.Fields) == 0 {
			return fmt.Errorf("drop_fields needs fields")
		}
	case "error":
		if f.Code == "" {
			return fmt.Errorf("error needs code, one of the provider's own")
		}
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("status %d is not an HTTP status from 200 to 599", f.Status)
	}
	return nil
}

func (f *Fault) matches(c call) bool {
	return (f.Provider == "" || f.Provider == c.provider) &&
		(f.Operation == "" || f.Operation == c.op) &&
		(f.Payment == "" || f.Payment == c.subject) &&
		(f.Order == "" || f.Order == c.order)
}

// take picks the faults that strike this call and counts them. Of those that
// answer instead of the provider only the first strikes, so "500, 500, then a
// reset" is three faults with a count of one.
func (st *state) take(c call) []Fault {
	var hit []Fault
	instead := false
	kept := st.faults[:0]
	for _, f := range st.faults {
		strikes := f.matches(c)
		if strikes && slices.Contains(insteadKinds, f.Kind) {
			strikes = !instead
		}
		switch {
		case !strikes:
		case f.Skip > 0:
			f.Skip--
		default:
			instead = instead || slices.Contains(insteadKinds, f.Kind)
			f.Hits++
			hit = append(hit, *f)
			if f.Count > 0 && f.Hits >= f.Count {
				continue // used up
			}
		}
		kept = append(kept, f)
	}
	clear(st.faults[len(kept):])
	st.faults = kept
	return hit
}

// addFault expects a validated fault.
func (st *state) addFault(f Fault) Fault {
	st.lastFault++
	f.ID = "f" + strconv.Itoa(st.lastFault)
	f.Hits = 0
	st.faults = append(st.faults, &f)
	return f
}

// clearFaults drops all faults, or one, and lets waiting answers go. It reports
// how many were dropped.
func (st *state) clearFaults(id string) int {
	before := len(st.faults)
	st.faults = slices.DeleteFunc(st.faults, func(f *Fault) bool { return id == "" || f.ID == id })
	if id == "" {
		close(st.faultsReleased)
		st.faultsReleased = make(chan struct{})
	}
	return before - len(st.faults)
}
