package wire

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

var longRow = regexp.MustCompile(`[0-9]{11,}`)

// FuzzShown: of what a provider sends nothing is shown or kept that could be a
// card, a header of its own or a piece of a page.
func FuzzShown(f *testing.F) {
	for _, s := range []string{"6037991234567890", "6037-9912-3456-7890", "۶۰۳۷۹۹۱۲۳۴۵۶۷۸۹۰", "603799******7890", "E59FA6241C94B8836E3D03120DF33E80FD988888BBA0A122240C2E7D23B48295", "<b>54</b>\r\nX: y", "000", "1"} {
		f.Add(s)
	}
	card := regexp.MustCompile(`\A[0-9]{0,6}\*{6}[0-9]{4}\z`)
	plain := regexp.MustCompile(`\A[A-Za-z0-9_./-]*\z`)
	f.Fuzz(func(t *testing.T, s string) {
		if c := MaskCard(s); c != "" && !card.MatchString(c) {
			t.Errorf("MaskCard(%q) = %q", s, c)
		}
		if c := MaskCard(s); len(c) == 16 && MaskCard(c) != c {
			t.Errorf("MaskCard(%q) = %q, then %q", s, c, MaskCard(c))
		}
		if c := Code(s); len(c) > MaxCode || !plain.MatchString(c) || Code(c) != c || len(longRow.FindString(c)) > 12 {
			t.Errorf("Code(%q) = %q", s, c)
		}
		if c := Reference(s); len(c) > maxReference || !plain.MatchString(c) || (c != "" && strings.Trim(c, "0") == "") || Reference(c) != c {
			t.Errorf("Reference(%q) = %q", s, c)
		}
		if CheckOrder(s) && (payment.CheckOrder(s) != nil || payment.ASCIIDigits(s) != s) {
			t.Errorf("CheckOrder(%q)", s)
		}
		if CheckID(s, 1, 64, "") && (!plain.MatchString(s) || strings.ContainsAny(s, "./")) {
			t.Errorf("CheckID(%q)", s)
		}
	})
}
