package harness

import "strings"

// spelt are those of which every separator is replaced.
func spelt() []string {
	return []string{"X-Payment-Status", "X-Payment-Id", "X-Payment-Receipt", "X-Payment-Amount-Checked"}
}

// HeaderBytes are all bytes that a header's name may have.
func HeaderBytes() []byte {
	var all []byte
	for c := range 256 {
		b := byte(c)
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if letter || b < 128 && strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0 {
			all = append(all, b)
		}
	}
	return all
}

// Spellings are names of our headers with c in the place of one or of every separator.
func Spellings(c byte) []string {
	var all []string
	for _, name := range spelt() {
		all = append(all, strings.ReplaceAll(name, "-", string([]byte{c})))
		for i := range len(name) {
			if name[i] == '-' {
				all = append(all, name[:i]+string([]byte{c})+name[i+1:])
			}
		}
	}
	return all
}

// OpenFilter lets Caddy's own filter of underscores and dots pass our names.
const OpenFilter = `		expected_underscore_headers X_* x_payment_* X_Payment_Status X_Payment-Status X-Payment_Status X_Payment_Id X-Payment_Id
		expected_dot_headers X.* x.payment.* X.Payment.Status X.Payment-Status X-Payment.Status X.Payment.Id X-Payment.Id X_Payment.Status X.Payment_Status`

// Fold is more than any known reader of header names does.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}
