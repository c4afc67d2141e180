package handlers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
)

// noting is an app that notes which events there were.
type noting struct {
	idle
	events *[]string
}

func (n noting) Observe(e engine.Event) { *n.events = append(*n.events, e.Name) }

// bankSite is a site with verify routes of a gateway whose returns have three marks.
func bankSite(heard *[]string, paths ...string) *Handler {
	h := routed(paths...)
	h.app = noting{events: heard}
	h.Announce = "off"
	for _, v := range h.Verify {
		v.route.guarded = params.NewNames("Authority", "Status", "orderId", paramBounce)
		v.route.provider.terms.Params = []string{"Authority", "Status", "orderId"}
		v.route.provider.terms.Marks = []string{"Authority", "Status", "orderId"}
	}
	h.used = append(h.used, h.Verify[0].route.provider)
	return h
}

// torn makes a request that has each name in one of some places.
func torn(t *testing.T, method, path, kind string, at map[string]string) *http.Request {
	t.Helper()
	query, form, cookies := make(url.Values), make(url.Values), []string{"session=1"}
	for name, place := range at {
		switch place {
		case "query":
			query.Set(name, "A1")
		case "body":
			form.Set(name, "A1")
		case "cookie":
			cookies = append(cookies, name+"=A1")
		}
	}
	var body []byte
	contentType := ""
	switch {
	case len(form) == 0:
	case kind == "json":
		contentType = "application/json"
		flat := map[string]string{}
		for name := range form {
			flat[name] = "A1"
		}
		body, _ = json.Marshal(flat)
	case kind == "escaped json":
		contentType = "application/json"
		var b strings.Builder
		for name := range form {
			fmt.Fprintf(&b, `,"\u%04x%s":"A1"`, name[0], name[1:])
		}
		body = []byte("{" + b.String()[1:] + "}")
	case kind == "parts":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name := range form {
			_ = w.WriteField(name, "A1")
		}
		_ = w.Close()
		body, contentType = b.Bytes(), w.FormDataContentType()
	default:
		body, contentType = []byte(form.Encode()), kind
	}
	r := httptest.NewRequest(method, "https://shop.example.com"+path+"?a=1&"+query.Encode(), bytes.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	return asked(r)
}

// Wherever the parameters of a return are, in address, body and cookies, in whatever body and
// with whatever method: it meets the route, or else somebody is told.
func TestATornReturnIsAReturn(t *testing.T) {
	t.Parallel()
	names := []string{"Authority", "Status", "orderId"}
	random := rand.New(rand.NewPCG(11, 3))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	all, none := 0, 0
	for range 5_000 {
		method := pick("GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
		path := pick("/cb", "/cb/", "/CB", "/cb/x", "/CB%2fx", "/cb.php", "/cb.php/x", "/other", "/")
		kind := pick(formType, formType, strings.ToUpper(formType)+"; charset=utf-8", "json", "escaped json", "parts")
		at := make(map[string]string)
		for _, name := range names {
			at[name] = pick("query", "query", "body", "body", "cookie", "nowhere")
		}
		var heard []string
		h := bankSite(&heard, "/cb", "/cb.php")
		r := torn(t, method, path, kind, at)
		var shop *http.Request
		next := caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
			shop = r
			return nil
		})
		w := httptest.NewRecorder()
		if err := h.route(w, r, next, true); err != nil {
			t.Fatal(err)
		}
		places := []string{at["Authority"], at["Status"], at["orderId"]}
		which := fmt.Sprintf("%s %s, %s, %v", method, path, kind, at)
		told := slices.Contains(heard, engine.EventUnrouted)
		whole := !slices.Contains(places, "nowhere")
		if shop == nil && !strings.HasPrefix(strings.ToLower(path), "/cb") {
			t.Fatalf("%s: kept from the shop", which)
		}
		if shop != nil && whole {
			all++
			seen := shop.URL.RawQuery + ";" + strings.Join(shop.Header["Cookie"], ";")
			if !told && (!slices.Contains(places, "cookie") || params.CarriesAll(seen, names)) {
				t.Fatalf("%s: it reaches the shop, and nobody is told", which)
			}
		}
		if shop != nil {
			if body, _ := io.ReadAll(shop.Body); len(body) == 0 && slices.Contains(places, "body") {
				t.Fatalf("%s: the shop does not get the body", which)
			}
		}
		if !whole && told {
			t.Fatalf("%s: it is no return, and somebody is told of one", which)
		}
		if !whole && shop != nil {
			none++
		}
	}
	if all < 200 || none < 200 {
		t.Errorf("%d whole ones and %d others reached the shop: that proves little", all, none)
	}
}

// On and below a route's own path no torn return reaches the shop at all, unless a part of it
// was a cookie, which is taken out.
func TestATornReturnStaysOutsideTheShop(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "BREW"} {
		for _, path := range []string{"/cb", "/cb/", "/cb/x", "/CB%2fx", "/cb.php", "/cb.php/x"} {
			for _, kind := range []string{formType, "json", "escaped json", "parts"} {
				for bits := range 8 {
					at := map[string]string{}
					for i, name := range []string{"Authority", "Status", "orderId"} {
						at[name] = []string{"query", "body"}[bits>>i&1]
					}
					var heard []string
					h := bankSite(&heard, "/cb", "/cb.php")
					w := httptest.NewRecorder()
					err := h.route(w, torn(t, method, path, kind, at), caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
						t.Errorf("%s %s, %s, %v reaches the shop", method, path, kind, at)
						return nil
					}), true)
					if err != nil || w.Code < 400 {
						t.Errorf("%s %s, %s, %v: %d, %v", method, path, kind, at, w.Code, err)
					}
				}
			}
		}
	}
}

// A return by GET has no body: a shop that reads php://input would find one that nobody has
// compared.
func TestAGETWithABodyIsNoReturn(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{"": http.StatusServiceUnavailable, "x": http.StatusBadRequest, "Authority=A1&Status=OK&orderId=1": http.StatusBadRequest} {
		for _, chunked := range []bool{false, true} {
			var heard []string
			h := bankSite(&heard, "/cb")
			r := asked(httptest.NewRequest(http.MethodGet, "https://shop.example.com/cb?Authority=A1&Status=OK&orderId=1", strings.NewReader(body)))
			r.Header.Set("Content-Type", formType)
			if chunked {
				r.ContentLength = -1
			}
			w := httptest.NewRecorder()
			if err := h.route(w, r, nil, true); err != nil || w.Code != want {
				t.Errorf("body %q, chunked %v: %d, %v", body, chunked, w.Code, err)
			}
			if malformed := slices.Contains(heard, engine.EventMalformed); malformed != (want == http.StatusBadRequest) {
				t.Errorf("body %q, chunked %v: heard %v", body, chunked, heard)
			}
		}
	}
}

// readerFunc is a body that says when it is read.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A visitor who says the next thing only when the shop has answered isn't kept waiting: outside
// of the routes no body of another type than a form's is read ahead unless its length is known.
func TestAConversationIsNotReadAhead(t *testing.T) {
	t.Parallel()
	for kind, ahead := range map[string]bool{"application/json": false, "application/connect+json": false, "application/octet-stream": false, formType: true} {
		for _, length := range []int64{-1, 20} {
			var heard []string
			h := bankSite(&heard, "/cb")
			reached, read := false, false
			r := asked(httptest.NewRequest(http.MethodPost, "https://shop.example.com/talk", readerFunc(func([]byte) (int, error) {
				read = read || !reached
				return 0, io.EOF
			})))
			r.Header.Set("Content-Type", kind)
			r.ContentLength = length
			err := h.route(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
				reached = true
				return nil
			}), true)
			if want := ahead || length >= 0 && strings.HasSuffix(kind, "json"); err != nil || !reached || read != want {
				t.Errorf("%s of %d bytes: read ahead %t, reached the shop %t, %v", kind, length, read, reached, err)
			}
		}
	}
}
