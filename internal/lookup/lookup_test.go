package lookup

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// Only a JSON 404 means that there is no such order; only one price, one id and
// one "paid" are taken. Everything else is asked again.
func TestRead(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		status     int
		kind, body string
		needID     bool
		want       Answer
		err        error
	}{
		{200, "application/json", `{"amount":50000,"id":"K1","paid":false}`, true, Answer{50000, "K1", &no}, nil},
		{200, "application/json; charset=utf-8", `{"amount":"50000","id":77,"paid":true,"more":{}}`, true, Answer{50000, "77", &yes}, nil},
		{200, "application/problem+json", `{"amount":50000,"id":null,"paid":null}`, false, Answer{Amount: 50000}, nil},
		{200, "application/json", `{"amount":50000,"id":""}`, false, Answer{Amount: 50000}, nil},
		{200, "application/json", `{"amount":50000,"id":""}`, true, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000}`, true, Answer{}, ErrUnanswered},
		{404, "application/json", `{}`, false, Answer{}, ErrUnknown},
		{404, "application/problem+json", `{"status":404}`, false, Answer{}, ErrUnknown},
		// A router that lost its rules, a firewall, a login page.
		{404, "text/html", `<h1>Not Found</h1>`, false, Answer{}, ErrUnanswered},
		{404, "application/json", `<h1>Not Found</h1>`, false, Answer{}, ErrUnanswered},
		{404, "", ``, false, Answer{}, ErrUnanswered},
		{200, "text/html", `{"amount":50000}`, false, Answer{}, ErrUnanswered},
		{302, "application/json", `{"amount":50000}`, false, Answer{}, ErrUnanswered},
		{500, "application/json", `{"amount":50000}`, false, Answer{}, ErrUnanswered},
		{401, "application/json", `{}`, false, Answer{}, ErrUnanswered},
		// What reads in two ways.
		{200, "application/json", `{"amount":50000,"amount":1}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000,"Amount":1}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000,"paid":false,"paid":true}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":5e4}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000.0}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":0}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":-5}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000,"id":["K1"]}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000,"id":true}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000,"paid":"no"}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `{"amount":50000,"paid":0}`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `[{"amount":50000}]`, false, Answer{}, ErrUnanswered},
		{200, "application/json", `null`, false, Answer{}, ErrUnanswered},
	} {
		got, err := (&Client{needID: c.needID}).read(&http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {c.kind}}}, []byte(c.body))
		if !errors.Is(err, c.err) || got.Amount != c.want.Amount || got.ID != c.want.ID || (got.Paid == nil) != (c.want.Paid == nil) || (got.Paid != nil && *got.Paid != *c.want.Paid) {
			t.Errorf("%d %s %s: %+v, %v", c.status, c.kind, c.body, got, err)
		}
	}
}

// An order with whatever it may contain is asked about, as one part of the path
// or one value of the query.
func TestOrdersAreEscaped(t *testing.T) {
	var asked string
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"amount":50000,"id":"K1"}`))
	}))
	defer shop.Close()
	for order, escaped := range map[string]string{
		"a/b": "a%2Fb", "a b": "a%20b", "a?b&c#d": "a%3Fb%26c%23d", "100%": "100%25", "سفارش": "%D8%B3%D9%81%D8%A7%D8%B1%D8%B4",
	} {
		for _, where := range []string{"/orders/{order}", "/order?n={order}"} {
			c, err := New(shop.URL+where, false)
			if err != nil {
				t.Fatal(err)
			}
			if a, err := c.Ask(t.Context(), order, "key"); err != nil || a.Amount != 50000 {
				t.Errorf("%q: %+v, %v", order, a, err)
			}
			if want := strings.Replace(where, "{order}", escaped, 1); asked != want {
				t.Errorf("%q: the shop was asked %s, want %s", order, asked, want)
			}
		}
	}
	c, err := New(shop.URL+"/order?n={order}", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ask(t.Context(), "..", "key"); err != nil {
		t.Errorf("two dots in a query: %v", err)
	}
}

// An order that could change the address is not asked about at all.
func TestOddOrdersAreNotAskedAbout(t *testing.T) {
	c, err := New("http://127.0.0.1:1/orders/{order}", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"", "a\nb", ".", "..", "../x", "a/./b", `..\x`, `a\..\b`, `a/..`, `a\.`, `..`} {
		if _, err := c.Ask(t.Context(), order, "key"); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", order, err)
		}
	}
	if payment.CheckOrder("a b") != nil {
		t.Error("an order may have spaces")
	}
}

// What a shop easily misses is named.
func TestNotJSONIsExplained(t *testing.T) {
	for _, c := range [][3]string{
		{"text/html; charset=UTF-8", `{"amount":1}`, "Content-Type is \"text/html\""}, {"", `{"amount":1}`, "no Content-Type"},
		{"application/json", "\xef\xbb\xbf{\"amount\":1}", "BOM"}, {"text/html", "<p>no", "not JSON"},
	} {
		if got := notJSON(c[0], []byte(c[1])); !strings.Contains(got, c[2]) {
			t.Errorf("%q: %s", c[0], got)
		}
	}
	c, err := New("https://shop.test/orders/{order}", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"..", "../x", `..\x`, `a\..\b`, `.\`} {
		if c.Fits(order) {
			t.Errorf("%q is a way elsewhere", order)
		}
	}
}
