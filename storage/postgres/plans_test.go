package postgres

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

var plans = flag.String("plans", "", "write the plans of all statements to this file, as Markdown") //nolint:gochecknoglobals // a flag

// statements are all that is sent while payments are made, with arguments for a
// ledger that fill made.
func statements() map[string]struct {
	sql  string
	args []string
} {
	type st = struct {
		sql  string
		args []string
	}
	ref := `sha256('7')`
	row := []string{ref, "2", "1", "'verified'", "true", "1", "2", "3", "NULL", "4", "5", `'\x01'`, "'{4,5}'"}
	next := append(slices.Clone(row), "9")
	taking := append(slices.Clone(row), `ARRAY[sha256('x'), sha256('y')]`, "ARRAY[false, true]")
	takingNext := append(slices.Clone(next), taking[len(row):]...)
	many := make([]string, 0, len(next))
	for _, v := range next {
		many = append(many, "ARRAY["+v+", "+v+"]")
	}
	many[0], many[8], many[11], many[12] = `ARRAY[sha256('7'), sha256('8')]`, "ARRAY[NULL, 1]", `ARRAY['\x01'::bytea, '\x02'::bytea]`, "ARRAY['{4}', '{5}']"
	newest := []string{"9223372036854775807", `'\xff'`, "100"}
	return map[string]st{
		"get":                         {sqlGet, []string{ref}},
		"holder of a key":             {sqlHolder, []string{ref}},
		"holders of keys":             {sqlHeld, []string{`ARRAY[sha256('x'), sha256('y')]`}},
		"version and holders":         {sqlHolders, []string{`ARRAY[sha256('x'), sha256('y')]`, ref}},
		"whose change it was":         {sqlOf, []string{ref}},
		"first change":                {changeSQL(true, false, false), row},
		"first change with keys":      {changeSQL(true, true, false), taking},
		"change":                      {changeSQL(false, false, false), next},
		"change, lazy":                {changeSQL(false, false, true), next},
		"change with keys":            {changeSQL(false, true, false), takingNext},
		"many first changes":          {sqlFirsts, many},
		"many changes":                {sqlUpdates, many},
		"many changes, lazy":          {sqlLazyUpdates, many},
		"many changes with keys":      {sqlTakes, append(slices.Clone(many), `ARRAY[sha256('x'), sha256('y')]`, `ARRAY[sha256('7'), sha256('8')]`, "ARRAY[false, true]")},
		"get many":                    {sqlGets, []string{`ARRAY[sha256('7'), sha256('8')]`}},
		"look":                        {sqlLook, []string{`ARRAY[sha256('x'), sha256('y')]`, `ARRAY[sha256('7'), sha256('8')]`}},
		"forget":                      {sqlForget, []string{ref, "1"}},
		"reserve":                     {sqlReserve, []string{`ARRAY[sha256('x'), sha256('y')]`}},
		"what is due":                 {sqlDue, []string{"1000", "4096"}},
		"what is due, this node's":    {sqlDueMine, []string{"1000", "4096", "ARRAY[1,2,3]::smallint[]"}},
		"what is due, the others'":    {sqlDueOthers, []string{"1000", "4096", "ARRAY[1,2,3]::smallint[]"}},
		"list":                        {sqlList, newest},
		"list by order":               {sqlListOrder, append(slices.Clone(newest), "7")},
		"list by id":                  {sqlListID, append(slices.Clone(newest), "7")},
		"list what a person must see": {sqlListNotice, append(slices.Clone(newest), "7")},
		"list what is rare":           {sqlListRare, append(slices.Clone(newest), "2")},
		"list what is under way":      {sqlListUnder, append(slices.Clone(newest), "'{verified}'")},
		"list what is in progress":    {sqlListPassing, append(slices.Clone(newest), "1025", "'{verified}'")},
		"list what has all":           {sqlListHas, append(slices.Clone(newest), "ARRAY[7]")},
		"list what has one":           {sqlListAny, append(slices.Clone(newest), "ARRAY[7, 8]", "'\\x00'", "'\\x01'")},
		"how many have all":           {sqlCountHas, []string{"ARRAY[7]", "2000"}},
		"how many have one":           {sqlCountAny, []string{"ARRAY[7, 8]", "2000"}},
		"track":                       {sqlTrack, []string{ref}},
		"keep a track again":          {sqlLazyTrackAgain, []string{ref, "1", `'\x01'`}},
		"keep a new track":            {sqlLazyTrackNew, []string{ref, "1", `'\x01'`}},
		"old tracks":                  {sqlTracksOld, []string{"1000", "5000"}},
		"forget old tracks":           {sqlTrackPrune, []string{"1000", "ARRAY[sha256('7')]"}},
		"oldest tracks":               {sqlTracksOldest, []string{"500"}},
		"forget the oldest tracks":    {sqlTrackTrim, []string{"1000", "ARRAY[sha256('7')]"}},
		"secret":                      {sqlSecret, []string{"'name7'"}},
		"beat":                        {sqlLazyBeat, []string{"'node7'", "0"}},
		"farewell":                    {sqlPart, []string{"'node7'", "0"}},
		"the other nodes":             {sqlNodes, []string{"1000", "49990"}},
		"how far it has come":         {sqlHigh, nil},
		"old nodes":                   {sqlPrune, []string{"10"}},
	}
}

// fill makes a ledger of n payments, mostly delivered, as SQL can.
func fill(ctx context.Context, t *testing.T, conn *pgx.Conn, schema string, n int) {
	t.Helper()
	for _, sql := range []string{
		"SET search_path = " + schema,
		fmt.Sprintf(`INSERT INTO payments_records SELECT sha256(i::text::bytea), 4, i, CASE WHEN i %% 500 = 0 THEN 'review' ELSE 'delivered' END, true,
			i, CASE WHEN i %% 300 = 0 THEN i END, i %% 256, CASE WHEN i %% 500 = 0 THEN 2 END, hashint8(i), hashint8(i + 1),
			decode(repeat(md5(i::text), 12), 'hex'), ARRAY[hashint8(i), hashint8(i + 1), i %% 7] FROM generate_series(1, %d) i`, n),
		fmt.Sprintf(`INSERT INTO payments_keys SELECT sha256((i::text || k)::bytea), sha256(i::text::bytea), k = 'i' FROM generate_series(1, %d) i, unnest(ARRAY['r','o','i']) k`, n),
		fmt.Sprintf(`INSERT INTO payments_tracks SELECT sha256(i::text::bytea), i, '\x00' FROM generate_series(1, %d) i`, n),
		`INSERT INTO payments_secrets SELECT 'name' || i, '\x00' FROM generate_series(1, 5000) i`,
		`INSERT INTO payments_nodes SELECT 'node' || i, i, false, 0 FROM generate_series(1, 50000) i`,
		"ANALYZE",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Every statement finds what it looks for by an index, whatever the planner
// makes of it: planned for its arguments, and once for all arguments, as it is
// after a few runs.
func TestPlans(t *testing.T) {
	l := newLedger(t)
	if err := l.open(t).Close(); err != nil {
		t.Fatal(err)
	}
	var doc strings.Builder
	servers.Cluster(t).With(t, func(ctx context.Context, conn *pgx.Conn) {
		fill(ctx, t, conn, l.schema, 50_000)
		names := make([]string, 0, len(statements()))
		for name := range statements() {
			names = append(names, name)
		}
		slices.Sort(names)
		for i, name := range names {
			st := statements()[name]
			if _, err := conn.Exec(ctx, fmt.Sprintf("PREPARE p%d AS %s", i, st.sql)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
				if _, err := conn.Exec(ctx, "SET plan_cache_mode = "+mode); err != nil {
					t.Fatal(err)
				}
				plan := explain(ctx, t, conn, i, st.args)
				// A function's rows and those of another part of the statement have no
				// index; the ledger's own table has one row.
				if m := regexp.MustCompile(`Seq Scan on (\w+)`).FindStringSubmatch(plan); m != nil && m[1] != "payments_ledger" {
					t.Errorf("%s (%s) reads a whole table:\n%s", name, mode, plan)
				}
				if mode == "force_generic_plan" {
					fmt.Fprintf(&doc, "**%s**\n\n```sql\n%s\n```\n\n```text\n%s```\n\n", name, st.sql, plan)
				}
			}
		}
	})
	if *plans != "" {
		if err := os.WriteFile(*plans, []byte(doc.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func explain(ctx context.Context, t *testing.T, conn *pgx.Conn, i int, args []string) string {
	t.Helper()
	execute := fmt.Sprintf("EXPLAIN (COSTS OFF) EXECUTE p%d", i)
	if len(args) > 0 {
		execute += "(" + strings.Join(args, ", ") + ")"
	}
	rows, err := conn.Query(ctx, execute, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", execute, err)
	}
	return strings.Join(lines, "\n") + "\n"
}
