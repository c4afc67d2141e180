package relay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/payment"
)

// admit tells why a caller is refused.
func (s *Server) admit(r *http.Request) error {
	if r.Header.Get("Origin") != "" {
		return errors.New("a browser calls the relay (it sends Origin): payments are created and verified by the shop's server, never by a page")
	}
	if r.UserAgent() == payment.Agent {
		return errors.New("one of our own calls came back to us: this machine's hosts file or DNS leads the provider's name here; write `resolver` in the provider's block")
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		if s.unix || len(s.Options.Allow) == 0 {
			return nil // a unix socket
		}
		return errors.New("a caller on a unix socket is refused: write `allow unix`")
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return errors.New("a caller without an address is refused")
	}
	peer = peer.Unmap().WithZone("")
	if peer, err = s.caller(r, peer); err != nil && len(s.Options.Allow) == 0 {
		return err
	}
	if slices.ContainsFunc(s.nets, func(p netip.Prefix) bool { return p.Contains(peer) }) {
		return nil
	}
	if len(s.Options.Allow) == 0 && (peer.IsLoopback() || sameMachine(r, peer) || s.upstream(r.Context(), peer)) {
		return nil
	}
	return fmt.Errorf("%s may not call the relay: write `allow %s` if that is the shop", peer, peer)
}

// caller is who calls, behind a proxy whom the server trusts. What another proxy has
// passed on may come from anybody: that it stands on this machine says nothing. (In the
// provider's place it is the shop's own outgoing proxy.)
func (s *Server) caller(r *http.Request, peer netip.Addr) (netip.Addr, error) {
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
		client, err := netip.ParseAddr(text)
		if err != nil {
			return peer, errors.New("the proxy does not say who calls")
		}
		return client.Unmap().WithZone(""), nil
	}
	if name := proxied(r.Header); name != "" && !s.Place {
		return peer, fmt.Errorf("a proxy at %s, which `trusted_proxies` does not name, has passed this call on (%s): let the shop call this server itself, or write `allow %s` if nobody else can call through that proxy", peer, name, peer)
	}
	return peer, nil
}

// sameMachine: who calls one of this machine's addresses from that very address is
// on this machine.
func sameMachine(r *http.Request, peer netip.Addr) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	a, err := netip.ParseAddrPort(local.String())
	return err == nil && a.Addr().Unmap().WithZone("") == peer
}

// upstream: the caller is one of the site's own upstreams.
func (s *Server) upstream(ctx context.Context, peer netip.Addr) bool {
	if s.Upstreams == nil {
		return false
	}
	for _, name := range s.Upstreams() {
		if a, err := netip.ParseAddr(name); err == nil {
			if a.Unmap() == peer {
				return true
			}
			continue
		}
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if err == nil && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap() == peer }) {
			return true
		}
	}
	return false
}

func parseNet(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// askerOf tells the shop's programs apart: its job that runs elsewhere, or that is written in
// another language, is not the plugin that answers a customer.
func askerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	sum := sha256.Sum256([]byte(host + "\n" + r.UserAgent()))
	return hex.EncodeToString(sum[:8])
}
