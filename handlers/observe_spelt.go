package handlers

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// respelt is a relayed payment that a lenient reader finds in a query or form, and that no
// strict one does: PHP's (int) drops what follows the digits, trim() what stands around
// an id, WordPress' sanitize_text_field() tags and escapes in it; JavaScript reads 0x1f, a
// database compares without case and without blanks at the end.
//
// Its invariant: where any of these readers makes a relayed payment's id of a value, the
// request reaches the shop only if the value is that id and the address that of its create,
// also without the rest of what the gateway sends.
func (h *Handler) respelt(r *http.Request, o *Observe, eng *engine.Engine, query string, b brought) (*payment.Record, error) {
	var known *payment.Record
	for _, param := range o.conf.provider.terms.Params {
		values, all := params.LenientValues(query, b.form, param)
		for _, value := range values {
			for _, id := range append(spellings(value), value) {
				if len(id) < leastID || names(b.named, id) {
					continue
				}
				rec, err := h.relayedOf(r.Context(), eng, o, id)
				if err != nil || rec == nil {
					continue
				}
				if id != value {
					return rec, errRespelt
				}
				_, callback, why := h.moved(r, o, rec)
				if why == nil && callback != nil {
					why = o.otherOrder(r, rec, callback, b)
				}
				if why != nil {
					return rec, why
				}
				known = rec
			}
		}
		if !all && h.relays(o.Provider) {
			return nil, errManyReadings
		}
	}
	return known, nil
}

// leastID is how short an id may be that is looked for in other spellings: a shop's own
// numbers are no ids.
const leastID = 6

var (
	// tag and escape are what sanitize_text_field takes out of a text.
	tag    = regexp.MustCompile(`<[^>]*>?`)
	escape = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
)

// spellings are the ids that a lenient reader makes of a value, without the value.
func spellings(value string) (all []string) {
	add := func(id string) {
		if len(id) >= leastID && len(id) <= mostID && id != value && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	blank := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }
	text, _, _ := strings.Cut(strings.TrimLeftFunc(value, blank), "\x00")
	text = strings.TrimFunc(text, blank)
	// Persian shops write other digits as these.
	text = strings.Map(latinDigit, text)
	add(text)
	add(strings.ToUpper(text))
	add(strings.ToLower(text))
	digits := strings.TrimLeft(text, "+")
	if n := strings.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' }); n >= 0 {
		digits = digits[:n]
	}
	add(digits)
	add(strings.TrimLeft(digits, "0"))
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		add(strconv.FormatInt(n, 10))
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < 1<<53 {
		add(strconv.FormatInt(int64(f), 10))
	}
	if clean := strings.Map(idRune, escape.ReplaceAllString(tag.ReplaceAllString(value, ""), "")); clean != value {
		// It has something in it that shops take out of a text.
		add(clean)
		add(strings.Map(idRune, value))
		add(strings.Map(onlyDigit, text))
	}
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		add(strings.Map(onlyDigit, text))
	}
	return all
}

// latinDigit is a digit of any script as one of ASCII's.
func latinDigit(c rune) rune {
	if c <= unicode.MaxASCII || !unicode.IsDigit(c) {
		return c
	}
	// Unicode has a script's ten digits side by side, and each of its ranges begins with 0.
	for _, r := range unicode.Nd.R16 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) {
			return '0' + (c-rune(r.Lo))%10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if uint32(c) >= r.Lo && uint32(c) <= r.Hi { //nolint:gosec // above ASCII
			return '0' + rune(uint32(c)-r.Lo)%10 //nolint:gosec // below ten
		}
	}
	return c
}

// idRune keeps what ids are made of.
func idRune(c rune) rune {
	if c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_') {
		return c
	}
	return -1
}

// onlyDigit keeps digits, as FILTER_SANITIZE_NUMBER_INT does.
func onlyDigit(c rune) rune {
	if c >= '0' && c <= '9' {
		return c
	}
	return -1
}

var errRespelt = errors.New("its id is spelt in another way than the provider does, which the shop may read as that of another order's payment")
