package relay

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A proxy on this machine that tells of itself by any header, in any spelling and beside any
// others, is not this machine; in the provider's place it is the shop's own outgoing proxy,
// and headers that only a plugin sends change nothing.
func TestAnyProxyHeader(t *testing.T) {
	t.Parallel()
	telling := []string{
		"Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded", "Forwarded-For",
		"X-Original-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Ray", "CF-Visitor", "True-Client-IP", "Client-IP", "X-Client-IP",
		"X-Cluster-Client-IP", "Fastly-Client-IP", "X-Azure-ClientIP", "X-Envoy-External-Address", "X-ProxyUser-Ip", "CDN-Loop", "X-AR-Real-IP",
	}
	harmless := []string{"Accept", "Content-Type", "User-Agent", "X-Api-Key", "X-Sandbox", "Authorization", "Accept-Encoding", "Expect", "X-Vip", "X-Clip", "Zip"}
	rapid.Check(t, func(t *rapid.T) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = rapid.SampledFrom([]string{"127.0.0.1:1", "[::1]:1", "192.0.2.10:1", "10.1.1.1:1"}).Draw(t, "peer")
		for _, name := range rapid.SliceOf(rapid.SampledFrom(harmless)).Draw(t, "plugin") {
			r.Header.Set(name, "x")
		}
		told := rapid.SliceOfN(rapid.SampledFrom(telling), 0, 3).Draw(t, "proxy")
		for _, name := range told {
			spelt := []byte(name)
			for i, c := range spelt {
				switch {
				case c == '-' && rapid.Bool().Draw(t, "underscore"):
					spelt[i] = '_'
				case rapid.Bool().Draw(t, "lower"):
					spelt[i] = strings.ToLower(string(c))[0]
				}
			}
			r.Header[string(spelt)] = []string{rapid.SampledFrom([]string{"127.0.0.1", "1.1 nginx", "203.0.113.5", ""}).Draw(t, "value")}
		}
		s := &Server{Upstreams: func() []string { return []string{"10.1.1.1"} }, Place: rapid.Bool().Draw(t, "in the provider's place")}
		ctx := context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 10), Port: 443})
		err := s.admit(r.WithContext(ctx))
		if refused := len(told) > 0 && !s.Place; (err != nil) != refused || refused && !strings.Contains(err.Error(), "trusted_proxies") {
			t.Fatalf("%v in place=%v: %v", r.Header, s.Place, err)
		}
	})
}
