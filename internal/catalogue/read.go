package catalogue

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/rahgir/caddy-payments/internal/quote"
)

// Error is what is wrong with a file.
type Error struct {
	// File is its base name, Line the line from 1 (0: the whole file), Field the column.
	File  string
	Line  int
	Field string
	Err   error
}

// Error implements error: "shop.csv:3: price: …".
func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d", e.Line)
	}
	if e.Field != "" {
		text += ": " + e.Field
	}
	return text + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// CheckName says what to write where a file is of no kind that is read.
func CheckName(file string) error {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv", ".json":
		return nil
	}
	return fmt.Errorf("catalogue: the name of %s must end in .csv or .json", cmp.Or(quote.File(file), "the file"))
}

// Load reads a file. It is read up to [MaxFile].
func Load(file string) ([]Item, error) {
	if err := CheckName(file); err != nil {
		return nil, err
	}
	f, err := os.Open(file) //nolint:gosec // the owner's own file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	return Read(file, data)
}

// Read reads what a file holds.
func Read(file string, data []byte) ([]Item, error) {
	r := &reader{file: filepath.Base(file), lines: make(map[string]int)}
	switch {
	case len(data) > MaxFile:
		return nil, r.fail(0, "", fmt.Errorf("the file has more than %d MiB", MaxFile>>20))
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return nil, r.fail(0, "", errors.New("the file is UTF-16: save it as UTF-8"))
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := invalid(data); at >= 0 {
		return nil, r.fail(1+bytes.Count(data[:at], []byte("\n")), "", errors.New("this is not UTF-8: save the file as UTF-8"))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, r.fail(0, "", errors.New("the file is empty"))
	}
	var err error
	if strings.EqualFold(filepath.Ext(file), ".json") {
		err = r.json(data)
	} else {
		err = r.csv(data)
	}
	if err != nil {
		return nil, err
	}
	if len(r.items) == 0 {
		return nil, r.fail(0, "", errors.New("the file has no item"))
	}
	return r.items, nil
}

// invalid is where data stops being UTF-8; -1 if it doesn't.
func invalid(data []byte) int {
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && n <= 1 || c == 0 {
			return i
		}
		i += n
	}
	return -1
}

// reader collects the items of one file.
type reader struct {
	file  string
	items []Item
	lines map[string]int // by sku
}

func (r *reader) fail(line int, field string, err error) error {
	return &Error{r.file, line, field, err}
}

// add checks an item and takes it.
//
// The invariant: no two items of a checkout have one sku, whatever their case: a link
// leads to one price.
func (r *reader) add(it Item) error {
	if len(r.items) == MaxItems {
		return r.fail(it.Line, "", fmt.Errorf("a catalogue has at most %d items", MaxItems))
	}
	if err := CheckSKU(it.SKU); err != nil {
		return r.fail(it.Line, "sku", err)
	}
	key := strings.ToLower(it.SKU)
	if first := r.lines[key]; first > 0 {
		return r.fail(it.Line, "sku", fmt.Errorf("%s is in line %d already", it.SKU, first))
	}
	if it.Price <= 0 {
		return r.fail(it.Line, "price", errors.New("it is missing: write it with its unit, such as 890000toman"))
	}
	for field, title := range map[string]string{"title": it.Title, "title_fa": it.TitleFA, "title_en": it.TitleEN} {
		if err := CheckTitle(title); err != nil {
			return r.fail(it.Line, field, err)
		}
	}
	if it.Picture != "" {
		if err := CheckPicture(it.Picture); err != nil {
			return r.fail(it.Line, "picture", err)
		}
	}
	if it.Quantity < 0 || it.Quantity > MaxQuantity {
		return r.fail(it.Line, "quantity", fmt.Errorf("%d: write how many may be bought at once, from 1 to %d", it.Quantity, MaxQuantity))
	}
	r.lines[key] = it.Line
	r.items = append(r.items, it)
	return nil
}
