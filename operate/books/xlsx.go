package books

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/rahgir/caddy-payments/operate"
)

// sheet is the name of the one sheet.
const sheet = "payments"

// MostRows is how many payments a sheet takes: Excel's bound, less the header.
const MostRows = excelize.TotalRows - 1

// ErrRows is returned for more payments than a sheet takes.
var ErrRows = fmt.Errorf("a sheet of Excel has room for %d payments: choose fewer with --from and --to, or write CSV", MostRows)

type workbook struct {
	out  io.Writer
	file *excelize.File
	rows *excelize.StreamWriter
	cols []column
	n    int
}

// NewXLSX begins a workbook, which is written when it is closed. Amounts are numbers,
// everything else is text, so that nothing is calculated and no digit of a long number
// is lost.
func NewXLSX(out io.Writer) (Table, error) {
	t := &workbook{out: out, file: excelize.NewFile(), cols: columns()}
	if err := t.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("making the workbook: %w", err), t.file.Close())
	}
	return t, nil
}

func (t *workbook) begin() (err error) {
	if err := t.file.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	bold, err := t.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	if t.rows, err = t.file.NewStreamWriter(sheet); err != nil {
		return err
	}
	if err := t.rows.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	if err := t.rows.SetColWidth(1, len(t.cols), 16); err != nil {
		return err
	}
	var cells []any
	for _, c := range t.cols {
		cells = append(cells, excelize.Cell{StyleID: bold, Value: c.name})
	}
	return t.rows.SetRow("A1", cells)
}

func (t *workbook) Write(r operate.Row) error {
	if t.n++; t.n > MostRows {
		return ErrRows
	}
	cells := make([]any, len(t.cols))
	for i, c := range t.cols {
		switch {
		case c.count == nil:
			if s := cut(plain(c.text(r))); s != "" {
				cells[i] = s
			}
		case c.count(r) != 0:
			cells[i] = c.count(r)
		}
	}
	if err := t.rows.SetRow(fmt.Sprintf("A%d", t.n+1), cells); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

// cut is a text as long as a cell may be.
func cut(s string) string {
	if utf8.RuneCountInString(s) <= excelize.TotalCellChars/2 {
		return s
	}
	return string([]rune(s)[:excelize.TotalCellChars/2])
}

func (t *workbook) Close() error {
	err := t.rows.Flush()
	if err == nil {
		err = t.file.Write(t.out)
	}
	if err = errors.Join(err, t.file.Close()); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

// Interface guard.
var _ Table = (*workbook)(nil)
