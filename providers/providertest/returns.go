package providertest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// odd are values that a browser may send for any parameter.
func odd() []string {
	return []string{
		"..", "../x", "a/b", "%2e%2e", "%2F", "a b", "a\x00b", "\n", "۱۲۳۴۵۶۷۸۹۰", "١٢٣", "\u200b101", "\u200f101", "１０",
		"{env.HOME}", "<script>", "'; --", strings.Repeat("a", 10_000), "\xff\xfe", "1e3", "-1", "+100", "100.0", "0x64",
	}
}

// returns feeds odd values to ReadReturn. An id that is let through must be one
// that needs no escaping anywhere.
func (s Suite) returns(t *testing.T) {
	p := s.New(t, "http://127.0.0.1:1", patience)
	get := func(m map[string]string) func(string) string { return func(n string) string { return m[n] } }
	if c, err := p.ReadReturn(get(s.Genuine)); err != nil || c.ID != s.Query.ID {
		t.Errorf("the genuine return: %+v, %v", c, err)
	}
	for _, name := range p.Protocol().Params {
		for _, v := range odd() {
			m := map[string]string{name: v}
			for k, g := range s.Genuine {
				if k != name {
					m[k] = g
				}
			}
			c, err := p.ReadReturn(get(m))
			if err != nil {
				if !errors.Is(err, payment.ErrMalformed) || !strings.Contains(err.Error(), name) || (len(v) > 3 && strings.Contains(err.Error(), v)) {
					t.Errorf("%s=%.20q: %v", name, v, err)
				}
				continue
			}
			if strings.ContainsFunc(c.ID, func(r rune) bool { return r < '!' || r > '~' || strings.ContainsRune(`/\%?#&"'<>{}`, r) }) {
				t.Errorf("%s=%.20q: id %q", name, v, c.ID)
			}
		}
	}
	s.ids(t, p)
	s.params(t, p)
}

// ids checks that an announced id is one that a return may bring, and is read like it.
func (s Suite) ids(t *testing.T, p payment.Provider) {
	reader, ok := p.(payment.IDReader)
	if !ok {
		return
	}
	if id, err := reader.ReadID(s.Query.ID); err != nil || id != s.Query.ID {
		t.Errorf("its own id: %q, %v", id, err)
	}
	for _, said := range append(odd(), "", strings.ToUpper(s.Query.ID), s.Query.ID+" ", "0"+s.Query.ID, s.Query.ID+s.Query.ID, strings.Repeat("0", len(s.Query.ID))) {
		m, plain := make(map[string]string, len(s.Genuine)), false
		for k, g := range s.Genuine {
			if m[k] = g; strings.EqualFold(g, s.Query.ID) {
				m[k], plain = said, true
			}
		}
		c, wrong := p.ReadReturn(func(name string) string { return m[name] })
		id, err := reader.ReadID(said)
		switch brings := wrong == nil && c.ID != ""; {
		case plain && (brings != (err == nil) || brings && c.ID != id): // PayPing's is within a text
			t.Errorf("%.40q is read as %q, %v; a return brings %q, %v", said, id, err, c.ID, wrong)
		case err != nil && (!strings.Contains(err.Error(), "write ") || len(said) > 3 && strings.Contains(err.Error(), said)):
			t.Errorf("%.40q: %v", said, err)
		}
	}
}

// params checks that card data of the browser's never reaches the shop.
func (s Suite) params(t *testing.T, p payment.Provider) {
	pan := "6037991234567890"
	for _, r := range []*payment.Record{
		{ID: s.Query.ID, Order: s.Query.Order},
		{ID: s.Query.ID, Order: s.Query.Order, Receipt: &payment.Receipt{
			ID: s.Query.ID, Order: s.Query.Order, Amount: s.Query.Amount, Number: "10012", Reference: "888001",
			Card: "603799******7890", PaidAt: time.Unix(1546288500, 0),
		}},
	} {
		params := p.ReturnParams(r)
		for name, v := range params {
			if strings.Contains(v, pan) || (strings.Contains(strings.ToLower(name), "hash") && v != "") {
				t.Errorf("%s = %q", name, v)
			}
		}
		for _, name := range p.Protocol().Params {
			if v, ok := params[name]; strings.Contains(name, "hash") && (!ok || v != "") {
				t.Errorf("%s is not removed", name)
			}
		}
	}
}

// hostile asks with ids that no provider ever gave out. Whether they are sent
// or not, they stay one segment of the path.
func (s Suite) hostile(t *testing.T) {
	paths := make(chan string, 64)
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.EscapedPath()
		w.WriteHeader(http.StatusNotFound)
	})
	p := s.New(t, base+"/prefix", patience)
	s.unknown(t, judge(p.Verify(t.Context(), s.Query)))
	usual := <-paths
	for _, id := range odd() {
		q := s.Query
		q.ID = id
		s.unknown(t, judge(p.Verify(t.Context(), q)))
		select {
		case path := <-paths:
			if strings.Count(path, "/") != strings.Count(usual, "/") || !strings.HasPrefix(path, "/prefix/") || strings.Contains(path, "/..") {
				t.Errorf("id %.20q: path %s, usually %s", id, path, usual)
			}
		default:
		}
	}
	if fmt.Sprint(usual) == "" {
		t.Error("no request")
	}
}
