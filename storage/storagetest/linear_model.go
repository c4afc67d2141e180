package storagetest

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/rahgir/caddy-payments/payment"
)

// The ledger that a history is compared with: a few records and keys that
// change one operation at a time.
const (
	modelRefs = 3
	modelKeys = 3
	intentKey = 2 // the others are receipts'

	reserved = -1 // who holds a key that was reserved; 0 is nobody, else a record's number from 1
)

type ledgerState struct {
	recs [modelRefs]modelRecord
	keys [modelKeys]int
}

// modelRecord of version 0 does not exist.
type modelRecord struct {
	version uint64
	tag     int
	state   payment.State
	money   bool // was ever behind it; not seen by a reader
}

// What is asked.
type (
	commitOp struct {
		ref     int
		version uint64
		tag     int
		state   payment.State
		take    [modelKeys]bool
	}
	forgetOp struct {
		ref     int
		version uint64
	}
	reserveOp struct{ key int }
	getOp     struct{ ref int }
	holderOp  struct{ key int }
)

// written is the answer to a write; zero is success.
type written struct {
	unknown  bool
	conflict bool
	taken    int // the key's number from 1
	holder   int
	fresh    int
}

func ledgerModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return ledgerState{} },
		Step: func(state, in, out any) (bool, any) {
			s, ok := state.(ledgerState)
			if !ok {
				return false, state
			}
			return s.step(in, out)
		},
	}
}

// step says whether an answer is true of a ledger in this state, and what the
// ledger is afterwards.
func (s ledgerState) step(in, out any) (bool, ledgerState) {
	switch op := in.(type) {
	case getOp:
		seen := s.recs[op.ref]
		seen.money = false
		return out == seen, s
	case holderOp:
		return out == s.keys[op.key], s
	}
	told, ok := out.(written)
	if !ok {
		return false, s
	}
	var is written
	next := s
	switch op := in.(type) {
	case commitOp:
		is = next.commit(op)
	case forgetOp:
		is = next.forget(op)
	case reserveOp:
		if next.keys[op.key] == 0 {
			next.keys[op.key], is.fresh = reserved, 1
		}
	}
	if told.unknown {
		return true, next // it may as well come last, where nobody sees it
	}
	return told == is, next
}

func (s *ledgerState) commit(op commitOp) written {
	old := s.recs[op.ref]
	if old.version != op.version {
		return written{conflict: true}
	}
	for k, take := range op.take {
		if holder := s.keys[k]; take && holder != 0 && holder != op.ref+1 {
			return written{taken: k + 1, holder: holder}
		}
	}
	r := modelRecord{version: old.version + 1, tag: op.tag, state: op.state, money: old.money || op.state.Captured()}
	for k, take := range op.take {
		if take {
			s.keys[k] = op.ref + 1
			r.money = r.money || k != intentKey
		}
	}
	s.recs[op.ref] = r
	return written{}
}

func (s *ledgerState) forget(op forgetOp) written {
	r := s.recs[op.ref]
	if r.version == 0 || r.version != op.version || r.money || r.state != payment.Declined && r.state != payment.Expired {
		return written{conflict: true}
	}
	s.recs[op.ref] = modelRecord{}
	if s.keys[intentKey] == op.ref+1 {
		s.keys[intentKey] = 0
	}
	return written{}
}

func describe(in, out any) string { return fmt.Sprintf("%T%+v: %+v", in, in, out) }
