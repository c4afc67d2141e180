package books

import (
	"encoding/csv"
	"fmt"
	"io"

	"github.com/rahgir/caddy-payments/operate"
)

// Table is a table that payments are written into, one a row.
type Table interface {
	Write(r operate.Row) error
	// Close ends the table; without it the table is not whole. It does not close what
	// the table is written into.
	Close() error
}

// bom tells spreadsheets that the table is UTF-8: Excel reads Persian wrongly without.
const bom = "\ufeff"

type commas struct {
	w    *csv.Writer
	cols []column
}

// NewCSV begins a table of comma-separated values in UTF-8, with a byte-order mark. It
// writes each row at once.
func NewCSV(out io.Writer) (Table, error) {
	if _, err := io.WriteString(out, bom); err != nil {
		return nil, fmt.Errorf("writing the table: %w", err)
	}
	t := &commas{csv.NewWriter(out), columns()}
	return t, t.row(Header())
}

func (t *commas) Write(r operate.Row) error {
	cells := make([]string, len(t.cols))
	for i, c := range t.cols {
		if c.count != nil {
			cells[i] = number(c.count(r))
		} else {
			cells[i] = inert(c.text(r))
		}
	}
	return t.row(cells)
}

func (t *commas) row(cells []string) error {
	if err := t.w.Write(cells); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return t.Close()
}

func (t *commas) Close() error {
	t.w.Flush()
	if err := t.w.Error(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// Interface guard.
var _ Table = (*commas)(nil)
