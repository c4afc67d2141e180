package lookup

import (
	"errors"
	"net/http"
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

// An order that could change the address is not asked about at all.
func TestOddOrdersAreNotAskedAbout(t *testing.T) {
	c, err := New("http://127.0.0.1:1/orders/{order}", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"", "a/b", ".", "..", "../x", "a\nb"} {
		if _, err := c.Ask(t.Context(), order, "key"); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", order, err)
		}
	}
	if payment.CheckOrder("a b") != nil {
		t.Error("an order may have spaces")
	}
}
