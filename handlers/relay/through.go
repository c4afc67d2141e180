package relay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// Through names the address at which a provider's API is served: below a relay's own path, which is
// empty on a listener of its own. The path may be secret, so of its sum only as much is kept as
// tells the few addresses of one shop apart.
func Through(prefix, provider string) string { return short(prefix + "/" + provider) }

// ThroughPlace names the provider's own address, in whose place a relay stands: whatever the
// provider is called here.
func ThroughPlace(protocol string) string { return short("in place of " + protocol) }

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// through names the address to which a call came; below is what of its path is not the relay's.
func (s *Server) through(r *http.Request, below, name string, rel payment.Relayer) string {
	if s.Place {
		return ThroughPlace(rel.Protocol().Name)
	}
	return Through(strings.TrimSuffix(r.URL.EscapedPath(), below), name)
}

// refused tells the engine that the call of an admitted caller goes no further, because we
// don't know what or whose it is. A plugin whose call that was has asked, as far as it knows.
//
// Invariant: a call that was understood, and that is wrong in itself, is not told: a plugin that
// has lost its customer's session may make one.
func (s *Server) refused(r *http.Request, name string) {
	now, cancel := context.WithCancel(r.Context())
	cancel() // an engine that isn't open makes no returns
	e, err := s.App.Engine(now)
	if err != nil || e == nil {
		return
	}
	if s.Own == nil {
		e.RelayRefused()
		return
	}
	site, _ := s.Own(r, nil, name)
	e.RelayRefused(append([]string{site.ID}, site.Formerly...)...)
}
