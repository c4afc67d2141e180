package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// While no configuration runs yet, whoever announces a payment hears that it is too early, and not
// that there is no such thing here.
func TestTooEarly(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, prefix+"intents", strings.NewReader(`{"id":"1","order":"2","amount":3}`))
	r.Header.Set("Content-Type", "application/json")
	err := new(API).serve(httptest.NewRecorder(), r)
	var said caddy.APIError
	if !errors.As(err, &said) || said.HTTPStatus != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "still starting") {
		t.Errorf("%v", err)
	}
}
