package catalogue

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// Item is one thing for sale.
type Item struct {
	// SKU is the name in the address: `<checkout path>/<sku>`.
	SKU string
	// Price is of one piece, in rials.
	Price payment.Rials
	// Title is for readers of either language; TitleFA and TitleEN go before it.
	Title, TitleFA, TitleEN string
	// Picture is a path of the site or an https address; empty without one.
	Picture string
	// Quantity is how many may be bought at once; 0 is the checkout's own bound.
	Quantity int
	// Line is where it stands in its file, from 1; 0 for one of the Caddyfile.
	Line int
}

// The bounds of what is read.
const (
	// MaxFile is the largest file, in bytes.
	MaxFile = 4 << 20
	// MaxItems is how many items a file may have.
	MaxItems = 10_000
	// MaxTitle is the longest title, in letters.
	MaxTitle = 200
	// MaxSKU is the longest sku, in bytes.
	MaxSKU = 64
	// MaxQuantity is the greatest quantity that may be allowed.
	MaxQuantity = 1000
	// MaxPrice is 2^53 rials: JSON readers of every language keep whole numbers up to it.
	MaxPrice = payment.Rials(1 << 53)
)

// Receipt is a word that no item may be called: `<checkout path>/receipt` is the page on
// which buyers find their receipts.
const Receipt = "receipt"

// CheckSKU says what to write where a text can't be one segment of an address that
// people write by hand.
func CheckSKU(sku string) error {
	odd := func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' || r == utf8.RuneError || strings.ContainsRune(`/\?#%*{}"<>`, r)
	}
	if sku == "" || len(sku) > MaxSKU || strings.Trim(sku, ".") == "" || strings.ContainsFunc(sku, odd) {
		return fmt.Errorf("%s is no sku: it becomes a part of the address, so write a short word such as mug or book-2", quote.This(sku))
	}
	return nil
}

// CheckTitle refuses what no title has.
func CheckTitle(title string) error {
	switch {
	case !utf8.ValidString(title):
		return errors.New("the title is not UTF-8: save the file as UTF-8")
	case utf8.RuneCountInString(title) > MaxTitle:
		return fmt.Errorf("the title has %d letters and may have %d", utf8.RuneCountInString(title), MaxTitle)
	case strings.ContainsFunc(title, func(r rune) bool {
		return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	}):
		return errors.New("the title has a line break or another control character: write it in one line")
	}
	return nil
}

var pictureHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)

// CheckPicture accepts a path of the site, such as /images/mug.jpg, and an https address.
func CheckPicture(address string) error {
	err := fmt.Errorf("%s is no picture: write a path of this site, such as /images/mug.jpg, or an https address", quote.This(address))
	if len(address) > 2048 {
		return err
	}
	for _, r := range address {
		if r <= ' ' || r >= 0x7f && unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`"'<>()\;,{}`, r) {
			return err
		}
	}
	if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") {
		return nil
	}
	if PictureOrigin(address) == "" {
		return err
	}
	return nil
}

// PictureOrigin is the https origin of a picture that another host has; "" of one of the
// site's own.
func PictureOrigin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || !pictureHost.MatchString(strings.ToLower(u.Host)) {
		return ""
	}
	return "https://" + strings.ToLower(u.Host)
}

// ParsePrice reads a price as the owner writes it: 890000toman, ۸۹۰٬۰۰۰ تومان,
// "8,900,000 rial". unit is the unit that a column's name gives; without it the price
// itself must name one, and a bare number is refused with both readings.
func ParsePrice(text string, unit string) (payment.Rials, error) {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == '٬' || r == '،':
			return ','
		case r == 'ي':
			return 'ی'
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c', r == '\u200e', r == '\u200f':
			return -1
		}
		return r
	}, text)
	plain = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(plain)), "s")
	if unit != "" && strings.Trim(payment.ASCIIDigits(plain), "0123456789,_' ") == "" {
		plain += unit
	}
	if strings.HasPrefix(plain, "-") {
		return 0, fmt.Errorf("%.40q: a price is more than 0", text)
	}
	rials, err := payment.ParsePrice(plain)
	if err != nil {
		return 0, err
	}
	if named := unitOf(plain); unit != "" && named != unit {
		return 0, fmt.Errorf("%.40q names %s, and the column %s: write one of them", text, named, unit)
	}
	if rials > MaxPrice {
		return 0, fmt.Errorf("%.40q is too large: at most %s rials (2^53) fit", text, MaxPrice)
	}
	return rials, nil
}

// unitOf is the unit that a price names.
func unitOf(price string) string {
	for _, word := range []string{"toman", "تومان", "irt"} {
		if strings.HasSuffix(price, word) {
			return "toman"
		}
	}
	return "rial"
}
