package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/block"
)

// judge refuses what would mix two shops, or leave it open whose a payment is.
func judge(handlers []*Handler, placed []*place, global string) error {
	if err := oneForAll(handlers, placed, global); err != nil {
		return err
	}
	for i, h := range handlers {
		if err := h.nameable(placed[i]); err != nil {
			return err
		}
		if err := h.comesBack(placed[i]); err != nil {
			return err
		}
		for j := range i {
			if err := apart(h, handlers[j], placed[i], placed[j]); err != nil {
				return err
			}
		}
	}
	if err := takenNames(handlers, placed); err != nil {
		return err
	}
	return sharedNone(handlers, placed)
}

// oneForAll refuses a global public_url for several shops: the second one's
// customers would be sent to the first, and its receipts be good there.
func oneForAll(handlers []*Handler, placed []*place, global string) error {
	if global == "" {
		return nil
	}
	var shops []string
	first := make(map[string]*Handler)
	for i, h := range handlers {
		key := placed[i].key()
		if h.PublicURL != "" || !h.money() || slices.Contains(shops, key) {
			continue
		}
		if twin := twinOf(h, placed[i], handlers[:i], placed); twin >= 0 && first[placed[twin].key()] != nil {
			continue
		}
		shops, first[key] = append(shops, key), h
	}
	if len(shops) < 2 {
		return nil
	}
	slices.Sort(shops)
	return fmt.Errorf("public_url is one site's, and there are %d (%s): write it in the `payments` blocks of the sites instead of the global options",
		len(shops), block.Join(shops, "and"))
}

// twinOf finds an equal handler of the same names at another port: one block with
// several addresses, as far as one can tell.
func twinOf(h *Handler, p *place, handlers []*Handler, placed []*place) int {
	for j, other := range handlers {
		q := placed[j]
		if other.server != h.server && p.key() != q.key() && slices.Equal(p.hosts.names, q.hosts.names) &&
			slices.Equal(p.hosts.patterns, q.hosts.patterns) && p.hosts.all == q.hosts.all && slices.Equal(h.shape, other.shape) {
			return j
		}
	}
	return -1
}

// ErrNameless is wrapped by errors about a site of which nobody can tell which
// shop it is.
var ErrNameless = errors.New("it must be known which shop a payment belongs to")

// nameable refuses to take payments where nobody can tell whose they are.
func (h *Handler) nameable(p *place) error {
	const public = "write `public_url https://shop.example.com`, its address as browsers see it, in its `payments` block"
	if len(h.Formerly) > 0 && p.site == nil {
		return errors.New("formerly is for a site with one name: " + public)
	}
	if !h.money() || p.public {
		return nil
	}
	primary := p.hosts.primary()
	switch {
	case !p.found:
		return fmt.Errorf("%w: a `payments` block is where its site's names cannot be found out; %s", ErrNameless, public)
	case p.hosts.all:
		return fmt.Errorf("%w: the site on %s answers to any name; write the shop's name before its block, or %s", ErrNameless, p.listen(), public)
	case len(primary) > 1:
		return fmt.Errorf("%w: one block answers to %s; if they are one shop, %s; if not, give each a block of its own",
			ErrNameless, block.Join(primary, "and"), public)
	case p.site != nil && len(p.ports) > 1:
		return fmt.Errorf("%w: %s is served on the ports %s; %s", ErrNameless, primary[0], block.Join(p.ports, "and"), public)
	}
	return nil
}

func (p *place) listen() string {
	if len(p.ports) == 0 {
		return p.scheme
	}
	return "port " + block.Join(p.ports, "and")
}

// route is one route of a handler as it was written, to compare it with.
type shaped struct{ what, key, text string }

// shapeOf is written down before Caddy takes the raw matchers away.
func shapeOf(h *Handler) []shaped {
	var all []shaped
	add := func(what, key string, route any) {
		text, err := json.Marshal(route)
		if err != nil {
			text = []byte(err.Error())
		}
		all = append(all, shaped{what, key, string(text)})
	}
	for _, v := range h.Verify {
		for _, path := range v.Paths {
			add("verify "+path+" "+v.Provider, "verify "+OneSpelling(path)+" "+v.Provider, v)
		}
		if len(v.Paths) == 0 {
			raw, _ := json.Marshal(v.MatchRaw)
			add("verify "+v.Provider, "verify "+string(raw)+" "+v.Provider, v)
		}
	}
	for _, c := range h.Checkout {
		add("checkout "+c.Path, "checkout "+OneSpelling(c.Path), c)
	}
	return all
}

// OneSpelling returns one text for all ways to write a path that take the same requests.
func OneSpelling(path string) string {
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return strings.ToLower(strings.TrimRight(path, "/"))
}

// apart refuses two handlers of one site whose routes cannot be told apart: of
// two shops on one host the cheap one's purchase would open the dear one's
// content.
func apart(a, b *Handler, p, q *place) error {
	same := samePlace(p, q)
	if !same {
		if p.site != nil && q.site != nil && !p.public && !q.public && a.money() && b.money() && len(a.shape) > 0 &&
			a.server != b.server && slices.Equal(p.hosts.primary(), q.hosts.primary()) && slices.Equal(a.shape, b.shape) {
			return fmt.Errorf("%w: %s and %s have the same routes: two shops or one? Give each block its `public_url`; where one block has both addresses, one public_url makes them one shop",
				ErrNameless, min(p.site.id, q.site.id), max(p.site.id, q.site.id))
		}
		return nil
	}
	for _, one := range a.shape {
		for _, other := range b.shape {
			if one.key != other.key {
				continue
			}
			stated := a.PublicURL != "" && b.PublicURL != ""
			if one.text == other.text && (stated || a.server != b.server || p.branch == q.branch) {
				if err := oneShop(a, b, p, q, one.what); err != nil {
					return err
				}
				continue
			}
			return fmt.Errorf("`%s` is twice in the site %s: two shops or one? Give each its `public_url`, such as `public_url %s/shop1`; one shop needs the same options in both",
				one.what, p.shopName(), p.example())
		}
	}
	return nil
}

// oneShop refuses two equal routes of one site behind which different shops stand:
// which of them is handed a payment, or has been, nobody could tell.
func oneShop(a, b *Handler, p, q *place, route string) error {
	for _, behind := range []func(*Handler, *place) []string{(*Handler).shopDials, (*Handler).shopRoots} {
		one, other := behind(a, p), behind(b, q)
		if len(one) == 0 || len(other) == 0 || slices.ContainsFunc(one, func(s string) bool { return slices.Contains(other, s) }) {
			continue
		}
		return fmt.Errorf("`%s` is twice in the site %s, once before %s and once before %s, so a payment could be handed to either: two shops or one? Give each its `public_url`; one shop needs one upstream, or one root, behind both",
			route, p.shopName(), min(one[0], other[0]), max(one[0], other[0]))
	}
	return nil
}

func samePlace(p, q *place) bool {
	if p.site != nil && q.site != nil {
		return p.site.id == q.site.id
	}
	if p.site != nil || q.site != nil || p.port != q.port {
		return false
	}
	return p.hosts.all && q.hosts.all ||
		slices.ContainsFunc(p.hosts.patterns, func(s string) bool { return slices.Contains(q.hosts.patterns, s) })
}

func (p *place) shopName() string {
	if p.site != nil {
		return p.site.id
	}
	return p.key()
}

func (p *place) example() string {
	if p.site != nil {
		return strings.TrimSuffix(p.site.origin, p.site.path)
	}
	return "https://mall.example.com"
}

// takenNames refuses an earlier name that is somebody's name now.
func takenNames(handlers []*Handler, placed []*place) error {
	had := make(map[string]string)
	for i, h := range handlers {
		p := placed[i]
		if p.site == nil {
			continue
		}
		for _, text := range h.Formerly {
			o, err := parsePublicURL(text)
			if err != nil || o.id() == p.site.id {
				continue
			}
			for j, other := range placed {
				if i != j && (other.site != nil && other.site.id == o.id() || other.site == nil && handlers[j].money() && other.mayName(o.id())) {
					return fmt.Errorf("formerly %s: that is the site %s, which would have two shops' payments; an earlier name must not be another site's today", text, o.id())
				}
			}
			if owner, ok := had[o.id()]; ok && owner != p.site.id {
				return fmt.Errorf("formerly %s: %s and %s both say so; a payment made under it can be only one's", text, owner, p.site.id)
			}
			had[o.id()] = p.site.id
		}
	}
	return nil
}
