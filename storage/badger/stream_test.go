package badger

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	bdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"

	"github.com/rahgir/caddy-payments/payment"
)

// stream writes the first n payments into a new ledger in the order of their
// keys, which compactions would take an hour for.
func stream(b testing.TB, dir string, n int, nth func(int) *payment.Record) {
	b.Helper()
	sorting := &piles{dir: dir + ".sorting"}
	must(b, os.MkdirAll(sorting.dir, 0o700))
	sorting.pile(b, n, nth)
	c := newConfig(nil)
	c.memTable = 8 * mib
	must(b, os.MkdirAll(dir, 0o700))
	// Times 32 for the last level, see Badger's newWriter.
	db, err := bdb.OpenManaged(badgerOptions(dir, c).WithBaseTableSize(mib / 2))
	must(b, err)
	w := db.NewStreamWriter()
	must(b, w.Prepare())
	names, err := filepath.Glob(filepath.Join(sorting.dir, "*"))
	must(b, err)
	slices.Sort(names)
	for _, name := range names {
		buf := z.NewBuffer(4*mib, "stream")
		for _, e := range sorted(b, name) {
			bdb.KVToBuffer(&pb.KV{Key: e.Key, Value: e.Value, Version: 1, StreamId: 1}, buf)
		}
		must(b, w.Write(buf))
		must(b, buf.Release())
		must(b, os.Remove(name))
	}
	must(b, w.Flush())
	must(b, db.Close())
	must(b, os.Remove(sorting.dir))
}

// piles are entries that begin alike, each pile in a file.
type piles struct{ dir string }

// pile sorts what n payments write into piles that fit into memory.
func (p *piles) pile(b testing.TB, n int, nth func(int) *payment.Record) {
	b.Helper()
	const part = 1000
	own := map[string][]byte{}
	must(b, p.add(own, write{Key: metaBoundary, Value: encodeHigh(0)}))
	must(b, p.add(own, write{Key: metaIndexed, Value: []byte{indexVersion}}))
	for name, entries := range own {
		must(b, p.put(name, entries))
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			open := map[string][]byte{}
			defer func() {
				for name, entries := range open {
					if err := p.put(name, entries); err != nil {
						b.Error(err)
					}
				}
			}()
			for from := int(next.Add(part)) - part; from < n; from = int(next.Add(part)) - part {
				for i := from; i < min(from+part, n); i++ {
					writes, err := writesOf(nth(i))
					if err != nil {
						b.Error(err)
						return
					}
					for _, w := range writes {
						if err := p.add(open, w); err != nil {
							b.Error(err)
							return
						}
					}
				}
			}
		})
	}
	wg.Wait()
}

func (p *piles) add(open map[string][]byte, w write) error {
	alike := 2
	if w.Key[0] == tableCreated {
		alike = 3 // times begin alike
	}
	name := string(w.Key[:alike])
	e := open[name]
	e = append(e, byte(len(w.Key)))
	e = append(e, w.Key...)
	e = binary.BigEndian.AppendUint32(e, uint32(len(w.Value)))
	e = append(e, w.Value...)
	if len(e) > 64<<10 {
		if err := p.put(name, e); err != nil {
			return err
		}
		e = e[:0]
	}
	open[name] = e
	return nil
}

func (p *piles) put(name string, entries []byte) error {
	const hex = "0123456789abcdef"
	path := make([]byte, 0, 2*len(name))
	for _, c := range []byte(name) {
		path = append(path, hex[c>>4], hex[c&15])
	}
	f, err := os.OpenFile(filepath.Join(p.dir, string(path)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(entries); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func sorted(b testing.TB, path string) []write {
	b.Helper()
	raw, err := os.ReadFile(path)
	must(b, err)
	var out []write
	for len(raw) > 0 {
		k := int(raw[0])
		key, rest := raw[1:1+k], raw[1+k:]
		v := int(binary.BigEndian.Uint32(rest))
		out = append(out, write{Key: key, Value: rest[4 : 4+v]})
		raw = rest[4+v:]
	}
	slices.SortFunc(out, func(x, y write) int { return bytes.Compare(x.Key, y.Key) })
	return slices.CompactFunc(out, func(x, y write) bool { return bytes.Equal(x.Key, y.Key) })
}
