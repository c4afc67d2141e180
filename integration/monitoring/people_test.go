package monitoring

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// phone takes what a notifier tells people.
type phone struct {
	*httptest.Server
	mu   sync.Mutex
	text strings.Builder
}

func newPhone(t *testing.T) *phone {
	p := &phone{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.text.WriteString(r.FormValue("text") + "\n")
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *phone) has(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(p.text.String(), text)
}

// forget is that what was told is read and deleted.
func (p *phone) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Reset()
}

// home is the dashboard's first page, as text.
func (w *world) home() string {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.site+"/desk?lang=en", nil)
	w.must(err)
	req.SetBasicAuth("sara", "hiccup")
	res, err := client.Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("the dashboard answers %d: %s", res.StatusCode, text)
	}
	return html.UnescapeString(string(text))
}
