package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// keptSchema stands in a kept file for the schema that a test gives it.
const keptSchema = "kept_ledger"

// Tables that released versions wrote, one file of SQL for each format from 3 on
// (testdata/format3.sql …), are used by every later version. With PAYMENTS_WRITE_FORMAT=1 the
// test makes the file of this version's format if it is missing.
func TestKeptLedgers(t *testing.T) {
	for format := 3; format <= len(migrations()); format++ {
		t.Run(fmt.Sprint("format ", format), func(t *testing.T) {
			t.Parallel()
			file := fmt.Sprintf("testdata/format%d.sql", format)
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && format == len(migrations()) && os.Getenv("PAYMENTS_WRITE_FORMAT") != "" {
				keepTables(t, file)
			}
			sql, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			l := newLedger(t)
			servers.Cluster(t).Exec(t, "DROP SCHEMA "+l.schema+" CASCADE; "+strings.ReplaceAll(string(sql), keptSchema, l.schema))
			storagetest.CheckKept(t, l.open(t))
		})
	}
}

func keepTables(t *testing.T, file string) {
	t.Helper()
	l := newLedger(t)
	s := l.open(t)
	storagetest.FillKept(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := servers.Cluster(t).Command("pg_dump", "--inserts", "--no-owner", "--schema", l.schema, servers.Cluster(t).DSN()).Output()
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	for line := range strings.Lines(string(out)) {
		// Commands of psql, settings of the connection and comments are not for other clients.
		if strings.HasPrefix(line, `\`) || strings.HasPrefix(line, "SET ") || strings.HasPrefix(line, "SELECT pg_catalog.set_config") || strings.HasPrefix(line, "--") || strings.TrimSpace(line) == "" {
			continue
		}
		kept.WriteString(strings.ReplaceAll(line, l.schema, keptSchema))
	}
	if err := os.WriteFile(file, kept.Bytes(), 0o644); err != nil { //nolint:gosec // a test's file
		t.Fatal(err)
	}
}
