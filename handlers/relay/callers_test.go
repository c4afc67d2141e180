package relay

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Who may call: this machine, the site's upstreams and whom `allow` names; behind a
// proxy it is the caller who counts, and not that the proxy stands on this machine.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		allow   []string
		peer    string
		client  string // what a trusted proxy says
		header  [2]string
		refused string
	}{
		"this machine":                   {peer: "127.0.0.1:1"},
		"this machine by IPv6":           {peer: "[::1]:1"},
		"its own address":                {peer: "192.0.2.10:1"},
		"an upstream":                    {peer: "10.1.1.1:1"},
		"a unix socket":                  {peer: "@"},
		"a unix socket, not allowed":     {peer: "@", allow: []string{"10.0.0.0/8"}, refused: "allow unix"},
		"a unix socket, allowed":         {peer: "@", allow: []string{"unix"}},
		"a stranger":                     {peer: "203.0.113.5:1", refused: "203.0.113.5 may not call"},
		"allowed":                        {peer: "203.0.113.5:1", allow: []string{"203.0.113.0/24"}},
		"this machine, others allowed":   {peer: "127.0.0.1:1", allow: []string{"203.0.113.0/24"}, refused: "may not call"},
		"a browser":                      {peer: "127.0.0.1:1", header: [2]string{"Origin", "https://shop.test"}, refused: "a browser"},
		"a proxy here that nobody names": {peer: "127.0.0.1:1", header: [2]string{"X-Forwarded-For", "203.0.113.5"}, refused: "trusted_proxies"},
		"the same, by Forwarded":         {peer: "127.0.0.1:1", header: [2]string{"Forwarded", "for=203.0.113.5"}, refused: "trusted_proxies"},
		"the same, allowed":              {peer: "127.0.0.1:1", header: [2]string{"X-Forwarded-For", "203.0.113.5"}, allow: []string{"127.0.0.1"}},
		"a proxy here, a stranger":       {peer: "127.0.0.1:1", client: "203.0.113.5", header: [2]string{"X-Forwarded-For", "203.0.113.5"}, refused: "203.0.113.5 may not call"},
		"a proxy here, the shop":         {peer: "127.0.0.1:1", client: "127.0.0.1", header: [2]string{"X-Forwarded-For", "127.0.0.1"}},
		"a proxy elsewhere, allowed":     {peer: "198.51.100.1:1", client: "203.0.113.5", allow: []string{"203.0.113.5"}},
		"a proxy that doesn't say":       {peer: "127.0.0.1:1", client: "?", refused: "does not say"},
	} {
		s := &Server{Options: Options{Allow: c.allow}, Upstreams: func() []string { return []string{"10.1.1.1"} }}
		for _, a := range c.allow {
			if a == "unix" {
				s.unix = true
				continue
			}
			p, err := parseNet(a)
			if err != nil {
				t.Fatal(err)
			}
			s.nets = append(s.nets, p)
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = c.peer
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		vars := map[string]any{caddyhttp.TrustedProxyVarKey: c.client != "", caddyhttp.ClientIPVarKey: c.client}
		ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars)
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 10), Port: 443})
		err := s.admit(r.WithContext(ctx))
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v, want %q", name, err, c.refused)
		}
	}
}
