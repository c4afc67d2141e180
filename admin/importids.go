package admin

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/operate"
)

// importBatch is how many ids go in one request: the admin endpoint gives a
// request ten seconds.
const importBatch = 2000

func (c *cli) importCommand() *cobra.Command {
	cmd := c.changes(c.leaf("import-ids PROVIDER FILE", "Takes over ids of payments from before this ledger, so that none of them pays again",
		`
Takes over the ids of payments that were used before this ledger began: the
invoice script can't tell a first confirmation from a
repeated one, so an old receipt could pay for a new order. IDPay and Sama can.
Of any provider the ids belong here that the shop has credited and a restored
ledger doesn't know.

The file has one id a line; - is standard input. With --column it is a CSV
table, and the column is a number from 1 or the name in the first line. Doing
it twice does no harm.`,
		exactly(2, "a provider's name and a file (- is standard input)"), c.importIDs))
	cmd.Flags().String("column", "", "Column of a CSV table: its number from 1, or its name")
	return c.complete(cmd, c.importing, nil)
}

func (c *cli) importIDs(cmd *cobra.Command, args []string) error {
	column, _ := cmd.Flags().GetString("column")
	in, err := c.input(args[1], "the ids")
	if err != nil {
		return err
	}
	defer in.Close()
	ids, err := readColumn(in, column)
	if err != nil {
		return &failure{exitUsage, err}
	}
	total := operate.Imported{Done: !c.dryRun, Total: len(ids)}
	for done := 0; done < len(ids); {
		batch := ids[done:min(done+importBatch, len(ids))]
		resp, err := c.open(http.MethodPost, "import-ids", url.Values{"provider": {args[0]}},
			http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, strings.NewReader(strings.Join(batch, "\n")))
		if err != nil {
			return fmt.Errorf("after %d of %d ids: %w", done, len(ids), err)
		}
		var out operate.Imported
		if err := readJSON(resp, &out); err != nil {
			return fmt.Errorf("after %d of %d ids: %w", done, len(ids), err)
		}
		total.New += out.New
		done += len(batch)
		c.tell("\r%d of %d ids", done, len(ids))
	}
	c.tell("\n")
	if !c.table() {
		return c.printJSON(total)
	}
	verb := "taken over"
	if c.dryRun {
		verb = "would be taken over"
	}
	fmt.Fprintf(c.out, "%d ids of %s: %d %s, %d were known already\n", total.Total, clean(args[0]), total.New, verb, total.Total-total.New)
	return nil
}

// input opens a file; - is standard input.
func (c *cli) input(name, what string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(c.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return f, nil
}

// tell shows progress to a person.
func (c *cli) tell(format string, args ...any) {
	if c.progress {
		fmt.Fprintf(c.err, format, args...)
	}
}

// readColumn reads one id a line or, with a column, a CSV table.
func readColumn(in io.Reader, column string) ([]string, error) {
	if column == "" {
		return readIDs(in)
	}
	table := csv.NewReader(in)
	table.FieldsPerRecord, table.TrimLeadingSpace = -1, true
	rows, err := table.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the table: %w", err)
	}
	at, err := strconv.Atoi(column)
	at--
	if err != nil {
		if len(rows) > 0 {
			at = slices.IndexFunc(rows[0], func(cell string) bool {
				return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(cell, "\ufeff")), column)
			})
		}
		if at < 0 {
			return nil, fmt.Errorf("the table has no column %q in its first line", column)
		}
		rows = rows[1:]
	}
	var ids []string
	for i, row := range rows {
		if at < 0 || at >= len(row) {
			return nil, fmt.Errorf("line %d of the table has no column %s", i+1, column)
		}
		if id := strings.TrimSpace(row[at]); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("the table has no ids in that column")
	}
	return ids, nil
}
