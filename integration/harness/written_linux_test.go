package harness

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What is searched for secrets is the whole file but the zeros at its end, however it was
// written: a ledger's logs are written through memory, and have room ahead.
func TestWrittenIsAllThatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, size := range []int{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20} {
		for _, mapped := range []bool{false, true} {
			for writes := range 4 {
				f, err := os.Create(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := f.Truncate(int64(size)); err != nil {
					t.Fatal(err)
				}
				var memory []byte
				if mapped && size > 0 {
					if memory, err = syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED); err != nil {
						t.Fatal(err)
					}
				}
				want := make([]byte, size)
				for range min(writes, size) {
					at := rand.IntN(size)
					n := min(size-at, 1+rand.IntN(5000))
					text := bytes.Repeat([]byte("\x00s"), n)[:n]
					copy(want[at:], text)
					if memory != nil {
						copy(memory[at:], text)
					} else if _, err := f.WriteAt(text, int64(at)); err != nil {
						t.Fatal(err)
					}
				}
				got, err := written(path)
				if want = bytes.TrimRight(want, "\x00"); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, through memory %t, %d writes: %d of %d bytes are read: %v", size, mapped, writes, len(got), len(want), err)
				}
				if memory != nil {
					if err := syscall.Munmap(memory); err != nil {
						t.Fatal(err)
					}
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
