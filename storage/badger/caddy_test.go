package badger

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/disk"
)

func TestCaddyfile(t *testing.T) {
	for in, want := range map[string]string{
		"badger":                               `{}`,
		"badger ledger":                        `{"dir":"ledger"}`,
		"badger {\n dir /x\n}":                 `{"dir":"/x"}`,
		"badger /x {\n generation /y\n}":       `{"dir":"/x","generation":"/y"}`,
		"badger {\n min_free 512MiB\n}":        `{"min_free":536870912}`,
		"badger {\n max_tracks 500\n}":         `{"max_tracks":500}`,
		"badger a b":                           "error wrong argument count",
		"badger a {\n dir b\n}":                "error dir is already specified",
		"badger {\n dir a\n dir b\n}":          "error dir is already specified",
		"badger {\n size 3\n}":                 "error unrecognised option 'size' of storage badger",
		"badger {\n dir\n}":                    "error wrong argument count",
		"badger {\n min_free much\n}":          "error min_free: not a size",
		"badger {\n max_tracks -3\n}":          "error max_tracks: not a number",
		"badger {\n max_tracks 3\n dir a b\n}": "error wrong argument count",
	} {
		m := new(Module)
		err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(in))
		if text, bad := strings.CutPrefix(want, "error "); bad {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v, want %q", in, err, text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := string(caddyconfig.JSON(m, nil)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestModuleLoads(t *testing.T) {
	info, err := caddy.GetModule("payments.storage.badger")
	if err != nil {
		t.Fatal(err)
	}
	m := info.New()
	if err := json.Unmarshal([]byte(`{"dir":"x"}`), m); err != nil {
		t.Fatal(err)
	}
	if err := (&Module{MaxTracks: -1}).Validate(); err == nil {
		t.Error("a negative cap is valid")
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("loading touched the disk")
	}
}

// The file by which a lost ledger is noticed lies in no directory that is lost with
// it, whatever the spelling.
func TestTheGenerationFileLiesOutside(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for name, c := range map[string]struct {
		dir, file string
		ok        bool
	}{
		"the default":       {"", "", true},
		"beside":            {"x", "x.generation", true},
		"a longer name":     {"x", "xy/generation", true},
		"above":             {"x/y", "x/generation", true},
		"inside":            {"x", "x/generation", false},
		"inside, deeper":    {"/srv/x", "/srv/x/y/z", false},
		"inside by dots":    {"/srv/x", "/srv/y/../x/./g", false},
		"inside, relative":  {"x", filepath.Join(caddy.AppDataDir(), "x", "g"), false},
		"the directory":     {"x", "x", false},
		"inside of default": {"", "payments/g", false},
		"two dots in front": {"x", "x/..g", false},
	} {
		err := (&Module{Dir: c.dir, Generation: c.file}).Validate()
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "in the ledger's own directory") {
			t.Errorf("%s: %v", name, err)
		}
	}
	top := t.TempDir()
	must(t, os.Mkdir(filepath.Join(top, "ledger"), 0o700))
	must(t, os.Symlink("ledger", filepath.Join(top, "link")))
	_, _, err := (&Module{Dir: filepath.Join(top, "ledger"), Generation: filepath.Join(top, "link", "g")}).Open(context.Background(), zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), "in the ledger's own directory") {
		t.Errorf("by a link: %v", err)
	}
}

func TestModuleOpens(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	ctx := context.Background()
	a, releaseA, err := (&Module{}).Open(ctx, zap.NewNop())
	must(t, err)
	if dir := a.(*Store).Dir(); !strings.HasSuffix(dir, filepath.Join("caddy", "payments")) {
		t.Errorf("the default is %s", dir)
	}
	// A reload: the new configuration opens before the old one releases.
	b, releaseB, err := (&Module{Dir: "payments", MaxTracks: 7}).Open(ctx, nil)
	must(t, err)
	if a != b {
		t.Error("one directory, two stores")
	}
	must(t, releaseA())
	must(t, releaseA())
	must(t, b.Commit(ctx, payment.Change{Record: delivered(1)}))
	must(t, releaseB())
	if err := b.Ready(); !errors.Is(err, payment.ErrClosed) {
		t.Errorf("after the last release: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := (&Module{}).Open(done, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Links, dots and relative paths are other names of one store.
func TestPoolNames(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "ledger")
	link := filepath.Join(base, "link")
	must(t, os.Symlink(dir, link))
	must(t, os.Mkdir(dir, 0o755))
	t.Chdir(base)
	var hs []*Handle
	for _, name := range []string{dir, link, base + "/x/../ledger/", "ledger", "./link"} {
		h, err := Acquire(name)
		must(t, err)
		hs = append(hs, h)
		if h.Store != hs[0].Store || h.Shared != (len(hs) > 1) {
			t.Errorf("%s is another store", name)
		}
	}
	for _, h := range hs {
		must(t, h.Ready())
		must(t, h.Release())
	}
	if err := hs[0].Ready(); !errors.Is(err, payment.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// An opening that fails leaves nothing behind that the next one would find.
func TestPoolAfterFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	full := func(c *config) {
		c.freeSpace = func(string) (disk.Space, error) { return disk.Space{Free: 1, Total: 1 << 40}, nil }
	}
	for range 3 {
		if _, err := Acquire(dir, full); !errors.Is(err, payment.ErrFull) {
			t.Fatalf("%v", err)
		}
	}
	h, err := Acquire(dir)
	must(t, err)
	if h.Shared {
		t.Error("a store that never opened is shared")
	}
	must(t, h.Release())
}

// Reloads come while others end: nobody finds the directory locked.
func TestPoolUnderReload(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 8 {
				h, err := Acquire(dir)
				if err != nil {
					t.Error(err)
					return
				}
				if err := h.Commit(context.Background(), payment.Change{Record: delivered(w*100 + n)}); err != nil {
					t.Error(err)
				}
				if err := h.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := open(t, dir)
	if n, _ := s.Count(); n != 32 {
		t.Errorf("%d records, want 32", n)
	}
	if g, err := s.Generation(context.Background()); err != nil || g.Seq != 1 {
		t.Errorf("%+v, %v", g, err)
	}
}

// The limits that the newest configuration wants are in force as long as it lives,
// and then those of the one that is left.
func TestPoolLimits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	disk := func(c *config) {
		c.freeSpace = func(string) (disk.Space, error) { return disk.Space{Free: 1000 * mib, Total: 4000 * mib}, nil }
		c.tick = time.Hour
	}
	acquire := func(opts ...Option) *Handle {
		t.Helper()
		h, err := Acquire(dir, append(opts, disk)...)
		must(t, err)
		return h
	}
	first := acquire(WithMinFree(100*mib), WithMaxTracks(5))
	expect := func(when string, ready error, tracks int64) {
		t.Helper()
		if err := first.Ready(); !errors.Is(err, ready) {
			t.Errorf("%s: Ready says %v, want %v", when, err, ready)
		}
		err := first.Commit(t.Context(), payment.Change{Record: delivered(int(time.Now().UnixNano() % 1e9))})
		if !errors.Is(err, ready) {
			t.Errorf("%s: a commit gives %v, want %v", when, err, ready)
		}
		if n := first.counts.maxTracks.Load(); n != tracks {
			t.Errorf("%s: %d tracks may be, want %d", when, n, tracks)
		}
	}
	expect("first", nil, 5)
	second := acquire(WithMinFree(1500 * mib))
	expect("more than there is", payment.ErrFull, defaultMaxTracks)
	third := acquire(WithMinFree(2500*mib), WithMaxTracks(7))
	expect("more than twice as much", payment.ErrFull, 7)
	fourth := acquire()
	expect("the default", nil, defaultMaxTracks)
	must(t, fourth.Release())
	must(t, fourth.Release())
	expect("the one before it", payment.ErrFull, 7)
	must(t, second.Release())
	expect("an older one has gone", payment.ErrFull, 7)
	must(t, third.Release())
	expect("the first again", nil, 5)
	must(t, first.Release())
}
