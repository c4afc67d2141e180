package catalogue

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/payment"
)

// columns are the names of the columns, in both languages. A price's column may name the
// unit of all its prices.
var columns = map[string]string{
	"sku": "sku", "code": "sku", "کد": "sku", "کد کالا": "sku", "شناسه": "sku",
	"price": "price", "قیمت": "price", "بها": "price", "مبلغ": "price",
	"price_toman": "price_toman", "price (toman)": "price_toman", "قیمت (تومان)": "price_toman", "قیمت به تومان": "price_toman", "قیمت تومان": "price_toman",
	"price_rial": "price_rial", "price (rial)": "price_rial", "قیمت (ریال)": "price_rial", "قیمت به ریال": "price_rial", "قیمت ریال": "price_rial",
	"title": "title", "name": "title", "عنوان": "title", "نام": "title",
	"title_fa": "title_fa", "عنوان فارسی": "title_fa",
	"title_en": "title_en", "عنوان انگلیسی": "title_en",
	"picture": "picture", "image": "picture", "تصویر": "picture", "عکس": "picture",
	"quantity": "quantity", "تعداد": "quantity", "حداکثر تعداد": "quantity",
}

// known are the names that errors suggest.
var known = []string{"sku", "price", "price_toman", "price_rial", "title", "title_fa", "title_en", "picture", "quantity"}

// separators are what spreadsheets put between cells, Persian ones included.
var separators = []rune{',', ';', '\t', '؛', '،'}

// csv reads a table whose first line names the columns.
func (r *reader) csv(data []byte) error {
	// Lines end in CRLF, LF, or in CR alone, as old spreadsheets write them.
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	table := csv.NewReader(bytes.NewReader(data))
	table.Comma, table.FieldsPerRecord = separator(data), -1
	head, err := table.Read()
	if err != nil {
		return r.unreadable(err)
	}
	names, err := r.head(head, table)
	if err != nil {
		return err
	}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.unreadable(err)
		}
		line, _ := table.FieldPos(0)
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue
		}
		if len(row) > len(names) {
			return r.fail(line, "", fmt.Errorf("it has %d cells and there are %d columns: put a text with '%c' in it in quotes", len(row), len(names), table.Comma))
		}
		it := Item{Line: line}
		for i, cell := range row {
			if err := r.cell(&it, names[i], strings.TrimSpace(cell)); err != nil {
				return err
			}
		}
		if err := r.add(it); err != nil {
			return err
		}
	}
}

// separator is what the first line parts its names with: the one that gives most known
// names.
func separator(data []byte) rune {
	first, _, _ := strings.Cut(string(data), "\n")
	best, most := separators[0], 0
	for _, sep := range separators {
		n := 0
		for name := range strings.SplitSeq(first, string(sep)) {
			if columns[clean(name)] != "" {
				n++
			}
		}
		if n > most {
			best, most = sep, n
		}
	}
	return best
}

// clean is the name of a column as it is looked up.
func clean(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch r {
		case '\u200e', '\u200f', '"':
			return -1
		case '\u200c':
			return ' '
		case 'ي':
			return 'ی'
		case 'ك':
			return 'ک'
		}
		return r
	}, name)), " "))
}

func (r *reader) head(head []string, table *csv.Reader) ([]string, error) {
	line, _ := table.FieldPos(0)
	seen, prices := make(map[string]bool), 0
	names := make([]string, len(head))
	for i, written := range head {
		name := columns[clean(written)]
		if name == "" {
			hint := "the columns are " + strings.Join(known, ", ")
			if near := nearest.Nearest(clean(written), known); near != "" {
				hint = "did you mean '" + near + "'?"
			}
			if strings.TrimSpace(written) == "" {
				return nil, r.fail(line, "", fmt.Errorf("column %d has no name; the first line names the columns: sku,price,title", i+1))
			}
			return nil, r.fail(line, "", fmt.Errorf("there is no column %.40q; %s", strings.TrimSpace(written), hint))
		}
		if seen[name] {
			return nil, r.fail(line, "", fmt.Errorf("there are two columns %s", name))
		}
		seen[name], names[i] = true, name
		if strings.HasPrefix(name, "price") {
			prices++
		}
	}
	switch {
	case !seen["sku"]:
		return nil, r.fail(line, "", errors.New("there is no column sku; the first line names the columns: sku,price,title"))
	case prices != 1:
		return nil, r.fail(line, "", errors.New("there must be one column of prices: price (each with its unit), price_toman or price_rial"))
	}
	return names, nil
}

func (r *reader) cell(it *Item, name, text string) (err error) {
	switch name {
	case "sku":
		it.SKU = text
	case "price", "price_toman", "price_rial":
		_, unit, _ := strings.Cut(name, "_")
		if it.Price, err = ParsePrice(text, unit); err != nil {
			return r.fail(it.Line, name, err)
		}
	case "title":
		it.Title = text
	case "title_fa":
		it.TitleFA = text
	case "title_en":
		it.TitleEN = text
	case "picture":
		it.Picture = text
	case "quantity":
		if text == "" {
			return nil
		}
		if it.Quantity, err = strconv.Atoi(payment.ASCIIDigits(text)); err != nil || it.Quantity < 1 {
			return r.fail(it.Line, name, fmt.Errorf("%.40q: write how many may be bought at once, from 1 to %d", text, MaxQuantity))
		}
	}
	return nil
}

// unreadable says what is wrong with a table's quotes.
func (r *reader) unreadable(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return r.fail(0, "", err)
	}
	return r.fail(parse.StartLine, "", fmt.Errorf("a cell's quotes don't fit (%w): put the whole cell in quotes, and write a quote in it twice", parse.Err))
}
