// Package forwarded keeps what passed through a relay while the ledger could not record
// it (`when_down forward`): an append-only file beside the ledger, which is read in when
// the ledger can record again.
//
// Its invariants: a call is marked before it goes out, and its end after; each mark is
// synced before the shop has its answer; no secret, no card and no text of a provider's
// stands in a mark; and a mark is taken out of the file only after it was read in.
package forwarded

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// maxLine is longer than any mark: a callback has at most the 64 KiB of its call, stands
// in a mark twice, and JSON may write six bytes for one.
const maxLine = 1 << 20

// Read gives the marks to read, call by call in the order of their beginnings, and deletes the
// file when all have been taken. After an error no further call about the same payment is given;
// others are, unless stop says that the ledger is away. What is left, and what is marked
// meanwhile, waits for the next time. That a call was taken is noted before the next one is
// given, so a crash may have the last one read in again: that must be harmless. damaged is how
// many lines could not be read.
func (l *Log) Read(read func(marks []Mark) error, stop func() bool) (damaged int, err error) {
	if l == nil {
		return 0, nil
	}
	l.begin()
	defer l.end()
	if err := l.putAside(); err != nil {
		return 0, err
	}
	calls, damaged, err := l.calls()
	if err != nil {
		return damaged, err
	}
	var failed error
	waits := make(map[[2]string]bool)
	for _, marks := range calls {
		of := [2]string{marks[0].Provider, marks[len(marks)-1].ID}
		if waits[of] {
			continue
		}
		err := read(marks)
		if err == nil {
			err = l.take(marks)
		}
		if err != nil {
			if waits[of] = true; failed == nil {
				failed = err
			}
			if stop() {
				break
			}
		}
	}
	if failed != nil {
		return damaged, failed
	}
	if damaged > 0 {
		// Whoever wants to know what stood there finds it.
		err = os.Rename(l.aside(), l.path+".damaged")
	} else {
		err = os.Remove(l.aside())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return damaged, fmt.Errorf("ending the file of forwarded calls: %w", err)
	}
	return damaged, nil
}

// take notes that a call was read in.
func (l *Log) take(marks []Mark) error {
	l.mu.Lock()
	err := appendTo(l.aside(), Mark{At: marks[0].At, Call: marks[0].Call, Provider: marks[0].Provider, Taken: true})
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("reading in what was forwarded: %w", err)
	}
	l.forget(marks)
	return nil
}

// begin waits until nobody else reads in.
func (l *Log) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn == nil {
		l.turn = sync.NewCond(&l.mu)
	}
	for l.reading {
		l.turn.Wait()
	}
	l.reading = true
}

func (l *Log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = false
	l.turn.Signal()
}

// putAside takes the file from those who write, unless one waits to be read already.
func (l *Log) putAside() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := os.Stat(l.aside()); err == nil {
		return nil
	}
	if err := os.Rename(l.path, l.aside()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading in what was forwarded: %w", err)
	}
	return nil
}

func (l *Log) calls() (calls [][]Mark, damaged int, err error) {
	calls, damaged, err = callsIn(l.aside())
	if err != nil {
		return nil, damaged, fmt.Errorf("reading in what was forwarded: %w", err)
	}
	return calls, damaged, nil
}

// callsIn returns the calls of a file that are not read in, by their beginnings.
func callsIn(path string) (calls [][]Mark, damaged int, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // the caller says what for
	}
	defer f.Close()
	at, taken := make(map[string]int), make(map[string]bool)
	damaged, err = eachMark(f, func(m Mark) {
		i, ok := at[m.Call]
		if !ok {
			i = len(calls)
			at[m.Call], calls = i, append(calls, nil)
		}
		calls[i] = append(calls[i], m)
		taken[m.Call] = taken[m.Call] || m.Taken
	})
	return slices.DeleteFunc(calls, func(marks []Mark) bool { return taken[marks[0].Call] }), damaged, err
}

// eachMark reads a file line by line. damaged is how many lines are no mark: none of them, and
// no long one, keeps the others from being read.
func eachMark(f io.Reader, each func(Mark)) (damaged int, err error) {
	lines := bufio.NewReaderSize(f, maxLine)
	for err == nil {
		var line []byte
		line, err = lines.ReadSlice('\n')
		long := false
		for errors.Is(err, bufio.ErrBufferFull) {
			long = true
			_, err = lines.ReadSlice('\n')
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var m Mark
		if long || json.Unmarshal(line, &m) != nil || m.Call == "" || m.Provider == "" {
			damaged++
			continue
		}
		each(m)
	}
	if !errors.Is(err, io.EOF) {
		return damaged, err
	}
	return damaged, nil
}
