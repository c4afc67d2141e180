package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
)

const (
	// trackSlack is by how many tracks the cap may be passed while the oldest are
	// being deleted, which is a goroutine's work.
	trackSlack = 8192
	// trimBatch is how many are deleted in one statement.
	trimBatch = 500
)

// crowd asks for the oldest tracks to be deleted.
func (s *Store) crowd() {
	select {
	case s.crowded <- struct{}{}:
	default:
	}
}

// trimLoop deletes the tracks that were put or renewed the longest ago while there
// are more than the cap allows. Nobody waits for it.
func (s *Store) trimLoop(ctx context.Context) {
	defer s.chores.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.crowded:
		}
		for over := int64(1); over > 0; {
			if over = s.tracks.over(s.maxTracks.Load()); over <= 0 {
				break
			}
			gone, err := s.trim(ctx, min(over, trimBatch))
			if err != nil && ctx.Err() == nil {
				s.log().Warn("deleting the oldest tracks", zap.Error(err))
			}
			if err != nil || gone == 0 {
				break
			}
		}
	}
}

// trim deletes so many of the oldest tracks, and reports how many it did.
func (s *Store) trim(ctx context.Context, n int64) (gone int64, err error) {
	err = s.read(ctx, "deleting the oldest tracks", func(ctx context.Context, c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, sqlTracksOldest, n)
		if err != nil {
			return err
		}
		var visitors [][]byte
		var visitor []byte
		var put int64
		_, err = pgx.ForEachRow(rows, []any{&visitor, &put}, func() error {
			visitors, visitor = append(visitors, visitor), nil
			return nil
		})
		if err != nil || len(visitors) == 0 {
			return err
		}
		tag, err := c.Exec(ctx, sqlTrackTrim, put, visitors)
		if err != nil {
			return err
		}
		gone = tag.RowsAffected()
		s.tracks.add(-gone)
		return nil
	})
	if errors.Is(err, context.Canceled) {
		return 0, nil
	}
	return gone, err
}
