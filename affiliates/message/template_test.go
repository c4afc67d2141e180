package message

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

func names() Names {
	n := SaleNames()
	n.Fixed = func(name string) (string, bool, error) {
		if name == "env.KEY" {
			return `k&"\ é`, true, nil
		}
		return "", false, nil
	}
	return n
}

// Whatever a value holds, it stays the one value that it is: in a path, a query, a
// form, JSON or a header.
func TestValuesStayWhereTheyStand(t *testing.T) {
	t.Parallel()
	must := func(at Place, text string) *Template {
		tmpl, err := Parse("report", text, at, names())
		if err != nil {
			t.Fatal(err)
		}
		return tmpl
	}
	address := must(Address, "https://n.example/a/{click}/b?o={order}&k={env.KEY}&z=1")
	form := must(Form, "o={order}&c={click}&k={env.KEY}")
	object := must(JSON, `{"o":"{order}","c":["{click}"],"n":{amount.rial},"t":{test},"k":"{env.KEY}"}`)
	header := must(Line, "Bearer {click}")
	rapid.Check(t, func(t *rapid.T) {
		odd := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", ".", "..", "../x", "a/b?c#d", "\r\nX: y", `"},"x":{"`, "&a=b", "%2F", "{order}", "سفارش ۱۲", "\u2028\x00"}))
		click, order := odd.Draw(t, "click"), odd.Draw(t, "order")
		v := map[string]string{"click": click, "order": order, "amount.rial": "500", "test": "true"}
		u, err := url.Parse(address.Fill(v))
		if err != nil {
			t.Fatalf("%v", err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		got, err := url.PathUnescape(segments[2])
		q, qerr := url.ParseQuery(u.RawQuery)
		if err != nil || qerr != nil || len(segments) != 4 || got != click || u.Host != "n.example" || u.Fragment != "" || len(q) != 3 || q.Get("o") != order || q.Get("k") != `k&"\ é` {
			t.Fatalf("%q %q: %s", click, order, u)
		}
		f, err := url.ParseQuery(form.Fill(v))
		if err != nil || len(f) != 3 || f.Get("o") != order || f.Get("c") != click {
			t.Fatalf("%v", f)
		}
		var o struct {
			O string
			C []string
			N int
			T bool
			K string
		}
		dec := json.NewDecoder(strings.NewReader(object.Fill(v)))
		dec.DisallowUnknownFields()
		valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
		if err := dec.Decode(&o); err != nil || o.N != 500 || !o.T || o.K != `k&"\ é` || valid(o.O) != o.O {
			t.Fatalf("%v: %s", err, object.Fill(v))
		}
		if strings.ToValidUTF8(order, "") == order && o.O != order {
			t.Fatalf("%q became %q", order, o.O)
		}
		if strings.ContainsAny(header.Fill(v), "\r\n\x00\x7f") {
			t.Fatalf("%q", header.Fill(v))
		}
	})
}

func TestBadTemplates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at         Place
		text, want string
	}{
		{Address, "https://n.example/?o={ordr}", "did you mean {order}?"},
		{Address, "https://n.example/?o={colour}", "there is no {colour}"},
		{Address, "https://{click}.example/", "host"},
		{Address, "https://n.example#{click}", "#"},
		{Address, "/relative?{click}", "host"},
		{Address, "https://u:p@n.example/", "absolute address"},
		{Address, "https://n.example/a b", "absolute address"},
		{JSON, `{"o":{order}}`, "put it in quotes"},
		{JSON, `{"o":"{order}"`, "not JSON"},
		{Form, "a={nothing.here}", "there is no {nothing.here}"},
	} {
		_, err := Parse("report", c.text, c.at, names())
		if !errors.Is(err, ErrTemplate) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "report ") {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	if _, err := Parse("x", "{env.SURELY_NOT_SET_1}", Line, SaleNames()); err == nil || !strings.Contains(err.Error(), "{env.SURELY_NOT_SET_1}") {
		t.Errorf("%v", err)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r    Request
		base string
		want string // of the error; else the address
	}{
		{Request{Method: "PUT", URL: "https://n.example/"}, "", "GET or POST"},
		{Request{Method: "GET", URL: "https://n.example/", Body: "x"}, "", "no body"},
		{Request{Method: "POST", URL: "https://n.example/"}, "", "needs a body"},
		{Request{Method: "GET", URL: "http://n.example/"}, "", "plain http"},
		{Request{Method: "GET", URL: "https://n.example/", Header: map[string]string{"A b": ""}}, "", "letters"},
		{Request{Method: "GET", URL: "https://n.example/x?o={order}"}, "", "https://n.example/x?o=7"},
		{Request{Method: "GET", URL: "https://n.example/x?o={order}"}, "http://localhost:1/box/", "http://localhost:1/box/x?o=7"},
		{Request{Method: "GET", URL: "https://n.example?o={order}"}, "http://localhost:1/box", "http://localhost:1/box?o=7"},
		{Request{Method: "GET", URL: "/x"}, "http://localhost:1", "http://localhost:1/x"},
	} {
		call, err := c.r.Parse("report", c.base, false, names())
		switch {
		case err != nil && strings.Contains(err.Error(), c.want):
		case err == nil && call.Fill(map[string]string{"order": "7"}).URL == c.want:
		default:
			t.Errorf("%+v: %v", c.r, err)
		}
	}
}

func TestSaleValues(t *testing.T) {
	t.Parallel()
	for amount, want := range map[payment.Rials]string{500: "50", 505: "50.5", 5: "0.5", 0: "0"} {
		v := SaleValues(payment.Sale{Amount: amount, PaidAt: time.Unix(1_700_000_000, 0), Environment: payment.Sandbox})
		if v["amount.toman"] != want || v["time.iso"] != "2023-11-14T22:13:20Z" || v["time.unix"] != "1700000000" || v["test"] != "true" {
			t.Errorf("%v", v)
		}
		for _, name := range SaleNames().Values {
			if _, ok := v[name]; !ok {
				t.Errorf("%s has no value", name)
			}
		}
	}
}
