package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
)

// slots is into how many parts the work is divided among the nodes.
const slots = 256

const (
	// retryBeat is how often a database that is out of reach is looked for.
	retryBeat = 500 * time.Millisecond
	// firmEvery: every so many beats one waits for the disk and is noted outside
	// of the ledger.
	firmEvery = 15
	// forgotten is after how long a silent node's row is deleted.
	forgotten = 24 * time.Hour
)

const (
	sqlBeat = `INSERT INTO payments_nodes (id, beat, parted, tracks) VALUES ($1, ` + dbNow + `, false, $2)
ON CONFLICT (id) DO UPDATE SET beat = excluded.beat, tracks = excluded.tracks RETURNING beat`
	sqlLazyBeat = `WITH lazy AS (SELECT set_config('synchronous_commit', 'off', true) AS v), me AS (` + sqlBeat + `)
SELECT me.beat FROM me, lazy`
	sqlNodes = `SELECT id, beat < $1, parted, tracks FROM payments_nodes WHERE beat > $2`
	sqlPart  = `UPDATE payments_nodes SET beat = ` + dbNow + `, parted = true, tracks = $2 WHERE id = $1 RETURNING beat`
	sqlPrune = `WITH gone AS (DELETE FROM payments_nodes WHERE beat < $1 RETURNING tracks)
UPDATE payments_ledger SET tracks = tracks + (SELECT coalesce(sum(gone.tracks), 0)::bigint FROM gone) WHERE one = 1`
	sqlTracks = `SELECT tracks FROM payments_ledger WHERE one = 1`
)

// nodes is which other nodes work on the ledger, as the last beat found them.
type nodes struct {
	me       string
	orphaned chan struct{}

	mu   sync.Mutex
	dead map[string]bool // by node; who is missing is not known
	mine []int16         // my slots; nil: all

	working int // how many work, with me
}

func (n *nodes) init(me string) {
	n.me, n.orphaned = me, make(chan struct{}, 1)
	n.dead = make(map[string]bool)
}

// silent reports whether a node is known to have fallen silent. Of one that is
// not known nothing is assumed: its leases end with their time.
func (n *nodes) silent(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead[id]
}

// share returns which slots' work is this node's; all where it is alone.
func (n *nodes) share() (mine []int16, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mine, n.mine == nil
}

// see takes what a beat has read, and tells orphaned when a node has fallen silent
// since the last one.
func (n *nodes) see(dead map[string]bool, working []string) {
	n.mu.Lock()
	fell := false
	for id, d := range dead {
		was, known := n.dead[id]
		fell = fell || d && known && !was
	}
	n.dead, n.working = maps.Clone(dead), len(working)
	n.mine = divide(n.me, working)
	n.mu.Unlock()
	if fell {
		select {
		case n.orphaned <- struct{}{}:
		default:
		}
	}
}

// divide gives every slot to the node that scores highest for it, so that a node
// that comes or goes moves no more than its own part.
func divide(me string, working []string) []int16 {
	if len(working) < 2 {
		return nil
	}
	mine := make([]int16, 0, slots/len(working)*2)
	for slot := range int16(slots) {
		best, owner := uint64(0), ""
		for _, id := range working {
			h := fnv.New64a()
			_, _ = h.Write([]byte(id))
			_, _ = h.Write(binary.BigEndian.AppendUint16(nil, uint16(slot))) //nolint:gosec // below 256
			if sum := h.Sum64() * 0x9E3779B97F4A7C15; owner == "" || sum > best || sum == best && id < owner {
				best, owner = sum, id
			}
		}
		if owner == me {
			mine = append(mine, slot)
		}
	}
	return mine
}

// heart beats until the store is closed.
func (s *Store) heart(ctx context.Context) {
	defer s.chores.Done()
	for n := 1; ; n++ {
		wait := s.cfg.beat
		if s.down.Load() != nil {
			wait = retryBeat
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
		beatCtx, cancel := context.WithTimeout(ctx, s.cfg.timeout)
		err := s.beatOnce(beatCtx, n%firmEvery == 0)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			s.setUp()
		case s.down.Load() == nil && fateOf(err) != collided:
			s.log().Error("the database of the payments can't be reached; payments get 503 until it answers", zap.Error(told(err)))
			s.setDown(err)
		}
		if err == nil && n%firmEvery == 1 {
			if err := s.prune(ctx); err != nil {
				s.log().Warn("tidying the ledger", zap.Error(err))
			}
		}
	}
}

// beat returns the first one, which waits for the disk.
func (s *Store) beat(ctx context.Context) error { return s.beatOnce(ctx, true) }

// beatOnce shows that this node lives, reads the clock, and looks which others do.
func (s *Store) beatOnce(ctx context.Context, firm bool) error {
	var beat int64
	_, err := s.try(ctx, func(c *pgxpool.Conn) error {
		sql := sqlBeat
		if !firm && s.plain() {
			sql = sqlLazyBeat
		}
		before := time.Now()
		if err := c.QueryRow(ctx, sql, s.owner, s.tracks.own()).Scan(&beat); err != nil {
			return err
		}
		s.clock.set(before, time.Now(), beat)
		return s.others(ctx, c, beat)
	})
	if err != nil {
		return err
	}
	if firm {
		return s.rise(beat)
	}
	return nil
}

// others reads the other nodes' rows. Whether one is silent is judged by the
// database's clock alone: beat is what it said a moment ago.
func (s *Store) others(ctx context.Context, c *pgxpool.Conn, beat int64) error {
	rows, err := c.Query(ctx, sqlNodes, beat-s.cfg.silence.Microseconds(), beat-2*forgotten.Microseconds())
	if err != nil {
		return err
	}
	defer rows.Close()
	dead := make(map[string]bool)
	var working []string
	tracks := int64(0)
	for rows.Next() {
		var id string
		var silent, parted bool
		var n int64
		if err := rows.Scan(&id, &silent, &parted, &n); err != nil {
			return err
		}
		dead[id] = silent
		if id != s.owner {
			tracks += n
		}
		if !silent && !parted {
			working = append(working, id)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	var old int64
	if err := c.QueryRow(ctx, sqlTracks).Scan(&old); err != nil {
		return err
	}
	s.tracks.others(tracks + old)
	slices.Sort(working)
	s.nodes.see(dead, working)
	return nil
}

// part says good-bye: others take up this node's share at once.
func (s *Store) part() error {
	l := s.life.Load()
	if l == nil || s.down.Load() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.timeout)
	defer cancel()
	var beat int64
	_, err := s.try(ctx, func(c *pgxpool.Conn) error {
		return c.QueryRow(ctx, sqlPart, s.owner, s.tracks.own()).Scan(&beat)
	})
	if err != nil {
		s.log().Warn("the node could not be taken off the ledger's list; the others notice that it has gone", zap.Error(told(err)))
		return nil
	}
	if err := s.rise(beat); err != nil {
		return fmt.Errorf("closing the ledger: %w", err)
	}
	return nil
}
