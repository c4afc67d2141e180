package handlers

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/secret"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// place is what the configuration says about where a handler stands. It is known
// once all of the http app is provisioned.
type place struct {
	standing
	// site is the shop where the configuration alone tells it; nil if the
	// request's host says.
	site *site
	// public is whether a public_url has told it.
	public bool
	// scheme and port are those of the names that requests come with; port is
	// empty if it is the scheme's own.
	scheme, port string
	// ports are all that the server listens on, several where one block stands at
	// several addresses none of which has the scheme's own.
	ports []string
	// host is what our own requests are made for; empty if any name leads here.
	host string
	// twins are the names that also lead to our handler by https.
	twins hosts
	// secure is whether the server speaks TLS.
	secure bool
	// proxied is whether the site may hand requests to an upstream at all.
	proxied bool
	// gates are the upstreams that are asked before the shop (forward_auth); true
	// are those that are the shop's as well.
	gates map[string]bool
	// mapped is whether browsers have named the shop without the port that we
	// listen on: something in front maps another one to it.
	mapped atomic.Bool
}

// LoadKeys resolves configured keys. Errors name no value.
func LoadKeys(configured []SigningKey, log *zap.Logger) (*token.Keys, error) {
	keys := make([]payment.SigningKey, 0, len(configured))
	for i, c := range configured {
		text, err := secret.Expand(fmt.Sprintf("signing_key %d", i+1), c.Secret)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(c.Secret, "{") {
			log.Warn("signing_key is written out in the configuration, where Caddy shows it; write {env.NAME} or {file./path}")
		}
		key, err := payment.NewSigningKey([]byte(text), c.KID)
		if err != nil {
			return nil, fmt.Errorf("signing_key %d: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	return token.NewKeys(keys...)
}

// place returns where the site stands. Apps start in any order, so requests may be
// here before ours has placed the sites; all of http is provisioned by then.
func (h *Handler) place() *place {
	if p := h.placed.Load(); p != nil {
		return p
	}
	if h.sites != nil {
		h.sites.all()
		return h.placed.Load()
	}
	p := settle([]*Handler{h}, stands(h.server), "")[0]
	h.placed.Store(p)
	return p
}

// locate makes a handler's place, as far as it alone tells.
func (h *Handler) locate(at standing) *place {
	p := &place{standing: at, secure: speaksTLS(h.server), proxied: true}
	if !at.found {
		// It stands where we can't look: any name may lead there, and anything
		// may answer behind it.
		p.hosts = anyHost
	} else if h.server != nil {
		p.proxied = len(upstreams(h.server, h.server.Routes)) > 0
		p.gates = gates(upstreams(h.server, at.tops))
	}
	p.scheme = "http"
	if p.secure {
		p.scheme = "https"
	}
	p.port, p.ports = portOf(h.server, p.secure)
	if primary := p.hosts.primary(); len(primary) > 0 {
		p.host = origin{host: primary[0], port: p.port}.authority()
	}
	return p
}

func speaksTLS(srv *caddyhttp.Server) bool { return srv != nil && len(srv.TLSConnPolicies) > 0 }

// portOf returns the port in the names of a server's sites, empty if it is the
// scheme's own, and all that are not.
func portOf(srv *caddyhttp.Server, secure bool) (port string, others []string) {
	if srv == nil {
		return "", nil
	}
	for _, listen := range srv.Listen {
		addr, err := caddy.ParseNetworkAddress(listen)
		if err != nil || addr.StartPort == 0 {
			continue // a socket has no port
		}
		for n := addr.StartPort; n <= addr.EndPort && n-addr.StartPort < 16; n++ {
			p := strconv.FormatUint(uint64(n), 10)
			// Caddy never speaks TLS on 80: such a server redirects from there.
			if secure && (n == 443 || n == 80) || !secure && n == 80 {
				return "", nil
			}
			others = adding(others, p)
		}
	}
	if len(others) > 0 {
		port = others[0]
	}
	return port, others
}

// client returns what strangers are counted by.
func client(r *http.Request) string {
	addr, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if addr == "" {
		addr, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	ip := net.ParseIP(addr)
	if ip == nil || ip.To4() != nil {
		return addr
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
