package lang

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOfAcceptLanguage(t *testing.T) {
	for header, want := range map[string]Lang{
		"": FA, "en": EN, "en-US,en;q=0.9": EN, "fa-IR,fa;q=0.9,en;q=0.8": FA,
		"en-US,en;q=0.9,fa;q=0.8": EN, "en;q=0.5, FA;q=0.7": FA, "de,en;q=0.3": EN,
		"de": FA, "*": FA, "en;q=0": FA, "en;q=nonsense": FA, "en;q=2": FA, ";;,,=": FA,
		"fa;q=0, *": EN, "fa;q=0": EN, "fa;q=0, en;q=0": FA,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", header)
		if got := Of(r); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
