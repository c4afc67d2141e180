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
	"slices"
	"sync"

	"github.com/rahgir/caddy-payments/payment"
)

// maxLine is longer than any mark: a callback has at most the 64 KiB of its call, stands
// in a mark twice, and JSON may write six bytes for one.
const maxLine = 1 << 20

// Read gives the marks to read, call by call in the order of their beginnings (but see
// settledFirst), and deletes the file when all have been taken. After an error, and where a call
// still passes, no further call about the same payment is given; others are, unless stop says
// that the ledger is away. What is left, and what is marked meanwhile, waits for the next time.
// That a call was taken is noted before the next one is given, so a crash may have the last one
// read in again: that must be harmless. damaged is how many lines could not be read.
func (l *Log) Read(read func(marks []Mark) error, stop func() bool) (damaged int, err error) {
	if l == nil {
		return 0, nil
	}
	l.begin()
	defer l.end()
	passing, err := l.putAside()
	if err != nil {
		return 0, err
	}
	calls, damaged, err := l.calls()
	if err != nil {
		return damaged, err
	}
	var failed error
	waits := make(map[[2]string]bool)
	for i, marks := range calls {
		of := marks[len(marks)-1].payment()
		if waits[of] || passing[marks[0].Call] {
			waits[of] = true
			continue
		}
		err := read(marks)
		if err == nil && (i < len(calls)-1 || len(waits) > 0) {
			err = l.take(marks) // after the last one the file goes
		}
		if err == nil {
			l.forget(marks)
			continue
		}
		if waits[of] = true; failed == nil {
			failed = err
		}
		if stop() {
			break
		}
	}
	if len(waits) > 0 {
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

// putAside takes the file from those who write. What could not be read in before stays at its
// front. After a crash in between the file may have some marks twice, which does no harm.
//
// It returns the calls that pass while it does so. Their last marks may come too late for the
// file, also where they have ended before they are looked at.
func (l *Log) putAside() (passing map[string]bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	passing = l.running.passes()
	_, err = os.Stat(l.aside())
	switch {
	case err == nil:
		err = l.join()
	case errors.Is(err, fs.ErrNotExist):
		err = os.Rename(l.path, l.aside())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading in what was forwarded: %w", err)
	}
	return passing, nil
}

// join puts the file behind what was put aside before.
func (l *Log) join() error {
	from, err := os.Open(l.path)
	if err != nil {
		return err //nolint:wrapcheck // putAside says what for
	}
	defer from.Close()
	to, err := os.OpenFile(l.aside(), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // putAside says what for
	}
	_, err = to.WriteString("\n")
	if err == nil {
		_, err = io.Copy(to, from)
	}
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	_ = from.Close()         // Windows removes no open file
	return os.Remove(l.path) //nolint:wrapcheck // putAside says what for
}

func (l *Log) calls() (calls [][]Mark, damaged int, err error) {
	calls, damaged, err = callsIn(l.aside())
	if err != nil {
		return nil, damaged, fmt.Errorf("reading in what was forwarded: %w", err)
	}
	settledFirst(calls)
	return calls, damaged, nil
}

// settledFirst puts the verify that settled a payment before those that were under way beside
// it: what these heard, "already verified", it explains. No verify changes places with a call
// that sends the money back.
func settledFirst(calls [][]Mark) {
	verifies := make(map[[2]string][]int) // of a payment, since it was last sent back
	for i, marks := range calls {
		last := marks[len(marks)-1]
		of := last.payment()
		if last.Kind != payment.RelayVerify {
			delete(verifies, of)
			continue
		}
		verifies[of] = append(verifies[of], i)
		if last.Outcome != payment.OutcomePaid {
			continue
		}
		for at := verifies[of]; len(at) > 1; at = at[:len(at)-1] {
			before, now := at[len(at)-2], at[len(at)-1]
			if earlier := calls[before]; earlier[len(earlier)-1].Outcome == payment.OutcomePaid {
				break
			}
			calls[before], calls[now] = calls[now], calls[before]
		}
	}
}

// payment is what a mark is about.
func (m Mark) payment() [2]string { return [2]string{m.Provider, m.ID} }

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
