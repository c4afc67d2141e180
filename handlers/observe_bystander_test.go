package handlers

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// askedEngine counts how often the engine is wanted.
type askedEngine struct {
	withEngine
	asked *int
}

func (a askedEngine) Engine(ctx context.Context) (*engine.Engine, error) {
	*a.asked++
	return a.withEngine.Engine(ctx)
}

// unread is a body that counts how much of it is read.
type unread struct {
	io.Reader
	n int
}

func (u *unread) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.n += n
	return n, err
}

func (*unread) Close() error { return nil }

// A request that names nothing of a gateway's asks no ledger, on a site with any number of
// relays, and its body reaches the shop as it came. What names something, in query, cookie
// or body, is looked up.
func TestBystandersOfARelayAskNoLedger(t *testing.T) {
	t.Parallel()
	eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	const form = "application/x-www-form-urlencoded"
	for _, relays := range []int{0, 1, 9} {
		for _, c := range []struct {
			method, uri, cookie, kind, body string
			looked                          bool
		}{
			{"GET", "/", "", "", "", false},
			{"GET", "/product/mug?colour=blue&x=%D9%81", "session=a1; basket=mug", "", "", false},
			{"GET", "/?filter[colour]=blue&q=%7B%22a%22%3A1%7D", "", "", "", false},
			{"POST", "/cart", "session=a1", form, "add=mug&n=2&note=%D8%B3%D9%84%D8%A7%D9%85", false},
			{"POST", "/api", "", "application/json", `{"add":{"sku":"mug"},"n":[1,2]}`, false},
			{"POST", "/cart", "", form, strings.Repeat("x", 200_000), false},
			{"GET", "/?id=K1&order_id=7", "", "", "", true},
			{"GET", "/?%69d=K1&ORDER.ID=7", "", "", "", true},
			{"GET", `/?q=%7B%22id%22%3A%22K1%22%2C%22order_id%22%3A7%7D`, "", "", "", true},
			{"POST", "/", "", form, "id=K1&order_id=7", true},
			{"POST", "/", "", "application/json", `{"data":{"id":"K1","order_id":7}}`, true},
			{"GET", "/", "id=K1; order_id=7", "", "", true},
		} {
			asked := 0
			h := busySite("off")
			h.app, h.server = askedEngine{withEngine{eng: eng}, &asked}, serving("80")
			standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
			for i := range relays {
				o := comparing(fmt.Sprint("bank", i))
				o.conf.provider.terms.Params = []string{"id", "order_id"}
				o.conf.guarded = params.NewNames("id", "order_id")
				h.compare(o)
			}
			body := &unread{Reader: strings.NewReader(c.body)}
			r := bodied(c.method, c.uri, body, int64(len(c.body)))
			r.Header.Set("Content-Type", c.kind)
			if c.cookie != "" {
				r.Header.Set("Cookie", c.cookie)
			}
			if page := h.strayed(r); page != nil {
				t.Errorf("%d relays, %+v: answered", relays, c)
			}
			if want := c.looked && relays > 0; (asked > 0) != want {
				t.Errorf("%d relays, %s %s %q, cookie %q: the engine was wanted %d times", relays, c.method, c.uri, c.body, c.cookie, asked)
			}
			if relays == 0 && body.n != 0 {
				t.Errorf("%s %s: %d bytes were read for no gateway", c.method, c.uri, body.n)
			}
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != c.body {
				t.Errorf("%s %s: the shop reads %d of %d bytes, %v", c.method, c.uri, len(got), len(c.body), err)
			}
		}
	}
}

func bodied(method, uri string, body io.ReadCloser, length int64) *http.Request {
	r := asked(httptest.NewRequest(method, "http://shop.test"+uri, nil))
	r.Body, r.ContentLength = body, length
	return r
}

// A text with a bracket, escaped or not, may have JSON in it, and no other.
func TestBracketsAreSeen(t *testing.T) {
	t.Parallel()
	want := regexp.MustCompile(`[{[]|%[57][bB]`)
	random := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		text := make([]byte, random.IntN(8))
		for i := range text {
			text[i] = "%%%5577bBa{[]}x&="[random.IntN(17)]
		}
		if got := bracketed(string(text)); got != want.Match(text) {
			t.Fatalf("%q: %v", text, got)
		}
	}
}
