package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

// members are the names of an item's members.
var members = []string{"sku", "price", "title", "title_fa", "title_en", "picture", "quantity"}

var errShape = errors.New(`write a list of items: [{"sku": "mug", "price": "890000toman", "title": "A mug"}]`)

// json reads a list of objects. A title may be {"fa": …, "en": …}.
func (r *reader) json(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	at := func() int { return 1 + bytes.Count(data[:dec.InputOffset()], []byte("\n")) }
	broken := func(err error) error {
		var syntax *json.SyntaxError
		line := at()
		if errors.As(err, &syntax) && syntax.Offset <= int64(len(data)) {
			line = 1 + bytes.Count(data[:syntax.Offset], []byte("\n"))
		}
		return r.fail(line, "", fmt.Errorf("this is not JSON: %w", err))
	}
	tok, err := dec.Token()
	if err != nil {
		return broken(err)
	}
	if tok != json.Delim('[') {
		return r.fail(at(), "", errShape)
	}
	for dec.More() {
		it, err := r.object(dec, at, broken)
		if err != nil {
			return err
		}
		if err := r.add(it); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return broken(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return r.fail(at(), "", errors.New("something follows the list"))
	}
	return nil
}

// object reads one item.
func (r *reader) object(dec *json.Decoder, at func() int, broken func(error) error) (it Item, err error) {
	tok, err := dec.Token()
	if err != nil {
		return it, broken(err)
	}
	if it.Line = at(); tok != json.Delim('{') {
		return it, r.fail(it.Line, "", errShape)
	}
	seen := make(map[string]bool)
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return it, broken(err)
		}
		name, _ := tok.(string)
		line := at()
		if seen[name] {
			return it, r.fail(line, name, errors.New("it is written twice"))
		}
		seen[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return it, broken(err)
		}
		if err := r.member(&it, name, raw, line); err != nil {
			return it, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return it, broken(err)
	}
	return it, nil
}

func (r *reader) member(it *Item, name string, raw json.RawMessage, line int) error {
	text := func(to *string) error {
		if json.Unmarshal(raw, to) != nil {
			return r.fail(line, name, errors.New("it must be a text in quotes"))
		}
		*to = strings.TrimSpace(*to)
		return nil
	}
	switch name {
	case "sku":
		return text(&it.SKU)
	case "price":
		var price string
		if json.Unmarshal(raw, &price) != nil {
			price = string(raw) // a bare number is refused with both readings
		}
		rials, err := ParsePrice(price, "")
		if err != nil {
			return r.fail(line, name, err)
		}
		it.Price = rials
	case "title":
		if len(raw) > 0 && raw[0] == '{' {
			if err := titles(it, raw); err != nil {
				return r.fail(line, name, err)
			}
			return nil
		}
		return text(&it.Title)
	case "title_fa":
		return text(&it.TitleFA)
	case "title_en":
		return text(&it.TitleEN)
	case "picture":
		return text(&it.Picture)
	case "quantity":
		if json.Unmarshal(raw, &it.Quantity) != nil || it.Quantity < 1 {
			return r.fail(line, name, fmt.Errorf("write how many may be bought at once, a number from 1 to %d", MaxQuantity))
		}
	default:
		hint := "there are " + strings.Join(members, ", ")
		if near := nearest.Nearest(name, members); near != "" {
			hint = "did you mean '" + near + "'?"
		}
		return r.fail(line, "", fmt.Errorf("there is no %.40q; %s", name, hint))
	}
	return nil
}

// titles reads {"fa": …, "en": …}.
func titles(it *Item, raw json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	to := map[string]*string{"fa": &it.TitleFA, "en": &it.TitleEN}
	_, _ = dec.Token()
	for dec.More() {
		name, _ := dec.Token()
		language, _ := name.(string)
		title := to[language]
		if title == nil || dec.Decode(title) != nil {
			return errors.New(`write a text, or {"fa": "…", "en": "…"}, each once`)
		}
		*title = strings.TrimSpace(*title)
		delete(to, language)
	}
	return nil
}
