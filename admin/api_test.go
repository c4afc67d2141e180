package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// endpoint serves the API as Caddy's admin endpoint does.
func endpoint(t *testing.T, app any, find error) *httptest.Server {
	t.Helper()
	api := &API{find: func() (any, error) { return app, find }}
	mux := http.NewServeMux()
	for _, rt := range api.Routes() {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, r *http.Request) {
			err := rt.Handler.ServeHTTP(w, r)
			if err == nil {
				return
			}
			var e caddy.APIError
			if !errors.As(err, &e) {
				t.Errorf("%s: not an APIError: %v", r.URL.Path, err)
			}
			if e.Message == "" && e.Err != nil {
				e.Message = e.Err.Error()
			}
			w.WriteHeader(e.HTTPStatus)
			_ = json.NewEncoder(w).Encode(e)
		})
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

func ask(t *testing.T, srv *httptest.Server, method, path, body string, want int, into any) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, resp.StatusCode, want, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v: %s", path, err, b)
		}
	}
	return string(b)
}

func TestSummary(t *testing.T) {
	l := operatetest.New(t)
	first := l.Put(payment.Review, payment.ReasonTenfold, nil)
	l.Put(payment.Parked, payment.ReasonNoProof, nil)
	l.Put(payment.Delivered, "", nil)
	l.Put(payment.Declined, payment.ReasonNotPaid, nil)
	var s operate.Summary
	ask(t, endpoint(t, l, nil), "GET", "/payments/", "", 200, &s)
	if s.Counts[payment.Review] != 1 || s.Counts[payment.Parked] != 1 || s.Counts[payment.Delivered] != 1 || s.Attention != 2 ||
		!s.Ready || s.Generation != 1 || !s.Complete || s.Looked != 4 || s.Oldest == nil || s.Oldest.Ref != first.Ref {
		t.Errorf("%+v", s)
	}
}

func TestListFiltersAndPages(t *testing.T) {
	l := operatetest.New(t)
	for range 5 {
		l.Put(payment.Parked, payment.ReasonNoProof, nil)
	}
	r := l.Put(payment.Review, payment.ReasonAmount, nil)
	srv := endpoint(t, l, nil)
	var page Listed
	ask(t, srv, "GET", "/payments/list?state=parked&limit=3", "", 200, &page)
	if len(page.Payments) != 3 || page.Next == "" {
		t.Fatalf("%+v", page)
	}
	seen := map[payment.Ref]bool{}
	for _, p := range page.Payments {
		seen[p.Ref] = true
	}
	ask(t, srv, "GET", "/payments/list?state=parked&limit=3&cursor="+page.Next, "", 200, &page)
	for _, p := range page.Payments {
		seen[p.Ref] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d payments", len(seen))
	}
	page = Listed{}
	ask(t, srv, "GET", "/payments/list?order="+r.Order, "", 200, &page)
	if len(page.Payments) != 1 || page.Payments[0].Ref != r.Ref || page.Payments[0].Why == "" || page.Payments[0].Money != explain.MoneyYes {
		t.Errorf("%+v", page)
	}
	for _, bad := range []string{"state=lost", "limit=0", "limit=x", "conversion=x", "cursor=%21", "lang=de", "dry_run=x"} {
		ask(t, srv, "GET", "/payments/list?"+bad, "", 400, nil)
	}
}

func TestShowKeepsSecrets(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonTenfold, func(r *payment.Record) {
		r.Receipt.Amount, r.Receipt.Card = 5_000_000, "6037991234561234"
		r.Delivery = payment.Delivery{Browser: "BROWSERHASH", Location: "https://shop.example/order-received/1?key=SECRETQUERY"}
		r.Devices = []payment.Device{{Hash: "DEVICEHASH"}}
	})
	srv := endpoint(t, l, nil)
	var v operate.View
	text := ask(t, srv, "GET", "/payments/show/"+string(r.Ref)+"?lang=fa", "", 200, &v)
	for _, secret := range []string{"SECRETQUERY", "BROWSERHASH", "DEVICEHASH", "6037991234561234"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	if v.Explanation.Slip == "" || v.Explanation.Money != explain.MoneyYes || len(v.Explanation.Decisions) != 3 || len(v.History) == 0 ||
		v.Version != r.Version || v.Returned == nil || v.Returned.Path != "/callback" {
		t.Errorf("%+v", v)
	}
	ask(t, srv, "GET", "/payments/show/nonsense", "", 400, nil)
	ask(t, srv, "GET", "/payments/show/"+string(payment.NewRef("a", "b", "c", "d")), "", 404, nil)
	ask(t, srv, "GET", "/payments/show/", "", 404, nil)
	ask(t, srv, "GET", "/payments/other", "", 404, nil)
	ask(t, srv, "DELETE", "/payments/show/"+string(r.Ref), "", 405, nil)
	ask(t, srv, "GET", "/payments/verify/"+string(r.Ref), "", 405, nil)
}

func TestResolve(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonLate, nil)
	srv := endpoint(t, l, nil)
	path := "/payments/resolve/" + string(r.Ref)
	give := fmt.Sprintf(`{"decision":"accept","by":"sara","note":"seen in the panel","version":%d}`, r.Version)

	var c Changed
	ask(t, srv, "POST", path+"?dry_run=1", give, 200, &c)
	if c.Done || c.Would == "" || c.Warn == "" || l.Get(r.Ref).State != payment.Review {
		t.Fatalf("a dry run: %+v", c)
	}
	ask(t, srv, "POST", path, `{"decision":"accept","version":99}`, 409, nil)
	ask(t, srv, "POST", path, `{"decision":"credited","note":"seen"}`, 409, nil)
	ask(t, srv, "POST", path, `{"decision":"perhaps"}`, 400, nil)
	ask(t, srv, "POST", path, `{"decision":"accept","colour":1}`, 400, nil)
	ask(t, srv, "POST", path, `{"decision":"accept"}{}`, 400, nil)
	ask(t, srv, "POST", path, `{"decision":"accept","note":"`+strings.Repeat("x", 1001)+`"}`, 400, nil)

	ask(t, srv, "POST", path, give, 200, &c)
	after := l.Get(r.Ref)
	if !c.Done || after.State != payment.Verified || len(after.Decisions()) != 1 || after.Decisions()[0].By != "sara" || after.Decisions()[0].Text != "seen in the panel" {
		t.Errorf("%+v %+v", c.Payment.State, after.History)
	}
	ask(t, srv, "POST", path, give, 409, nil)
}

func TestSecondPaymentIsNotGiven(t *testing.T) {
	l := operatetest.New(t)
	first := l.Put(payment.Delivered, "", nil)
	second := l.Put(payment.Review, payment.ReasonLate, func(r *payment.Record) { r.Order = first.Order })
	text := ask(t, endpoint(t, l, nil), "POST", "/payments/resolve/"+string(second.Ref), `{"decision":"accept"}`, 409, nil)
	if !strings.Contains(text, "already paid") {
		t.Error(text)
	}
}

// Two people press at once: one delivery.
func TestHandingOverTwiceAtOnce(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Parked, payment.ReasonNoProof, nil)
	srv := endpoint(t, l, nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 8 {
		all.Go(func() {
			body := fmt.Sprintf(`{"what":"delivery","note":"looked","version":%d}`, r.Version)
			resp, err := http.Post(srv.URL+"/payments/resend/"+string(r.Ref), "application/json", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			mu.Lock()
			codes[resp.StatusCode]++
			mu.Unlock()
		})
	}
	all.Wait()
	if codes[200] != 1 || codes[409] != 7 || len(l.Delivered()) != 1 {
		t.Errorf("%v, delivered %d times", codes, len(l.Delivered()))
	}
	if got := l.Get(r.Ref); got.State != payment.Delivered {
		t.Errorf("it is %s", got.State)
	}
}

func TestVerifyAndResend(t *testing.T) {
	l := operatetest.New(t)
	srv := endpoint(t, l, nil)
	open := l.Put(payment.Unknown, payment.ReasonNoAnswer, nil)
	l.Answer = payment.Answer{Outcome: payment.OutcomePaid}
	var c Changed
	ask(t, srv, "POST", "/payments/verify/"+string(open.Ref)+"?dry_run=1", "", 200, &c)
	if c.Done || l.Get(open.Ref).State != payment.Unknown {
		t.Error("a dry run asked")
	}
	ask(t, srv, "POST", "/payments/verify/"+string(open.Ref), "", 200, &c)
	if c.Payment.State != payment.Verified {
		t.Errorf("it is %s", c.Payment.State)
	}
	ask(t, srv, "POST", "/payments/verify/"+string(open.Ref), "", 409, nil)

	sold := l.Put(payment.Delivered, "", func(r *payment.Record) {
		r.Track = payment.Track{ID: "abcdefgh", Affiliate: "hamekar"}
		r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: payment.RejectedReport}}
	})
	ask(t, srv, "POST", "/payments/resend/"+string(sold.Ref), `{"what":"delivery"}`, 409, nil)
	ask(t, srv, "POST", "/payments/resend/"+string(sold.Ref), ``, 200, &c)
	if c.Payment.Conversion != payment.OpenReport {
		t.Errorf("%+v", c.Payment.Conversion)
	}
	ask(t, srv, "POST", "/payments/resend/"+string(sold.Ref), `{"what":"cake"}`, 400, nil)
}

func TestExportStreamsAllPages(t *testing.T) {
	l := operatetest.New(t)
	for range 7 {
		l.Put(payment.Delivered, "", nil)
	}
	l.Put(payment.Review, payment.ReasonAmount, nil)
	srv := endpoint(t, l, nil)
	if n := strings.Count(ask(t, srv, "GET", "/payments/export?limit=2", "", 200, nil), "\n"); n != 8 {
		t.Errorf("%d lines", n)
	}
	if n := strings.Count(ask(t, srv, "GET", "/payments/export?state=review", "", 200, nil), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestImportIDs(t *testing.T) {
	l := operatetest.New(t)
	srv := endpoint(t, l, nil)
	var done operate.Imported
	ask(t, srv, "POST", "/payments/import-ids?provider=idpay&dry_run=1", "one\ntwo\r\n\none\n", 200, &done)
	if done.Done || done.New != 2 || done.Total != 3 {
		t.Errorf("%+v", done)
	}
	ask(t, srv, "POST", "/payments/import-ids?provider=idpay", "\ufeffone\ntwo\n", 200, &done)
	if !done.Done || done.New != 2 {
		t.Errorf("%+v", done)
	}
	ask(t, srv, "POST", "/payments/import-ids?provider=idpay", "one\nthree\n", 200, &done)
	if done.New != 1 {
		t.Errorf("%+v", done)
	}
	if holder, err := l.Store.Holder(t.Context(), payment.ReceiptKey(operatetest.Issuer, "two")); err != nil || holder != "" {
		t.Errorf("%q %v", holder, err)
	}
	ask(t, srv, "POST", "/payments/import-ids?provider=nobody", "one\n", 400, nil)
	ask(t, srv, "POST", "/payments/import-ids?provider=idpay", "", 400, nil)
	ask(t, srv, "POST", "/payments/import-ids?provider=idpay", "one,two\n", 400, nil)
}

func TestWithoutAnApp(t *testing.T) {
	ask(t, endpoint(t, nil, caddy.ErrNotConfigured), "GET", "/payments/", "", 404, nil)
	text := ask(t, endpoint(t, nil, errors.New("loading: api_key: HUNTER2")), "GET", "/payments/", "", 503, nil)
	if strings.Contains(text, "HUNTER2") {
		t.Error(text)
	}
	ask(t, endpoint(t, struct{}{}, nil), "GET", "/payments/", "", 500, nil)
	l := operatetest.New(t)
	l.Closed = true
	ask(t, endpoint(t, l, nil), "GET", "/payments/list", "", 503, nil)
}

func TestErrorsKeepTheirKind(t *testing.T) {
	for err, want := range map[error]int{
		operate.ErrUnknown: 404, operate.ErrInput: 400, operate.ErrNotPossible: 409, operate.ErrChanged: 409,
		operate.ErrUnavailable: 503, engine.ErrNotPossible: 500,
	} {
		var e caddy.APIError
		if !errors.As(apiError(fmt.Errorf("here: %w", err)), &e) || e.HTTPStatus != want {
			t.Errorf("%v: %d, want %d", err, e.HTTPStatus, want)
		}
	}
}
