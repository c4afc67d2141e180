package journal

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrEntries is wrapped by errors about a payload that [AppendWrites] can't have
// written.
var ErrEntries = errors.New("damaged change in the journal")

// Write is one entry of a store to be set, or deleted where Del is set.
type Write struct {
	Key, Value []byte
	Del        bool
}

// Size is about how much room a write takes in memory and in a transaction, in bytes.
func (w Write) Size() int { return len(w.Key) + len(w.Value) + 64 }

// AppendWrites adds writes to a frame's payload: kind, key and value of each, the
// last two with their lengths.
func AppendWrites(b []byte, writes []Write) []byte {
	for _, w := range writes {
		kind := uint64(0)
		if w.Del {
			kind = 1
		}
		b = protowire.AppendVarint(b, kind)
		b = protowire.AppendBytes(b, w.Key)
		b = protowire.AppendBytes(b, w.Value)
	}
	return b
}

// DecodeWrites reads what [AppendWrites] wrote. Keys and values lie in b.
func DecodeWrites(b []byte) ([]Write, error) {
	var writes []Write
	for len(b) > 0 {
		kind, n := protowire.ConsumeVarint(b)
		if n < 0 || kind > 1 {
			return nil, fmt.Errorf("%w: kind", ErrEntries)
		}
		b = b[n:]
		key, n := protowire.ConsumeBytes(b)
		if n < 0 || len(key) == 0 {
			return nil, fmt.Errorf("%w: key", ErrEntries)
		}
		b = b[n:]
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return nil, fmt.Errorf("%w: value", ErrEntries)
		}
		b = b[n:]
		writes = append(writes, Write{Key: key, Value: value, Del: kind == 1})
	}
	return writes, nil
}

// Last is the last that a journal knows of a key.
type Last struct {
	Version uint64
	Del     bool
}

// Index reads a journal and gives the last write of each key. A payload that
// can't be decoded is damage of the journal, as a frame is that is not whole.
func Index(dir string) (found Found, keys map[string]Last, err error) {
	keys = map[string]Last{}
	found, err = Read(dir, func(f Frame) error {
		writes, err := DecodeWrites(f.Payload)
		for _, w := range writes {
			keys[string(w.Key)] = Last{f.Version, w.Del}
		}
		return err
	})
	if errors.Is(err, ErrEntries) {
		found.Exists, found.Damage, err = true, err, nil
	}
	return found, keys, err
}

// Pick reads a journal again and gives those writes whose key and version are
// asked for.
func Pick(dir string, versions map[string]uint64) (map[string]Write, error) {
	out := make(map[string]Write, len(versions))
	if len(versions) == 0 {
		return out, nil
	}
	_, err := Read(dir, func(f Frame) error {
		writes, err := DecodeWrites(f.Payload)
		for _, w := range writes {
			if versions[string(w.Key)] == f.Version {
				out[string(w.Key)] = Write{Key: bytes.Clone(w.Key), Value: bytes.Clone(w.Value), Del: w.Del}
			}
		}
		return err
	})
	if errors.Is(err, ErrEntries) {
		err = nil // Index has reported it as damage
	}
	return out, err
}
