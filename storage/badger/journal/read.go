package journal

import (
	"encoding/json"
	"errors"
	"fmt"
)

var errNoHeader = errors.New("a segment's header is not the one that was written")

// Found is what was found in a journal's directory.
type Found struct {
	// Exists is whether there is a journal at all.
	Exists bool
	// ID names it.
	ID string
	// First is the version that it begins after, Last that of its last frame
	// that is whole and in its place.
	First, Last uint64
	// Frames is how many there are between them.
	Frames int
	// Torn is how many bytes behind the last frame are no frame: a write that was
	// cut short, of which nobody was told.
	Torn int
	// Damage says what is not as it was written, or is nil.
	Damage error

	head head
	seg  uint64 // number of the last segment
	used int64  // how much of it is frames
	end  position
}

// Note reads only the note that [Journal.Drop], SetNote or Close wrote last; ok is
// false if there is none that can be read.
func Note(dir string) (note json.RawMessage, ok bool) {
	h, err := readHead(dir)
	return h.Note, err == nil && h.Note != nil
}

// Read reads a journal and hands each frame to f, in order, up to the first
// that is not whole. A payload is valid until f returns. Only an error of f, of
// reading, or [ErrFormat], is returned; damage is told in what was found.
func Read(dir string, f func(Frame) error) (Found, error) {
	found := Found{}
	numbers, err := segments(dir)
	if isMissing(err) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("reading the journal: %w", err)
	}
	h, err := readHead(dir)
	switch {
	case isMissing(err) && len(numbers) == 0:
		return found, nil
	case isMissing(err), errors.Is(err, errHead):
		found.Exists = true
		found.Damage = fmt.Errorf("%w: %w", ErrDamaged, errHead)
		return found, nil
	case err != nil:
		return found, fmt.Errorf("reading the journal: %w", err)
	}
	hash, err := h.hash()
	if err != nil {
		return found, err
	}
	found = Found{Exists: true, ID: h.ID, First: h.Version, Last: h.Version, head: h, seg: h.First - 1}
	found.end = position{h.Version, hash}
	count := func(fr Frame) error {
		found.Frames++
		if f != nil {
			return f(fr)
		}
		return nil
	}
	var rest []byte
	for i, n := range numbers {
		if n < h.First {
			continue // it was to be deleted
		}
		switch {
		case n != found.seg+1:
			found.Damage = fmt.Errorf("%w: segment %d is missing", ErrDamaged, found.seg+1)
			return found, nil
		case len(rest) > 0:
			found.Damage = fmt.Errorf("%w: segment %d ends with %d bytes that are no frame", ErrDamaged, found.seg, len(rest))
			return found, nil
		}
		end, used, after, err := readSegment(dir, h.ID, n, found.end, count)
		switch {
		case err == nil:
			found.seg, found.used, found.end, found.Last = n, used, end, end.version
		case !errors.Is(err, errNoHeader):
			return found, fmt.Errorf("reading the journal: %w", err)
		case i < len(numbers)-1 || anyFrame(after):
			found.Damage = fmt.Errorf("%w: segment %d: %w", ErrDamaged, n, err)
			return found, nil
		}
		// A last segment without header or frame was being made: its number is
		// free.
		rest = after
	}
	if anyFrame(rest) {
		found.Damage = fmt.Errorf("%w: the chain breaks after version %d, and goes on behind it", ErrDamaged, found.Last)
		return found, nil
	}
	found.Torn = len(rest)
	return found, nil
}

// NotIts is the doubt about a journal that belongs to another store: nothing may
// be written again from it.
const NotIts = "its journal belongs to another ledger"

// Doubt says why a journal can't vouch for a store whose newest commit has the
// version height, or "". mark is the journal's name in the store; marked is whether
// the journal itself says that it was put there. A commit of which no caller was
// told may be in the store alone. It is pure.
func (f Found) Doubt(mark []byte, marked bool, height uint64) string {
	switch {
	case !f.Exists && mark == nil:
		return "" // the store is new
	case !f.Exists:
		return "its journal is missing"
	case f.ID == "":
		return f.Damage.Error()
	case mark != nil && string(mark) != f.ID, mark == nil && !marked && f.Frames > 0:
		return NotIts
	case f.Damage != nil:
		return f.Damage.Error()
	case height > f.Last+1:
		return "its journal ends before the store does"
	case height < f.First:
		return "the store holds less than when its journal was last shortened"
	}
	return ""
}
