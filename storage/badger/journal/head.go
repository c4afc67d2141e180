package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// headFile says where the journal begins.
const headFile = "HEAD"

// format is of the head, the segments and the frames together.
const format = 1

// head is the content of headFile, after a checksum.
type head struct {
	Format int `json:"format"`
	// ID names the journal, so that no other's segment is taken for one of it.
	ID string `json:"id"`
	// First is the number of the first segment. The owner holds what was
	// before it: everything up to Version, whose frame's hash was Hash.
	First   uint64 `json:"first"`
	Version uint64 `json:"version"`
	Hash    string `json:"hash"`
	// Note is kept for the owner.
	Note json.RawMessage `json:"note,omitempty"`
}

func newHead(version uint64) head {
	id := make([]byte, hashSize)
	_, _ = rand.Read(id) // never fails
	return head{Format: format, ID: hex.EncodeToString(id), First: 1, Version: version, Hash: hex.EncodeToString(id)}
}

var errHead = errors.New("its head can't be read")

func readHead(dir string) (h head, err error) {
	b, err := os.ReadFile(filepath.Join(dir, headFile))
	if err != nil {
		return h, err
	}
	sum, body, ok := strings.Cut(strings.TrimSuffix(string(b), "\n"), " ")
	if !ok || sum != checksum(body) || json.Unmarshal([]byte(body), &h) != nil {
		return h, errHead
	}
	if h.Format != format {
		return h, fmt.Errorf("%w: it has format %d, this version knows %d", ErrFormat, h.Format, format)
	}
	if _, err := h.hash(); err != nil {
		return h, errHead
	}
	return h, nil
}

func (h head) hash() (out Hash, err error) {
	b, err := hex.DecodeString(h.Hash)
	if err != nil || len(b) != hashSize {
		return out, errHead
	}
	return Hash(b), nil
}

func checksum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// write replaces the head: after a power cut there is the old one or the new
// one.
func (h head) write(dir string) error {
	body, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("writing the journal's head: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, headFile), []byte(checksum(string(body))+" "+string(body)+"\n")); err != nil {
		return fmt.Errorf("writing the journal's head: %w", err)
	}
	return nil
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
