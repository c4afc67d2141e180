package doors

import (
	"net/http"
	"strings"
)

// outside is the browser that comes past the proxy in front, by plain http.
const outside = 2

// frontPeer is the address of the proxy that terminates https.
const frontPeer = "10.0.0.9:4433"

// scheme is what this browser's address bar shows.
func (b *browser) scheme() string {
	if b.front {
		return "https"
	}
	return "http"
}

// peer is who connects to Caddy.
func (b *browser) peer() string {
	if b.front {
		return frontPeer
	}
	return b.from
}

// address is the browser's own, without port.
func (b *browser) address() string {
	a, _, _ := strings.Cut(b.from, ":")
	return a
}

// through is what the proxy in front makes of a request's headers: what the
// browser says of itself is replaced, but for X-Forwarded-For, which grows.
func (q *request) through(headers [][2]string) [][2]string {
	from := q.browser.address()
	var out [][2]string
	for _, h := range headers {
		switch http.CanonicalHeaderKey(h[0]) {
		case "X-Forwarded-For":
			from = h[1] + ", " + from
		case "X-Forwarded-Proto", "X-Forwarded-Host":
		default:
			out = append(out, h)
		}
	}
	return append(out, [2]string{"X-Forwarded-For", from}, [2]string{"X-Forwarded-Proto", "https"}, [2]string{"X-Forwarded-Host", q.Host})
}

// scheme is what a shop takes its own address to have.
func (w *world) scheme(r *http.Request) string {
	if w.plan.Front && r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}

// judgeVisitor: what the shop is told of a customer is true also where the
// worker comes in the customer's place.
func (w *world) judgeVisitor(s *seen, p *purchase) {
	b := w.browsers[0]
	if p.Browser != 0 || w.tampered[p.ID] || !w.plan.Front {
		return
	}
	proto, _ := s.header("X-Forwarded-Proto")
	from, _ := s.header("X-Forwarded-For")
	via, _ := s.header("X-Payment-Via")
	if proto != b.scheme() || !strings.Contains(from, b.address()) {
		w.fail("other-visitor", "the %s hands payment %s over as from %q by %q; its customer is %s by https", via, p.ID, from, proto, b.address())
	}
}
