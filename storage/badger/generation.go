package badger

import (
	"encoding/binary"
	"time"

	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
)

// The generation is kept twice: in the store, and in a file beside it together with
// the newest version of the store. A store that is older than its file was restored
// from a backup, or has lost its newest changes; one without a file, or with another
// ledger's, was copied from elsewhere. In each case the ledger may have lost receipts,
// and rule 4 must know since when it is complete.

// generation is the one that the store is in.
type generation struct {
	generationfile.Mark
	filed generationfile.Mark // as the generation file says
	noted uint64              // commits when it was written
}

// found is what Open found of generations: in the store, and beside it.
type found struct {
	inside  *generationfile.Mark
	outside *generationfile.Mark
	damaged bool // there is a file beside the store, and it can't be read
	empty   bool // nothing but what the store knows of itself is in it
	version uint64
	doubt   string // what the journal says against it
}

// judge says which generation the store is in, and, if it is a new one, why. It is
// pure.
func (f found) judge(now time.Time, newID func() string) (m generationfile.Mark, why string) {
	next := func(id string) generationfile.Mark {
		seq := uint32(1)
		for _, k := range []*generationfile.Mark{f.inside, f.outside} {
			if k != nil {
				seq = max(seq, k.Seq)
			}
		}
		return generationfile.Mark{ID: id, Seq: seq + 1, Start: now}
	}
	switch {
	case f.inside == nil && f.outside == nil && !f.damaged && f.empty:
		return generationfile.Mark{ID: newID(), Seq: 1, Start: now}, ""
	case f.inside == nil && f.empty:
		return next(newID()), "the store is empty, and the file beside it says that there was a ledger"
	case f.inside == nil:
		return next(newID()), "the store does not know which ledger it is"
	case f.damaged:
		return next(f.inside.ID), "the file beside the store can't be read"
	case f.outside == nil && f.empty:
		// A first opening that was cut short, or a store that was never used.
		return generationfile.Mark{ID: f.inside.ID, Seq: f.inside.Seq, Start: now}, ""
	case f.outside == nil:
		return next(newID()), "there is no file beside the store: it was copied, or the file was lost"
	case f.outside.ID != f.inside.ID:
		return next(newID()), "the file beside the store belongs to another ledger"
	case !f.outside.SameLife(*f.inside):
		return next(f.inside.ID), "the store and the file beside it are of different generations: one of them is a backup"
	case f.version < f.outside.High:
		return next(f.inside.ID), "the store is older than the file beside it: a backup was restored, or its newest changes are lost"
	case f.doubt != "":
		return next(f.inside.ID), f.doubt
	}
	return *f.inside, ""
}

func encodeHigh(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func decodeHigh(b []byte) uint64 {
	if len(b) != timeSize {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
