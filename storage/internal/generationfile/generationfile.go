// Package generationfile keeps what is known about a ledger's life in a small file outside
// of the ledger. By it an opening notices that the store was lost, restored or replaced.
package generationfile

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// Err is wrapped by errors of the file.
var Err = errors.New("the generation file can't be used")

// NewID names a ledger, or one that opens it: 128 random bits.
func NewID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Mark is a ledger's generation and how far the ledger had come.
type Mark struct {
	ID    string    `json:"id"`
	Seq   uint32    `json:"seq"`
	Start time.Time `json:"start"`
	// High is a number that only grows in a ledger. What the file says was
	// in the ledger first: a ledger that has come less far has lost something.
	High uint64 `json:"high"`
}

// Generation returns the mark without its height.
func (m Mark) Generation() payment.Generation {
	return payment.Generation{ID: m.ID, Seq: m.Seq, Start: m.Start}
}

// SameLife reports whether two marks are of one generation.
func (m Mark) SameLife(o Mark) bool {
	return m.ID == o.ID && m.Seq == o.Seq && m.Start.Equal(o.Start)
}

// Read returns nil if there is no file, and damaged where there is one
// that can't be understood.
func Read(path string) (m *Mark, damaged bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", Err, err)
	}
	m = &Mark{}
	if json.Unmarshal(b, m) != nil || m.ID == "" || m.Seq == 0 {
		return nil, true, nil
	}
	return m, false, nil
}

// Write replaces the file: after a power cut there is the old one or the
// new one.
func Write(path string, m Mark) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%w: %w", Err, err)
	}
	if err := durable.WriteFile(path, append(b, '\n')); err != nil {
		return fmt.Errorf("%w (see the option generation): %w", Err, err)
	}
	return nil
}
