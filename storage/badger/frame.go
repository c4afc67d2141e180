package badger

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// appendWrites writes down what a change writes, as the journal keeps it: kind,
// key, value, each with its length.
func appendWrites(b []byte, writes []write) []byte {
	for _, w := range writes {
		kind := uint64(0)
		if w.del {
			kind = 1
		}
		b = protowire.AppendVarint(b, kind)
		b = protowire.AppendBytes(b, w.key)
		b = protowire.AppendBytes(b, w.value)
	}
	return b
}

// decodeWrites reads what appendWrites wrote. Keys and values lie in b.
func decodeWrites(b []byte) ([]write, error) {
	var writes []write
	for len(b) > 0 {
		kind, n := protowire.ConsumeVarint(b)
		if n < 0 || kind > 1 {
			return nil, fmt.Errorf("%w: a change in the journal", packed.ErrCorrupt)
		}
		b = b[n:]
		key, n := protowire.ConsumeBytes(b)
		if n < 0 || len(key) == 0 {
			return nil, fmt.Errorf("%w: a change in the journal", packed.ErrCorrupt)
		}
		b = b[n:]
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return nil, fmt.Errorf("%w: a change in the journal", packed.ErrCorrupt)
		}
		b = b[n:]
		writes = append(writes, write{key: key, value: value, del: kind == 1})
	}
	return writes, nil
}
