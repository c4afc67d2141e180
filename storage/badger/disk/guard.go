package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

const mib = 1 << 20

// Space is what a file system has, in bytes; Total is zero if that can't be
// known.
type Space struct{ Free, Total uint64 }

// DefaultMinFree is below how many free bytes a store refuses new work: five
// per cent of the file system, but not less than 256 MiB and not more than
// 1 GiB, which is what Badger needs for its own work, and never more than a
// quarter of a small file system.
func DefaultMinFree(total uint64) uint64 {
	return min(max(256*mib, min(total/20, 1024*mib)), total/4)
}

// room says what may still be written.
type room int32

const (
	roomAll  room = iota
	roomSome      // no new work; what has begun may be finished
	roomNone
)

// Options are how a [Guard] looks after a file system.
type Options struct {
	// MinFree is below how many free bytes new work is refused; 0 is
	// [DefaultMinFree].
	MinFree uint64
	// Reserve is how many bytes are kept to be released when room gets short, but
	// a quarter of MinFree at most.
	Reserve uint64
	// Measure says what the file system of a directory has; nil is [Measure].
	Measure func(dir string) (Space, error)
	// Fastest is how many bytes a second all programs together can write to the disk:
	// while there is so much room that they can't have used it up, nothing is measured.
	// Zero measures before each change.
	Fastest uint64
	// Log is asked for each line.
	Log func() *zap.Logger
}

// Guard knows how much room there is. A full disk ends the process: the write to a
// page of a mapped file that can't be allocated is a SIGBUS.
type Guard struct {
	dir  string
	opts Options

	state atomic.Int32
	last  atomic.Int64 // when the reserve was looked after, in nanoseconds
	safe  atomic.Int64 // until when the disk can't be full, in nanoseconds

	mu         sync.Mutex
	soft, hard uint64
	reserve    uint64
	free       uint64 // as it was measured last
	fresh      bool   // the limits are new: what was refused was refused by others
}

// keepEvery is how often what is kept in reserve is looked after while much is
// written. How much room there is, is measured before each change that comes when
// another program could have filled the disk, which takes milliseconds on a small one.
const keepEvery = 20 * time.Millisecond

// Fastest is more than any disk takes, and than memory that is used as one.
const Fastest = 32 << 30

// ReserveFile is the name of the file that is deleted when room gets short, so that
// the flushes and compactions under way have some.
const ReserveFile = "RESERVE"

// New is called before the store in dir is opened. The error wraps
// [payment.ErrFull] where opening alone might fill the disk.
func New(dir string, o Options) (*Guard, error) {
	if o.Measure == nil {
		o.Measure = Measure
	}
	g := &Guard{dir: dir, opts: o}
	sp, err := g.opts.Measure(dir)
	if err != nil {
		return nil, fmt.Errorf("measuring the free space at %s: %w", dir, err)
	}
	g.set(o.MinFree, sp)
	if sp.Total == 0 {
		return g, nil
	}
	free := sp.Free
	if st, err := os.Stat(g.reservePath()); err == nil {
		free += uint64(st.Size()) // it would be released
	}
	if need := max(g.hard, g.opening(sp.Total)); free < need {
		return nil, fmt.Errorf("%w: opening it needs %d MiB free at %s, there are %d",
			payment.ErrFull, (need+mib-1)/mib, dir, free/mib)
	}
	g.Check()
	return g, nil
}

// set makes the limits of what was asked for, 0 for the default.
func (g *Guard) set(minFree uint64, sp Space) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.soft = minFree; g.soft == 0 {
		g.soft = DefaultMinFree(sp.Total)
	}
	g.hard = g.soft / 2
	g.reserve = min(g.opts.Reserve, g.soft/4)
	g.fresh = true
}

// Limit changes the limits of a store that is open, and looks at once what is true
// by them.
func (g *Guard) Limit(minFree uint64) {
	sp, err := g.opts.Measure(g.dir)
	if err != nil {
		return // the next look tries again
	}
	was, _ := g.Now()
	g.set(minFree, sp)
	g.Check()
	soft, free := g.Now()
	if soft == was {
		return
	}
	g.opts.Log().Info("min_free has changed", zap.String("dir", g.dir), zap.Uint64("min_free_mib", soft/mib), zap.Uint64("was_mib", was/mib),
		zap.Uint64("free_mib", free/mib), zap.Bool("takes_payments", g.Ready() == nil))
}

// Now gives below how many free bytes new work is refused, and how many there were
// when it was measured last.
func (g *Guard) Now() (soft, free uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.soft, g.free
}

// opening returns how much room opening may need, whatever limits were asked for: a
// compaction writes tables anew before it deletes the old ones, and one that
// finds no room ends the process.
func (g *Guard) opening(total uint64) (need uint64) {
	tables, _ := filepath.Glob(filepath.Join(g.dir, "*.sst"))
	for _, path := range tables {
		if st, err := os.Stat(path); err == nil {
			need += uint64(st.Size()) //nolint:gosec // never negative
		}
	}
	return min(need, DefaultMinFree(total)/2)
}

func (g *Guard) reservePath() string { return filepath.Join(g.dir, ReserveFile) }

// Check measures, acts on the result, and looks after the reserve.
func (g *Guard) Check() {
	g.last.Store(time.Now().UnixNano())
	g.look(true)
}

// look measures and acts on the result; keep is whether to look after the
// reserve, which takes longer.
func (g *Guard) look(keep bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sp, err := g.opts.Measure(g.dir)
	if err != nil || sp.Total == 0 {
		return
	}
	g.free = sp.Free
	g.safe.Store(g.safeUntil(time.Now(), sp))
	was := room(g.state.Load())
	var is room
	switch {
	case sp.Free < g.hard:
		is = roomNone
	case sp.Free < g.soft:
		is = roomSome
	case was == roomAll, g.fresh, sp.Free >= g.soft+g.reserve+g.soft/8:
		// Work is taken again only with more room than that at which it was refused,
		// because putting the reserve back takes some.
		is = roomAll
	default:
		is = roomSome
	}
	g.fresh = false
	g.state.Store(int32(is))
	g.tell(was, is, sp)
	switch {
	case is != roomAll:
		if keep || was == roomAll {
			_ = os.Remove(g.reservePath())
		}
	case keep:
		g.hold(sp)
	}
}

// safeUntil is when other programs can have filled the disk to the limit.
func (g *Guard) safeUntil(now time.Time, sp Space) int64 {
	if g.opts.Fastest == 0 || sp.Free <= g.soft {
		return 0
	}
	left := float64(sp.Free-g.soft) / float64(g.opts.Fastest) * float64(time.Second)
	return now.UnixNano() + int64(min(left, float64(keepEvery)))
}

// hold keeps in reserve what there is room for.
func (g *Guard) hold(sp Space) {
	if sp.Free >= g.soft+2*g.reserve {
		holdReserve(g.reservePath(), g.reserve)
	}
	if sp.Free >= g.soft+g.reserve+g.soft/8 {
		holdLogs(g.dir)
	}
}

func (g *Guard) tell(was, is room, sp Space) {
	if was == is {
		return
	}
	fields := []zap.Field{zap.String("dir", g.dir), zap.Uint64("free_mib", sp.Free/mib), zap.Uint64("min_free_mib", g.soft/mib)}
	switch is {
	case roomAll:
		g.opts.Log().Info("there is room again", fields...)
	case roomSome:
		g.opts.Log().Error("the disk is nearly full: no new payments until there is room", fields...)
	case roomNone:
		g.opts.Log().Error("the disk is full: nothing is written until there is room", fields...)
	}
}

// Allow says whether a change may be written now.
func (g *Guard) Allow(grows bool) error {
	switch now := time.Now().UnixNano(); {
	case now-g.last.Load() > int64(keepEvery):
		g.Check()
	case now >= g.safe.Load():
		g.look(false)
	}
	switch r := room(g.state.Load()); {
	case r == roomAll, r == roomSome && !grows:
		return nil
	case r == roomSome:
		soft, _ := g.Now()
		return fmt.Errorf("%w for new payments: less than %d MiB free", payment.ErrFull, soft/mib)
	}
	soft, _ := g.Now()
	return fmt.Errorf("%w: less than half of %d MiB free", payment.ErrFull, soft/mib)
}

// Ready is for every request: it measures nothing.
func (g *Guard) Ready() error {
	if room(g.state.Load()) == roomAll {
		return nil
	}
	return payment.ErrFull
}
