package relay

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

var (
	errStranger    = errors.New("a call with credentials of none of our provider blocks: write the plugin's own into the `provider` block (or into the file with its secrets), or add a `provider` block with this account")
	errEnvironment = errors.New("a call for live with the provider block in its sandbox, or the other way round: `sandbox` in the block and the plugin's setting must be the same")
	errCallback    = errors.New("a create names a return address that is not this site's (or no site's with a `payments` block, where the relay has no site of its own), or that can't be read: a customer who is sent on from there to a site with a `payments` block is refused by it, any other return is not seen, and none is made for those who stay away; write `payments` and `observe` into the site that the plugin names, write that name as `formerly` into the site to which it redirects, or mend the plugin's address")
)

// locate finds out which shop a call is for.
func (s *Server) locate(r *http.Request, c *engine.Relay) {
	var callback *url.URL
	if c.Ask.Callback != "" {
		if u, err := url.Parse(c.Ask.Callback); err == nil && u.Host != "" && u.User == nil && (u.Scheme == "http" || u.Scheme == "https") {
			callback = u
		}
	}
	site := Site{ID: hostOf(r.Host), Policy: engine.Policy{Once: true, Many: true}}
	found := false
	switch {
	case s.Own != nil:
		site, found = s.Own(r, callback, c.Provider)
	case callback != nil:
		if site, found = s.App.Callback(r.Context(), callback, c.Provider); !found {
			site = Site{ID: strings.ToLower(callback.Host), Policy: engine.Policy{Once: true, Many: true}}
		}
		s.App.Created(c.Provider, site.ID, callback, found)
	}
	if c.Ask.Kind == payment.RelayCreate && (callback == nil || !found) {
		s.App.Observe(engine.Event{Name: engine.EventForeignCallback, Provider: c.Provider, Site: site.ID, Order: c.Ask.Order, Err: errCallback})
	}
	c.Bound = s.Own != nil
	c.Site, c.Formerly, c.Route, c.Return, c.Policy = site.ID, site.Formerly, site.Route, site.Return, site.Policy
}

// owner is the block whose credentials a call has: the named one, or another of the
// same protocol.
func (s *Server) owner(name string, c payment.RelayCall) (payment.RelayOwner, string, error) {
	first, _ := s.App.Relayer(name)
	protocol := first.Protocol().Name
	best := payment.RelayStranger
	for _, other := range append([]string{name}, s.App.ProviderNames()...) {
		rel, ok := s.App.Relayer(other)
		if !ok || rel.Protocol().Name != protocol {
			continue
		}
		who, err := rel.Owns(c)
		if err != nil {
			return best, name, fmt.Errorf("reading whose call it is: %w", err)
		}
		switch who {
		case payment.RelayOwn:
			return who, other, nil
		case payment.RelayOtherEnvironment:
			best = who
		case payment.RelayStranger:
		}
	}
	return best, name, nil
}

// headersOf are the dialect's headers of a call. One that came twice with different
// values can be read in two ways.
func headersOf(r *http.Request, d payment.Dialect) (map[string]string, error) {
	var out map[string]string
	for _, name := range d.Headers {
		all := r.Header.Values(name)
		if len(all) == 0 {
			continue
		}
		for _, v := range all[1:] {
			if v != all[0] {
				return nil, fmt.Errorf("%w: the header %s came twice", payment.ErrMalformed, name)
			}
		}
		if out == nil {
			out = make(map[string]string)
		}
		out[name] = all[0]
	}
	return out, nil
}

func hostOf(hostport string) string {
	name, _, err := net.SplitHostPort(hostport)
	if err != nil {
		name = hostport
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
