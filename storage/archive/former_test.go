package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/bits"
	"os"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/archive"
)

// An archive that an earlier version wrote, records of format 1 in it, is imported,
// and compared with what this version makes of it.
func TestArchiveOfAnEarlierVersion(t *testing.T) {
	ref := payment.NewRef("shop.example.ir", "idpay:api.idpay.ir:live", "d2e353189823079e1e4181772cff5292", "101")
	name, ok := ref.Bytes()
	value, err := os.ReadFile("../internal/packed/testdata/format1_open")
	if err != nil || !ok {
		t.Fatal(err)
	}
	it := storage.Item{Kind: storage.KindRecord, Name: name[:], Value: value}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(it.Kind), it.Name, it.Value} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	var sum []byte
	for i, b := 0, h.Sum(nil); i < 4; i++ {
		v, _ := bits.Add64(0, binary.LittleEndian.Uint64(b[8*i:]), 0)
		sum = binary.LittleEndian.AppendUint64(sum, v)
	}
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	for _, line := range []any{
		map[string]any{"caddy_payments_ledger": 1, "id": "0123456789abcdef0123456789abcdef", "generation": 1, "start": "2026-01-01T00:00:00Z"},
		it,
		map[string]any{"end": archive.Summary{Counts: map[storage.Kind]int64{storage.KindRecord: 1}, Sum: hex.EncodeToString(sum)}},
	} {
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "old.jsonl")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	to := newBadger(t)
	with(t, to, func(s storage.Migrator) {
		if _, err := archive.Import(ctx, s, path, func(int64, int64) {}); err != nil {
			t.Fatal(err)
		}
	})
	open(t, to, func(s payment.Store) {
		r, err := s.Get(ctx, ref)
		if err != nil || r.Sale() == nil || r.Track.Affiliate != "hamekar" || len(r.History) != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
