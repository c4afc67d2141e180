package handlers

import (
	"maps"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/block"
)

// settle finds out which shop each handler is of. It looks at all of them
// together, because twins, a global public_url and earlier names concern more
// than one.
func settle(handlers []*Handler, where map[*Handler]standing, global string) []*place {
	placed := make([]*place, len(handlers))
	for i, h := range handlers {
		placed[i] = h.locate(where[h])
	}
	for i, p := range placed {
		for j, twin := range placed {
			if i != j && twin.secure && !p.secure && twin.port == "" && p.port == "" && twin.found {
				p.twins = p.twins.and(twin.hosts)
			}
		}
	}
	for i, h := range handlers {
		p := placed[i]
		if o, err := parsePublicURL(h.PublicURL); err == nil {
			p.settled(o, true)
		} else if o, ok := p.own(); ok {
			p.settled(o, false)
		}
	}
	if o, err := parsePublicURL(global); err == nil {
		for _, i := range covered(handlers, placed) {
			placed[i].settled(o, true)
		}
	}
	remember(handlers, placed)
	return placed
}

// linked returns where handlers stand in finished routes.
func linked(handlers []*Handler) map[*Handler]standing {
	all := make(map[*Handler]standing)
	for _, h := range handlers {
		if _, ok := all[h]; !ok {
			maps.Copy(all, stands(h.server))
		}
	}
	return all
}

// settled makes the shop a fixed one.
func (p *place) settled(o origin, public bool) {
	s := siteAt(o)
	p.site, p.public = &s, public
}

// own returns the shop where the block's own names tell it.
func (p *place) own() (origin, bool) {
	primary := p.hosts.primary()
	if !p.found || p.hosts.wild() || len(primary) != 1 {
		return origin{}, false
	}
	o := origin{scheme: p.scheme, host: primary[0], port: p.port}
	if p.twins.takes(o.host) {
		o.scheme = "https" // http only where the site serves only that
	}
	return o, true
}

// key tells shops apart where no public_url does.
func (p *place) key() string {
	switch {
	case p.hosts.all:
		return "any name"
	case p.hosts.wild():
		return portly(block.Join(p.hosts.patterns, "and"), p.port)
	}
	return portly(block.Join(p.hosts.primary(), "and"), p.port)
}

func portly(name, port string) string {
	if port == "" {
		return name
	}
	return name + ":" + port
}

// covered returns the handlers that a global public_url speaks of: those that take
// money and have none of their own, and what stands beside them. A landing page
// on a host of its own is no part of that shop.
func covered(handlers []*Handler, placed []*place) (which []int) {
	keys := make(map[string]bool)
	money := false
	for i, h := range handlers {
		if h.PublicURL == "" && h.money() {
			keys[placed[i].key()], money = true, true
		}
	}
	if !money {
		for _, p := range placed {
			keys[p.key()] = true
		}
		if len(keys) != 1 {
			return nil
		}
	}
	for i, h := range handlers {
		if h.PublicURL == "" && (h.money() || keys[placed[i].key()] || !placed[i].found || placed[i].hosts.all) {
			which = append(which, i)
		}
	}
	return which
}

// money reports whether the handler takes payments, so that it must be known whose
// they are.
func (h *Handler) money() bool { return len(h.Verify)+len(h.Checkout)+len(h.Observe)+len(h.Relay) > 0 }

// remember gives each shop the names that it had: those that are written, and
// those that earlier versions made of the same configuration, where they can
// have been nobody else's.
func remember(handlers []*Handler, placed []*place) {
	claims := make(map[string][]string) // name → the shops that may have had it
	for _, p := range placed {
		for _, name := range p.earlier() {
			claims[name] = adding(claims[name], p.shopKey())
		}
	}
	names, origins := make(map[string][]string), make(map[string][]string)
	for i, p := range placed {
		if p.site == nil {
			continue
		}
		id := p.site.id
		for _, text := range handlers[i].Formerly {
			if o, err := parsePublicURL(text); err == nil {
				names[id], origins[id] = adding(names[id], o.id()), adding(origins[id], o.String())
			}
		}
	}
	for _, p := range placed {
		if p.site == nil {
			continue
		}
		for _, name := range p.earlier() {
			if name != p.site.id && len(claims[name]) == 1 && !current(placed, name) {
				names[p.site.id] = adding(names[p.site.id], name)
			}
		}
	}
	for _, p := range placed {
		if p.site != nil {
			p.site.names = slices.Concat(p.site.names, names[p.site.id])
			p.site.origins = slices.Concat(p.site.origins, origins[p.site.id])
		}
	}
}

func (p *place) shopKey() string {
	if p.site != nil {
		return p.site.id
	}
	return "*" + p.key()
}

// current reports whether a name is one that some shop goes by now.
func current(placed []*place, id string) bool {
	return slices.ContainsFunc(placed, func(p *place) bool { return p.site != nil && p.site.id == id || p.site == nil && p.mayName(id) })
}

// mayName reports whether a request can name this shop where requests decide.
func (p *place) mayName(id string) bool {
	name, port := splitHost(id)
	return name != "" && !strings.ContainsRune(id, '/') && port == p.port && p.hosts.takes(hostName(name))
}

// earlier returns the names that versions before 2 would have given the site: its
// first plain host with its port, or the port alone.
func (p *place) earlier() []string {
	var all []string
	for _, n := range p.hosts.names {
		all = append(all, portly(n, p.port))
		if p.port == "" && strings.HasPrefix(n, "[") {
			all = append(all, strings.Trim(n, "[]"))
		}
	}
	port := p.port
	if port == "" {
		port = "80"
		if p.secure {
			port = "443"
		}
	}
	return append(all, ":"+port)
}
