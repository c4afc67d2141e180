package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/archive"
	"github.com/rahgir/caddy-payments/storage/badger"
	"github.com/rahgir/caddy-payments/storage/postgres"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

var servers pgtest.Package //nolint:gochecknoglobals // one cluster for all tests

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

var ctx = context.Background()

type opener interface {
	storage.Mover
	storage.Opener
}

// module is a storage as a configuration names it.
func newBadger(t *testing.T) opener {
	t.Helper()
	return &badger.Module{Dir: filepath.Join(t.TempDir(), "ledger")}
}

func newPostgres(t *testing.T) opener {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	c := servers.Cluster(t)
	m := &postgres.Module{DSN: c.DSN("search_path", c.Schema(t))}
	cctx, cancel := caddy.NewContext(caddy.Context{Context: ctx})
	t.Cleanup(cancel)
	if err := m.Provision(cctx); err != nil {
		t.Fatal(err)
	}
	return m
}

// with opens a ledger to move it, and closes it.
func with(t *testing.T, m storage.Mover, f func(storage.Migrator)) {
	t.Helper()
	s, release, err := m.OpenToMove(ctx, zap.NewNop(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := release(); err != nil {
			t.Error(err)
		}
	}()
	f(s)
}

// open opens a ledger as Caddy does.
func open(t *testing.T, m storage.Opener, f func(payment.Store)) {
	t.Helper()
	s, release, err := m.Open(ctx, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := release(); err != nil {
			t.Error(err)
		}
	}()
	f(s)
}

const payments = 300

func record(i int) *payment.Record {
	r := storagetest.FullRecord(i)
	r.Order, r.ID, r.Issuer = "order-"+strconv.Itoa(i%40), "id-"+strconv.Itoa(i), "issuer"
	r.State = payment.States()[i%len(payment.States())]
	if i%7 == 0 {
		r.Receipt, r.State = nil, payment.Declined
	}
	return r
}

func fill(t *testing.T, s payment.Store) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range payments {
		r := record(i)
		take := []payment.Key{payment.IntentKey("issuer", r.ID)}
		if r.State.Captured() {
			take = append(take, payment.ReceiptKey("issuer", r.ID), payment.NumberKey("issuer", strconv.Itoa(i)))
		}
		must(s.Commit(ctx, payment.Change{Record: r, Take: take}))
		if i%3 == 0 {
			must(s.Commit(ctx, payment.Change{Record: r}))
		}
	}
	_, err := s.Reserve(ctx, []payment.Key{payment.ReceiptKey("issuer", "used")})
	must(err)
	must(s.PutTrack(ctx, "visitor", payment.Track{ID: "track"}, s.Now().Add(time.Hour)))
	_, err = s.Secret(ctx, "signing_key", func() ([]byte, error) { return []byte("the secret"), nil })
	must(err)
}

// check looks at everything that fill has made, by every way to it.
func check(t *testing.T, s payment.Store) {
	t.Helper()
	for i := range payments {
		want := record(i)
		want.Version = 1
		if i%3 == 0 {
			want.Version = 2
		}
		got, err := s.Get(ctx, want.Ref)
		if err != nil {
			t.Fatal(err)
		}
		want.Mark = got.Mark // each ledger gives its own
		if want.Relay != nil && len(want.Relay.Kept) > 0 {
			// A provider's own answer may have card data: no archive carries it.
			want = want.Clone()
			want.Relay.Kept, want.Relay.KeptAt = nil, time.Time{}
		}
		if d := storagetest.Diff(got, want); d != "" {
			t.Fatal(d)
		}
		page, err := s.List(ctx, payment.Listing{ID: want.ID})
		if err != nil || len(page.Records) != 1 {
			t.Fatalf("by id: %d, %v", len(page.Records), err)
		}
		ref, err := s.Holder(ctx, payment.ReceiptKey("issuer", want.ID))
		if want.State.Captured() && ref != want.Ref || !want.State.Captured() && !errors.Is(err, payment.ErrNotFound) {
			t.Fatalf("its receipt: %v %v", ref, err)
		}
	}
	if ref, err := s.Holder(ctx, payment.ReceiptKey("issuer", "used")); err != nil || ref != "" {
		t.Errorf("a used id: %v %v", ref, err)
	}
	if due, err := s.Due(ctx, s.Now().AddDate(10, 0, 0), 2*payments); err != nil || len(due) != payments {
		t.Errorf("%d due, %v", len(due), err)
	}
	if track, err := s.Track(ctx, "visitor"); err != nil || track.ID != "track" {
		t.Errorf("%v %v", track, err)
	}
	secret, err := s.Secret(ctx, "signing_key", func() ([]byte, error) { return []byte("another"), nil })
	if err != nil || string(secret) != "the secret" {
		t.Errorf("%s %v", secret, err)
	}
	// What can be forgotten can be forgotten, with its intent; nothing else can.
	declined, paid := record(7), record(3)
	if err := s.Forget(ctx, paid.Ref, 2); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("a payment with money was forgotten: %v", err)
	}
	if err := s.Forget(ctx, declined.Ref, 1); err != nil {
		t.Errorf("forgetting: %v", err)
	}
	if _, err := s.Holder(ctx, payment.IntentKey("issuer", declined.ID)); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("its intent: %v", err)
	}
}

func quiet(int64, int64) {}

// A ledger goes from Badger to PostgreSQL and back: the same by count, by hash,
// and by everything that a store is asked; in a new generation each time, and
// only one of the two takes payments.
func TestThereAndBack(t *testing.T) {
	dir := t.TempDir()
	from := newBadger(t)
	open(t, from, func(s payment.Store) { fill(t, s) })
	var sums []string
	seq := uint32(1)
	for i, to := range []opener{newPostgres(t), newBadger(t), newPostgres(t)} {
		path := filepath.Join(dir, strconv.Itoa(i))
		with(t, from, func(s storage.Migrator) {
			sum, err := archive.Export(ctx, s, path, quiet)
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, sum.Sum)
			if err := s.SetFrozen(ctx, storage.Moved); err != nil {
				t.Fatal(err)
			}
		})
		if _, _, err := from.Open(ctx, zap.NewNop()); !errors.Is(err, storage.ErrMoved) {
			t.Fatalf("the old ledger goes on: %v", err)
		}
		with(t, to, func(s storage.Migrator) {
			if _, err := archive.Import(ctx, s, path, quiet); err != nil {
				t.Fatal(err)
			}
		})
		open(t, to, func(s payment.Store) {
			g, err := s.Generation(ctx)
			if err != nil || g.Seq <= seq {
				t.Errorf("generation %d after %d, %v", g.Seq, seq, err)
			}
			seq = g.Seq
			if i == 2 {
				check(t, s)
			}
		})
		open(t, to, func(s payment.Store) {
			if g, err := s.Generation(ctx); err != nil || g.Seq != seq {
				t.Errorf("the generation does not stay: %+v, was %d, %v", g, seq, err)
			}
		})
		from = to
	}
	for _, s := range sums {
		if s != sums[0] {
			t.Errorf("the same ledger has different sums: %v", sums)
		}
	}
}

// Both ways can be cut short at any place and go on.
func TestCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	from, to := newBadger(t), newPostgres(t)
	open(t, from, func(s payment.Store) { fill(t, s) })
	var want archive.Summary
	with(t, from, func(s storage.Migrator) {
		var err error
		if want, err = archive.Export(ctx, s, path, quiet); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for cut := range 8 {
			if err := os.WriteFile(path, whole[:len(whole)*cut/8], 0o600); err != nil {
				t.Fatal(err)
			}
			if cut > 0 {
				with(t, to, func(s storage.Migrator) {
					if _, err := archive.Import(ctx, s, path, quiet); !errors.Is(err, archive.ErrIncomplete) {
						t.Fatalf("half an archive was imported: %v", err)
					}
				})
			}
			if got, err := archive.Export(ctx, s, path, quiet); err != nil || got.Sum != want.Sum {
				t.Fatalf("going on after %d/8: %v, %v", cut, got, err)
			}
			if again, err := os.ReadFile(path); err != nil || string(again) != string(whole) {
				t.Fatalf("after %d/8 it is another file: %v", cut, err)
			}
		}
	})
	for range 3 {
		with(t, to, func(s storage.Migrator) {
			short, cancel := context.WithCancel(ctx)
			_, err := archive.Import(short, s, path, func(done, _ int64) {
				if done >= 500 {
					cancel()
				}
			})
			cancel()
			if err == nil {
				t.Fatal("it was not cut short")
			}
		})
		if _, _, err := to.Open(ctx, zap.NewNop()); !errors.Is(err, storage.ErrReceiving) {
			t.Fatalf("half a ledger takes payments: %v", err)
		}
	}
	with(t, to, func(s storage.Migrator) {
		if got, err := archive.Import(ctx, s, path, quiet); err != nil || got.Sum != want.Sum {
			t.Fatal(got, err)
		}
		if _, err := archive.Import(ctx, s, path, quiet); !errors.Is(err, archive.ErrNotEmpty) {
			t.Errorf("into a ledger that is in use: %v", err)
		}
	})
	open(t, to, func(s payment.Store) { check(t, s) })
}

// What is wrong with an archive is seen before anything is written.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	from, to := newBadger(t), newBadger(t)
	open(t, from, func(s payment.Store) { fill(t, s) })
	with(t, from, func(s storage.Migrator) {
		if _, err := archive.Export(ctx, s, path, quiet); err != nil {
			t.Fatal(err)
		}
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":        func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"a line less":  func(b []byte) []byte { return append(b[:0:0], append(b[:len(b)/3:len(b)/3], b[len(b)/2:]...)...) },
		"no archive":   func([]byte) []byte { return []byte("ref,state\n1,2\n") },
		"nothing":      func([]byte) []byte { return nil },
		"its head":     func(b []byte) []byte { return bytes.Replace(b, []byte(`"generation":1`), []byte(`"generation":7`), 1) },
		"a byte more":  func(b []byte) []byte { return append(b, 0) },
		"a line more":  func(b []byte) []byte { return append(b, "and so on\n"...) },
		"an item more": func(b []byte) []byte { return append(b, `{"kind":"key","name":"bmFtZQ==","value":""}`+"\n"...) },
		"twice":        func(b []byte) []byte { return append(b, b...) },
		"a 2nd end":    func(b []byte) []byte { return append(b, b[bytes.LastIndex(b[:len(b)-1], []byte("\n"))+1:]...) },
		"a later form": func([]byte) []byte { return []byte(`{"caddy_payments_ledger":2,"id":"x"}` + "\n") },
	} {
		if err := os.WriteFile(path, damage(append([]byte(nil), whole...)), 0o600); err != nil {
			t.Fatal(err)
		}
		with(t, to, func(s storage.Migrator) {
			if _, err := archive.Import(ctx, s, path, quiet); err == nil {
				t.Errorf("%s: imported", name)
			}
			if sum, err := archive.Sum(ctx, s); err != nil || sum.Total() != 0 {
				t.Errorf("%s: %d items were written, %v", name, sum.Total(), err)
			}
		})
	}
}

// Whatever bit of a backup flips, it is refused, or it says the same as before.
func TestAnyBit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	from := newBadger(t)
	open(t, from, func(s payment.Store) {
		if _, err := s.Secret(ctx, "signing_key", func() ([]byte, error) { return []byte("the secret"), nil }); err != nil {
			t.Fatal(err)
		}
		r := record(1)
		if err := s.Commit(ctx, payment.Change{Record: r, Take: []payment.Key{payment.ReceiptKey("issuer", r.ID)}}); err != nil {
			t.Fatal(err)
		}
	})
	with(t, from, func(s storage.Migrator) {
		if _, err := archive.Export(ctx, s, path, quiet); err != nil {
			t.Fatal(err)
		}
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := archive.Look(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(whole); i += 3 {
		bit := i * 5 % 8 // a look takes its time
		b := bytes.Clone(whole)
		b[i] ^= 1 << bit
		if got, err := archive.Look(bytes.NewReader(b)); err == nil && got.Sum != want.Sum {
			t.Errorf("byte %d, bit %d: taken for another ledger", i, bit)
		}
	}
}
