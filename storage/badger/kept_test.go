package badger

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// Ledgers that released versions wrote, one for each format of the store from 3 on
// (testdata/format3.tar.gz …), are opened by every later version. With
// PAYMENTS_WRITE_FORMAT=1 the test makes the file of this version's format if it is missing.
func TestKeptLedgers(t *testing.T) {
	for format := 3; format <= storeFormat; format++ {
		t.Run(fmt.Sprint("format ", format), func(t *testing.T) {
			file, dir := fmt.Sprintf("testdata/format%d.tar.gz", format), filepath.Join(t.TempDir(), "kept")
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && format == storeFormat && os.Getenv("PAYMENTS_WRITE_FORMAT") != "" {
				keepLedger(t, file)
			}
			must(t, unpack(file, dir))
			s := open(t, filepath.Join(dir, "ledger"))
			<-s.counts.counted
			if n, exact := s.Count(); n != int64(len(storagetest.Kept())) || !exact {
				t.Errorf("%d payments are counted, exactly: %t", n, exact)
			}
			storagetest.CheckKept(t, s)
		})
	}
}

func keepLedger(t *testing.T, file string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "ledger"))
	storagetest.FillKept(t, s)
	must(t, s.Close())
	must(t, os.MkdirAll(filepath.Dir(file), 0o755)) //nolint:gosec // a test's directory
	f, err := os.Create(file)
	must(t, err)
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	must(t, w.AddFS(os.DirFS(dir)))
	must(t, errors.Join(w.Close(), z.Close(), f.Close()))
}

func unpack(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		to := filepath.Join(dir, h.Name) //nolint:gosec // our own file
		if h.FileInfo().IsDir() {
			if err := os.MkdirAll(to, 0o700); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			return err
		}
	}
}
