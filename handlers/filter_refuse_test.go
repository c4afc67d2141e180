package handlers

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// refuser refuses every answer, and keeps its cookies.
type refuser struct{ f *filter }

func (x refuser) answered(_ int, h http.Header) {
	x.f.refuse(h["Set-Cookie"], func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(instead)))
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			_, err := io.WriteString(w, instead)
			return err
		}
		return nil
	})
}

const instead = "another answer"

// refusing serves a shop whose answers are all refused.
func refusing(t *testing.T, shop caddyhttp.HandlerFunc, http2 bool) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "Caddy")
		f := newFilter(w)
		f.reader = refuser{f}
		if err := f.serve(shop, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)); err != nil {
			t.Error(err)
		}
	}))
	srv.EnableHTTP2 = http2
	srv.TLS = new(tls.Config)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// However the shop answers, nothing of a refused answer leaves but its cookies,
// and the shop is never told.
func TestARefusedAnswerIsReplaced(t *testing.T) {
	long := strings.Repeat("secret ", 100_000)
	for name, answer := range map[string]func(http.ResponseWriter) error{
		"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(http.StatusFound); return nil },
		"Write":       func(w http.ResponseWriter) error { _, err := io.WriteString(w, "secret"); return err },
		"io.Copy": func(w http.ResponseWriter) error {
			n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(long)})
			if n != int64(len(long)) {
				t.Errorf("io.Copy: %d of %d bytes", n, len(long))
			}
			return err
		},
		"Flush": func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"chunks": func(w http.ResponseWriter) error {
			for range 5 {
				if n, err := io.WriteString(w, long); err != nil || n != len(long) {
					t.Errorf("Write: %d, %v", n, err)
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
			}
			return nil
		},
		"a length": func(w http.ResponseWriter) error {
			w.Header().Set("Content-Length", "1000000")
			w.WriteHeader(200)
			return nil
		},
		"no length": func(w http.ResponseWriter) error {
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(204)
			return nil
		},
		"trailers": func(w http.ResponseWriter) error {
			w.Header().Set("Trailer", "X-Late")
			_, err := io.WriteString(w, "secret")
			w.Header().Set("X-Late", "secret")
			w.Header().Set(http.TrailerPrefix+"X-Later", "secret")
			return err
		},
		"hijack": func(w http.ResponseWriter) error {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				conn.Close()
				t.Error("the connection was given away")
			}
			return nil
		},
		"push": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusOK)
			if p, ok := w.(http.Pusher); ok && p.Push("/secret", nil) == nil {
				t.Error("pushed")
			}
			return nil
		},
		"twice": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusFound)
			w.WriteHeader(http.StatusOK)
			return nil
		},
		"nothing":  func(http.ResponseWriter) error { return nil },
		"cut off":  func(w http.ResponseWriter) error { w.WriteHeader(http.StatusOK); panic(http.ErrAbortHandler) },
		"an error": func(w http.ResponseWriter) error { w.WriteHeader(http.StatusOK); return io.ErrUnexpectedEOF },
	} {
		for _, http2 := range []bool{false, true} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				t.Run(name+" "+method+" http2="+strconv.FormatBool(http2), func(t *testing.T) {
					srv := refusing(t, func(w http.ResponseWriter, _ *http.Request) error {
						h := w.Header()
						for _, k := range []string{"Location", "Refresh", "Link", "Content-Encoding", "Content-Disposition", "Etag", "Last-Modified", "Accept-Ranges", "X-Payment-Id", "X-Anything"} {
							h.Set(k, "secret")
						}
						h.Add("Set-Cookie", "session=1")
						h.Set("Strict-Transport-Security", "max-age=1")
						return answer(w)
					}, http2)
					r, err := http.NewRequestWithContext(t.Context(), method, srv.URL, nil)
					if err != nil {
						t.Fatal(err)
					}
					for range 2 { // the connection is good for another request
						checkReplaced(t, srv, r, method)
					}
				})
			}
		}
	}
}

func checkReplaced(t *testing.T, srv *httptest.Server, r *http.Request, method string) {
	t.Helper()
	c := srv.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := instead
	if method == http.MethodHead {
		want = ""
	}
	if res.StatusCode != http.StatusServiceUnavailable || string(body) != want || res.ContentLength != int64(len(instead)) {
		t.Errorf("%d, %d bytes, said %d", res.StatusCode, len(body), res.ContentLength)
	}
	kept := []string{"Content-Length", "Content-Type", "Date", "Server", "Set-Cookie", "Strict-Transport-Security"}
	for name, values := range res.Header {
		if !slices.Contains(kept, name) {
			t.Errorf("%s: %q was sent", name, values)
		}
	}
	if len(res.Trailer) > 0 || res.Header.Get("Set-Cookie") != "session=1" || res.Header.Get("Server") != "Caddy" {
		t.Errorf("trailers %v, headers %v", res.Trailer, res.Header)
	}
}

// A panic that is no broken-off body is not swallowed.
func TestAPanicBehindARefusalGoesOn(t *testing.T) {
	f := newFilter(httptest.NewRecorder())
	f.reader = refuser{f}
	defer func() {
		if recover() == nil {
			t.Error("swallowed")
		}
	}()
	_ = f.serve(caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		panic("a bug")
	}), httptest.NewRequest(http.MethodGet, "/", nil))
}

// Hints before the answer are no answer: the verdict is on the one that comes.
func TestHintsDoNotUseUpTheLook(t *testing.T) {
	srv := refusing(t, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
		return nil
	}, false)
	hints := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || hints != 2 {
		t.Errorf("%d after %d hints", res.StatusCode, hints)
	}
}
