package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// checker sends requests, and checks them and their answers against the document.
type checker struct {
	t      *testing.T
	srv    *httptest.Server
	router routers.Router
	seen   map[string]bool // route and status
}

func newChecker(t *testing.T, l *operatetest.Ledger) *checker {
	t.Helper()
	srv := endpoint(t, l, nil)
	text := ask(t, srv, http.MethodGet, "/payments/openapi.json", "", http.StatusOK, nil)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: srv.URL}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &checker{t, srv, router, make(map[string]bool)}
}

// ask sends a request that the document must allow, and gives its answer, which must be
// as the document says.
func (c *checker) ask(method, path string, body any, want int) []byte {
	c.t.Helper()
	var sent []byte
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		sent, kind = []byte(b), "text/plain"
	default:
		sent, _ = json.Marshal(b)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.srv.URL+path, bytes.NewReader(sent))
	if err != nil {
		c.t.Fatal(err)
	}
	if len(sent) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{IncludeResponseStatus: true}}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil && want < 400 {
		c.t.Errorf("%s %s: the document does not allow it: %v", method, path, err)
	}
	req.Body = io.NopCloser(bytes.NewReader(sent))
	resp, err := c.srv.Client().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != want {
		c.t.Errorf("%s %s: %d, want %d: %s", method, path, resp.StatusCode, want, answer)
	}
	if kind := resp.Header.Get("Content-Type"); !strings.Contains(kind, "ndjson") {
		header := resp.Header.Clone()
		header.Set("Content-Type", "application/json") // Caddy's own endpoint sets it for errors
		if err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: resp.StatusCode, Header: header, Body: io.NopCloser(bytes.NewReader(answer)), Options: in.Options,
		}); err != nil {
			c.t.Errorf("%s %s: %d is not as the document says: %v", method, path, resp.StatusCode, err)
		}
	}
	c.seen[fmt.Sprint(method, " ", route.Path)] = true
	return answer
}

// Every route, with every parameter, of payments in every state, is asked and answers as
// the document says, errors included; and the document has nothing that isn't served.
func TestOpenAPI(t *testing.T) {
	l := operatetest.New(t)
	l.GiveBack = func(payment.GiveBack) payment.GivenBack {
		return payment.GivenBack{Outcome: payment.GiveBackDone, Number: "r-1"}
	}
	l.Found = []operate.Finding{{Level: operate.LevelError, Code: "waiting", Text: "x", Where: "idpay"}}
	byState := make(map[payment.State]*payment.Record)
	for _, s := range payment.States() {
		byState[s] = l.Put(s, "", func(r *payment.Record) {
			r.Track = payment.Track{ID: "click", Affiliate: "hamekar", At: time.Now()}
			r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: payment.ParkedReport, Tries: 3, Last: "500", Since: time.Now()}, {To: "crm", Kind: payment.TellReview, State: payment.ParkedReport, Since: time.Now()}}
			r.History = []payment.Entry{{At: time.Now(), Kind: payment.EntryTold, Code: "payment.review", By: "crm"}, {At: time.Now(), Kind: payment.EntryDecided, Code: "accept", By: "sara", Text: "x", Was: "review amount_differs"}}
		})
	}
	c := newChecker(t, l)
	for _, s := range payment.States() {
		for _, lang := range []string{"en", "fa"} {
			c.ask("GET", "/payments/show/"+string(byState[s].Ref)+"?lang="+lang, nil, 200)
		}
	}
	for _, query := range []string{"", "?state=attention,open&limit=3", "?search=882211&from=1400/01/01&to=today&site=shop.example&provider=idpay", "?order=x&id=y", "?conversion=parked&webhook=parked&owed=true"} {
		c.ask("GET", "/payments/list"+query, nil, 200)
		c.ask("GET", "/payments/export"+query, nil, 200)
		if !strings.Contains(query, "limit") {
			c.ask("GET", "/payments/stats"+query, nil, 200)
		}
	}
	var page Listed
	if err := json.Unmarshal(c.ask("GET", "/payments/list?limit=2", nil, 200), &page); err != nil || page.Next == "" {
		t.Fatal(err)
	}
	c.ask("GET", "/payments/list?limit=2&cursor="+page.Next, nil, 200)
	for _, bad := range []string{"list?limit=0", "list?foo=1", "list?lang=de", "list?owed=maybe", "list?from=never", "webhooks?state=lost", "show/nonsense", "stats?limit=1"} {
		c.ask("GET", "/payments/"+bad, nil, 400)
	}
	c.ask("GET", "/payments/show/0000000000000000000000000a", nil, 404)
	c.ask("GET", "/payments/", nil, 200)
	c.ask("GET", "/payments/doctor", nil, 200)
	c.ask("GET", "/payments/openapi.json", nil, 200)
	for _, state := range []string{"", "?state=parked", "?state=open", "?state=sent", "?state=all"} {
		c.ask("GET", "/payments/webhooks"+state, nil, 200)
	}
	review, parked, done := string(byState[payment.Review].Ref), string(byState[payment.Parked].Ref), string(byState[payment.Delivered].Ref)
	c.ask("POST", "/payments/resolve/"+review+"?dry_run=1", Resolve{Decision: "accept", By: "sara", Note: "seen"}, 200)
	c.ask("POST", "/payments/resolve/"+review, Resolve{Decision: "accept"}, 400)
	c.ask("POST", "/payments/resolve/"+review, Resolve{Decision: "accept", Note: "seen", Version: 99}, 409)
	c.ask("POST", "/payments/resolve/"+review, Resolve{Decision: "accept", By: "sara", Note: "seen"}, 200)
	c.ask("POST", "/payments/verify/"+string(byState[payment.Unknown].Ref), nil, 200)
	c.ask("POST", "/payments/resend/"+parked, Resend{What: "conversion", Note: "again"}, 409)
	c.ask("POST", "/payments/resend/"+parked+"?dry_run=1", Resend{What: "delivery", Note: "again"}, 200)
	c.ask("POST", "/payments/tell/"+done, Tell{To: "crm", By: "sara"}, 200)
	c.ask("POST", "/payments/tell/"+parked, Tell{To: "nobody"}, 409)
	c.ask("POST", "/payments/refund/"+done, Repay{Amount: 1000, Note: "part"}, 200)
	c.ask("POST", "/payments/reverse/"+done+"?dry_run=1", Repay{Note: "late"}, 409)
	c.ask("POST", "/payments/import-ids?provider=idpay", "one\ntwo\n", 200)
	c.ask("POST", "/payments/import-ids?provider=nobody", "one\n", 400)
	c.ask("POST", "/payments/reconcile", Reconcile{Provider: "idpay", From: "2020-01-01", To: "today", List: []payment.Booked{{ID: "x", Amount: 5, State: payment.BookedPaid}}}, 200)
	c.ask("POST", "/payments/reconcile", Reconcile{Provider: "nobody", From: "today"}, 400)
	c.ask("POST", "/payments/erase", Erase{Refs: []string{done}, By: "sara", Note: "asked for it"}, 200)
	c.ask("POST", "/payments/erase", Erase{Refs: []string{done}}, 400)
	c.ask("POST", "/payments/backup", nil, 200)
	amount := payment.Rials(50_000)
	c.ask("POST", "/payments/intents", Intent{ID: "x", Order: "1", Amount: &amount}, 400)
	c.ask("POST", "/payments/intents", map[string]any{"orde": "1"}, 400)
	l.Closed = true
	c.ask("GET", "/payments/list", nil, 503)
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		if descriptions[name].summary == "" {
			t.Errorf("the document says nothing of %q", name)
		}
		if key := routes[name].method + " " + pathOf(name); !c.seen[key] {
			t.Errorf("%s was not asked", key)
		}
		for _, q := range operate.Queries(name) {
			if parameters[q] == nil {
				t.Errorf("the document says nothing of the parameter %s of %q", q, name)
			}
		}
	}
	for name := range descriptions {
		if _, ok := routes[name]; !ok {
			t.Errorf("the document has %q, and there is no such route", name)
		}
	}
}
