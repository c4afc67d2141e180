package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/payment"
)

// strange is a gateway that notes what it gets and answers as a test wants.
type strange struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer http.HandlerFunc
}

func newStrange(t *testing.T) *strange {
	t.Helper()
	s := new(strange)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, string(body))
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *strange) answers(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.got, s.bodies = f, nil, nil
}

func (s *strange) seen() ([]*http.Request, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got), slices.Clone(s.bodies)
}

// relayed is a Caddy in this process before a shop whose gateways are strange.
func newRelayed(t *testing.T) (brought, *strange) {
	t.Helper()
	w, gate := newBrought(t), newStrange(t)
	w.text = strings.ReplaceAll(strings.ReplaceAll(w.text, w.boxURL+"/zarinpal", gate.URL+"/zarinpal"), w.boxURL+"/payping", gate.URL+"/payping")
	w.must(w.load())
	return w, gate
}

// call is one call of the shop's own; it follows no redirect and unpacks nothing.
func (w brought) call(method, path, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.site+"/-/pay/secret"+path, strings.NewReader(body))
	w.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	return res, string(text)
}

// A call goes on as it came, with the dialect's headers and our mark and nothing else of
// its caller; its answer comes back with its status, its type and its bytes, and nothing
// else. No redirect is followed.
func TestARelayedCallGoesAndComesAsItIs(t *testing.T) {
	w, gate := newRelayed(t)
	mine := []string{
		"Content-Type", "application/json; charset=utf-8", "Cookie", "PHPSESSID=1", "X-Secret", "x", "Accept-Encoding", "gzip, br", "User-Agent", "WordPress/6",
		"Authorization", "Bearer " + harness.APIKey, "Referer", "https://shop.test/",
	}
	elsewhere := gate.URL + "/elsewhere"
	zarinpal := `{ "merchant_id":"` + harness.APIKey + `",  "amount":50000.0 , "callback_url":"` + w.site + `/plugin?o=1","description":"x"}`
	payping := `{"amount":5000, "returnUrl":"` + w.site + `/payping?o=1","clientRefId":"1"}`
	for name, c := range map[string]struct {
		path, at, body string
		status         int
		kind, text     string
		authorized     bool
	}{
		"a refusal":            {"/zarinpal/pg/v4/payment/request.json?a=%41&b", "/zarinpal/pg/v4/payment/request.json", zarinpal, 422, "application/json", "{\"data\":[],\n \"errors\":{\"code\":-9}}\n", false},
		"a last slash":         {"/zarinpal/pg/v4/payment/request.json/", "/zarinpal/pg/v4/payment/request.json/", zarinpal, 200, "text/plain", "<html>", false},
		"a list":               {"/zarinpal/pg/v4/payment/unVerified.json", "/zarinpal/pg/v4/payment/unVerified.json", zarinpal, 500, "text/html; charset=windows-1256", "\xff\xfe", false},
		"a redirect":           {"/zarinpal/pg/v4/payment/unVerified.json", "/zarinpal/pg/v4/payment/unVerified.json", zarinpal, 302, "text/html", "moved", false},
		"without a type":       {"/zarinpal/pg/v4/payment/feeCalculation.json", "/zarinpal/pg/v4/payment/feeCalculation.json", zarinpal, 201, "", "<html>x", false},
		"a header with a key":  {"/payping/v3/pay", "/payping/v3/pay", payping, 400, "application/json", `{"traceId":"x"}`, true},
		"an answer without an": {"/payping/v3/pay", "/payping/v3/pay", payping, 503, "text/plain", "", true},
	} {
		gate.answers(func(rw http.ResponseWriter, _ *http.Request) {
			for name, value := range map[string]string{"Set-Cookie": "gate=1", "Location": elsewhere, "X-Powered-By": "gate", "ETag": `"x"`, "Content-Type": c.kind, "Server": "gate"} {
				rw.Header().Set(name, value)
			}
			if c.kind == "" {
				rw.Header()["Content-Type"] = nil
			}
			rw.WriteHeader(c.status)
			_, _ = io.WriteString(rw, c.text)
		})
		res, text := w.call(http.MethodPost, c.path, c.body, mine...)
		got, bodies := gate.seen()
		if len(got) != 1 {
			t.Errorf("%s: %d calls", name, len(got))
			continue
		}
		_, query, _ := strings.Cut(c.path, "?")
		if r := got[0]; r.URL.Path != c.at || r.URL.RawQuery != query || bodies[0] != c.body || r.Header.Get("Content-Type") != mine[1] {
			t.Errorf("%s: it went on as %s %s %s", name, r.URL, r.Header.Get("Content-Type"), bodies[0])
		}
		if e, a := got[0].Header["Accept-Encoding"], got[0].UserAgent(); len(e) != 1 || e[0] != "identity" || a != payment.Agent {
			t.Errorf("%s: Accept-Encoding %q, User-Agent %q", name, e, a)
		}
		if a := got[0].Header.Get("Authorization"); (a == mine[11]) != c.authorized || !c.authorized && a != "" {
			t.Errorf("%s: Authorization %q", name, a)
		}
		for name := range got[0].Header {
			if !slices.Contains([]string{"Accept", "Accept-Encoding", "Authorization", "Content-Type", "Content-Length", "User-Agent"}, name) {
				t.Errorf("the gateway gets the header %s", name)
			}
		}
		if res.StatusCode != c.status || res.Header.Get("Content-Type") != c.kind || text != c.text {
			t.Errorf("%s: the shop hears %d %q %q", name, res.StatusCode, res.Header.Get("Content-Type"), text)
		}
		for name := range res.Header {
			if slices.Contains([]string{"Set-Cookie", "Location", "X-Powered-By", "Etag"}, name) {
				t.Errorf("the shop gets the header %s", name)
			}
		}
		if strings.Contains(res.Header.Get("Server"), "gate") {
			t.Errorf("%s: Server is %v", name, res.Header["Server"])
		}
	}
}

// One order is created twice and both payments are paid: each is one payment, and its shop
// hears "first" of each, once.
func TestAPluginsOrderIsPaidAsOftenAsItSays(t *testing.T) {
	w, gate := newRelayed(t)
	made := 0
	gate.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "request.json") {
			made++
			_, _ = fmt.Fprintf(rw, `{"data":{"code":100,"message":"Success","authority":"A%035d","fee_type":"Merchant","fee":0},"errors":[]}`, made)
			return
		}
		_, _ = io.WriteString(rw, `{"data":{"code":100,"message":"Verified","card_hash":"","card_pan":"","ref_id":201,"fee_type":"Merchant","fee":0},"errors":[]}`)
	})
	for _, path := range []string{"/plugin?o=101", "/nobody-observes?o=101"} {
		for range 2 {
			_, text := w.call(http.MethodPost, "/zarinpal/pg/v4/payment/request.json",
				`{"merchant_id":"`+harness.APIKey+`","amount":50000,"callback_url":"`+w.site+path+`","description":"x","metadata":{"order_id":"`+path+`"}}`, "Content-Type", "application/json")
			var said struct{ Data struct{ Authority string } }
			w.must(json.Unmarshal([]byte(text), &said))
			id := said.Data.Authority
			for _, code := range []string{`"code":100`, `"code":101`} {
				_, text := w.call(http.MethodPost, "/zarinpal/pg/v4/payment/verify.json",
					`{"merchant_id":"`+harness.APIKey+`","amount":50000,"authority":"`+id+`"}`, "Content-Type", "application/json")
				if !strings.Contains(text, code) {
					t.Errorf("%s: of %s the shop hears %s", path, id, text)
				}
			}
			harness.Wait(t, "it is delivered", 10*time.Second, func() bool { r := w.record(id); return r != nil && r.State == payment.Delivered })
			if r := w.record(id); r.Order != path {
				t.Errorf("%s: its order is %q", path, r.Order)
			}
		}
	}
}
