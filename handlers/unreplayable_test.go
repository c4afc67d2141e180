package handlers

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// slowBody says late that it is empty, as on a machine that is busy.
type slowBody struct{ io.ReadCloser }

func (b slowBody) Read(p []byte) (int, error) {
	time.Sleep(300 * time.Millisecond) // net/http waits for 200 ms
	return b.ReadCloser.Read(p)
}

// A delivery by GET is a plain GET, however long net/http takes to learn that it has no body, and
// is read by nobody but the goroutine that writes it.
func TestADeliveryByGetIsPlain(t *testing.T) {
	t.Parallel()
	type got struct {
		method   string
		length   int64
		encoding []string
		body     string
	}
	seen := make(chan got, 1)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- got{r.Method, r.ContentLength, r.TransferEncoding, string(body)}
	}))
	defer shop.Close()
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
		r, err := http.NewRequestWithContext(t.Context(), method, shop.URL, strings.NewReader("status=10"))
		if err != nil {
			t.Fatal(err)
		}
		r.GetBody = nil
		unreplayable(r)
		r.Body = slowBody{r.Body}
		res, err := shop.Client().Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if g := <-seen; g.method != http.MethodGet || g.length != 0 || len(g.encoding) != 0 || g.body != "" {
			t.Errorf("%s: the shop got %+v", method, g)
		}
	}
}
