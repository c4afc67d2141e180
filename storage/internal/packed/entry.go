package packed

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rahgir/caddy-payments/payment"
)

// Format is the first byte of every record. A record of another format is refused:
// reading half of what another version meant is worse than not reading it. Format 1 was
// written before the first release.
const Format = 2

// Entry is a record as it lies in the store, with what the store itself must
// remember of it.
type Entry struct {
	Rec *payment.Record
	// Money is whether the record was ever captured or holds a uniqueness key
	// other than an intent's: it is never forgotten.
	Money bool
	// Receipt is whether it holds the receipt's key of its own issuer and id,
	// which then leads from the id to it.
	Receipt bool
	// Intents are the hashes of the intent keys that it holds, to be freed
	// with it.
	Intents [][]byte
}

const (
	entryMoney = 1 << iota
	entryReceipt
)

// Body returns the part of an entry that needs no knowledge of the store, so
// that callers can do it before they queue.
func Body(r *payment.Record, version uint64) ([]byte, error) {
	c := *r
	c.Version = version
	w := wire{base: epoch, buf: make([]byte, 0, 512)}
	walkRecord(&w, &c)
	return w.buf, w.err
}

// Encode puts a body behind what the store remembers of the record.
func (e *Entry) Encode(body []byte) []byte {
	b := make([]byte, 0, 3+len(e.Intents)*payment.RefBytes+len(body))
	b = append(b, Format)
	var flags byte
	if e.Money {
		flags |= entryMoney
	}
	if e.Receipt {
		flags |= entryReceipt
	}
	b = append(b, flags)
	b = protowire.AppendVarint(b, uint64(len(e.Intents)))
	for _, h := range e.Intents {
		b = append(b, h...)
	}
	return append(b, body...)
}

// Decode reads what Encode wrote.
func Decode(ref payment.Ref, b []byte) (*Entry, error) {
	if len(b) < 3 {
		return nil, fmt.Errorf("%w: record %s", ErrCorrupt, ref)
	}
	if b[0] != Format {
		return nil, otherFormat("record "+string(ref), b[0], Format)
	}
	e := &Entry{Rec: &payment.Record{Ref: ref}, Money: b[1]&entryMoney != 0, Receipt: b[1]&entryReceipt != 0}
	n, used := protowire.ConsumeVarint(b[2:])
	if used < 0 || n > uint64(len(b)) || uint64(len(b)-2-used) < n*payment.RefBytes {
		return nil, fmt.Errorf("%w: record %s", ErrCorrupt, ref)
	}
	b = b[2+used:]
	for range n {
		e.Intents = append(e.Intents, append([]byte(nil), b[:payment.RefBytes]...))
		b = b[payment.RefBytes:]
	}
	w := wire{base: epoch}
	w.parse(b)
	walkRecord(&w, e.Rec)
	w.release()
	if w.err != nil {
		return nil, fmt.Errorf("record %s: %w", ref, w.err)
	}
	return e, nil
}

// otherFormat returns the error about what has a format that this version does not know.
func otherFormat(what string, format, known byte) error {
	return fmt.Errorf("%w: %s has format %d, this version knows %d only", ErrFormat, what, format, known)
}

// Money reports whether a record shows by itself that there is, or was,
// money behind it.
func Money(r *payment.Record) bool {
	return r.State.Captured() || r.State == payment.Reversed || r.State == payment.Review || r.Receipt != nil
}

// Canonical returns an entry in the one form that it has in every store: what a store
// remembers for its own sake is left out.
func Canonical(e *Entry) ([]byte, error) {
	c := Entry{Money: e.Money, Intents: slices.Clone(e.Intents)}
	slices.SortFunc(c.Intents, bytes.Compare)
	rec := e.Rec
	if rec.Relay != nil && len(rec.Relay.Kept) > 0 {
		// A provider's answer may have card data: it stays in the ledger that it was
		// kept in, and is made anew from the receipt elsewhere.
		rec = rec.Clone()
		rec.Relay.Kept, rec.Relay.KeptAt = nil, time.Time{}
	}
	body, err := Body(rec, rec.Version)
	if err != nil {
		return nil, err
	}
	return c.Encode(body), nil
}
