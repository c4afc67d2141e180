package badger

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A kill between Badger's making a log and giving it its size leaves a file of
// no bytes, which Badger refuses to open. There is nothing in it: the ledger
// must open, the first time.
func TestOpenWithHalfMadeLogs(t *testing.T) {
	for _, names := range [][]string{{"00099.mem"}, {"00098.mem", "00099.mem"}, {"000099.vlog"}, {"00097.mem", "000097.vlog"}} {
		dir := filepath.Join(t.TempDir(), "ledger")
		s := open(t, dir)
		id := s.gen.ID
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir)
		if err != nil {
			t.Errorf("%v: %v", names, err)
			continue
		}
		if s.gen.ID != id || s.gen.Seq != 1 {
			t.Errorf("%v: another generation: %+v", names, s.gen)
		}
		if _, err := s.Due(t.Context(), time.Now(), 1); err != nil {
			t.Errorf("%v: %v", names, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%v: %v", names, err)
		}
	}
}
