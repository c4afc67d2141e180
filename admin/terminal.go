package admin

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// screen is a terminal that a person looks at.
//
// Invariant: whatever a customer, a shop or a provider has written, nothing but text and
// our colours reaches the terminal: no other control character passes, here or where
// the text was put together.
type screen struct {
	to     io.Writer
	colour bool
}

// The colours stand in the text as private characters until it is written out, so that
// their bytes count for no width and no other escape can pass.
const (
	plain = '\ue000' + iota
	bold
	faint
	red
	green
	yellow
)

var escapes = map[rune]string{plain: "\x1b[0m", bold: "\x1b[1m", faint: "\x1b[2m", red: "\x1b[31m", green: "\x1b[32m", yellow: "\x1b[33m"}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	var b strings.Builder
	for _, r := range string(p) {
		switch escape, ours := escapes[r]; {
		case ours && s.colour:
			b.WriteString(escape)
		case ours:
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case unicode.IsControl(r) || turns(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	if _, err := io.WriteString(s.to, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// turns: the character turns the line around, or hides something in it.
func turns(r rune) bool {
	return r == 0x200e || r == 0x200f || r == 0x61c || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}

// onto makes a file a screen where it is a terminal. width is its columns, 0 where it has
// no end.
func onto(f *os.File) (out io.Writer, terminal bool, columns int) {
	if !term.IsTerminal(int(f.Fd())) {
		return f, false, 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if n, aerr := strconv.Atoi(os.Getenv("COLUMNS")); aerr == nil && n > 0 {
		columns, err = n, nil
	}
	if err != nil {
		columns = 0
	}
	return &screen{to: f, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}, true, columns
}

// inColour puts a text into a colour. What is no screen must not get one.
func (c *cli) inColour(colour rune, text string) string {
	if _, ok := c.out.(*screen); !ok || text == "" {
		return text
	}
	return string(colour) + text + string(plain)
}

// stateColour is the colour of a payment's or a report's state.
func stateColour(state string) rune {
	switch payment.State(state) {
	case payment.Review, payment.Parked:
		return red
	case payment.Unknown, payment.Verifying, payment.Verified, payment.Delivering:
		return yellow
	case payment.Delivered:
		return green
	}
	switch payment.ReportState(state) {
	case payment.RejectedReport, payment.PerhapsReport:
		return red
	case payment.OpenReport:
		return yellow
	case payment.SentReport:
		return green
	}
	return faint
}

func levelColour(l operate.Level) rune {
	switch l {
	case operate.LevelError:
		return red
	case operate.LevelWarn:
		return yellow
	}
	return green
}

// table is rows of cells under a head. Where its lines don't fit the terminal, each row
// is written as lines of its own instead: half a reference is of no use.
type table struct {
	c     *cli
	head  []string
	rows  [][]string
	below []string // a line under each row
}

func (c *cli) newTable(head ...string) *table { return &table{c: c, head: head} }

func (t *table) row(cells ...string) {
	t.rows, t.below = append(t.rows, cells), append(t.below, "")
}

// under puts a line under the last row.
func (t *table) under(text string) { t.below[len(t.below)-1] = text }

const gap = 2

func (t *table) flush() error {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	whole := -gap
	for _, w := range widths {
		whole += w + gap
	}
	var b strings.Builder
	if t.c.width > 0 && whole > t.c.width {
		t.blocks(&b)
	} else {
		t.lines(&b, widths)
	}
	_, err := io.WriteString(t.c.out, b.String())
	return err
}

func (t *table) lines(b *strings.Builder, widths []int) {
	write := func(cells []string, paint func(i int, cell string) string) {
		for i, cell := range cells {
			b.WriteString(paint(i, cell))
			if i+1 < len(cells) {
				b.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+gap))
			}
		}
		b.WriteByte('\n')
	}
	write(t.head, func(_ int, cell string) string { return t.c.inColour(bold, cell) })
	for n, row := range t.rows {
		write(row, t.paint)
		if t.below[n] != "" {
			b.WriteString("    " + wrapped(t.below[n], t.c.width, 4) + "\n")
		}
	}
}

func (t *table) blocks(b *strings.Builder) {
	label := 0
	for _, h := range t.head {
		label = max(label, columns(h))
	}
	for n, row := range t.rows {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i, cell := range row {
			if cell == "" || cell == "-" {
				continue
			}
			b.WriteString(t.c.inColour(faint, t.head[i]) + strings.Repeat(" ", label-columns(t.head[i])+gap) + t.paint(i, cell) + "\n")
		}
		if t.below[n] != "" {
			b.WriteString(wrapped(t.below[n], t.c.width, 0) + "\n")
		}
	}
}

// paint colours the column of states.
func (t *table) paint(i int, cell string) string {
	if t.head[i] != "STATE" {
		return cell
	}
	return t.c.inColour(stateColour(cell), cell)
}

// wrapped breaks a text at spaces; the lines after the first are indented.
func wrapped(text string, most, indent int) string {
	if most <= 0 {
		return text
	}
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		switch w := columns(word); {
		case i == 0:
			at += w
		case at+1+w > most && at > indent:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent + w
		default:
			b.WriteByte(' ')
			at += 1 + w
		}
		b.WriteString(word)
	}
	return b.String()
}

// columns is how many columns of a terminal a text takes.
func columns(s string) (n int) {
	for _, r := range s {
		_, ours := escapes[r]
		switch k := width.LookupRune(r).Kind(); {
		case ours || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
