package pages

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// set gives a field of a Page a value that shows.
func set(t *testing.T, f reflect.Value) {
	t.Helper()
	switch v := f.Addr().Interface().(type) {
	case *payment.Ref:
		*v = "abcdefgh"
	case *Wrong:
		*v = WrongBounds
	case *lang.Lang:
		*v = lang.EN
	case **Theme:
		theme, err := NewTheme("/shop", "A shop", "/logo.svg", "e67e22", "call 123")
		if err != nil {
			t.Fatal(err)
		}
		*v = theme
	case *[]Field:
		*v = []Field{{"name", "value"}}
	case *[]Offer:
		*v = []Offer{{Title: "A mug", Amount: 50000, URL: "/buy"}}
	case *lang.Text:
		*v = lang.Text{"A mug", "لیوان"}
	case *[]Input:
		*v = []Input{{Name: InputMobile, Value: `"><b>`, Required: true, Wrong: WrongMobile}, {Name: InputName}}
	case *[]Gateway:
		*v = []Gateway{{Value: "a", Name: lang.Text{"A", "الف"}, Chosen: true}, {Value: "b", Name: lang.Text{"B", "ب"}, Down: true}}
	case *[]Row:
		*v = []Row{{lang.Text{"Order", "سفارش"}, lang.Text{"A1", "A1"}}}
	case *string:
		*v = "/some-where"
	case *int:
		*v = 451
	case *bool:
		*v = true
	case *time.Duration:
		*v = 77 * time.Second
	case *payment.Rials:
		*v = 70000
	case *Kind:
		*v = Busy
	default:
		t.Fatalf("a field of a type that this test doesn't know: %T", v)
	}
}

// A page is the same whether it was kept or is made: whatever field of it differs,
// nobody gets another's.
func TestKeptPagesAreTheirOwn(t *testing.T) {
	for _, kind := range Kinds() {
		pages := []Page{{Kind: kind}}
		for i := range reflect.TypeFor[Page]().NumField() {
			p := Page{Kind: kind}
			set(t, reflect.ValueOf(&p).Elem().Field(i))
			pages = append(pages, p)
			p.Action, p.ShopURL = "", "/"
			pages = append(pages, p)
			// And with everything that is not kept beside it.
			p.Action, p.Fields, p.Refresh, p.Ref, p.Address = "/back?a=<b>", []Field{{"a", `"><x>`}}, "/back?id=<i>&b=\"", "abcdefgh", "/back?c=<d>"
			pages = append(pages, p)
			p.Action, p.Fields = "", nil
			pages = append(pages, p)
		}
		for range 2 {
			for i, p := range pages {
				for _, l := range []lang.Lang{lang.FA, lang.EN} {
					if p.Lang != "" {
						l = p.Lang
					}
					r := httptest.NewRequest(http.MethodGet, "/", nil)
					r.Header.Set("Accept", "text/html")
					r.Header.Set("Accept-Language", string(l))
					w := httptest.NewRecorder()
					Write(w, r, p)
					want, err := execute(newView(l, &p))
					if err != nil || w.Body.String() != string(want) {
						t.Errorf("page %d, %+v: another one was served (%v)", i, p, err)
					}
				}
			}
		}
	}
}

// Pages of which there is no end are not all kept.
func TestKeptPagesAreBounded(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html")
	for i := range 2 * mostStill {
		Write(httptest.NewRecorder(), r, Page{Kind: Declined, Retry: "/" + strconv.Itoa(i)})
	}
	if n := len(still.bodies); n > mostStill {
		t.Errorf("%d pages are kept", n)
	}
	still.bodies = nil
}

func BenchmarkPage(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/callback", nil)
	r.Header.Set("Accept", "text/html")
	for name, p := range map[string]Page{
		"still": {Kind: Malformed, ShopURL: "/"}, "with a reference": {Kind: Malformed, ShopURL: "/", Ref: "abcdefgh"},
		"asks again": {Kind: Busy, ShopURL: "/", Refresh: "/callback?status=10&id=0bad&order_id=5"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Write(httptest.NewRecorder(), r, p)
			}
		})
	}
}
