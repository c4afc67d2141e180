package badger

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

// space is what a file system has, in bytes; total is zero where that can't be
// known.
type space struct{ free, total uint64 }

// DefaultMinFree is below how many free bytes a store refuses new work: five
// per cent of the file system, but not less than 256 MiB and not more than
// 1 GiB, which is what Badger needs for its own work, and never more than a
// quarter of a small file system.
func DefaultMinFree(total uint64) uint64 {
	return min(max(256*mib, min(total/20, 1024*mib)), total/4)
}

// room is what may still be written.
type room int32

const (
	roomAll  room = iota
	roomSome      // no new work; what has begun may be finished
	roomNone
)

// spaceGuard knows how much room there is. A full disk ends the process: the
// write to a page of a mapped file that can't be allocated is a SIGBUS.
type spaceGuard struct {
	dir     string
	measure func(string) (space, error)
	log     func() *zap.Logger
	asked   config // what the limits are made from

	state atomic.Int32
	last  atomic.Int64 // when the reserve was looked after, in nanoseconds

	mu         sync.Mutex
	soft, hard uint64
	reserve    uint64
	free       uint64 // as it was measured last
	fresh      bool   // the limits are new: what was closed was closed by others
}

// keepEvery is how often what is kept in reserve is looked after while much is
// written. How much room there is, is measured before each commit: another
// program can fill a disk within milliseconds.
const keepEvery = 20 * time.Millisecond

// reserveFile is deleted when room gets short, so that the flushes and
// compactions under way have some.
const reserveFile = "RESERVE"

// setLimits is called before the store is opened, and refuses to open it where
// opening alone might fill the disk.
func (g *spaceGuard) setLimits(c *config) error {
	sp, err := g.measure(g.dir)
	if err != nil {
		return fmt.Errorf("measuring the free space at %s: %w", g.dir, err)
	}
	g.asked = *c
	g.set(c.minFree, sp)
	if sp.total == 0 {
		return nil
	}
	free := sp.free
	if st, err := os.Stat(g.reservePath()); err == nil {
		free += uint64(st.Size()) // it would be released
	}
	if need := max(g.hard, g.opening(sp.total)); free < need {
		return fmt.Errorf("%w: opening it needs %d MiB free at %s, there are %d",
			payment.ErrFull, (need+mib-1)/mib, g.dir, free/mib)
	}
	g.check()
	return nil
}

// set makes the limits of what was asked for, 0 for the default.
func (g *spaceGuard) set(minFree uint64, sp space) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.soft = minFree; g.soft == 0 {
		g.soft = DefaultMinFree(sp.total)
	}
	g.hard = g.soft / 2
	g.reserve = min(g.asked.reserve, g.soft/4)
	g.fresh = true
}

// limit changes the limits of a store that is open, and looks at once what is true
// by them.
func (g *spaceGuard) limit(minFree uint64) {
	sp, err := g.measure(g.dir)
	if err != nil {
		return // the next look finds out
	}
	was, _ := g.now()
	g.set(minFree, sp)
	g.check()
	soft, free := g.now()
	if soft == was {
		return
	}
	g.log().Info("min_free has changed", zap.String("dir", g.dir), zap.Uint64("min_free_mib", soft/mib), zap.Uint64("was_mib", was/mib),
		zap.Uint64("free_mib", free/mib), zap.Bool("takes_payments", g.ready() == nil))
}

// now gives below how many free bytes new work is refused, and how many there were
// when it was measured last.
func (g *spaceGuard) now() (soft, free uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.soft, g.free
}

// opening is how much room opening may need, whatever limits were asked for: a
// compaction writes tables anew before it deletes the old ones, and one that
// finds no room ends the process.
func (g *spaceGuard) opening(total uint64) (need uint64) {
	tables, _ := filepath.Glob(filepath.Join(g.dir, "*.sst"))
	for _, path := range tables {
		if st, err := os.Stat(path); err == nil {
			need += uint64(st.Size()) //nolint:gosec // never negative
		}
	}
	return min(need, DefaultMinFree(total)/2)
}

func (g *spaceGuard) reservePath() string { return filepath.Join(g.dir, reserveFile) }

// check measures, acts on the result, and looks after the reserve.
func (g *spaceGuard) check() {
	g.last.Store(time.Now().UnixNano())
	g.look(true)
}

// look measures and acts on the result; keep is whether to look after the
// reserve, which takes longer.
func (g *spaceGuard) look(keep bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sp, err := g.measure(g.dir)
	if err != nil || sp.total == 0 {
		return
	}
	g.free = sp.free
	was := room(g.state.Load())
	var is room
	switch {
	case sp.free < g.hard:
		is = roomNone
	case sp.free < g.soft:
		is = roomSome
	case was == roomAll, g.fresh, sp.free >= g.soft+g.reserve+g.soft/8:
		// On the way back there must be more than what closed the door, or the
		// reserve that is put back would close it again.
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

// hold keeps in reserve what there is room for.
func (g *spaceGuard) hold(sp space) {
	if sp.free >= g.soft+2*g.reserve {
		holdReserve(g.reservePath(), g.reserve)
	}
	if sp.free >= g.soft+g.reserve+g.soft/8 {
		holdLogs(g.dir)
	}
}

func (g *spaceGuard) tell(was, is room, sp space) {
	if was == is {
		return
	}
	fields := []zap.Field{zap.String("dir", g.dir), zap.Uint64("free_mib", sp.free/mib), zap.Uint64("min_free_mib", g.soft/mib)}
	switch is {
	case roomAll:
		g.log().Info("there is room again", fields...)
	case roomSome:
		g.log().Error("the disk is nearly full: no new payments until there is room", fields...)
	case roomNone:
		g.log().Error("the disk is full: nothing is written until there is room", fields...)
	}
}

// allow says whether a change may be written now.
func (g *spaceGuard) allow(grows bool) error {
	if time.Now().UnixNano()-g.last.Load() > int64(keepEvery) {
		g.check()
	} else {
		g.look(false)
	}
	switch r := room(g.state.Load()); {
	case r == roomAll, r == roomSome && !grows:
		return nil
	case r == roomSome:
		soft, _ := g.now()
		return fmt.Errorf("%w for new payments: less than %d MiB free", payment.ErrFull, soft/mib)
	}
	soft, _ := g.now()
	return fmt.Errorf("%w: less than half of %d MiB free", payment.ErrFull, soft/mib)
}

// ready is for every request: it measures nothing.
func (g *spaceGuard) ready() error {
	if room(g.state.Load()) == roomAll {
		return nil
	}
	return payment.ErrFull
}
