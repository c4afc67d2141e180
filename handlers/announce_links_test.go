package handlers

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func packed(t *testing.T, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return []byte(text)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// However a JSON answer is compressed and cut in pieces, and whether it says its
// length, what is looked at is its text, once; below, at and above what is looked at.
func TestAnAnswersLinksAreSoughtInItsText(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"", "gzip", "deflate", "zstd"} {
		for _, size := range []int{0, 1, mostLooked - 1, mostLooked, mostLooked + 1, 10 * mostLooked} {
			text := strings.Repeat("a", size)
			body := packed(t, coding, text)
			for _, piece := range []int{1, 7, 4096, len(body) + 1} {
				if piece == 1 && len(body) > 2*mostLooked {
					continue
				}
				for _, says := range []bool{true, false} {
					h := http.Header{"Content-Type": {"application/json"}}
					if coding != "" {
						h.Set("Content-Encoding", coding)
					}
					if says {
						h.Set("Content-Length", fmt.Sprint(len(body)))
					}
					s := seeker(httptest.NewRequest(http.MethodPost, "/", nil), h)
					if s == nil {
						t.Fatal(coding, "is not looked at")
					}
					enough := false
					for at := 0; at < len(body) && !enough; at += piece {
						enough = s.take(body[at:min(at+piece, len(body))])
					}
					if says && !enough && len(body) > 0 {
						t.Errorf("%q, %d bytes in pieces of %d: the end was not seen", coding, size, piece)
					}
					if got := string(plain(s.coding, s.body)); got != text[:min(size, mostLooked)] {
						t.Errorf("%q, %d bytes in pieces of %d: %d bytes are read", coding, size, piece, len(got))
					}
					if len(s.body) > mostLooked {
						t.Errorf("%q: %d bytes are kept", coding, len(s.body))
					}
				}
			}
		}
	}
}

// A small answer that unpacks to megabytes is read as far as any other, and one that
// is broken as far as it goes.
func TestPackedAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		body := packed(t, coding, `{"to":"https://bank.test/1"`+strings.Repeat(" ", 8<<20))
		if got := plain(coding, body); len(got) != mostLooked || !bytes.HasPrefix(got, []byte(`{"to":"https:`)) {
			t.Errorf("%s: %d bytes", coding, len(got))
		}
		for _, broken := range [][]byte{nil, {0}, body[:1], body[:len(body)/2], append([]byte("x"), body...)} {
			plain(coding, broken)
		}
	}
}

// What is looked at: JSON, and what a script asked for that PHP calls HTML.
func TestWhichAnswersAreSought(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request, answer map[string]string
		want            bool
	}{
		"json":             {nil, map[string]string{"Content-Type": "application/json; charset=utf-8"}, true},
		"json in capitals": {nil, map[string]string{"Content-Type": "Application/JSON"}, true},
		"problem json":     {nil, map[string]string{"Content-Type": "application/problem+json"}, true},
		"a page":           {nil, map[string]string{"Content-Type": "text/html"}, false},
		"php for jquery":   {map[string]string{"X-Requested-With": "XMLHttpRequest"}, map[string]string{"Content-Type": "text/html; charset=UTF-8"}, true},
		"php for fetch":    {map[string]string{"Sec-Fetch-Dest": "empty"}, map[string]string{"Content-Type": "text/html"}, true},
		"a navigation":     {map[string]string{"Sec-Fetch-Dest": "document"}, map[string]string{"Content-Type": "text/html"}, false},
		"a picture":        {map[string]string{"Sec-Fetch-Dest": "empty"}, map[string]string{"Content-Type": "image/png"}, false},
		"nothing said":     {nil, nil, false},
		"zstd":             {nil, map[string]string{"Content-Type": "application/json", "Content-Encoding": "zstd"}, true},
		"brotli":           {nil, map[string]string{"Content-Type": "application/json", "Content-Encoding": "br"}, false},
		"twice":            {nil, map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip, gzip"}, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		for k, v := range c.request {
			r.Header.Set(k, v)
		}
		h := make(http.Header)
		for k, v := range c.answer {
			h.Set(k, v)
		}
		if got := seeker(r, h) != nil; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// bank counts the addresses that it was shown; the one at its own host is its pay page.
type bank struct {
	paper
	shown *int
}

func (b bank) PayPage(u *url.URL) (string, bool) {
	*b.shown++
	return "1", u.Host == "bank.example"
}

// So many addresses of one answer are looked at; the pay page is found among them wherever
// it stands.
func TestLinksOfOneAnswerAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, mostLinks - 1, mostLinks, mostLinks + 1, 20 * mostLinks} {
		for _, at := range []int{-1, 0, mostLinks - 1, mostLinks} {
			body, want := []string{}, min(n, mostLinks)
			for i := range n {
				host := "shop.example"
				if i == at {
					host = "bank.example"
				}
				body = append(body, fmt.Sprintf(`"https://%s/%d"`, host, i))
			}
			if at >= 0 && at < want {
				want = at + 1 // nothing is looked for behind it
			}
			shown := 0
			h := &Handler{}
			h.ours = []*provider{{ProviderInfo: ProviderInfo{Provider: bank{shown: &shown}, Name: "bank"}}}
			h.notedIn(httptest.NewRequest(http.MethodGet, "/", nil), []byte("["+strings.Join(body, ",")+"]"))
			if shown != want {
				t.Errorf("%d addresses, the pay page at %d: %d were looked at, want %d", n, at, shown, want)
			}
		}
	}
}
