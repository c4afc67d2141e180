package params

import (
	"errors"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// TestKnown: what an address that we know has itself is the shop's own; the
// provider's is what came on top.
func TestKnown(t *testing.T) {
	names := NewNames("id", "order_id", "status", "order", "payment_ref").Lend("id", "order_id", "status")
	for _, c := range []struct{ known, query, id, order, rewritten string }{
		{"id=55", "id=55&status=10&id=HEX&order_id=50", "HEX", "50", "id=55&status=10&id=HEX&order_id=50"},
		{"id=55", "id=55?status=10&id=HEX&order_id=50", "HEX", "50", "id=55&status=10&id=HEX&order_id=50"},
		{"wc=1&id=55&order_id=7", "wc=1&id=55&order_id=7&id=HEX&order_id=50", "HEX", "50", "wc=1&id=55&order_id=7&id=HEX&order_id=50"},
		{"ID=55", "ID=55&id=HEX", "HEX", "", "ID=55&id=HEX"},
		{"a=1;id=5", "a=1;id=5&id=HEX", "HEX", "", "a=1;id=5&id=HEX"},
		{"id=5%35", "id=55&id=HEX", "HEX", "", "id=55&id=HEX"},
		// In another order, as a script or something in front may write them.
		{"id=55", "id=HEX&status=10&order_id=50&id=55", "HEX", "50", "id=HEX&status=10&order_id=50&id=55"},
		{"a=1&id=55&order_id=7", "order_id=7&id=HEX&a=1&id=55&order_id=50", "HEX", "50", "order_id=7&id=HEX&a=1&id=55&order_id=50"},
		{"a=1&id=55", "id=HEX&order_id=50&id=%35%35&a=1", "HEX", "50", "id=HEX&order_id=50&id=%35%35&a=1"},
		{"id=55&id=66", "id=66&id=HEX&id=55", "HEX", "", "id=66&id=HEX&id=55"},
		{"id=55&id=55", "id=55&id=HEX&id=55", "HEX", "", "id=55&id=HEX&id=55"},
		{"id=55&id=55", "id=55&id=55&id=55&id=HEX", "400", "", ""},
		{"id=55", "id=55", "", "", "id=55"},                             // the provider said nothing
		{"id=55", "id=56&id=HEX", "400", "", ""},                        // not the one that we know
		{"id=55", "id=55&id=55&id=HEX", "400", "", ""},                  // once too often
		{"id=HEX", "id=HEX", "", "", "id=HEX"},                          // the shop's own, whatever it looks like
		{"order=9", "order=9&id=HEX", "HEX", "", "order=9&id=HEX"},      // read for what it says
		{"order=9", "order=9&order=8", "400", "", ""},                   // not lent
		{"payment_ref=R", "payment_ref=R&payment_ref=S", "400", "", ""}, // ours is never the shop's
		{"", "id=55&id=HEX", "400", "", ""},
	} {
		s, err := ParseKnown(c.query, nil, "", names, c.known)
		if c.id == "400" {
			if !errors.Is(err, ErrAmbiguous) {
				t.Errorf("%q of %q: %v", c.query, c.known, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q of %q: %v", c.query, c.known, err)
			continue
		}
		q, _, _ := s.Rewrite(map[string]string{"id": "HEX", "order_id": "50"})
		if s.Get("id") != c.id || s.Get("order_id") != c.order || q != c.rewritten {
			t.Errorf("%q of %q: id %q, order_id %q, rewritten %q", c.query, c.known, s.Get("id"), s.Get("order_id"), q)
		}
	}
}

// TestAsWritten: a return to an address that we know is readable whatever the shop has
// written there beside the provider's names; another value than the shop's is not.
func TestAsWritten(t *testing.T) {
	names := NewNames("id", "status", "flag").Lend("id", "status")
	for _, own := range []string{"flag", "flag=", "flag=1", "flag=" + strings.Repeat("x", MaxValue), "flag=" + strings.Repeat("x", MaxValue+1), "flag=a%0Ab", "flag=%ff", "flag=50%"} {
		known := "wc=1&" + own
		for _, query := range []string{known + "&id=HEX&status=OK", "id=HEX&status=OK&" + known} {
			s, err := ParseKnown(query, nil, "", names, known)
			if err != nil {
				t.Errorf("%.60q of %.40q: %v", query, known, err)
				continue
			}
			if q, _, _ := s.Rewrite(map[string]string{"id": "HEX"}); s.Get("id") != "HEX" || q != query {
				t.Errorf("%.60q of %.40q: id %q, rewritten %.60q", query, known, s.Get("id"), q)
			}
		}
		for _, copied := range []string{known + "&id=HEX&flag=other", "flag=other&" + known + "&id=HEX"} {
			if _, err := ParseKnown(copied, nil, "", names, known); !errors.Is(err, ErrAmbiguous) {
				t.Errorf("%.60q of %.40q: %v", copied, known, err)
			}
		}
		if _, err := ParseKnown("wc=1&id=HEX", []byte(own), formType, names, "wc=1&x=1"); own != "flag=" && own != "flag=1" && own != "flag="+strings.Repeat("x", MaxValue) && err == nil {
			t.Errorf("%.40q is read from a body", own)
		}
	}
	for _, c := range []struct{ known, query string }{{"wc=1", "wc=1&flag&id=HEX"}, {"flag=1", "flag&id=HEX"}, {"flag", "flag=%ff&id=HEX"}, {"id", "flag&id=HEX"}} {
		if _, err := ParseKnown(c.query, nil, "", names, c.known); !errors.Is(err, payment.ErrMalformed) {
			t.Errorf("%q of %q: %v", c.query, c.known, err)
		}
	}
}
