package badger

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rahgir/caddy-payments/payment"
)

// recordFormat is the first byte of every record. A record of a newer format
// is refused: reading half of what another version meant is worse than not
// reading it.
const recordFormat = 1

// entry is a record as it lies in the store, with what the store itself must
// remember of it.
type entry struct {
	rec *payment.Record
	// money is whether the record was ever captured or holds a uniqueness key
	// other than an intent's: it is never forgotten.
	money bool
	// receipt is whether it holds the receipt's key of its own issuer and id,
	// which then leads from the id to it.
	receipt bool
	// intents are the hashes of the intent keys that it holds, to be freed
	// with it.
	intents [][]byte
}

const (
	entryMoney = 1 << iota
	entryReceipt
)

// encodeBody is the part of an entry that needs no knowledge of the store, so
// that callers can do it before they queue.
func encodeBody(r *payment.Record, version uint64) ([]byte, error) {
	c := *r
	c.Version = version
	w := wire{base: epoch, buf: make([]byte, 0, 512)}
	walkRecord(&w, &c)
	return w.buf, w.err
}

func (e *entry) encode(body []byte) []byte {
	b := make([]byte, 0, 3+len(e.intents)*refSize+len(body))
	b = append(b, recordFormat)
	var flags byte
	if e.money {
		flags |= entryMoney
	}
	if e.receipt {
		flags |= entryReceipt
	}
	b = append(b, flags)
	b = protowire.AppendVarint(b, uint64(len(e.intents)))
	for _, h := range e.intents {
		b = append(b, h...)
	}
	return append(b, body...)
}

func decodeEntry(ref payment.Ref, b []byte) (*entry, error) {
	if len(b) < 3 {
		return nil, fmt.Errorf("%w: record %s", errCorrupt, ref)
	}
	if b[0] != recordFormat {
		return nil, newer("record "+string(ref), b[0])
	}
	e := &entry{rec: &payment.Record{Ref: ref}, money: b[1]&entryMoney != 0, receipt: b[1]&entryReceipt != 0}
	n, used := protowire.ConsumeVarint(b[2:])
	if used < 0 || n > uint64(len(b)) || uint64(len(b)-2-used) < n*refSize {
		return nil, fmt.Errorf("%w: record %s", errCorrupt, ref)
	}
	b = b[2+used:]
	for range n {
		e.intents = append(e.intents, append([]byte(nil), b[:refSize]...))
		b = b[refSize:]
	}
	w := wire{base: epoch}
	w.parse(b)
	walkRecord(&w, e.rec)
	if w.err != nil {
		return nil, fmt.Errorf("record %s: %w", ref, w.err)
	}
	return e, nil
}

func newer(what string, format byte) error {
	return fmt.Errorf("%w: %s has format %d, this version knows up to %d", ErrFormat, what, format, recordFormat)
}
