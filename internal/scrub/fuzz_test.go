package scrub

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzRequest: of a client's header nothing that folds to ours is left, nothing
// of Connection but its four words, no trailer; and all else stays as it came.
func FuzzRequest(f *testing.F) {
	for _, name := range ours {
		f.Add(name, "verified", "X-Payment-Receipt, close")
	}
	f.Add("Connection", "Content-Type", "keep-alive,,\tUpgrade ")
	f.Add("pRoXy", "http://evil.test", "te;q=1")
	f.Add("Accept", "*/*", "")
	f.Add("upgrade", "h2c", "Upgrade, HTTP2-Settings")
	f.Fuzz(func(t *testing.T, name, value, conn string) {
		h := http.Header{name: {value, value}, "Accept-Language": {"fa"}}
		if _, taken := h["Connection"]; !taken {
			h["Connection"] = []string{conn, "close"}
		}
		r := request(h)
		r.Trailer = http.Header{name: {value}}
		n := Request(r)
		if r.Trailer != nil || len(h["Accept-Language"]) == 0 {
			t.Fatalf("%q: left %v, trailer %v", name, h, r.Trailer)
		}
		goes := ourName(name)
		if (n > 0) != goes {
			t.Fatalf("%q: %d removed", name, n)
		}
		for left, values := range h {
			if strings.EqualFold(left, "Upgrade") && (len(values) != 1 || asciiLower(values[0]) != "websocket") {
				t.Fatalf("%q is left of %q", values, value)
			}
			if ourName(left) || strings.EqualFold(left, "Proxy") || strings.EqualFold(left, "Trailer") {
				t.Fatalf("%q is left", left)
			}
		}
		lower := asciiLower(name)
		if special := lower == "connection" || lower == "proxy" || lower == "trailer" || lower == "upgrade"; !goes && !special && !slices.Equal(h[name], []string{value, value}) && name != "Accept-Language" {
			t.Fatalf("%q: became %q", name, h[name])
		}
		for left, values := range h {
			if asciiLower(left) != "connection" {
				continue
			}
			for _, v := range values {
				for tok := range strings.SplitSeq(v, ",") {
					if tok = asciiLower(strings.Trim(tok, " \t")); tok != "" && !slices.Contains(hops[:], tok) {
						t.Fatalf("%q stays of %q", tok, conn)
					}
				}
			}
		}
		if again := Request(r); again != 0 {
			t.Fatalf("a second time removes %d", again)
		}
		out := http.Header{name: {value}, http.TrailerPrefix + name: {value}}
		Response(out)
		if len(out) == 0 != goes {
			t.Fatalf("%q of an answer: %v", name, out)
		}
	})
}
