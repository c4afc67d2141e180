package handlers

import (
	"net/http"
	"strings"
	"testing"
)

// The owner reads where an answer led that could not be used, and nobody reads a
// secret there.
func TestWhereAnAnswerLed(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"": "no Location", "/cart": `"/cart"`, "https://bank.test/pay/K1": `"https://bank.test/pay/K1"`,
		"https://me:SECRET@bank.test/pay?token=SECRET#SECRET": `"https://bank.test/pay"?…`,
		"bank:SECRET": "bank:…", "https://bank.test/%zz": "no address", "?token=SECRET": `""?…`,
		"https://bank.test/" + strings.Repeat("x", 5000): "bank.test",
	} {
		h := make(http.Header)
		if to != "" {
			h.Set("Location", to)
		}
		if got := ledTo(h); !strings.Contains(got, want) || strings.Contains(got, "SECRET") || len(got) > 260 {
			t.Errorf("%.60q: %s, want %s", to, got, want)
		}
	}
}
