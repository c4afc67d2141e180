package handlers

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// However an answer begins, our headers in it stay here.
func TestNoWayAroundTheFilter(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter) error{
		"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(http.StatusOK); return nil },
		"Write":       func(w http.ResponseWriter) error { _, err := io.WriteString(w, "x"); return err },
		"io.Copy": func(w http.ResponseWriter) error {
			_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("x")})
			return err
		},
		"Flush":   func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"nothing": func(http.ResponseWriter) error { return nil },
		"a hint before": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusEarlyHints)
			_, err := io.WriteString(w, "x")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := busySite("")
			shop := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("X-Payment-Ack", "yes")
				return answer(w)
			})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := h.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil), shop); err != nil {
					t.Error(err)
				}
			}))
			defer srv.Close()
			res, err := srv.Client().Get(srv.URL + "/page") //nolint:noctx // a test's own server
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got := res.Header.Get("X-Payment-Ack"); res.StatusCode != http.StatusOK || got != "" {
				t.Errorf("%d with X-Payment-Ack: %q", res.StatusCode, got)
			}
		})
	}
}
