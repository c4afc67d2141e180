// Package forwarded keeps what passed through a relay while the ledger could not record
// it (`when_down forward`): an append-only file beside the ledger, which is read in when
// the ledger can record again.
//
// Its invariants: a call is marked before it goes out, and its end after; each mark is
// synced before the shop has its answer; no secret, no card and no text of a provider's
// stands in a mark; and a mark is taken out of the file only after it was read in.
package forwarded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Mark is one line of the file.
type Mark struct {
	At time.Time `json:"at"`
	// Call joins the marks of one call.
	Call string `json:"call"`
	// Ended: the provider has answered. Said: the shop has been told, whole or not.
	Ended bool `json:"ended,omitempty"`
	Said  bool `json:"said,omitempty"`

	Kind     payment.RelayKind `json:"kind"`
	Provider string            `json:"provider"`
	Site     string            `json:"site"`
	Formerly []string          `json:"formerly,omitempty"`
	Route    string            `json:"route,omitempty"`
	ID       string            `json:"id,omitempty"`
	Order    string            `json:"order,omitempty"`
	// Number is the amount as the call has it, counted in Unit.
	Number   int64           `json:"number,omitempty"`
	Unit     payment.Unit    `json:"unit,omitempty"`
	Callback string          `json:"callback,omitempty"`
	Return   *payment.Return `json:"return,omitempty"`
	Many     bool            `json:"many,omitempty"`
	Proof    string          `json:"proof,omitempty"`

	// Outcome and Receipt are what the answer means, and Heard whether the shop took it
	// whole.
	Outcome payment.Outcome  `json:"outcome,omitempty"`
	Receipt *payment.Receipt `json:"receipt,omitempty"`
	Code    string           `json:"code,omitempty"`
	Heard   bool             `json:"heard,omitempty"`
	// Taken: the call was read in.
	Taken bool `json:"taken,omitempty"`
	// Unsent: certainly nothing reached the provider.
	Unsent bool `json:"unsent,omitempty"`
}

// Log is one file. The zero value can't be used; nil keeps nothing.
type Log struct {
	path string

	// mu is held while the file is written to or put aside.
	mu sync.Mutex
	// reading: what was put aside is being read in, which may take as long as the ledger's
	// commits; turn is who waits for its end. Both need mu.
	reading bool
	turn    *sync.Cond

	pending pending
	running running
}

// At returns the log of a path: one in a process, because two configurations share it.
func At(path string) *Log {
	logs.Lock()
	defer logs.Unlock()
	if l := logs.at[path]; l != nil {
		return l
	}
	l := &Log{path: path}
	logs.at[path] = l
	return l
}

var logs = struct {
	sync.Mutex
	at map[string]*Log
}{at: make(map[string]*Log)}

var errNoLog = errors.New("there is no file for what was forwarded")

// Append adds a mark, synced.
func (l *Log) Append(m Mark) error {
	if l == nil {
		return errNoLog
	}
	l.remember(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	err := os.MkdirAll(filepath.Dir(l.path), 0o700)
	if err == nil {
		err = appendTo(l.path, m)
	}
	if err != nil {
		return fmt.Errorf("marking a forwarded call: %w", err)
	}
	return nil
}

// appendTo adds a mark to a file, synced.
func appendTo(path string, m Mark) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	// A line that a full disk cut off must not swallow the next one.
	_, err = f.Write(append(append([]byte{'\n'}, b...), '\n'))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Any reports whether there is something to be read in.
func (l *Log) Any() bool {
	if l == nil {
		return false
	}
	for _, path := range []string{l.path, l.aside()} {
		if s, err := os.Stat(path); err == nil && s.Size() > 0 {
			return true
		}
	}
	return false
}

// Marked reports whether a call about a provider's id, other than its create, is still to be
// read in. It reads the whole file.
func (l *Log) Marked(id string) (found bool) {
	if l == nil || id == "" {
		return false
	}
	err := l.each(func(m Mark) { found = found || m.ID == id && m.Kind != payment.RelayCreate })
	return found || err != nil
}

// each gives the marks of both files that are not read in. Nothing is put aside between the two
// looks.
func (l *Log) each(do func(Mark)) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, path := range []string{l.aside(), l.path} {
		calls, _, readErr := callsIn(path)
		for _, marks := range calls {
			for _, m := range marks {
				do(m)
			}
		}
		err = errors.Join(err, readErr)
	}
	return err
}

func (l *Log) aside() string { return l.path + ".reading" }
