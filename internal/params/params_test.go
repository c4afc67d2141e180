package params

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

// parse reads a return to an address without a query of its own.
func parse(rawQuery string, body []byte, contentType string, guarded *Names) (*Set, error) {
	return ParseKnown(rawQuery, body, contentType, guarded, "")
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		query, body string
		want        string // "name=value@place", in the order of guardedNames
	}{
		{"", "", ""},
		{"wc-api=wc_idpay&wc_order=5", "status=10&track_id=7&id=x&order_id=101", "id=x@2 order_id=101@2 track_id=7@2 status=10@2"},
		{"order_id=5&order_id=5", "order_id=5", "order_id=5@3"},
		{"order%5Fid=5", "", "order_id=5@1"},
		{"order_id=a%20b+c%2b", "", "order_id=a b c+@1"},
		{"order_id=%D8%B3", "", "order_id=س@1"},
		{"order_id=س", "", "order_id=س@1"},
		{"id=", "", "id=@1"},
		{"id=a=b;c", "", "id=a=b;c@1"},
		{"order=5?invoice_key=K", "", "invoice_key=K@1 order=5@1"},
		{"order=5?price=1&invoice_key=K", "", "invoice_key=K@1 order=5@1"},
		{"order=5&amp;invoice_key=K&amp;status=1", "", "invoice_key=K@1 order=5@1 status=1@1"},
		{"order=5?&amp;amp;invoice_key=K?", "", "invoice_key=K@1 order=5@1"},
		{"order=5?amp;invoice_key=K", "", "invoice_key=K@1 order=5@1"},
		{"x=1?amp;invoice_key=K", "", "invoice_key=K@1"},
		{"x=5?invoice_key=K", "", "invoice_key=K@1"},
		{"x=5?y=6?invoice_key=K", "", "invoice_key=K@1"},
		{"?id=1", "", "id=1@1"},
		{"Order_Id=1", "", "400"}, // as a reader that ignores case has it
		{"wc-api=WC_IDPay;x=1", "", ""},
		{"order[]=1", "", "400"},
		{"x[]=1&x[]=2&x.y=3&z=%zz&w=%00&q", "", ""},
		{"", "id=1?order=5", "id=1?order=5@2"},
		{"", "x=1&amp;y=5", ""},
		{"payment[x]=1", "", ""},
	} {
		s, err := parse(c.query, []byte(c.body), formType, guarded)
		if c.want == "400" {
			if !errors.Is(err, payment.ErrMalformed) {
				t.Errorf("%q: %v", c.query, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q %q: %v", c.query, c.body, err)
			continue
		}
		var got []string
		for _, name := range guardedNames {
			if s.Has(name) {
				got = append(got, fmt.Sprintf("%s=%s@%d", name, s.Get(name), s.In(name)))
			} else if s.Get(name) != "" || s.In(name) != 0 {
				t.Errorf("%q: %s is half there", c.query, name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q %q: %s, want %s", c.query, c.body, got, c.want)
		}
	}
}

// TestRefused is the corpus of parameter confusion, A19–A29.
func TestRefused(t *testing.T) {
	many := strings.Repeat("a=1&", MaxParams) + "b=1"
	for _, c := range []struct {
		name, query, body, contentType string
		want                           error
		says                           string
	}{
		{"A25 two values", "order_id=A&order_id=B", "", "", ErrAmbiguous, "order_id"},
		{"A25 one of them empty", "order_id=A&order_id=", "", "", ErrAmbiguous, "order_id"},
		{"A26 dot", "order_id=A&order.id=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 dot alone", "order.id=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 equal", "order_id=A&order.id=A", "", "", ErrAmbiguous, "order_id"},
		{"A26 space", "order%20id=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 plus", "order+id=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 bracket", "order[id=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 escaped bracket", "order%5Bid=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 array", "order_id[]=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 key", "order_id[x]=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 leading space", "+order_id=B", "", "", ErrAmbiguous, "order_id"},
		{"A26 in the body", "order_id=A", "order.id=B", "", ErrAmbiguous, "order_id"},
		{"A26 of ours", "payment.order=B", "", "", ErrAmbiguous, "payment_"},
		{"A26 of ours, array", "payment_order[]=B", "", "", ErrAmbiguous, "payment_"},
		{"A26 of ours, odd", "payment_%0a=B", "", "", ErrAmbiguous, "payment_"},
		{"A26 of ours, long", "payment_" + strings.Repeat("a", 99) + "=B", "", "", ErrAmbiguous, "payment_"},
		{"A26 behind amp;", "order_id=1&amp;order.id=1", "", "", ErrAmbiguous, "order_id"},
		{"A26 behind ?amp;", "order_id=1?amp;order.id=1", "", "", ErrAmbiguous, "order_id"},
		{"no value behind ?amp;", "id=?amp;order_id", "", "", payment.ErrMalformed, "order_id"},
		{"A26 behind ?", "x=1?order.id=1", "", "", ErrAmbiguous, "order_id"},
		{"A27 query and body", "order_id=A", "order_id=B", "", ErrAmbiguous, "order_id"},
		{"A28 NUL in the name", "order_id%00x=B", "", "", ErrAmbiguous, "order_id"},
		{"A28 NUL in the value", "order_id=A%00B", "", "", payment.ErrMalformed, "order_id"},
		{"A28 no =", "order_id", "", "", payment.ErrMalformed, "order_id"},
		{"A28 multipart", "", "x", "multipart/form-data; boundary=x", ErrContentType, ""},
		{"A28 JSON", "", "{}", "application/json", ErrContentType, ""},
		{"A28 UTF-7", "", "id=1", "application/x-www-form-urlencoded; charset=utf-7", ErrContentType, ""},
		{"A28 none", "", "id=1", "none", ErrContentType, ""},
		{"A28 two", "", "id=1", "application/x-www-form-urlencoded,text/plain", ErrContentType, ""},
		{"A29 many", many, "", "", ErrTooLarge, ""},
		{"A29 many in both", many[:4*40], many[:4*40], "", ErrTooLarge, ""},
		{"A29 body", "", strings.Repeat("a", MaxBytes+1), "", ErrTooLarge, ""},
		{"A29 query", strings.Repeat("a", MaxBytes+1), "", "", ErrTooLarge, ""},
		{"A21 CR LF", "id=a%0d%0ab", "", "", payment.ErrMalformed, "id"},
		{"A21 C1", "id=a%C2%85b", "", "", payment.ErrMalformed, "id"},
		{"A21 UTF-8", "id=%ff", "", "", payment.ErrMalformed, "id"},
		{"A21 overlong", "id=%c0%af", "", "", payment.ErrMalformed, "id"},
		{"A21 escape", "id=%zz", "", "", payment.ErrMalformed, "id"},
		{"A21 half an escape", "id=%4", "", "", payment.ErrMalformed, "id"},
		{"A21 long", "id=" + strings.Repeat("%41", MaxValue+1), "", "", payment.ErrMalformed, "id"},
		{"case", "order_id=A&Order_Id=B", "", "", ErrAmbiguous, "order_id"},
		{"case alone", "ORDER_ID=B", "", "", ErrAmbiguous, "order_id"},
		{"case and dot", "Order.Id=B", "", "", ErrAmbiguous, "order_id"},
		{"case, beyond ASCII", "%C5%BFtatus=B", "", "", ErrAmbiguous, "status"},
		{"case of ours", "Payment_order=B", "", "", ErrAmbiguous, "payment_"},
		{"semicolon", "order_id=A&x=1;order_id=B", "", "", ErrAmbiguous, ";"},
		{"semicolon in the body", "order_id=A", "x=1;order_id=B", "", ErrAmbiguous, ";"},
		{"semicolon in a guarded value", "status=10;order_id=B", "", "", ErrAmbiguous, ";"},
		{"semicolon and case", "x=1;y;Order.Id=B", "", "", ErrAmbiguous, ";"},
		{"semicolon and an escape", "x=1;order%5fid=B", "", "", ErrAmbiguous, ";"},
		{"an entity in the body", "", "x=1&amp;id=5", "", ErrAmbiguous, ";"},
		{"fragment", "x=1#&order_id=5", "", "", payment.ErrMalformed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch c.contentType {
			case "none":
				c.contentType = ""
			case "":
				c.contentType = formType
			}
			_, err := parse(c.query, []byte(c.body), c.contentType, guarded)
			if !errors.Is(err, c.want) || !errors.Is(err, payment.ErrMalformed) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if len(err.Error()) > 120 {
				t.Errorf("the error repeats what it was given: %v", err)
			}
		})
	}
}

func TestContentType(t *testing.T) {
	for contentType, ok := range map[string]bool{
		"application/x-www-form-urlencoded": true, "Application/X-WWW-Form-URLEncoded": true,
		"application/x-www-form-urlencoded; charset=UTF-8": true, `application/x-www-form-urlencoded;charset="utf-8"`: true,
		"application/x-www-form-urlencoded; charset=utf-8; charset=utf-7": false, "application/x-www-form-urlencoded; charset=": false,
		"application/x-www-form-urlencoded; charset=windows-1256": false, "application/x-www-form-urlencoded; charset=utf-7": false,
		"application/x-www-form-urlencoded-x": false, "text/plain": false,
	} {
		if _, err := parse("", []byte("id=1"), contentType, guarded); (err == nil) != ok {
			t.Errorf("%q: %v", contentType, err)
		}
	}
	if _, err := parse("id=1", nil, "application/json", guarded); err != nil {
		t.Error("without a body the type says nothing:", err)
	}
}

func TestShop(t *testing.T) {
	for _, c := range []struct {
		query, body, want string
		ok                bool
	}{
		{"invoiceId=5", "", "5", true},
		{"", "invoiceId=5", "5", true},
		{"invoiceId=5&invoiceId=5", "invoiceId=5", "5", true},
		{"invoiceId=a%20b%zz", "", "a b%zz", true},
		{"invoice%49d=5", "", "5", true},
		{"invoiceId", "", "", true},
		{"invoiceId=5?invoice_key=K", "", "5", true},
		{"", "", "", false},
		{"InvoiceId=5", "", "", false},
		{"invoiceId=5&InvoiceId=5", "", "", false},
		{"invoiceId=5&x=1;invoiceId=6", "", "", false},
		{"invoiceId=5&x=1;InvoiceID=6", "", "", false},
		{"invoiceId=5;x", "", "", false},
		{"invoiceId=5&invoiceId=6", "", "", false},
		{"invoiceId=5", "invoiceId=6", "", false},
		{"invoiceId[]=5", "", "", false},
		{"invoiceId=5&invoiceId[]=5", "", "", false},
		{"invoiceId%00=5", "", "", false},
		{"+invoiceId=5", "", "", false},
	} {
		s, err := parse(c.query, []byte(c.body), formType, guarded)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		if got, ok := s.Shop("invoiceId"); got != c.want || ok != c.ok {
			t.Errorf("%q %q: %q %v", c.query, c.body, got, ok)
		}
	}
	s, _ := parse("order_id=5", nil, "", guarded)
	if v, ok := s.Shop("order_id"); v != "5" || !ok {
		t.Errorf("a guarded name: %q %v", v, ok)
	}
	if v, ok := s.Shop("order.id"); v != "" || ok {
		t.Errorf("a twin: %q %v", v, ok)
	}
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ query, set, want string }{
		{"", "", ""},
		{"a=1&id=2&b=3", "", "a=1&id=2&b=3"},
		{"a=1&id=2&b=3", "id=2", "a=1&id=2&b=3"},
		{"a=1&id=%32&b=3", "id=2", "a=1&id=%32&b=3"},
		{"a=1&id=2&b=3", "id=9", "a=1&id=9&b=3"},
		{"a=1&id=2&b=3", "id=a b&c", "a=1&id=a+b%26c&b=3"},
		{"a=1&id=2&b=3", "id=", "a=1&b=3"},
		{"id=2&b=3", "id=", "b=3"},
		{"a=1&id=2", "id=", "a=1"},
		{"id=2", "id=", ""},
		{"id=2&order=5", "id=;order=", ""},
		{"id=2&order=5&x=1", "id=;order=", "x=1"},
		{"&&id=2&&x=1&", "id=", "&&&x=1&"},
		{"id=2&id=2", "id=3", "id=3&id=3"},
		{"id=2&id=2&x", "id=", "x"},
		{"a=1", "id=5;a=2", "a=1"},
		{"%69d=2", "id=3", "%69d=3"},
		{"a[]=1&a[]=2&a.b=%zz&&=&", "id=3", "a[]=1&a[]=2&a.b=%zz&&=&"},
		{"order=5?invoice_key=K", "", "order=5&invoice_key=K"},
		{"order=5?invoice_key=K", "order=6;invoice_key=L", "order=6&invoice_key=L"},
		{"order=5?invoice_key=K", "invoice_key=", "order=5"},
		{"order=5?invoice_key=K", "order=", "invoice_key=K"},
		{"order=5&amp;invoice_key=K&amp;x=1", "", "order=5&invoice_key=K&amp;x=1"},
		{"u=http://x/?a=1&id=2", "", "u=http://x/?a=1&id=2"},
		{"?id=2", "", "&id=2"},
		{"id=2?", "", "id=2&"},
		{"payment_signature=abc&x=1&payment_order=5", "payment_signature=;payment_order=", "x=1"},
	} {
		set := map[string]string{}
		for _, pair := range strings.Split(c.set, ";") {
			if name, value, found := strings.Cut(pair, "="); found {
				set[name] = value
			}
		}
		s, err := parse(c.query, nil, "", guarded)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		got, body, changed := s.Rewrite(set)
		if got != c.want || len(body) != 0 || changed != (got != c.query) {
			t.Errorf("%q with %q: %q, want %q", c.query, c.set, got, c.want)
		}
		if c.query == "" {
			continue
		}
		if strings.Contains(c.query, "?") || strings.Contains(c.query, "amp;") {
			continue // a body knows neither
		}
		s, err = parse("q", []byte(c.query), formType, guarded)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		if q, got, _ := s.Rewrite(set); string(got) != c.want || q != "q" {
			t.Errorf("body %q with %q: %q, want %q", c.query, c.set, got, c.want)
		}
	}
}

// shopPairs are the raw pairs of the shop's own.
func shopPairs(s *Set) (pairs []string) {
	for _, src := range []*source{&s.query, &s.body} {
		for _, p := range src.parts {
			if p.name == "" {
				pairs = append(pairs, src.text[p.start:p.end])
			}
		}
		pairs = append(pairs, "|")
	}
	return pairs
}

// TestRewriteProperty: whatever is set, the shop's parameters are the same
// bytes in the same order, and the guarded ones are what was asked for.
func TestRewriteProperty(t *testing.T) {
	value := rapid.SampledFrom([]string{"", "5", "K", "a b", "a&b=c?d", "سفارش", "%41", "+", "'\"<>"})
	rapid.Check(t, func(t *rapid.T) {
		q, b := query().Draw(t, "query"), query().Draw(t, "body")
		s, err := parse(q, []byte(b), formType, guarded)
		if err != nil {
			t.Skip("refused")
		}
		set := map[string]string{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(append([]string{"payment_order", "x", "wc-api"}, guardedNames...)), rapid.ID).Draw(t, "names") {
			set[name] = value.Draw(t, "value")
		}
		q2, b2, changed := s.Rewrite(set)
		if changed != (q2 != q || string(b2) != b) {
			t.Fatalf("changed: %v", changed)
		}
		s2, err := parse(q2, b2, formType, guarded)
		if err != nil {
			t.Fatalf("%q %q became %q %q: %v", q, b, q2, b2, err)
		}
		if got, want := fmt.Sprintf("%q", shopPairs(s2)), fmt.Sprintf("%q", shopPairs(s)); got != want {
			t.Fatalf("the shop's: %s, were %s", got, want)
		}
		for _, name := range append([]string{"payment_order", "payment_amount"}, guardedNames...) {
			want, named := set[name]
			if !named {
				want = s.Get(name)
			}
			if !s.Has(name) {
				want = ""
			}
			if s2.Get(name) != want {
				t.Fatalf("%s is %q, want %q", name, s2.Get(name), want)
			}
			if has := s.Has(name) && !(named && want == ""); s2.Has(name) != has {
				t.Fatalf("%s is there: %v", name, s2.Has(name))
			}
		}
		if _, _, changed := s2.Rewrite(set); changed {
			t.Fatalf("a second time changes %q %q", q2, b2)
		}
		agree(t, q2, s2, merge(phpParse(q2), phpParse(string(b2))))
	})
}

// merge is PHP's $_REQUEST.
func merge(get, post map[string]variable) map[string]variable {
	maps.Copy(get, post)
	return get
}

func TestNames(t *testing.T) {
	n := NewNames("id", "order.id", "order_id", "", "*", "payment_*")
	for name, want := range map[string]bool{"id": true, "order.id": true, "order_id": false, "": false, "payment_x": true, "payment_": true, "payment": false, "other": false} {
		if got := n.Guards(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if s, err := parse("a=1&a=2", nil, "", nil); err != nil || s.Has("a") {
		t.Error("without names nothing is guarded:", err)
	}
}

func BenchmarkParse(b *testing.B) {
	body := []byte("status=10&track_id=10012&id=d2e353189823079e1e4181772cff5292&order_id=101&amount=10000&card_no=123456******1234&date=1546288200")
	b.ReportAllocs()
	for b.Loop() {
		s, err := parse("wc-api=wc_idpay&wc_order=101", body, formType, guarded)
		if err != nil || s.Get("order_id") != "101" {
			b.Fatal(err)
		}
	}
}
