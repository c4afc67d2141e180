package nearest

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"api_key", "base_url", "pay_url", "timeout", "sandbox"}
	for got, want := range map[string]string{
		"apikey": "api_key", "API_KEY": "api_key", "tiemout": "timeout", "time_out": "timeout",
		"sandbx": "sandbox", "baseurl": "base_url", "pay_ulr": "pay_url",
		"merchant_id": "", "": "", "x": "", strings.Repeat("timeout", 30): "",
	} {
		if n := Nearest(got, known); n != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", got, n, want)
		}
	}
	if n := Nearest("on", []string{"off"}); n == "on" {
		t.Errorf("got %q", n)
	}
}
