package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxHang ends a hanging answer that nobody clears.
const maxHang = 5 * time.Minute

// disturb applies the faults of the connection. It reports whether the call
// goes on.
func (s *Server) disturb(w http.ResponseWriter, r *http.Request, faults []Fault, when string, released <-chan struct{}) bool {
	for _, f := range faults {
		if f.When != when {
			continue
		}
		pause := time.Duration(f.MS) * time.Millisecond
		switch f.Kind {
		case "delay":
			if !s.wait(r, pause, released) {
				return false
			}
		case "hang":
			if pause == 0 {
				pause = maxHang
			}
			s.wait(r, pause, released)
			reset(w)
			return false
		case "reset":
			reset(w)
			return false
		}
	}
	return true
}

// wait reports false when the client went away.
func (s *Server) wait(r *http.Request, d time.Duration, released <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-released:
			return true
		case <-r.Context().Done():
			return false
		case <-poll.C:
			if s.opts.Stopping() {
				return true
			}
		}
	}
}

// reset drops the connection without an answer: with a TCP reset where the
// connection can be had, else the way net/http aborts (an HTTP/2 stream).
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	under := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		under = t.NetConn() // below TLS
	}
	if tcp, ok := under.(*net.TCPConn); ok {
		tcp.SetLinger(0) // close with RST instead of FIN
	}
	conn.Close()
}

// replacement returns the answer that a fault gives instead of the provider's.
func replacement(faults []Fault, when string, c call) (answer, bool) {
	for _, f := range faults {
		if f.When != when {
			continue
		}
		switch f.Kind {
		case "status":
			a := page(f.Status, fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)))
			if f.RetryAfter > 0 {
				a.header = http.Header{"Retry-After": {strconv.Itoa(f.RetryAfter)}}
			}
			return a, true
		case "html":
			return page(f.Status, "در حال به‌روزرسانی هستیم"), true
		case "redirect":
			a := page(f.Status, "Moved")
			a.header = http.Header{"Location": {f.Location}}
			return a, true
		case "error":
			return registered[c.provider].fail(f.Code), true
		}
	}
	return answer{}, false
}

// page looks like what a web server in front of a provider says.
func page(status int, title string) answer {
	return answer{
		status: status,
		kind:   "text/html; charset=utf-8",
		raw: []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
			"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"),
	}
}
