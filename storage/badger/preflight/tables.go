package preflight

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"

	bdb "github.com/dgraph-io/badger/v4"
	bfb "github.com/dgraph-io/badger/v4/fb"
	boptions "github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/klauspost/compress/snappy"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/rahgir/caddy-payments/storage/internal/crc"
)

// readSize is how much of a table is read at once: what fits into a processor's
// cache is added up there.
const readSize = 256 << 10

// checkTables reads every table, and compares it with what it was when its
// blocks were last found whole, or them with their checksums. A reader of Badger
// takes a block that is not whole for one without the key, and a compaction
// drops what follows it.
func checkTables(dir string, tables map[uint64]bdb.TableManifest, known Sums) (Sums, error) {
	found := make(Sums, len(tables))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(context.Background())
	g.SetLimit(max(runtime.GOMAXPROCS(0), 2))
	for id, t := range tables {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil // another table is damaged
			}
			sum, err := checkFile(table.NewFilename(id, dir), t.Compression, known[id], make([]byte, readSize))
			mu.Lock()
			defer mu.Unlock()
			found[id] = sum
			return err
		})
	}
	return found, g.Wait()
}

// checkFile checks one table: all of it, unless it is what it was. room is any
// buffer.
func checkFile(path string, how boptions.CompressionType, was tableSum, room []byte) (tableSum, error) {
	if was.How == how && was.Size > 0 {
		if is, err := sumFile(path, how, room); err == nil && is == was {
			return is, nil
		}
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tableSum{}, fmt.Errorf("%w: the table %s is missing", ErrDamaged, path)
	}
	if err != nil {
		return tableSum{}, fmt.Errorf("reading a table: %w", err)
	}
	if err := checkTable(b, how); err != nil {
		return tableSum{}, fmt.Errorf("%w: the table %s: %w", ErrDamaged, path, err)
	}
	return tableSum{Size: int64(len(b)), Sum: crc.Of(b), How: how}, nil
}

var errTable = errors.New("its content is not what was written")

// checkTable checks one table: blocks, an index with its checksum, and the length
// of each, from the end to the beginning.
func checkTable(b []byte, how boptions.CompressionType) (err error) {
	defer func() { // the reader of the index trusts what it reads
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errTable, p)
		}
	}()
	rest, sum, ok := cutEnd(b)
	if !ok {
		return errTable
	}
	_, index, ok := cutEnd(rest)
	if !ok {
		return errTable
	}
	if err := checkSum(index, sum); err != nil {
		return err
	}
	var at bfb.BlockOffset
	ix := bfb.GetRootAsTableIndex(index, 0)
	if ix.OffsetsLength() == 0 {
		return errTable
	}
	var room []byte
	for i := range ix.OffsetsLength() {
		if !ix.Offsets(&at, i) || uint64(at.Offset())+uint64(at.Len()) > uint64(len(b)) {
			return errTable
		}
		block := b[at.Offset() : at.Offset()+at.Len()]
		switch how {
		case boptions.None:
		case boptions.Snappy:
			if block, err = snappy.Decode(room[:cap(room)], block); err != nil {
				return fmt.Errorf("%w: block %d: %w", errTable, i, err)
			}
			room = block
		default:
			return fmt.Errorf("%w: this version never wrote its compression", errTable)
		}
		data, sum, ok := cutEnd(block)
		if !ok {
			return errTable
		}
		if err := checkSum(data, sum); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}

// cutEnd takes off what stands at the end of b, before its own length.
func cutEnd(b []byte) (rest, end []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	b, n := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if uint64(n) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:len(b)-int(n)], b[len(b)-int(n):], true
}

func checkSum(b, sum []byte) error {
	var want pb.Checksum
	if err := proto.Unmarshal(sum, &want); err != nil {
		return fmt.Errorf("%w: %w", errTable, err)
	}
	// Another kind ends the process in Badger.
	if want.Algo != pb.Checksum_CRC32C {
		return fmt.Errorf("%w: a checksum of kind %d", errTable, want.Algo)
	}
	if err := y.VerifyChecksum(b, &want); err != nil {
		return fmt.Errorf("%w: %w", errTable, err)
	}
	return nil
}
