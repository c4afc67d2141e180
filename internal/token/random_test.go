package token

import (
	"regexp"
	"strconv"
	"testing"
)

func TestNewOrder(t *testing.T) {
	looks := regexp.MustCompile(`^[A-HJKMNP-TV-Z][0-9A-HJKMNP-TV-Z]{11}$`)
	seen := map[string]bool{}
	var first, rest [256]int
	for range 20000 {
		o := NewOrder()
		if !looks.MatchString(o) || seen[o] {
			t.Fatalf("%q", o)
		}
		if _, err := strconv.ParseFloat(o, 64); err == nil {
			t.Fatalf("%q is a number", o)
		}
		seen[o] = true
		first[o[0]]++
		rest[o[7]]++
	}
	// Uniform: with 20000 draws of 22 and 32 letters ±30 % is beyond six sigma.
	for _, c := range []byte(letters) {
		if n := first[c]; n < 20000/len(letters)*7/10 || n > 20000/len(letters)*13/10 {
			t.Errorf("%c begins %d times", c, n)
		}
	}
	for _, c := range []byte(crockford) {
		if n := rest[c]; n < 20000/len(crockford)*7/10 || n > 20000/len(crockford)*13/10 {
			t.Errorf("%c: %d times", c, n)
		}
	}
}

func TestIsNonce(t *testing.T) {
	n := NewNonce()
	for text, want := range map[string]bool{
		n: true, "": false, n[1:]: false, n + "A": false, n[:21] + "=": false, n[:21] + "\n": false,
		n[:10] + "\n" + n[10:]: false, "0123456789abcdef; Domain=example.com": false, n[:20] + ", ": false,
	} {
		if IsNonce(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestNewNonce(t *testing.T) {
	a, b := NewNonce(), NewNonce()
	if a == b || len(a) != 22 || len(Hash(a)) != 22 || Hash(a) == Hash(b) {
		t.Error(a, b)
	}
}
