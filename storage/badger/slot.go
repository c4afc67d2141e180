package badger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// slotFile holds the batch that is being synced, if callers were told of it
// already. It is written, never synced: the page cache survives the process,
// and a power cut may take lazy changes. One batch is under way at a time, so
// one slot is enough.
const slotFile = "LAZY"

// slotMagic is the first byte of a slot that counts.
const slotMagic = 0xA1

type slot struct{ f *os.File }

func openSlot(dir string) (*slot, error) {
	f, err := os.OpenFile(filepath.Join(dir, slotFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the slot of lazy changes: %w", err)
	}
	return &slot{f}, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *slot) put(ts uint64, batch []*change) error {
	body := binary.BigEndian.AppendUint64(nil, ts)
	for _, c := range batch {
		for _, w := range c.writes {
			kind := uint64(0)
			if w.del {
				kind = 1
			}
			body = protowire.AppendVarint(body, kind)
			body = protowire.AppendBytes(body, w.key)
			body = protowire.AppendBytes(body, w.value)
		}
	}
	b := make([]byte, 9, 9+len(body))
	b[0] = slotMagic
	binary.BigEndian.PutUint32(b[1:], uint32(len(body)))
	binary.BigEndian.PutUint32(b[5:], crc32.Checksum(body, castagnoli))
	if _, err := s.f.WriteAt(append(b, body...), 0); err != nil {
		return fmt.Errorf("writing the slot of lazy changes: %w", err)
	}
	return nil
}

// clear is not checked: a slot that stays is known by its version.
func (s *slot) clear() { _, _ = s.f.WriteAt([]byte{0}, 0) }

// read gives the batch in the slot; ok is false if there is none that is whole.
func (s *slot) read() (ts uint64, writes []write, ok bool) {
	head := make([]byte, 9)
	if _, err := s.f.ReadAt(head, 0); err != nil || head[0] != slotMagic {
		return 0, nil, false
	}
	st, err := s.f.Stat()
	n := int64(binary.BigEndian.Uint32(head[1:]))
	if err != nil || n < timeSize || n > st.Size()-9 {
		return 0, nil, false
	}
	body := make([]byte, n)
	if _, err := s.f.ReadAt(body, 9); err != nil ||
		crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(head[5:]) {
		return 0, nil, false
	}
	ts, body = binary.BigEndian.Uint64(body), body[timeSize:]
	for len(body) > 0 {
		kind, a := protowire.ConsumeVarint(body)
		if a < 0 {
			return 0, nil, false
		}
		key, b := protowire.ConsumeBytes(body[a:])
		if b < 0 {
			return 0, nil, false
		}
		value, c := protowire.ConsumeBytes(body[a+b:])
		if c < 0 {
			return 0, nil, false
		}
		writes = append(writes, write{key: key, value: value, del: kind == 1})
		body = body[a+b+c:]
	}
	return ts, writes, true
}

func (s *slot) close() error { return s.f.Close() }
