package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// DefaultSegment is how long a segment gets before the next one is begun.
const DefaultSegment = 4 << 20

// Journal is open for writing. Append, Sync and Close are for one goroutine at a
// time (Sync may run beside what else it does); the other methods are for any.
type Journal struct {
	dir     string
	segment int64

	mu     sync.Mutex
	head   head
	file   *os.File
	number uint64
	offset int64
	end    position
	ends   []segmentEnd // of the segments before the one that is written
	buf    []byte
	broken error
	syncs  uint64
}

type segmentEnd struct {
	number uint64
	end    position
}

// Create makes an empty journal in dir, which begins after a version.
func Create(dir string, version uint64, segment int64) (*Journal, error) {
	if err := durable.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("making the journal: %w", err)
	}
	h := newHead(version)
	if err := h.write(dir); err != nil {
		return nil, err
	}
	hash, err := h.hash()
	if err != nil {
		return nil, err
	}
	return Continue(dir, Found{head: h, end: position{version, hash}}, segment)
}

// Continue continues a journal that was read and found undamaged, in a new segment, so
// that no torn frame is overwritten.
func Continue(dir string, found Found, segment int64) (*Journal, error) {
	j := &Journal{dir: dir, segment: segment, head: found.head, number: found.seg, end: found.end}
	numbers, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	for _, n := range numbers {
		if n < j.head.First {
			_ = os.Remove(segmentPath(dir, n))
		}
	}
	if found.Torn > 0 && j.number >= j.head.First {
		// The next reading must find no half of a frame in the middle.
		if err := os.Truncate(segmentPath(dir, j.number), found.used); err != nil {
			return nil, fmt.Errorf("opening the journal: %w", err)
		}
	}
	// Where the earlier segments end is not known any more. They are dropped together.
	if j.number >= j.head.First {
		j.ends = append(j.ends, segmentEnd{j.number, j.end})
	}
	if err := j.begin(); err != nil {
		return nil, err
	}
	return j, nil
}

// begin begins the next segment.
func (j *Journal) begin() error {
	n := j.number + 1
	path := segmentPath(j.dir, n)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	// Its blocks are there before it is used: a full disk then refuses a new
	// segment, and tears no frame.
	if err = durable.Inherit(path); err == nil {
		err = reserve(f, j.segment)
	}
	if err == nil {
		_, err = f.WriteAt(segmentHeader(j.head.ID, n, j.end.version, j.end.hash), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = durable.SyncDir(j.dir)
	}
	if err != nil {
		f.Close()
		_ = os.Remove(path)
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if j.file != nil {
		j.ends = append(j.ends, segmentEnd{j.number, j.end})
		if err := j.file.Close(); err != nil {
			j.broken = err
			f.Close()
			return j.failed()
		}
	}
	j.file, j.number, j.offset = f, n, segmentHead
	return nil
}

// Append writes a frame, which from now on survives the death of the process. If
// it fails with [ErrRefused] there is no such frame; with [ErrBroken] nobody
// knows.
func (j *Journal) Append(f Frame) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.failed()
	}
	if n := len(f.Payload); n == 0 || n > MaxPayload {
		return fmt.Errorf("%w: a frame of %d bytes", ErrRefused, n)
	}
	if f.Version <= j.end.version {
		return fmt.Errorf("%w: version %d after %d", ErrRefused, f.Version, j.end.version)
	}
	size := int64(frameHead + len(f.Payload))
	if j.offset > segmentHead && j.offset+size > j.segment {
		if err := datasync(j.file); err != nil {
			j.broken = err
			return j.failed()
		}
		if err := j.begin(); err != nil {
			return err
		}
	}
	var hash Hash
	j.buf, hash = appendFrame(j.buf[:0], j.end.hash, f)
	if _, err := j.file.WriteAt(j.buf, j.offset); err != nil {
		// What was written of it is no frame; but a torn one that is followed by
		// others would be damage, so its first bytes are taken back.
		if _, zerr := j.file.WriteAt(make([]byte, 4), j.offset); zerr != nil {
			j.broken = errors.Join(err, zerr)
			return j.failed()
		}
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	j.offset += size
	j.end = position{f.Version, hash}
	if cap(j.buf) > 1<<20 {
		j.buf = nil
	}
	return nil
}

// Sync returns when everything that was appended before survives a power cut. A
// failed one is never tried again: the kernel may have thrown the pages away.
func (j *Journal) Sync() error {
	j.mu.Lock()
	f, err := j.file, j.broken
	j.mu.Unlock()
	if err != nil {
		return j.failed()
	}
	return j.synced(datasync(f))
}

// Syncs returns how often it was synced.
func (j *Journal) Syncs() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.syncs
}

func (j *Journal) synced(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.syncs++
		return nil
	}
	j.broken = err
	return j.failed()
}

func (j *Journal) failed() error { return fmt.Errorf("%w: %w", ErrBroken, j.broken) }

// ID names the journal.
func (j *Journal) ID() string { return j.head.ID }

// Old reports how many segments lie before the one that is written.
func (j *Journal) Old() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.ends)
}

// Drop deletes the segments in which there is nothing newer than a version, and
// writes a note into the head. The caller knows that what they hold is on the
// disk elsewhere, in files that are checked.
func (j *Journal) Drop(version uint64, note any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.failed()
	}
	n := 0
	for n < len(j.ends) && j.ends[n].end.version <= version {
		n++
	}
	if n == 0 {
		return nil
	}
	return j.forget(j.ends[n-1], n, note)
}

// SetNote writes a note into the head.
func (j *Journal) SetNote(note any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.failed()
	}
	return j.replaceHead(j.head, note)
}

// replaceHead writes the head, with a note.
func (j *Journal) replaceHead(h head, note any) error {
	b, err := json.Marshal(note)
	if err != nil {
		return fmt.Errorf("writing the journal's head: %w", err)
	}
	h.Note = b
	if err := h.write(j.dir); err != nil {
		return err
	}
	j.head = h
	return nil
}

// forget makes the journal begin after a segment. The head goes first: what is
// deleted must be missed by nobody.
func (j *Journal) forget(last segmentEnd, n int, note any) error {
	h := j.head
	from := h.First
	h.First, h.Version, h.Hash = last.number+1, last.end.version, fmt.Sprintf("%x", last.end.hash[:])
	if err := j.replaceHead(h, note); err != nil {
		return err
	}
	for k := from; k <= last.number; k++ {
		if err := os.Remove(segmentPath(j.dir, k)); err != nil && !isMissing(err) {
			return fmt.Errorf("shortening the journal: %w", err)
		}
	}
	j.ends = j.ends[n:]
	return nil
}

// Close ends the writing. If all is set, everything in the journal is on the disk
// elsewhere, and only the head remains, with a note.
func (j *Journal) Close(all bool, note any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	if all && err == nil && j.broken == nil {
		err = j.forget(segmentEnd{j.number, j.end}, len(j.ends), note)
	}
	if j.broken == nil {
		j.broken = os.ErrClosed
	}
	return err
}
