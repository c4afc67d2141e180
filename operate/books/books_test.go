package books_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thedatashed/xlsxreader"
	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/books"
)

// hostile are texts that customers, shops and providers may write.
var hostile = []string{
	"=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1+1", "\r=cmd|' /C calc'!A0", "a;=1+1", "a; =1+1", "\"=1+1", ";@x", "＝1+1", "\ufeff=1+1", "\u202e=1+1",
	"\x1b[2J\x1b]0;owned\x07", "\x9b31m", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]>", "&lt;b&gt;", "_x003D_1+1", "a\nb", "a\u2028b",
	"\xff\xfe", "سفارش ۱۰۱", "بهروز \u202eوثوقی", strings.Repeat("x", 70_000), "'=1", "0012", "123456789012345678901234",
}

func row(text string) operate.Row {
	at := time.Date(2026, 3, 20, 20, 30, 5, 0, time.UTC) // a new year's first minute in Tehran
	r := operate.Row{
		Ref: "k7jnstg0nmmpkhn6gjhn9rxfc0", State: "delivered", Site: text, Provider: text, Environment: text, ID: text, Order: text, Item: text, Number: text, Reference: text,
		Card: text, Affiliate: text, TrackID: text, FeePayer: text, DecidedBy: text, Note: text, Decision: text,
		Amount: 1_200_000, Paid: 1_212_000, Fee: 12_000, Net: 1_188_000, GivenBack: 1, CreatedAt: at, UpdatedAt: at, PaidAt: at, DecidedAt: at,
	}
	return r
}

func readCSV(t testing.TB, b []byte) [][]string {
	t.Helper()
	b, ok := bytes.CutPrefix(b, []byte("\ufeff"))
	if !ok {
		t.Fatal("no byte-order mark")
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func written(t testing.TB, begin func(*bytes.Buffer) (books.Table, error), rows ...operate.Row) []byte {
	t.Helper()
	var out bytes.Buffer
	table, err := begin(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := table.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asCSV(b *bytes.Buffer) (books.Table, error)  { return books.NewCSV(b) }
func asXLSX(b *bytes.Buffer) (books.Table, error) { return books.NewXLSX(b) }

// No cell of any column begins a formula, whichever separator the reader splits by, and
// none has a control character, whatever was written in it.
func TestCSVIsInert(t *testing.T) {
	check := func(t testing.TB, text string) {
		for _, cells := range readCSV(t, written(t, asCSV, row(text)))[1:] {
			if len(cells) != len(books.Header()) {
				t.Fatalf("%d cells", len(cells))
			}
			for i, cell := range cells {
				for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '"' }) {
					if part = strings.TrimSpace(part); part != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(part)[0]) {
						t.Fatalf("%s of %q is %q", books.Header()[i], text, cell)
					}
				}
				if strings.ContainsFunc(cell, func(r rune) bool {
					return r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r == 0x2028
				}) {
					t.Fatalf("%s of %q is %q", books.Header()[i], text, cell)
				}
			}
		}
	}
	for _, text := range hostile {
		check(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(t, rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("=+-@;\"'\t\r\n ,|\x1b＝a1")), rapid.Rune())).Draw(rt, "text"))
	})
}

// Another library reads the workbook: text is text, as it was written but for what moves
// a cursor, amounts are numbers, and there is no formula.
func TestXLSXReadByAnother(t *testing.T) {
	var rows []operate.Row
	for _, text := range hostile {
		rows = append(rows, row(text))
	}
	b := written(t, asXLSX, rows...)
	file, err := xlsxreader.NewReader(b)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { // its column's letters
		i := slices.Index(books.Header(), name)
		if i >= 26 {
			return "A" + string(rune('A'+i-26))
		}
		return string(rune('A' + i))
	}
	n := 0
	for got := range file.ReadRows(file.Sheets[0]) {
		if got.Error != nil {
			t.Fatal(got.Error)
		}
		cells := map[string]xlsxreader.Cell{}
		for _, c := range got.Cells {
			cells[c.Column] = c
		}
		if n++; n == 1 {
			continue
		}
		text := hostile[n-2]
		order := cells[at("order")]
		if order.Type != xlsxreader.TypeString || strings.ContainsAny(order.Value, "\x1b\r\n\t") {
			t.Errorf("%q became %+v", text, order)
		}
		if strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0 && len(text) < 1000 && strings.ReplaceAll(order.Value, "_x005F_", "_") != text { // an underscore is escaped where it would escape something
			t.Errorf("%q became %q", text, order.Value)
		}
		for name, want := range map[string]string{"amount_rials": "1200000", "paid_rials": "1212000", "fee_rials": "12000", "net_rials": "1188000"} {
			if c := cells[at(name)]; c.Value != want || c.Type != xlsxreader.TypeNumerical {
				t.Errorf("%s is %+v", name, c)
			}
		}
		for name, want := range map[string]string{"created_tehran": "2026-03-21 00:00:05", "created_jalali": "1405/01/01", "created_at": "2026-03-20T20:30:05Z", "decided_jalali": "1405/01/01"} {
			if c := cells[at(name)]; c.Value != want {
				t.Errorf("%s is %+v", name, c)
			}
		}
	}
	if n != len(hostile)+1 {
		t.Errorf("%d rows", n)
	}
	if bytes.Contains(b, []byte("<f>")) {
		t.Error("a formula")
	}
}

// Headers and cells are of one order in both tables.
func TestColumns(t *testing.T) {
	rows := readCSV(t, written(t, asCSV, row("x")))
	if !slices.Equal(rows[0], books.Header()) || len(rows) != 2 {
		t.Errorf("%v", rows)
	}
	if i := slices.Index(rows[0], "net_rials"); rows[1][i] != fmt.Sprint(1_188_000) {
		t.Errorf("net is %s", rows[1][i])
	}
}
