package app

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/rahgir/caddy-payments/operate"
)

// InPlace notes that a relay stands in a provider's place.
func (a *App) InPlace(name string) { a.inPlace.Store(name, true) }

// doctorRelays says what is seen of each site's returns, and whether a relay that stands
// in a provider's place is reached by all of its hosts.
func (a *App) doctorRelays(ctx context.Context) (out []operate.Finding) {
	known, missing := a.sites.Returned()
	for _, f := range missing {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: f.Code, Where: f.Where, Text: f.Text})
	}
	for _, f := range known {
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: f.Code, Where: f.Where, Text: f.Text})
	}
	out = append(out, a.doctorShared(ctx)...)
	for _, name := range a.ProviderNames() {
		if _, ok := a.inPlace.Load(name); !ok {
			continue
		}
		rel, ok := a.Relayer(name)
		if !ok {
			continue
		}
		hosts := rel.Dialect().Hosts
		out = append(out, leads(ctx, name, hosts, net.DefaultResolver.LookupNetIP, mine())...)
		out = append(out, goodUntil(name, hosts, time.Now())...)
	}
	return out
}

// doctorShared warns of shops that share an account behind a relay without a site of its own,
// as long as the configuration has such a relay.
func (a *App) doctorShared(ctx context.Context) (out []operate.Finding) {
	relayed, told := make(map[string]bool), make(map[string]bool)
	for _, name := range a.ProviderNames() {
		if a.Relays(name) {
			relayed[a.providers[name].Protocol().Name] = true
		}
	}
	for _, name := range a.ProviderNames() {
		p := a.providers[name]
		issuer := p.Terms().Issuer
		if !relayed[p.Protocol().Name] || told[issuer] {
			continue
		}
		told[issuer] = true
		out = append(out, processShared.findings(issuer, name, func(u *url.URL) (string, bool) {
			site, ok := a.Callback(ctx, u, name)
			return site.ID, ok
		}, time.Now())...)
	}
	return out
}

// mine are this machine's addresses.
func mine() func(netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	return func(a netip.Addr) bool {
		return a.IsLoopback() || err == nil && slices.ContainsFunc(addrs, func(i net.Addr) bool {
			p, err := netip.ParsePrefix(i.String())
			return err == nil && p.Addr() == a
		})
	}
}

// lookMost is how long each of a provider's names is looked up.
const lookMost = 2 * time.Second

// leads says which of a provider's hosts lead to this machine, as its programs see it. A
// shop in a container of its own may see it otherwise.
func leads(ctx context.Context, name string, hosts []string, look func(context.Context, string, string) ([]netip.Addr, error), mine func(netip.Addr) bool) []operate.Finding {
	// All at once: each that nobody answers takes as long as it may.
	found := make([][]netip.Addr, len(hosts))
	var all sync.WaitGroup
	for i, host := range hosts {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, lookMost)
			defer cancel()
			found[i], _ = look(ctx, "ip", host) // one that isn't found leads nowhere
		})
	}
	all.Wait()
	var here, past, loop []string
	for i, host := range hosts {
		addrs := found[i]
		for i := range addrs {
			addrs[i] = addrs[i].Unmap().WithZone("")
		}
		switch {
		case len(addrs) == 0 || slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !mine(a) }):
			past = append(past, host)
		case slices.ContainsFunc(addrs, netip.Addr.IsLoopback):
			loop = append(loop, host)
		default:
			here = append(here, host)
		}
	}
	var out []operate.Finding
	add := func(level operate.Level, hosts []string, text string) {
		if len(hosts) > 0 {
			out = append(out, operate.Finding{Level: level, Code: "relay_hosts", Where: name, Text: strings.Join(hosts, ", ") + text})
		}
	}
	add(operate.LevelOK, here, ": this machine's relay answers there")
	add(operate.LevelWarn, loop, ": a loopback address, which WordPress refuses to call: write this machine's public address into the hosts file")
	add(operate.LevelWarn, past, ": not this machine, so calls there go past the relay: write each of these names into the hosts file of the shop's PHP (where that is in a container, look there)")
	return out
}

// renewWithin is how long before its end a certificate is worth a line.
const renewWithin = 60 * 24 * time.Hour

// goodUntil looks at the certificates that are loaded for a provider's hosts.
func goodUntil(name string, hosts []string, now time.Time) []operate.Finding {
	var ends time.Time
	var without []string
	for _, host := range hosts {
		all := caddytls.AllMatchingCertificates(host)
		if len(all) == 0 {
			without = append(without, host)
			continue
		}
		for _, c := range all {
			if c.Leaf != nil && (ends.IsZero() || c.Leaf.NotAfter.Before(ends)) {
				ends = c.Leaf.NotAfter
			}
		}
	}
	return certified(name, without, ends, now)
}

func certified(name string, without []string, ends, now time.Time) []operate.Finding {
	const make = ": make one with `caddy payments relay-cert` and give it to the site and to the shop"
	var out []operate.Finding
	if len(without) > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "relay_cert", Where: name,
			Text: "no certificate is loaded for " + strings.Join(without, ", ") + make})
	}
	switch left := ends.Sub(now); {
	case ends.IsZero():
	case left <= 0:
		out = append(out, operate.Finding{Level: operate.LevelError, Code: "relay_cert", Where: name,
			Text: "the relay's certificate ended on " + ends.Format(time.DateOnly) + ", and the shop's calls fail" + make})
	case left < renewWithin:
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "relay_cert", Where: name,
			Text: fmt.Sprintf("the relay's certificate ends on %s, in %d days", ends.Format(time.DateOnly), int(left.Hours()/24)) + make})
	default:
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "relay_cert", Where: name,
			Text: "the relay's certificate is good until " + ends.Format(time.DateOnly)})
	}
	return out
}
