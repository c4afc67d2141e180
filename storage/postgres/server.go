package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// server is what is known of the server at a connection's other end.
type server struct {
	// plain: it is PostgreSQL itself, with its own log and standbys.
	plain bool
	// origin names the server and the timeline of its log: another one means that
	// a standby was promoted or a backup put back. Empty where the server has no
	// such thing, or does not say.
	origin string
}

const (
	sqlVersion = `SELECT version()`
	sqlSafety  = `SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('full_page_writes'),
	current_setting('synchronous_commit'), current_setting('transaction_read_only')`
	// A connection waits for the disk. Its statements find what they look for by an
	// index, and are planned once: how large the tables are, and what is asked, changes
	// nothing.
	sqlSession = `SELECT set_config('synchronous_commit', $1, false), set_config('default_transaction_isolation', 'read committed', false),
	set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false)`
	sqlOrigin = `SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`
)

// inspect looks at a new connection's server, refuses what would lose commits
// that it has confirmed, and makes sure that this connection waits for the disk.
func inspect(ctx context.Context, conn *pgx.Conn) (sv server, err error) {
	var version string
	if err := conn.QueryRow(ctx, sqlVersion).Scan(&version); err != nil {
		return sv, fmt.Errorf("asking the server for its version: %w", err)
	}
	if strings.Contains(version, "CockroachDB") {
		return sv, nil // it has neither these settings nor these dangers
	}
	var recovery bool
	var fsync, pages, commits, readonly string
	if err := conn.QueryRow(ctx, sqlSafety).Scan(&recovery, &fsync, &pages, &commits, &readonly); err != nil {
		return sv, fmt.Errorf("asking the server for its settings: %w", err)
	}
	if strings.Contains(version, "-YB-") {
		return sv, nil // its settings of this name are for show
	}
	switch {
	case recovery:
		return sv, &RefusedError{"it is a standby (in recovery); connect to the primary, or name all hosts and add target_session_attrs=read-write"}
	case readonly == "on":
		return sv, &RefusedError{"it takes no writes (default_transaction_read_only is on)"}
	case fsync != "on":
		return sv, &RefusedError{"fsync is off: a power cut would destroy payments that it has confirmed"}
	case pages != "on":
		return sv, &RefusedError{"full_page_writes is off: a power cut could destroy payments that it has confirmed"}
	case commits == "off":
		return sv, &RefusedError{"synchronous_commit is off for this role or database: a crash would lose payments that it has confirmed; set it to on"}
	}
	sv.plain = true
	if commits != "on" && commits != "remote_apply" {
		commits = "on" // local and remote_write promise less
	}
	var now string
	if err := conn.QueryRow(ctx, sqlSession, commits).Scan(&now, nil, nil, nil); err != nil {
		return sv, fmt.Errorf("setting up the session: %w", err)
	}
	if now != commits {
		return sv, &RefusedError{"synchronous_commit can't be set to " + commits}
	}
	if err := conn.QueryRow(ctx, sqlOrigin).Scan(&sv.origin); err != nil {
		if fateOf(err) != refused {
			return sv, fmt.Errorf("asking the server for its timeline: %w", err)
		}
		sv.origin = "" // a managed server may keep it to itself
	}
	return sv, nil
}
