package admin

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/operate/find"
	"github.com/rahgir/caddy-payments/payment"
)

// bookOptions say how a table is read.
type bookOptions struct{ columns, unit, paid string }

// bookColumn is a column of a table, and the names by which it is known without being told.
type bookColumn struct {
	key   string
	names []string
}

var bookColumns = []bookColumn{
	{"id", []string{"id", "authority", "trackid", "track_id", "invoice_key", "token", "شناسه", "شناسه تراکنش"}},
	{"order", []string{"order", "order_id", "orderid", "سفارش", "شماره سفارش", "شناسه سفارش"}},
	{"number", []string{"number", "receipt_number", "ref_id", "refid", "شماره رسید", "کد رهگیری"}},
	{"reference", []string{"reference", "bank_reference", "rrn", "refnumber", "شماره مرجع", "شماره ارجاع"}},
	{"amount", []string{"amount", "price", "amount_rials", "amount_toman", "مبلغ", "مبلغ (ریال)", "مبلغ (تومان)"}},
	{"state", []string{"state", "status", "وضعیت"}},
	{"date", []string{"date", "paid_at", "paid_jalali", "تاریخ", "تاریخ پرداخت"}},
}

// paidWords mean paid without being told.
var paidWords = []string{"paid", "verified", "settled", "successful", "success", "100", "101", "200", "موفق", "پرداخت شده", "تسویه شده", "delivered"}

// readBook reads a table of a provider's payments. Every error names the line.
func (c *cli) readBook(name string, o bookOptions) ([]payment.Booked, error) {
	in, err := c.input(name, "the table")
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := readTable(in, maxTable)
	if err != nil {
		return nil, err
	}
	list, err := parseBook(bytes.TrimPrefix(text, []byte("\ufeff")), o)
	if err != nil {
		return nil, usage("%s: %v", name, err)
	}
	return list, nil
}

// readTable reads a table of at most most bytes, whole or not at all.
func readTable(in io.Reader, most int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the table: %w", err)
	case len(text) > most:
		return nil, usage("the table has more than %d KiB: compare fewer days", most>>10)
	}
	return text, nil
}

func parseBook(text []byte, o bookOptions) ([]payment.Booked, error) {
	table := csv.NewReader(bytes.NewReader(text))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		table.Comma = ';' // as Excel writes where a comma is in numbers
	}
	head, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("it has no first line with the columns' names: %w", err)
	}
	b, err := newBook(head, o)
	if err != nil {
		return nil, err
	}
	list := []payment.Booked{}
	for {
		row, err := table.Read()
		if err == io.EOF { //nolint:errorlint // csv returns it as it is
			return list, nil
		}
		if err != nil {
			return nil, err // it names the line
		}
		line, _ := table.FieldPos(0)
		booked, err := b.read(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		booked.Line = line
		list = append(list, booked)
	}
}

// book is how the rows of one table are read.
type book struct {
	at   map[string]int
	unit payment.Unit
	paid []string
}

func newBook(head []string, o bookOptions) (b book, err error) {
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = folded(h)
	}
	b.at = make(map[string]int)
	var asked []string
	if o.columns != "" {
		asked = strings.Split(o.columns, ",")
	}
	for _, pair := range asked {
		key, name, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		if !ok || !slices.ContainsFunc(bookColumns, func(c bookColumn) bool { return c.key == key }) {
			return b, fmt.Errorf("--columns %q: write id=Name,amount=Name; there are id, order, number, reference, amount, state, date", pair)
		}
		if b.at[key] = slices.Index(names, folded(name)); b.at[key] < 0 {
			return b, fmt.Errorf("line 1 has no column %q; there are %.40q", name, head[:min(len(head), 30)])
		}
	}
	for _, c := range bookColumns {
		if _, known := b.at[c.key]; known {
			continue
		}
		for _, name := range c.names {
			if i := slices.Index(names, name); i >= 0 {
				b.at[c.key] = i
				break
			}
		}
	}
	if !b.has("id") && !b.has("order") && !b.has("number") && !b.has("reference") {
		return b, fmt.Errorf("line 1 names no column that a payment is known by: say which with --columns id=Name; there are %.40q", head[:min(len(head), 30)])
	}
	b.paid = paidWords
	if o.paid != "" {
		b.paid = nil
		for word := range strings.SplitSeq(o.paid, ",") {
			b.paid = append(b.paid, folded(word))
		}
	}
	return b, b.setUnit(names, o.unit)
}

func (b *book) setUnit(names []string, asked string) error {
	said := asked
	if i, ok := b.at["amount"]; ok && asked == "" {
		switch name := names[i]; {
		case strings.Contains(name, "toman") || strings.Contains(name, "تومان"):
			said = "toman"
		case strings.Contains(name, "rial") || strings.Contains(name, "ریال"):
			said = "rial"
		}
	}
	switch {
	case !b.has("amount"):
	case said == "rial":
		b.unit = payment.Rial
	case said == "toman":
		b.unit = payment.Toman
	case asked != "":
		return fmt.Errorf("--unit is rial or toman, not %q", asked)
	default:
		return fmt.Errorf("nothing says what the amounts are in: write --unit rial or --unit toman")
	}
	return nil
}

func (b *book) has(key string) bool { _, ok := b.at[key]; return ok }

// folded is a name or word as it is compared.
func folded(s string) string { return strings.ToLower(find.Clean(strings.TrimPrefix(s, "\ufeff"))) }

func (b *book) read(row []string) (out payment.Booked, err error) {
	cell := func(key string) string {
		if i, ok := b.at[key]; ok && i < len(row) {
			return find.Clean(strings.TrimPrefix(row[i], "'"))
		}
		return ""
	}
	out = payment.Booked{ID: cell("id"), Order: cell("order"), Number: cell("number"), Reference: cell("reference"), State: payment.BookedPaid}
	if out.ID+out.Order+out.Number+out.Reference == "" {
		return out, fmt.Errorf("it names no payment")
	}
	if b.has("amount") {
		n, err := strconv.ParseInt(payment.Ungroup(cell("amount")), 10, 64)
		if err != nil || n < 0 {
			return out, fmt.Errorf("the amount %.40q is no whole number, or its digits aren't grouped in threes", cell("amount"))
		}
		if out.Amount, err = b.unit.Rials(n); err != nil {
			return out, fmt.Errorf("the amount %.40q: %w", cell("amount"), err)
		}
	}
	if b.has("state") && !slices.Contains(b.paid, folded(cell("state"))) {
		out.State = payment.BookedUnpaid
	}
	if text := cell("date"); text != "" {
		if out.At, err = bookDate(text); err != nil {
			return out, err
		}
	}
	return out, nil
}

// bookDate reads a moment or a day, of either calendar; a time of day behind it is left
// out.
func bookDate(text string) (time.Time, error) {
	at, err := find.Date(text, time.Now(), false)
	if day, _, ok := strings.Cut(text, " "); err != nil && ok {
		at, err = find.Date(day, time.Now(), false)
	}
	if err != nil {
		return at, fmt.Errorf("the date: %w", err)
	}
	return at, nil
}
