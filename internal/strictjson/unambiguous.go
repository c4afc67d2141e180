package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// mostWhole is the greatest number up to which a reader that keeps numbers as floats
// (JavaScript, jq, PHP where it is told to) has every whole number: 2^53 - 1.
const mostWhole = 1<<53 - 1

// Unambiguous refuses JSON of our own API that two readers could read in two ways, though
// Go's reads it: invalid UTF-8, a name that is not in lower case (readers that ignore case
// take it for ours) or occurs twice, and a number that is no plain whole number of at most
// 2^53 - 1. It keeps nothing of the body, which may be a table of 64 MiB. Whether the body
// is JSON at all, its caller has found out.
func Unambiguous(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var open []map[string]bool // names of the objects around, nil for a list
	name := false              // whether a name is next
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '{':
				open = append(open, make(map[string]bool))
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
		case string:
			if name {
				names := open[len(open)-1]
				switch {
				case v != fold(v):
					return fmt.Errorf("write the name %.40q in lower case", v)
				case names[v]:
					return fmt.Errorf("write the name %.40q once", v)
				}
				names[v] = true
				name = false
				continue
			}
		case json.Number:
			if n, err := strconv.ParseInt(v.String(), 10, 64); err != nil || n > mostWhole || n < -mostWhole || n == 0 && math.Signbit(asFloat(v)) {
				return fmt.Errorf("write a whole number of at most %d, without a point or an exponent, instead of %.40s", int64(mostWhole), v)
			}
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}

func asFloat(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}
