package lookup

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A shop's answer is read up to its bound, and is none beyond it.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{20, maxAnswer - 1, maxAnswer, maxAnswer + 1, 100 * maxAnswer} {
		const begin, end = `{"amount":50000,"x":"`, `"}`
		body := begin + strings.Repeat("x", max(n-len(begin+end), 0)) + end
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		}))
		c, err := New(srv.URL+"/?order={order}", false)
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Ask(t.Context(), "1", "bearer")
		if over := n > maxAnswer; over != errors.Is(err, ErrUnanswered) || !over && a.Amount != 50000 {
			t.Errorf("%d bytes: %+v, %v", n, a, err)
		}
		srv.Close()
	}
}
