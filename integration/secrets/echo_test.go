package secrets_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// echo is a provider and a network that repeat, in every place of an answer and
// with every status, all that they were told: our own key, among others.
type echo struct {
	URL string

	mu sync.Mutex
	// n counts the calls, so that each is answered in another way.
	n int
	// returns are the addresses that payments come back to.
	returns map[string]string
	heard   strings.Builder
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	e := &echo{returns: make(map[string]string)}
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	e.URL = srv.URL
	return e
}

// modes are how many ways there are.
const modes = 12

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	said := fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body)
	e.heard.WriteString(said)
	if create := strings.HasSuffix(r.URL.Path, "/payment") || strings.HasSuffix(r.URL.Path, "/request.json/") || strings.HasSuffix(r.URL.Path, "/invoice/request"); create && e.create(w, r, body) {
		return
	}
	e.n++
	e.answer(w, said)
}

// create makes a payment; every third time it fails like everything else.
func (e *echo) create(w http.ResponseWriter, r *http.Request, body []byte) bool {
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", 0xec400000+len(e.returns), len(e.returns))
	if e.n++; e.n%3 == 0 {
		return false
	}
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		form, _ := url.ParseQuery(string(body))
		fields = map[string]any{"return_url": form.Get("return_url")}
	}
	back := ""
	for _, name := range []string{"callback", "callback_url", "return_url"} {
		if s, ok := fields[name].(string); ok {
			back = s
		}
	}
	order, _ := fields["order_id"].(string)
	var add url.Values
	switch {
	case strings.HasSuffix(r.URL.Path, "/payment"):
		id = strings.ReplaceAll(id, "-", "")
		add = url.Values{"status": {"10"}, "track_id": {"1"}, "id": {id}, "order_id": {order}, "card_no": {pan}, "hashed_card_no": {panHash}}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]string{"id": id, "link": e.URL + "/p/ws/" + id})
	case strings.HasSuffix(r.URL.Path, "/request.json/"):
		add = url.Values{"Authority": {id}, "Status": {"OK"}, "card_pan": {pan}, "card_hash": {panHash}}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"authority": id}, "errors": []int{}})
	default:
		add = url.Values{"invoice_key": {id}, "status": {"0"}, "card_number": {pan}}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": 1, "invoice_key": id})
	}
	sep := "?"
	if strings.Contains(back, "?") {
		sep = "&"
	}
	e.returns[id] = back + sep + add.Encode()
	return true
}

// answer repeats what was said.
func (e *echo) answer(w http.ResponseWriter, said string) {
	text, _ := json.Marshal(said)
	all := fmt.Sprintf(`{"status":100,"id":%[1]s,"order_id":%[1]s,"track_id":%[1]s,"amount":%[1]s,"code":%[1]s,"message":%[1]s,"error_message":%[1]s,"errors":{"code":%[1]s,"message":%[1]s},"data":{},"payment":{"track_id":%[1]s,"card_no":%[1]s,"hashed_card_no":%[1]s}}`, text)
	h := w.Header()
	oneLine := strings.Map(func(r rune) rune {
		if r < 0x20 {
			return ' '
		}
		return r
	}, said)
	h.Set("X-Echo", oneLine)
	h.Set("Retry-After", oneLine)
	h.Set("Date", oneLine)
	h.Set("Content-Type", "application/json")
	status, body := http.StatusOK, all
	switch e.n % modes {
	case 0:
		status, body = http.StatusUnauthorized, fmt.Sprintf(`{"error_code":12,"error_message":%s}`, text)
	case 1:
		status, body = http.StatusForbidden, "<html><title>"+said+"</title>"
	case 2:
		status = http.StatusInternalServerError
	case 3:
		status = http.StatusFound
		h.Set("Location", "/again?"+url.QueryEscape(said))
	case 4:
		body = `{"status":100,"amount":5` // half a JSON
	case 5:
		status, body = http.StatusUnprocessableEntity, all
	case 6:
		status, body = http.StatusBadRequest, fmt.Sprintf(`{"data":[],"errors":{"code":%s,"message":%[1]s}}`, text)
	case 7:
		body = fmt.Sprintf(`{"status":0,"errorCode":%s,"errorDescription":%[1]s}`, text)
	case 8:
		panic(http.ErrAbortHandler)
	case 9:
		status = http.StatusTooManyRequests
	case 10:
		body = said
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (e *echo) takeReturn(id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.returns[id]
}

func (e *echo) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.String()
}
