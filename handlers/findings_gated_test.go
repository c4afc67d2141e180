package handlers

import (
	"strings"
	"testing"
)

// A gate over the way back of something else that is paid for is named, with its path.
func TestAGateOverTheWayBackIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gate  string
		sells []string
		want  bool
	}{
		{"/book", []string{"a", "b"}, false}, {"/cb", []string{"a", "b"}, true}, {"/cb/*", []string{"a", "b"}, true}, {"/*", []string{"b"}, true},
		{"/cb", []string{"a"}, false}, {"/cb", nil, true}, {"/cb2", []string{"b"}, false}, {"/c*", []string{"b"}, true},
	} {
		h := routed("/cb")
		h.server = serving("80")
		standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"one.test"}}})
		q := &Require{Match: Match{Paths: []string{c.gate}}, Items: []string{"a"}}
		q.filter = newPathFilter(q.Paths)
		q.guarded = newResource(q.filter, q.Paths, nil)
		h.Require = []*Require{q}
		checkout := &Checkout{}
		for _, sku := range c.sells {
			checkout.Items = append(checkout.Items, Item{SKU: sku})
		}
		h.Checkout = []*Checkout{checkout}
		got := gatedReturns([]*Handler{h})
		if (len(got) == 1) != c.want || c.want && (got[0].Code != "gate_return" || !strings.Contains(got[0].Text, "/cb")) {
			t.Errorf("%s, selling %v: %+v", c.gate, c.sells, got)
		}
	}
}
