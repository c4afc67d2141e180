package admin

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// How long a command waits for a Caddy that says nothing.
const (
	// patience is for the whole answer to a question that the ledger answers at once, and for a
	// sign of life while something takes longer.
	patience = 10 * time.Second
	// readyPatience is for a health check: whoever runs one gives it little time.
	readyPatience = 5 * time.Second
	// shellPatience is for a shell that completes a word.
	shellPatience = 2 * time.Second
)

// silent is the error of a Caddy that does not answer.
type silent struct {
	addr string
	wait time.Duration
	// asked is whether something was to be done, which may still be done.
	asked bool
}

func (s *silent) Error() string {
	text := fmt.Sprintf("the Caddy at %s does not answer (nothing came for %s): look whether its process was stopped (state T in ps), what its log says last, and whether the machine is out of memory, disk or processor time", s.addr, s.wait)
	if s.asked {
		text += "; what was asked of it may still be done when it goes on, so look before asking again"
	}
	return text
}

// wait is how long a request waits: as the run says or, if it doesn't, so long.
func (c *cli) wait(most time.Duration) time.Duration { return cmp.Or(c.patience, most) }

// reply is what a request ended with.
type reply struct {
	resp *http.Response
	err  error
}

// inquire makes a request to the admin endpoint and waits for its answer to begin.
//
// Invariant: no command waits for a Caddy that stands still. Within wait the answer has begun;
// or the request may take its time (knock), and then Caddy answers another one meanwhile, again
// and again. So nobody has to know how long a provider's list or a whole ledger may take.
func (c *cli) inquire(addr, method, uri string, header http.Header, body io.Reader, wait time.Duration, knock bool) (*http.Response, error) {
	got := send(addr, method, uri, header, body)
	for {
		late := time.NewTimer(wait)
		select {
		case r := <-got:
			late.Stop()
			return r.resp, r.err
		case <-late.C:
		}
		if knock && alive(addr, wait) {
			continue
		}
		select {
		case r := <-got:
			return r.resp, r.err
		default:
			drop(got)
			return nil, &silent{addr, wait, method != http.MethodGet}
		}
	}
}

// send makes a request with Caddy's own client, which has no bound and takes no context.
func send(addr, method, uri string, header http.Header, body io.Reader) <-chan reply {
	got := make(chan reply, 1)
	go func() {
		resp, err := caddycmd.AdminAPIRequest(addr, method, uri, header, body) //nolint:bodyclose // whoever gets it closes it
		got <- reply{resp, err}
	}()
	return got
}

// drop closes an answer that comes after all.
func drop(got <-chan reply) {
	go func() {
		if r := <-got; r.resp != nil {
			_ = r.resp.Body.Close()
		}
	}()
}

// alive reports whether the endpoint answers at all, which it does without the ledger.
func alive(addr string, wait time.Duration) bool {
	got := send(addr, http.MethodGet, prefix+"openapi.json", nil, nil)
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case r := <-got:
		if r.resp != nil {
			_ = r.resp.Body.Close()
		}
		return r.err == nil || httpError.MatchString(r.err.Error())
	case <-late.C:
		drop(got)
		return false
	}
}

// quickly reads an answer that must be there whole before the wait that began with
// its question is over.
func (c *cli) quickly(resp *http.Response, into any, begun time.Time) error {
	wait := c.wait(patience)
	late := time.AfterFunc(time.Until(begun.Add(wait)), func() { _ = resp.Body.Close() })
	err := readJSON(resp, into)
	if !late.Stop() && err != nil {
		return &silent{addr: c.admin, wait: wait}
	}
	return err
}
