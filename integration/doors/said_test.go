package doors

import (
	"net/http"
	"strconv"
	"strings"
)

// The placeholders, where a site shows them: in what its upstream is told, in an
// answer's header, in a text.
const (
	saidAll      = "{http.payments.status}|{http.payments.id}|{http.payments.order}|{http.payments.amount}"
	saidMark     = "SAID:"
	saidHeader   = "X-Said"
	saidVariable = "SAID"
)

// judgeToldAlike: placeholders tell a shop what headers do, and nothing where
// these don't.
func (w *world) judgeToldAlike(b *block, s *seen) {
	if !b.Said {
		return
	}
	var all []string
	for _, name := range []string{"X-Payment-Status", "X-Payment-Id", "X-Payment-Order", "X-Payment-Amount"} {
		v, _ := s.header(name)
		all = append(all, v)
	}
	if headers := strings.Join(all, "|"); s.Said != headers {
		w.fail("said-otherwise", "placeholders say %q and headers %q to the shop of site %d, for %s %s", s.Said, headers, s.Block, s.Method, s.URI)
	}
}

// judgeSaid: a page that shows placeholders says "verified" only of a payment of
// this site that was made, and nothing of any other.
func (w *world) judgeSaid(q *request, a *answer) {
	said := a.Header.Get(saidHeader)
	if rest, ok := strings.CutPrefix(a.Body, saidMark); ok {
		said = rest
	}
	if strings.Trim(said, "|") == "" || q.Method == http.MethodConnect {
		return
	}
	parts := strings.Split(said, "|")
	if len(parts) != 4 || parts[0] != "verified" {
		w.fail("said-wrong", "a page says %q", said)
		return
	}
	p := w.byID(parts[1])
	b := (*block)(nil)
	if p != nil {
		b = w.blockNumbered(p.Block)
	}
	if b == nil || p.Site != b.site(q.host()) || p.Order != "" && p.Order != parts[2] || strconv.FormatInt(p.Amount, 10) != parts[3] || !w.bank.paid(p.ID) {
		w.fail("said-wrong", "a page of %s says %q", q.Host, said)
	}
}
