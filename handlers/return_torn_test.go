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
	"github.com/rahgir/caddy-payments/payment"
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
	for kind, ahead := range map[string]bool{"": false, "application/json": false, "application/connect+json": false, "application/octet-stream": false, formType: true} {
		for _, length := range []int64{-1, 20} {
			var heard []string
			h := bankSite(&heard, "/cb")
			reached, read := false, false
			r := asked(httptest.NewRequest(http.MethodPost, "https://shop.example.com/talk", readerFunc(func([]byte) (int, error) {
				read = read || !reached
				return 0, io.EOF
			})))
			if kind != "" {
				r.Header.Set("Content-Type", kind)
			}
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

// knowing is a gateway whose ids begin in its own way, and whose status is a number.
type knowing struct {
	payment.Provider
	prefix, param string
}

func (k knowing) ReadReturn(get func(string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get(k.param)}
	if !strings.HasPrefix(c.ID, k.prefix) {
		return payment.Claimed{}, payment.ErrMalformed
	}
	return c, nil
}

// telling is an app that keeps the events.
type telling struct {
	idle
	events *[]engine.Event
}

func (n telling) Observe(e engine.Event) { *n.events = append(*n.events, e) }

// unroutedBy is what is told of a request on a site with two gateways of the same marks.
func unroutedBy(t *testing.T, r *http.Request) (told []engine.Event, shop []byte) {
	t.Helper()
	var heard []string
	h := bankSite(&heard, "/cb")
	h.app = telling{events: &told}
	p := h.used[0]
	second := *p
	p.Name, p.Provider = "first", knowing{prefix: "F", param: "Authority"}
	second.Name, second.Provider = "second", knowing{prefix: "S", param: "Authority"}
	h.used = append(h.used, &second)
	err := h.route(httptest.NewRecorder(), asked(r), caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		r.URL.RawQuery, r.URL.Path = "", "/index.php" // as a rewrite does
		shop, _ = io.ReadAll(r.Body)
		return nil
	}), true)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(told, func(e engine.Event) bool { return e.Name != engine.EventUnrouted }), shop
}

// Of two gateways whose returns look alike, the one is told of whose payment the return names;
// a parameter of the shop's that has the same name hides no payment.
func TestAStrayReturnIsToldAsWhoseItIs(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"Authority=F1&Status=OK&orderId=1":              "first F1",
		"Authority=S1&Status=OK&orderId=1":              "second S1",
		"Authority=55&Authority=S1&Status=OK&orderId=1": "second S1",
		"Authority=55&authority=F1&Status=OK&orderId=1": "first F1",
		"Authority=55&Status=OK&orderId=1":              "first ",
	} {
		told, _ := unroutedBy(t, httptest.NewRequest(http.MethodGet, "https://shop.example.com/other?"+query, nil))
		if len(told) != 1 || told[0].Provider+" "+told[0].ID != want {
			t.Errorf("%s: %+v, want %s", query, told, want)
		}
	}
}

// What PHP reads is seen whatever a body is called: an unknown charset, a Content-Encoding that is
// none, no type, as a form, in parts, of a known length or in chunks. A long body is seen by its
// first 64 KiB. The shop gets each byte of it. What is really packed or further behind isn't seen.
func TestABodyThatCantBeReadIsLookedAt(t *testing.T) {
	t.Parallel()
	fields := [][2]string{{"Authority", "S1"}, {"Status", "OK"}, {"orderId", "7"}}
	form := func(before, behind int) []byte {
		var all []string
		for _, f := range fields {
			all = append(all, f[0]+"="+f[1])
		}
		text := strings.Join(all, "&")
		if before > 0 {
			text = "z=" + strings.Repeat("z", before-len("z=&")) + "&" + text
		}
		return []byte(text + "&z=" + strings.Repeat("z", behind))
	}
	inParts := func(before, behind int) []byte {
		var b strings.Builder
		file := func(n int) {
			fmt.Fprintf(&b, "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n%s\r\n", strings.Repeat("\xff&=%", n/4))
		}
		if before > 0 {
			file(before)
		}
		for _, f := range fields {
			fmt.Fprintf(&b, "--X\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", f[0], f[1])
		}
		file(behind)
		return []byte(b.String() + "--X--\r\n")
	}
	const marks = len("&Authority=S1&Status=OK&orderId=7&z=")
	multi := "multipart/form-data; boundary=X"
	for name, c := range map[string]struct {
		kind, encoding string
		body           []byte
		seen           bool
	}{
		"plain":                {formType, "", form(0, 5), true},
		"utf-16":               {formType + "; charset=utf-16", "", form(0, 5), true},
		"bogus":                {formType + ";charset=bogus", "", form(0, 5), true},
		"two charsets":         {formType + "; charset=utf-8; charset=utf-7", "", form(0, 5), true},
		"gzip, and is not":     {formType, "gzip", form(0, 5), true},
		"x":                    {formType, "x", form(0, 5), true},
		"no type":              {"", "", form(0, 5), true},
		"no type, long":        {"", "", form(0, 70_000), true},
		"parts":                {multi, "", inParts(0, 5), true},
		"parts, utf-16":        {multi + "; charset=utf-16", "", inParts(0, 5), true},
		"parts, x":             {multi, "x", inParts(0, 5), true},
		"many boundaries":      {multi + strings.Repeat("; boundary=Y1", 3) + "; boundary=Y2; boundary=Y3; boundary=Y4; boundary=Y5; boundary=Y6; boundary=Y7; boundary=Y8; boundary=Y9", "", inParts(0, 5), true},
		"64 KiB":               {formType, "", form(0, params.MaxBytes-marks), true},
		"a byte more":          {formType, "", form(0, params.MaxBytes-marks+1), true},
		"long":                 {formType, "", form(0, 200_000), true},
		"long before":          {formType, "", form(60_000, 10_000), true},
		"just in time":         {formType, "", form(params.MaxBytes-len("Authority=S1&Status=OK&orderId=7"), 100_000), true},
		"too late":             {formType, "", form(params.MaxBytes, 5), false},
		"an upload":            {multi, "", inParts(0, 200_000), true},
		"an upload before":     {multi, "", inParts(50_000, 200_000), true},
		"a long upload before": {multi, "", inParts(70_000, 5), false},
		"long, utf-16":         {formType + "; charset=utf-16", "", form(0, 200_000), true},
		"json":                 {"application/json", "", []byte(`{"Authority":"S1","Status":"OK","orderId":"7"}`), true},
		"json of an address":   {"application/json", "", []byte(`{"page":"/x?&Authority=S1&Status=OK&orderId=7"}`), false},
		"another type":         {"text/plain", "", form(0, 5), false},
		"packed":               {formType, "gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), false},
		"an ordinary upload":   {multi, "", bytes.ReplaceAll(inParts(0, 200_000), []byte("orderId"), []byte("other")), false},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodPost, "https://shop.example.com/other?a=1", bytes.NewReader(c.body))
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			if chunked {
				r.ContentLength = -1
			}
			told, shop := unroutedBy(t, r)
			if !bytes.Equal(shop, c.body) {
				t.Errorf("%s, chunked %t: the shop gets %d bytes of %d", name, chunked, len(shop), len(c.body))
			}
			switch {
			case len(told) > 0 != c.seen:
				t.Errorf("%s, chunked %t: told %+v", name, chunked, told)
			case c.seen && (told[0].ID != "S1" || told[0].Provider != "second" || !strings.Contains(told[0].Err.Error(), `"/other"`)):
				t.Errorf("%s, chunked %t: told %s %s, %v", name, chunked, told[0].Provider, told[0].ID, told[0].Err)
			}
		}
	}
}
