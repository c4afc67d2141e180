package relay

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
)

// tell writes an answer and reports whether it was heard.
//
// The last byte decides. All but that is written and flushed; a caller that has left
// by then, or whose connection doesn't take the last byte, can't have the whole answer.
// A caller that has it all may close at once, before we look: so nothing that happens
// after the last byte counts. (docs/adr: the last byte decides.)
func tell(w http.ResponseWriter, r *http.Request, reply payment.RelayReply) bool {
	gone := r.Context()
	if gone.Err() != nil {
		return false
	}
	h := w.Header()
	if reply.Type != "" {
		h.Set("Content-Type", reply.Type)
	} else {
		h["Content-Type"] = nil // no guess of net/http's
	}
	h.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	w.WriteHeader(reply.Status)
	flush := http.NewResponseController(w).Flush
	if len(reply.Body) == 0 {
		return flush() == nil // the header is the whole answer
	}
	last := lastByte(reply.Body)
	if last > 0 {
		if _, err := w.Write(reply.Body[:last]); err != nil {
			return false
		}
	}
	if err := flush(); err != nil || gone.Err() != nil {
		return false
	}
	if _, err := w.Write(reply.Body[last:]); err != nil {
		return false
	}
	return flush() == nil
}

// lastByte is where the last byte that isn't white space stands: without it no reader
// takes the body for whole JSON.
func lastByte(body []byte) int {
	return max(len(bytes.TrimRight(body, " \t\r\n"))-1, 0)
}
