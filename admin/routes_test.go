package admin

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// Each route of the table, whatever it is, takes its own method alone, refuses a parameter
// that it does not have, one that is given twice, and a body that is too large, and changes
// nothing by any of it.
func TestEveryRouteRefuses(t *testing.T) {
	l := operatetest.New(t)
	put := l.Put(payment.Parked, payment.ReasonNoProof, nil)
	srv := endpoint(t, l, nil)
	for name, rt := range routes {
		path := prefix + name
		if rt.ref {
			path += "/" + string(put.Ref)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			if method != rt.method {
				refused(t, srv.Client(), method, srv.URL+path, nil, http.StatusMethodNotAllowed)
			}
		}
		for _, query := range []string{"nonsense=1", "State=review", "state%00=1", "dry_run=2", "lang=xx", "lang=fa&lang=en", "%zz=1"} {
			refused(t, srv.Client(), rt.method, srv.URL+path+"?"+query, nil, http.StatusBadRequest)
		}
		for _, other := range operate.Queries("list") { // what another route has
			if !slices.Contains(operate.Queries(name), other) {
				refused(t, srv.Client(), rt.method, srv.URL+path+"?"+other+"=1", nil, http.StatusBadRequest)
			}
		}
		if rt.ref {
			refused(t, srv.Client(), rt.method, srv.URL+prefix+name, nil, http.StatusNotFound)
		} else if name != "" {
			refused(t, srv.Client(), rt.method, srv.URL+path+"/"+string(put.Ref), nil, http.StatusNotFound)
		}
		large := max(10<<20, bodyMost(name)+1)
		refused(t, srv.Client(), rt.method, srv.URL+path, io.LimitReader(spaces{}, large), 0)
		if large == 10<<20 {
			refused(t, srv.Client(), rt.method, srv.URL+path, strings.NewReader(strings.Repeat(" ", int(large))), http.StatusRequestEntityTooLarge)
		}
	}
	refused(t, srv.Client(), http.MethodGet, srv.URL+prefix+"nonsense", nil, http.StatusNotFound)
	if r := l.Get(put.Ref); r.Version != put.Version {
		t.Error("a refused request changed a payment")
	}
}

type spaces struct{}

var blank = []byte(strings.Repeat(" ", 64<<10))

func (spaces) Read(b []byte) (int, error) { return copy(b, blank), nil }

// refused sends a request. A want of 0 is: not 200, where the route reads its body at all.
func refused(t *testing.T, client *http.Client, method, url string, body io.Reader, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		if body == nil {
			t.Errorf("%s %s: %v", method, url, err)
		}
		return // it hung up on the body
	}
	defer resp.Body.Close()
	if want != 0 && resp.StatusCode != want {
		t.Errorf("%s %s: %d, want %d", method, url, resp.StatusCode, want)
	}
	if want == http.StatusBadRequest {
		var said struct{ Error string }
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil || said.Error == "" {
			t.Errorf("%s %s says nothing: %v", method, url, err)
		}
	}
}

// A body of exactly the most that a route takes is read, and one byte more is not, whether
// or not its length is said.
func TestBodyBounds(t *testing.T) {
	l := operatetest.New(t)
	put := l.Put(payment.Parked, payment.ReasonNoProof, nil)
	srv := endpoint(t, l, nil)
	for path, text := range map[string]string{
		"resolve/" + string(put.Ref): `{"decision":"credited","note":"x","version":999}`,
		"import-ids?provider=idpay":  "one\n",
		"reconcile":                  `{"provider":"none"}`,
	} {
		name, _, _ := strings.Cut(strings.ReplaceAll(path, "?", "/"), "/")
		for _, more := range []int{0, 1} {
			for _, said := range []bool{true, false} {
				if bodyMost(name) > 1<<20 && (more == 0 || !said) {
					continue // the same reader, at a size that takes seconds to read
				}
				body := text + strings.Repeat("\n", int(bodyMost(name))-len(text)+more)
				var in io.Reader = strings.NewReader(body)
				if !said {
					in = io.MultiReader(in)
				}
				resp, err := srv.Client().Post(srv.URL+prefix+path, "application/json", in)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if (resp.StatusCode == http.StatusRequestEntityTooLarge) != (more > 0) {
					t.Errorf("%s with %d bytes too many, said: %t: %d", name, more, said, resp.StatusCode)
				}
			}
		}
	}
}

// A cursor is a place in a list, and nothing else: whatever is made of it is refused, or
// leads to payments of the same list.
func TestTamperedCursors(t *testing.T) {
	l := operatetest.New(t)
	for range 5 {
		l.Put(payment.Delivered, "", nil)
	}
	hidden := l.Put(payment.Review, payment.ReasonAmount, nil)
	srv := endpoint(t, l, nil)
	var page struct {
		Next     string
		Payments []struct{ Ref payment.Ref }
	}
	ask(t, srv, http.MethodGet, "/payments/list?state=delivered&limit=2", "", http.StatusOK, &page)
	if page.Next == "" {
		t.Fatal("there is no next page")
	}
	real := page.Next
	made := []string{"x", "%00", "AAAA", "..%2F..", real + "A", real + real, strings.Repeat("A", 10_000)}
	for i := range real {
		made = append(made, real[:i], real[:i]+"_"+real[i+1:])
	}
	for _, cursor := range made {
		resp, err := srv.Client().Get(srv.URL + "/payments/list?state=delivered&limit=2&cursor=" + cursor)
		if err != nil {
			t.Fatal(err)
		}
		page.Payments = nil
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusBadRequest || err != nil {
			t.Errorf("cursor %.60q: %d %v", cursor, resp.StatusCode, err)
		}
		for _, p := range page.Payments {
			if p.Ref == hidden.Ref {
				t.Errorf("cursor %.60q shows a payment of another list", cursor)
			}
		}
	}
}
