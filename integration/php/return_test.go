package php_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
)

// shopParams are a shop's own, in every shape that a strict parser would
// straighten.
const shopParams = "wc-api=WC_IDPay&items[]=1&items[]=2&a[k][l]=v&x=a%20b&x=c+d&q=%D8%B3%D9%84%D8%A7%D9%85&flag&empty=&&e=%C3%28"

// shopRead is what PHP makes of them.
var shopRead = map[string]any{
	"wc-api": "WC_IDPay", "items": []any{"1", "2"}, "a": map[string]any{"k": map[string]any{"l": "v"}},
	"x": "c d", "q": "سلام", "flag": "", "empty": "", "e": "\ufffd(",
}

// expected are the headers of a delivery, as PHP names them.
func expected(w *world, id string) map[string]string {
	p := w.truth(id)
	card := p.Card
	if len(card) == 16 {
		card = card[:6] + "******" + card[12:]
	}
	return map[string]string{
		"HTTP_X_PAYMENT_STATUS": "verified", "HTTP_X_PAYMENT_PROVIDER": p.Provider, "HTTP_X_PAYMENT_ID": id,
		"HTTP_X_PAYMENT_ORDER": p.Order, "HTTP_X_PAYMENT_AMOUNT": fmt.Sprint(p.Amount), "HTTP_X_PAYMENT_CURRENCY": "IRR",
		"HTTP_X_PAYMENT_AMOUNT_CHECKED": "no", "HTTP_X_PAYMENT_ENVIRONMENT": "live", "HTTP_X_PAYMENT_REFERENCE": p.BankReference,
		"HTTP_X_PAYMENT_PAID": fmt.Sprint(p.Payable), "HTTP_X_PAYMENT_CARD": card, "HTTP_X_PAYMENT_PAID_AT": p.PaidAt.UTC().Truncate(time.Second).Format(time.RFC3339),
		"HTTP_X_PAYMENT_DELIVERY": "1", "HTTP_X_PAYMENT_VIA": "browser",
	}
}

// sameHeaders compares what PHP got; what is not compared is the receipt, which
// must be a genuine one that says the same.
func sameHeaders(t *testing.T, s seen, want map[string]string, origin string) {
	t.Helper()
	got := s.payment()
	jws := got["HTTP_X_PAYMENT_RECEIPT"]
	delete(got, "HTTP_X_PAYMENT_RECEIPT")
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %q, want %q", name, got[name], value)
		}
		delete(got, name)
	}
	for name, value := range got {
		t.Errorf("%s: %q, not expected", name, value)
	}
	key, err := payment.NewSigningKey([]byte(harness.Secret), "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := keys.VerifyReceipt(jws, origin, time.Now())
	if err != nil {
		t.Fatalf("the receipt: %v", err)
	}
	for name, value := range map[string]string{
		"HTTP_X_PAYMENT_STATUS": c.Status, "HTTP_X_PAYMENT_ID": c.PaymentID, "HTTP_X_PAYMENT_ORDER": c.Order,
		"HTTP_X_PAYMENT_AMOUNT": c.Amount.String(), "HTTP_X_PAYMENT_CARD": c.Card, "HTTP_X_PAYMENT_REFERENCE": c.Reference,
		"HTTP_X_PAYMENT_PAID_AT": c.PaidAt, "HTTP_X_PAYMENT_AMOUNT_CHECKED": c.AmountChecked,
		"HTTP_X_PAYMENT_DELIVERY": strconv.Itoa(c.Delivery),
	} {
		if value != want[name] {
			t.Errorf("the receipt has %q for %s, want %q", value, name, want[name])
		}
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		x, _ := json.Marshal(want)
		t.Errorf("%s:\n got %s\nwant %s", what, g, x)
	}
}

// TestReturnByGET: A17, A30, A31, M4. The browser lies about everything that it
// may lie about; PHP sees the receipt's values and the shop's own parameters
// untouched.
func TestReturnByGET(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay"})
	id, ret := w.pay("idpay", "101", 50000, "/callback.php?"+shopParams)
	p := w.truth(id)
	lie := strings.Replace(ret.URL, "track_id="+p.TrackID, "track_id=99999", 1) +
		"&amount=1&card_no=6037991111111111&hashed_card_no=ABCDEF&date=1&paid=1&verified=true"
	if lie == ret.URL || !strings.Contains(lie, "track_id=99999") {
		t.Fatal("nothing was changed")
	}
	b := harness.NewBrowser(t)
	page := b.Get(lie, "X-Payment-Status", "forged", "X-Payment-Order", "forged", "X-Payment-Item", "forged")
	if page.Status != http.StatusOK || page.Body != "PHP answers /callback.php" {
		t.Fatalf("status %d\n%s", page.Status, page.Body)
	}
	s := w.last()
	sameHeaders(t, s, expected(w, id), w.site)
	date := strconv.FormatInt(p.PaidAt.Unix(), 10)
	card := expected(w, id)["HTTP_X_PAYMENT_CARD"]
	query := shopParams + "&status=10&track_id=" + p.TrackID + "&id=" + id + "&order_id=101&amount=50000&card_no=" + url.QueryEscape(card) +
		"&date=" + date + "&paid=1&verified=true"
	same(t, "QUERY_STRING", s.text("QUERY_STRING"), query)
	same(t, "REQUEST_URI", s.text("REQUEST_URI"), "/callback.php?"+query)
	get := map[string]any{
		"status": "10", "track_id": p.TrackID, "id": id, "order_id": "101", "amount": "50000", "card_no": card, "date": date,
		"paid": "1", "verified": "true",
	}
	maps.Copy(get, shopRead)
	same(t, "$_GET", s.Get, get)
	same(t, "$_POST", s.Post, []any{})
	same(t, "$_REQUEST", s.Request, get)
	same(t, "php://input", s.Input, "")
	same(t, "REQUEST_METHOD", s.text("REQUEST_METHOD"), "GET")
	if n := s.text("CONTENT_LENGTH"); n != "" && n != "0" {
		t.Errorf("CONTENT_LENGTH: %q", n)
	}
	same(t, "CONTENT_TYPE", s.text("CONTENT_TYPE"), "")
	for name, want := range map[string]string{
		"PAYMENT_STATUS": "verified", "PAYMENT_ID": id, "PAYMENT_ORDER": "101", "PAYMENT_AMOUNT": "50000",
	} {
		same(t, name, s.text(name), want)
	}

	// A refresh, and every other page, are told nothing.
	if again := b.Get(lie); again.Status != http.StatusOK || len(w.seen()) != 0 {
		t.Errorf("the refresh: %d, PHP ran %d times", again.Status, len(w.seen()))
	}
	b.Get(w.site + "/index.php?" + strings.SplitN(lie, "?", 2)[1])
	s = w.last()
	same(t, "headers elsewhere", s.payment(), map[string]string{})
	for _, name := range []string{"PAYMENT_STATUS", "PAYMENT_ID", "PAYMENT_ORDER", "PAYMENT_AMOUNT"} {
		if v, ok := s.Server[name]; !ok || v != "" {
			t.Errorf("%s elsewhere: %v", name, v)
		}
	}
	same(t, "credits", w.credits(), []string{"idpay " + id + " 1"})
}

// TestReturnByPOST: A44, M4. A cross-site POST comes without the shop's cookies;
// PHP never sees it. It sees the second hop, which is the same POST with the
// receipt's values and with its session.
func TestReturnByPOST(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay", sandbox: sandbox.Options{Return: sandbox.ReturnPost}})
	w.behave(map[string]any{"session": true})
	b := harness.NewBrowser(t)
	b.Get(w.site + "/")
	w.forget()
	id, ret := w.pay("idpay", "101", 50000, "/callback.php?"+shopParams)
	p := w.truth(id)
	if ret.Method != http.MethodPost {
		t.Fatal(ret.Method)
	}

	// Cross-site: the browser sends no SameSite=Lax cookie, but keeps what it gets.
	stranger := harness.NewBrowser(t)
	body := "status=10&track_id=99999&shop_field=%26%3D&id=" + id + "&order_id=101&amount=1&card_no=6037991111111111&hashed_card_no=" +
		ret.Form["hashed_card_no"] + "&date=1&list[]=a&list[]=b"
	first, err := stranger.Try(http.MethodPost, ret.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.seen()); n != 0 {
		t.Fatalf("PHP ran %d times before the bounce", n)
	}
	for _, text := range []string{ret.Form["hashed_card_no"], "6037991111111111"} {
		if strings.Contains(first.Body, text) {
			t.Errorf("the bounce page shows %q", text)
		}
	}
	at, _ := url.Parse(w.site)
	b.Client.Jar.SetCookies(at, (&http.Response{Header: first.Header}).Cookies())
	page := w.bounce(b, first)
	if page.Status != http.StatusOK || page.Body != "PHP answers /callback.php visit 2" {
		t.Fatalf("status %d\n%s", page.Status, page.Body)
	}
	s := w.last()
	sameHeaders(t, s, expected(w, id), w.site)
	card := expected(w, id)["HTTP_X_PAYMENT_CARD"]
	want := "status=10&track_id=" + p.TrackID + "&shop_field=%26%3D&id=" + id + "&order_id=101&amount=50000&card_no=" + url.QueryEscape(card) +
		"&date=" + strconv.FormatInt(p.PaidAt.Unix(), 10) + "&list[]=a&list[]=b"
	same(t, "php://input", s.Input, want)
	same(t, "$_POST", s.Post, map[string]any{
		"status": "10", "track_id": p.TrackID, "shop_field": "&=", "id": id, "order_id": "101", "amount": "50000", "card_no": card,
		"date": strconv.FormatInt(p.PaidAt.Unix(), 10), "list": []any{"a", "b"},
	})
	same(t, "$_GET", s.Get, shopRead)
	same(t, "QUERY_STRING", s.text("QUERY_STRING"), shopParams)
	same(t, "REQUEST_URI", s.text("REQUEST_URI"), "/callback.php?"+shopParams)
	same(t, "REQUEST_METHOD", s.text("REQUEST_METHOD"), "POST")
	same(t, "CONTENT_LENGTH", s.text("CONTENT_LENGTH"), strconv.Itoa(len(want)))
	same(t, "CONTENT_TYPE", s.text("CONTENT_TYPE"), "application/x-www-form-urlencoded")
	same(t, "the session", s.Session, map[string]any{"visits": 2.0})
	same(t, "PAYMENT_STATUS", s.text("PAYMENT_STATUS"), "verified")

	// Reloading the second hop, and the bank's page again, credit nothing more.
	w.bounce(b, first)
	if p := b.Post(ret.URL, form(ret)); p.Status != http.StatusOK || len(w.seen()) != 0 {
		t.Errorf("the bank's page again: %d", p.Status)
	}
	same(t, "credits", w.credits(), []string{"idpay " + id + " 1"})
}

// TestReturnWithBlindParameters: small scripts append "?status=…" to an address
// that has a query already, or join with "&amp;". PHP would read neither.
func TestReturnWithBlindParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay"})
	for _, join := range []string{"blind", "amp"} {
		id := w.create("idpay", "order-"+join, 50000, w.site+"/callback.php?a=1&b[]=2")
		if err := w.box.SetPaymentSettings(id, sandbox.Settings{Join: join}); err != nil {
			t.Fatal(err)
		}
		ret := w.act(id, "pay")
		if p := w.come(harness.NewBrowser(t), ret); p.Status != http.StatusOK {
			t.Fatalf("%s: %d", ret.URL, p.Status)
		}
		s := w.last()
		same(t, "$_GET after "+join, s.Get, map[string]any{
			"a": "1", "b": []any{"2"}, "status": "10", "track_id": w.truth(id).TrackID, "id": id, "order_id": "order-" + join,
		})
	}
}

// TestReturnInHandlePath: REQUEST_URI is the browser's own path (with the
// receipt's query) where `uri` has changed it for the script.
func TestReturnInHandlePath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /old/callback.php idpay", before: "uri strip_prefix /old"})
	id, ret := w.pay("idpay", "101", 50000, "/old/callback.php?x=1")
	if p := w.come(harness.NewBrowser(t), &sandbox.Return{Method: ret.Method, URL: ret.URL + "&amount=1"}); p.Status != http.StatusOK {
		t.Fatalf("%d\n%s", p.Status, p.Body)
	}
	s := w.last()
	query := "x=1&status=10&track_id=" + w.truth(id).TrackID + "&id=" + id + "&order_id=101&amount=50000"
	same(t, "REQUEST_URI", s.text("REQUEST_URI"), "/old/callback.php?"+query)
	same(t, "QUERY_STRING", s.text("QUERY_STRING"), query)
	same(t, "SCRIPT_NAME", s.text("SCRIPT_NAME"), "/callback.php")
}
