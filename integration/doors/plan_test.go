package doors

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// plan is a world before it is lived: data alone, so that a part of it can be
// left out. Steps name sites, browsers and purchases by number, modulo what is
// there.
type plan struct {
	Seed   uint64
	Keys   bool // a signing_key that shops share
	Front  bool // browsers come by https, through a proxy that is trusted; one stranger comes past it
	Blocks []block
	Steps  []step
}

// block is one site block of the Caddyfile. A wildcard's is several sites.
type block struct {
	Number int      // names its files and its upstream, whatever else is left out
	Hosts  []string // as written; "" answers to any name
	Port   string
	Public string   // public_url
	Prefix string   // where this shop lives on a host that it shares with others
	Under  bool     // by handle_path, so that its block and its shop don't know the prefix
	Names  []string // what browsers call it, without port

	Track                   []string // nil: none; empty: all pages
	Keep                    bool     // keep store
	Many                    bool     // orders many, on all its routes
	Said                    bool     // placeholders tell the shop the same as headers do
	Checkouts               []checkout
	Verifies                []verify
	Requires                []require
	Plugin                  *plugin // the shop's own, behind the relay
	NoAnnounce, ErrorsCaddy bool
	Brand, Pages            bool // our pages carry the shop's name; templates replace some of them

	Serve         string // files, proxy or php
	Loose         bool   // disable_canonical_uris
	Try           bool   // try_files {path} {path}.html {path}/index.html
	Precompressed bool
	Twin          string   // another site's host, which invokes the same named route
	Around        []string // what else the site has, in names of caddyfile_test.go

	Trim    bool   // the shop's router takes /x/ for /x
	Parses  bool   // the shop takes what follows two slashes for a host, as PHP's parse_url does
	Info    bool   // the shop's router runs /x.php for /x.php/y
	Caching string // what the shop says of caching, as a header line
	Return  string // whether its announcements name the return address
	Post    bool   // its gateway returns by POST
}

type checkout struct {
	Path      string
	Providers []string
	Items     []string
	Return    string
}

type verify struct {
	Path, Query                    string // one of them
	Provider, Expect, Deliver, Ack string
	Declined, Duplicate, Bounce    string
	Bind                           string // a parameter of the shop's own
}

type require struct {
	Paths   []string
	Matcher bool // written as a named matcher
	Items   []string
	Devices int // 0: not said
}

// step is one thing that somebody does.
type step struct {
	Do      string
	Browser int
	Site    int // a name of a block: see world.site
	Slot    int // a purchase
	Other   int // a second purchase, site or number
	Pick    int // a path, item, provider …
	Dear    bool
	How     string   // the bank's button, a method …
	Spell   []string // spellings of the path, in turn
	Query   []string
	Headers []string
	Cookies []string
}

// The prices of what is sold, in rials.
var prices = map[string]int64{"cheap": 20_000, "dear": 9_000_000, "pro": 30_000_000}

// uses says whether a site has to do with a provider.
func (b *block) uses(provider string) bool {
	for _, v := range b.Verifies {
		if v.Provider == provider {
			return true
		}
	}
	for _, c := range b.Checkouts {
		if slices.Contains(c.Providers, provider) {
			return true
		}
	}
	return b.Plugin != nil && b.Plugin.Provider == provider
}

// wild: the block is as many sites as it has names.
func (b *block) wild() bool {
	for _, h := range b.Hosts {
		if strings.HasPrefix(h, "*.") {
			return b.Public == ""
		}
	}
	return false
}

// draw is the seed's randomness.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, 0x0d00c5))} } //nolint:gosec // no secret

func (d draw) one(of ...string) string { return of[d.IntN(len(of))] }
func (d draw) chance(percent int) bool { return d.IntN(100) < percent }
func (d draw) some(n int, of ...string) []string {
	out := slices.Clone(of)
	d.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// twins: two sites share a handler.
func (p *plan) twins() bool {
	return slices.ContainsFunc(p.Blocks, func(b block) bool { return b.Twin != "" && b.has("invoke") })
}

// at is a path of the shop as it is asked for.
func (b *block) at(path string) string { return b.Prefix + path }

// in is a path of the shop as its block has it, and its shop sees it.
func (b *block) in(path string) string {
	if b.Under {
		return path
	}
	return b.at(path)
}
