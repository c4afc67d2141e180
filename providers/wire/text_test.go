package wire

import (
	"strings"
	"testing"
)

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{
		"123456******1234": "123456******1234", "6037991234567890": "603799******7890", "6037-9912-3456-7890": "603799******7890",
		"5022-29**-****-5020": "502229******5020", "۶۰۳۷۹۹******۷۸۹۰": "603799******7890", "************5020": "******5020",
		"60379912345678901": "603799******8901", "603799XXXXXX7890": "603799******7890",
		"": "", "1234": "", "6037991234": "", "e59fa6241c94b8836e3d03120df33e80fd988888bba0a122240c2e7d23b48295": "",
		"6037991234567***": "", "603799123456789a": "", strings.Repeat("1", 65): "",
	} {
		if got := MaskCard(in); got != want {
			t.Errorf("MaskCard(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"-9": "-9", "not_authenticated": "not_authenticated", "۱۰۱": "101", "<b>54</b>\n": "b54/b", "6037991234567890": "", strings.Repeat("a", 99): strings.Repeat("a", 32)} {
		if got := Code(in); got != want {
			t.Errorf("Code(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"888001": "888001", "0": "", "000": "", "": "", "a\r\nb": "ab", "۱۲": "12"} {
		if got := Reference(in); got != want {
			t.Errorf("Reference(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]bool{"101": true, "A-7/ب": true, "سفارش": true, "۱۰۱": false, "١": false, "１": false, "10\u200b1": false, "\u200f1": false, "1\u00a0": false, "": false, "a\n": false} {
		if got := CheckOrder(in); got != want {
			t.Errorf("CheckOrder(%q) = %v", in, got)
		}
	}
}
