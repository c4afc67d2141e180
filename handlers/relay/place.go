package relay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// checkCertificates refuses a site whose host is a provider's and whose certificate
// would come from a public CA: the name isn't ours, so no CA would give it, and each
// try tells the world and counts against this machine.
//
// Invariant: that holds for the hosts of every provider that the relay serves, whether it
// stands in a provider's place or not, and for a wildcard over one of them.
func checkCertificates(ctx caddy.Context, hosts []string) error {
	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || !secure(srv) || srv.AutoHTTPS != nil && (srv.AutoHTTPS.Disabled || srv.AutoHTTPS.DisableCerts) {
		return nil
	}
	names := slices.DeleteFunc(hostsOfServer(srv), func(name string) bool {
		return !slices.ContainsFunc(hosts, func(host string) bool { return covers(name, host) })
	})
	if len(names) == 0 {
		return nil
	}
	mod, err := ctx.App("tls")
	if err != nil {
		return fmt.Errorf("looking for certificates: %w", err)
	}
	app, ok := mod.(*caddytls.TLS)
	if !ok {
		return fmt.Errorf("the tls app is a %T", mod)
	}
	for _, name := range names {
		if srv.AutoHTTPS != nil && (slices.Contains(srv.AutoHTTPS.Skip, name) || slices.Contains(srv.AutoHTTPS.SkipCerts, name)) {
			continue
		}
		if len(caddytls.AllMatchingCertificates(name)) > 0 || internal(app, name) {
			continue
		}
		return fmt.Errorf("%s is a provider's host, and no public CA gives its certificate to you: make one with `caddy payments relay-cert <provider>` and write `tls relay.crt relay.key` into this site", name)
	}
	return nil
}

// covers: a site of that name is one of a host's, perhaps by a wildcard for its first label.
func covers(name, host string) bool {
	if below, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, _ := strings.Cut(host, ".")
		return below == parent
	}
	return name == host
}

// secure: the server speaks TLS, or will.
func secure(srv *caddyhttp.Server) bool {
	if len(srv.TLSConnPolicies) > 0 {
		return true
	}
	for _, l := range srv.Listen {
		if a, err := caddy.ParseNetworkAddress(l); err == nil && a.PortRangeSize() > 0 && strconv.Itoa(int(a.StartPort)) != strconv.Itoa(caddyhttp.DefaultHTTPPort) {
			return true
		}
	}
	return false
}

// internal: the names' certificates come from this machine's own CA.
func internal(app *caddytls.TLS, name string) bool {
	if app.Automation == nil {
		return false
	}
	for _, p := range app.Automation.Policies {
		if subjects := p.Subjects(); len(subjects) > 0 && !slices.ContainsFunc(subjects, func(s string) bool { return strings.EqualFold(s, name) }) {
			continue
		}
		for _, i := range p.Issuers {
			if _, ok := i.(*caddytls.InternalIssuer); ok {
				return true
			}
		}
		return false
	}
	return false
}

// hostsOfServer are the names in the server's host matchers.
func hostsOfServer(srv *caddyhttp.Server) (names []string) {
	for _, route := range srv.Routes {
		for _, set := range route.MatcherSets {
			for _, m := range set {
				switch m := m.(type) {
				case caddyhttp.MatchHost:
					names = append(names, m...)
				case *caddyhttp.MatchHost:
					names = append(names, *m...)
				}
			}
		}
	}
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	return names
}
