package postgres

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// lacking is what CockroachDB or YugabyteDB lack, or have only in part.
func lacking() map[string]*regexp.Regexp {
	found := make(map[string]*regexp.Regexp)
	for name, pattern := range map[string]string{
		"advisory locks":            `pg_(try_)?advisory`,
		"notifications":             `^\s*(LISTEN|NOTIFY|UNLISTEN)\b|pg_notify`,
		"extensions":                `\bEXTENSION\b`,
		"anonymous blocks":          `^\s*DO\b`,
		"functions of our own":      `CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)`,
		"triggers":                  `\bTRIGGER\b`,
		"sequences":                 `\b(BIG|SMALL)?SERIAL\b|\bSEQUENCE\b|\bnextval\b|GENERATED .* AS IDENTITY`,
		"deferred constraints":      `\bDEFERR`,
		"exclusion constraints":     `\bEXCLUDE (USING|\()`,
		"the heap's own columns":    `\b(xmin|xmax|cmin|cmax|ctid|tableoid)\b`,
		"SKIP LOCKED and NOWAIT":    `SKIP LOCKED|\bNOWAIT\b`,
		"locks of tables":           `^\s*LOCK\b`,
		"temporary tables":          `\b(TEMP|TEMPORARY|UNLOGGED)\b`,
		"storage parameters":        `\bfillfactor\b|\bTABLESPACE\b`,
		"MERGE":                     `\bMERGE\b`,
		"named conflict targets":    `ON CONFLICT ON CONSTRAINT`,
		"savepoints and two phases": `\bSAVEPOINT\b|PREPARE TRANSACTION`,
		"cursors":                   `\bDECLARE\b`,
		"COPY":                      `^\s*COPY\b`,
	} {
		found[name] = regexp.MustCompile(`(?is)` + pattern)
	}
	return found
}

// texts are all the SQL of this package, as it stands in its source.
func texts(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sql := regexp.MustCompile(`(?s)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|SET|BEGIN|,\s*\w+ AS) `)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && sql.MatchString(text) {
				all = append(all, text)
			}
			return true
		})
	}
	if len(all) < 40 {
		t.Fatalf("only %d statements found", len(all))
	}
	return all
}

// The statements use nothing that other servers of this protocol lack. They
// can't be run here, so this is all that can be tried without them.
func TestPortable(t *testing.T) {
	for _, sql := range texts(t) {
		for what, pattern := range lacking() {
			if pattern.MatchString(sql) {
				t.Errorf("%s in\n%s", what, sql)
			}
		}
	}
	// A statement changes no table twice, not even in parts.
	changed := regexp.MustCompile(`(?:INSERT INTO|DELETE FROM|UPDATE) (payments_\w+)`)
	for name, st := range statements() {
		seen := make(map[string]bool)
		for _, m := range changed.FindAllStringSubmatch(st.sql, -1) {
			if seen[m[1]] {
				t.Errorf("%s changes %s twice:\n%s", name, m[1], st.sql)
			}
			seen[m[1]] = true
		}
	}
	// What only PostgreSQL itself has is sent to it alone.
	s := new(Store)
	lazy, err := newRow(payment.Change{Record: &payment.Record{Ref: newRecord(1).Ref, Version: 1}, Lazy: true}, [16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if s.groupOf(lazy) != &s.updates {
		t.Error("a lazy change is one of PostgreSQL's own although the server may be another")
	}
}

// Serialization failures, as servers give them that know no weaker isolation,
// are tried again; nothing is written twice and nothing is lost.
func TestSerializationFailures(t *testing.T) {
	c := pgtest.Start(t)
	var nodes []*Store
	for range 2 {
		s, err := Open(ctx, c.DSN(), WithConns(4))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := serializable(s); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, s)
	}
	const workers, each = 8, 15
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			s := nodes[w%2]
			for done := 0; done < each; {
				r, err := s.Get(ctx, newRecord(1).Ref)
				if errors.Is(err, payment.ErrNotFound) {
					r, err = newRecord(1), nil
				}
				if err != nil {
					t.Error(err)
					return
				}
				r.Attempts.Count++
				switch err := s.Commit(ctx, payment.Change{Record: r}); {
				case err == nil:
					done++
				case !errors.Is(err, payment.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	got, err := nodes[0].Get(ctx, newRecord(1).Ref)
	if err != nil || got.Version != workers*each || got.Attempts.Count != workers*each {
		t.Errorf("%d changes made version %d, counted %d: %v", workers*each, got.Version, got.Attempts.Count, err)
	}
	n := strings.Count(c.Log(), "could not serialize access")
	t.Logf("%d changes, %d serialization failures", workers*each, n)
	if n == 0 {
		t.Error("there was no serialization failure to try again")
	}
}

// serializable makes all connections of a node as strict as CockroachDB's are.
func serializable(s *Store) error {
	var err error
	var conns []interface{ Release() }
	for range s.pool.Config().MaxConns {
		c, e := s.pool.Acquire(ctx)
		if e != nil {
			err = errors.Join(err, e)
			break
		}
		conns = append(conns, c)
		_, e = c.Exec(ctx, "SET default_transaction_isolation = 'serializable'", pgx.QueryExecModeSimpleProtocol)
		err = errors.Join(err, e)
	}
	for _, c := range conns {
		c.Release()
	}
	return err
}
