package badger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
)

func TestJudge(t *testing.T) {
	then := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := then.Add(time.Hour)
	a := func(seq uint32, high uint64) *generationfile.Mark {
		return &generationfile.Mark{ID: "a", Seq: seq, Start: then, High: high}
	}
	b := &generationfile.Mark{ID: "b", Seq: 7, Start: then, High: 3}
	later := a(1, 5)
	later.Start = now
	for _, c := range []struct {
		name  string
		f     found
		id    string
		seq   uint32
		start time.Time
		isNew bool
	}{
		{"first opening", found{empty: true}, "new", 1, now, false},
		{"as it was closed", found{inside: a(1, 0), outside: a(1, 5), version: 5}, "a", 1, then, false},
		{"after a crash", found{inside: a(1, 0), outside: a(1, 5), version: 9}, "a", 1, then, false},
		{"never used", found{inside: a(1, 0), outside: a(1, 1), empty: true, version: 1}, "a", 1, then, false},
		{"first opening cut short", found{inside: a(1, 0), empty: true, version: 1}, "a", 1, now, false},
		{"lost", found{outside: a(3, 5), empty: true}, "new", 4, now, true},
		{"lost, and the file damaged", found{damaged: true, empty: true}, "new", 2, now, true},
		{"backup put back", found{inside: a(1, 0), outside: a(1, 5), version: 4}, "a", 2, now, true},
		{"backup of before a loss", found{inside: a(1, 0), outside: a(2, 5), version: 9}, "a", 3, now, true},
		{"old file put back", found{inside: a(2, 0), outside: a(1, 5), version: 9}, "a", 3, now, true},
		{"same number, other start", found{inside: a(1, 0), outside: later, version: 9}, "a", 2, now, true},
		{"another ledger's file", found{inside: a(1, 0), outside: b, version: 9}, "new", 8, now, true},
		{"copied without the file", found{inside: a(2, 0), version: 9}, "new", 3, now, true},
		{"file damaged", found{inside: a(2, 0), damaged: true, version: 9}, "a", 3, now, true},
		{"its name lost", found{outside: a(1, 5), version: 9}, "new", 2, now, true},
	} {
		m, why := c.f.judge(now, func() string { return "new" })
		if m.ID != c.id || m.Seq != c.seq || !m.Start.Equal(c.start) || (why != "") != c.isNew {
			t.Errorf("%s: %+v %q", c.name, m, why)
		}
	}
}

// The cases above, as they come about on a disk.
func TestGenerationOnDisk(t *testing.T) {
	ctx := context.Background()
	type setting struct {
		dir, file string
		told      []string
	}
	openIn := func(t *testing.T, st *setting) *Store {
		return open(t, st.dir, onNewLife(func(why string) { st.told = append(st.told, why) }))
	}
	closeNow := func(t *testing.T, s *Store) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, st *setting)
		seq  uint32
	}{
		"nothing":        {func(*testing.T, *setting) {}, 1},
		"file gone":      {func(t *testing.T, st *setting) { must(t, os.Remove(st.file)) }, 2},
		"file damaged":   {func(t *testing.T, st *setting) { must(t, os.WriteFile(st.file, []byte("{"), 0o600)) }, 2},
		"directory gone": {func(t *testing.T, st *setting) { must(t, os.RemoveAll(st.dir)) }, 2},
		"older copy": {func(t *testing.T, st *setting) {
			must(t, os.CopyFS(st.dir+"-copy", os.DirFS(st.dir)))
			s := openIn(t, st)
			must(t, s.Commit(ctx, payment.Change{Record: delivered(2)}))
			closeNow(t, s)
			must(t, os.RemoveAll(st.dir))
			must(t, os.Rename(st.dir+"-copy", st.dir))
		}, 2},
		"tail of the log lost": {func(t *testing.T, st *setting) {
			copied := st.dir + "-copy"
			s := openIn(t, st)
			must(t, os.CopyFS(copied, os.DirFS(st.dir)))
			for n := 10; n < 20; n++ {
				must(t, s.Commit(ctx, payment.Change{Record: delivered(n)}))
			}
			s.chore(t)
			closeNow(t, s)
			must(t, os.RemoveAll(st.dir))
			must(t, os.Rename(copied, st.dir))
		}, 2},
		"moved elsewhere": {func(t *testing.T, st *setting) {
			other := filepath.Join(t.TempDir(), "elsewhere")
			must(t, os.Rename(st.dir, other))
			st.dir, st.file = other, other+".generation"
		}, 2},
		"moved with its file": {func(t *testing.T, st *setting) {
			other := filepath.Join(t.TempDir(), "elsewhere")
			must(t, os.Rename(st.dir, other))
			must(t, os.Rename(st.file, other+".generation"))
			st.dir, st.file = other, other+".generation"
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			st := &setting{dir: filepath.Join(t.TempDir(), "ledger")}
			st.file = st.dir + ".generation"
			s := openIn(t, st)
			must(t, s.Commit(ctx, payment.Change{Record: delivered(1)}))
			closeNow(t, s)
			c.harm(t, st)
			s = openIn(t, st)
			g, err := s.Generation(ctx)
			must(t, err)
			if g.Seq != c.seq || (len(st.told) > 0) != (c.seq > 1) {
				t.Errorf("%+v, told %q", g, st.told)
			}
			// From now on it is as it is.
			must(t, s.Commit(ctx, payment.Change{Record: delivered(3)}))
			closeNow(t, s)
			s = openIn(t, st)
			again, err := s.Generation(ctx)
			must(t, err)
			if again.Seq != g.Seq || again.ID != g.ID || !again.Start.Equal(g.Start) {
				t.Errorf("%+v, then %+v", g, again)
			}
		})
	}
}

// chore writes down how far the store has come, as the ticker does.
func (s *Store) chore(t *testing.T) {
	t.Helper()
	must(t, s.keepHigh(context.Background()))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMirrorCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	file := filepath.Join(t.TempDir(), "no", "such", "folder", "file")
	_, err := Open(dir, WithGenerationFile(file))
	if !errors.Is(err, generationfile.Err) || !strings.Contains(err.Error(), "option generation") {
		t.Fatalf("%v", err)
	}
	// The failed opening left nothing locked and no payment forgotten.
	s := open(t, dir)
	if g, err := s.Generation(context.Background()); err != nil || g.Seq != 1 {
		t.Errorf("%+v, %v", g, err)
	}
}
