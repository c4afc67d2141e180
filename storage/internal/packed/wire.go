package packed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Errors of reading.
var (
	// ErrCorrupt is wrapped by errors about values that this module can't have
	// written.
	ErrCorrupt = errors.New("damaged entry in the store")
	// ErrFormat: the store, or an entry of it, was written by a newer version of
	// this module, or by one from before the first release.
	ErrFormat = errors.New("written by another version of this module")
)

// maxField is the highest field number of any message.
const maxField = 47

// wire is a message in the wire format of protocol buffers, read or written:
// each type is described once, by a function that walks its fields, so that
// reading and writing can't drift apart. Zero values take no room, and fields
// with unknown numbers are passed over, so that fields can be added.
type wire struct {
	decoding bool
	buf      []byte               // what was written
	fields   *[maxField + 1]field // what was read
	base     time.Time            // what times are counted from
	err      error
}

type field struct {
	set    bool
	number uint64
	bytes  []byte
}

func (w *wire) fail(what string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
}

// tables has tables of fields for reuse: each message of a record needs one of 2 KiB for a
// moment.
var tables = sync.Pool{New: func() any { return new([maxField + 1]field) }} //nolint:gochecknoglobals // a cache

// parse splits a message into its fields; call release after they were walked. If a
// number occurs twice, the last counts.
func (w *wire) parse(b []byte) {
	w.decoding = true
	w.fields, _ = tables.Get().(*[maxField + 1]field)
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			w.fail("tag")
			return
		}
		b = b[n:]
		var f field
		switch typ {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			w.fail("field")
			return
		}
		b = b[n:]
		if num <= maxField {
			f.set = true
			w.fields[num] = f
		}
	}
}

// release gives the table of fields back.
func (w *wire) release() {
	clear(w.fields[:])
	tables.Put(w.fields)
	w.fields = nil
}

func (w *wire) putNumber(num int, v uint64) {
	w.buf = protowire.AppendTag(w.buf, protowire.Number(num), protowire.VarintType)
	w.buf = protowire.AppendVarint(w.buf, v)
}

func (w *wire) putBytes(num int, b []byte) {
	w.buf = protowire.AppendTag(w.buf, protowire.Number(num), protowire.BytesType)
	w.buf = protowire.AppendBytes(w.buf, b)
}

// frame makes everything that was written since at one field.
func (w *wire) frame(num, at int) {
	var room [2 * binary.MaxVarintLen64]byte
	head := protowire.AppendTag(room[:0], protowire.Number(num), protowire.BytesType)
	w.insert(at, protowire.AppendVarint(head, uint64(len(w.buf)-at)))
}

// insert puts bytes before everything that was written since at.
func (w *wire) insert(at int, head []byte) {
	end := len(w.buf)
	w.buf = append(w.buf, head...)
	copy(w.buf[at+len(head):], w.buf[at:end])
	copy(w.buf[at:], head)
}

// uints walks a field that is never negative.
func uints[T ~uint32 | ~uint64](w *wire, num int, p *T) {
	if w.decoding {
		*p = T(w.fields[num].number)
	} else if *p != 0 {
		w.putNumber(num, uint64(*p))
	}
}

func ints[T ~int | ~int64](w *wire, num int, p *T) {
	if w.decoding {
		*p = T(protowire.DecodeZigZag(w.fields[num].number))
	} else if *p != 0 {
		w.putNumber(num, protowire.EncodeZigZag(int64(*p)))
	}
}

func flag(w *wire, num int, p *bool) {
	if w.decoding {
		*p = w.fields[num].number != 0
	} else if *p {
		w.putNumber(num, 1)
	}
}

func blob(w *wire, num int, p *[]byte) {
	if w.decoding {
		*p = append([]byte(nil), w.fields[num].bytes...)
	} else if len(*p) > 0 {
		w.putBytes(num, *p)
	}
}

func text[T ~string](w *wire, num int, p *T) {
	if !w.decoding {
		if *p != "" {
			at := len(w.buf)
			w.buf = appendText(w.buf, string(*p))
			w.frame(num, at)
		}
		return
	}
	s, ok := unpackText(w.fields[num].bytes)
	if !ok {
		w.fail("text")
	}
	*p = T(s)
}

// The units of a time, in the two lowest bits. Providers' times are whole
// seconds; counted from a base that has a fraction they would need one too, so
// they are counted from the epoch.
var units = [wholeSeconds]int64{1, int64(time.Microsecond), int64(time.Millisecond)}

const wholeSeconds = 3

// stamp walks a time, exact to the nanosecond and always UTC, as its distance
// from the base: most of a record's times lie within minutes of its creation.
func stamp(w *wire, num int, p *time.Time) {
	if !w.decoding {
		if p.IsZero() {
			return
		}
		d := p.Sub(w.base)
		if sum := w.base.Add(d); !sum.Equal(*p) || d >= 1<<61 || d <= -1<<61 {
			b, err := p.UTC().MarshalBinary()
			if err != nil {
				w.fail("time")
				return
			}
			w.putBytes(num, b)
			return
		}
		if sec := p.Unix() - epoch.Unix(); p.Nanosecond() == 0 && sec < 1<<40 && sec > -1<<40 {
			w.putNumber(num, protowire.EncodeZigZag(sec)<<2|wholeSeconds)
			return
		}
		v, unit := int64(d), 0
		for u := wholeSeconds - 1; u > 0; u-- {
			if v%units[u] == 0 {
				v, unit = v/units[u], u
				break
			}
		}
		w.putNumber(num, protowire.EncodeZigZag(v)<<2|uint64(unit))
		return
	}
	f := w.fields[num]
	switch {
	case !f.set:
		*p = time.Time{}
	case f.bytes != nil:
		if err := p.UnmarshalBinary(f.bytes); err != nil {
			w.fail("time")
		}
		*p = p.UTC()
	case f.number&3 == wholeSeconds:
		*p = time.Unix(epoch.Unix()+protowire.DecodeZigZag(f.number>>2), 0).UTC()
	default:
		d := protowire.DecodeZigZag(f.number>>2) * units[f.number&3]
		*p = w.base.Add(time.Duration(d)).UTC()
	}
}

// epoch is the base of times that have no other: recent, so that they are short.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// nested walks a message inside a message. It is written even if empty when
// always is set, which tells a pointer to nothing from no pointer.
func nested(w *wire, num int, always bool, walk func(*wire)) {
	if w.decoding {
		if w.fields[num].set {
			w.within(w.fields[num].bytes, walk)
		}
		return
	}
	at := len(w.buf)
	if walk(w); len(w.buf) > at || always {
		w.frame(num, at)
	}
}

// within walks a message that was read inside of another.
func (w *wire) within(b []byte, walk func(*wire)) {
	outer := w.fields
	w.parse(b)
	walk(w)
	w.release()
	w.fields = outer
}

// pointer walks a message that may be absent.
func pointer[T any](w *wire, num int, p **T, walk func(*wire, *T)) {
	if w.decoding {
		if !w.fields[num].set {
			*p = nil
			return
		}
		*p = new(T)
	}
	if *p != nil {
		nested(w, num, true, func(in *wire) { walk(in, *p) })
	}
}

// list walks a list of messages: one field, each message after its length.
func list[T any](w *wire, num int, p *[]T, walk func(*wire, *T)) {
	if !w.decoding {
		at := len(w.buf)
		for i := range *p {
			one := len(w.buf)
			walk(w, &(*p)[i])
			var room [binary.MaxVarintLen64]byte
			w.insert(one, protowire.AppendVarint(room[:0], uint64(len(w.buf)-one)))
		}
		if len(w.buf) > at {
			w.frame(num, at)
		}
		return
	}
	*p = nil
	for rest := w.fields[num].bytes; len(rest) > 0; {
		b, n := protowire.ConsumeBytes(rest)
		if n < 0 {
			w.fail("list")
			return
		}
		rest = rest[n:]
		var v T
		w.within(b, func(w *wire) { walk(w, &v) })
		*p = append(*p, v)
	}
}

// Time maps times to numbers of the same order, which fit into 63 bits. Times
// that nanoseconds since 1970 can't hold are clamped: no payment has one.
func Time(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	if t.Unix() < 0 {
		return 1
	}
	if t.Year() >= 2262 {
		return math.MaxInt64
	}
	return uint64(t.UnixNano())
}
