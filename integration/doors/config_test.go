package doors

import (
	"slices"
	"strings"
)

// newPlan draws a world.
func newPlan(seed uint64) *plan {
	d := newDraw(seed)
	p := &plan{Seed: seed, Keys: d.chance(70), Front: d.chance(20)}
	n := 1
	if d.chance(60) {
		n = 2
	}
	if d.chance(15) {
		n = 3
	}
	for i := range n {
		p.Blocks = append(p.Blocks, d.block(p, i))
	}
	if n > 1 && d.chance(8) {
		p.mall(d.chance(50))
	}
	p.plugins()
	p.bares()
	p.settle()
	p.Steps = d.steps(p)
	p.pluginSteps()
	p.outage()
	return p
}

func (d draw) block(p *plan, i int) block {
	letter := string(rune('a' + i))
	b := block{Number: i, Port: "80", Serve: d.one("files", "files", "proxy", "proxy", "php")}
	k := d.IntN(100)
	if p.Front && k >= 90 {
		k = 0 // the proxy in front has one port
	}
	switch {
	case k < 55:
		b.Hosts, b.Names = []string{letter + ".test"}, []string{letter + ".test"}
	case k < 65:
		b.Hosts, b.Names = []string{letter + ".test", "www." + letter + ".test"}, []string{letter + ".test", "www." + letter + ".test"}
	case k < 85:
		b.Hosts, b.Names = []string{"*." + letter + ".test"}, []string{"one." + letter + ".test", "two." + letter + ".test"}
	case k < 90:
		b.Hosts, b.Names, b.Public = []string{letter + ".test", letter + "2.test"}, []string{letter + ".test", letter + "2.test"}, "http://"+letter+".test"
	case k < 95:
		b.Port = "8080"
		b.Hosts, b.Names = []string{letter + ".test"}, []string{letter + ".test"}
	default:
		b.Port = "809" + string(rune('0'+i))
		b.Hosts, b.Names, b.Public = []string{""}, []string{letter + ".test", "any.test"}, "http://"+letter+".test:"+b.Port
	}
	if d.chance(50) {
		b.Track = []string{}
		if d.chance(25) {
			b.Track = []string{d.one("/course/*", "/lesson.html", "/")}
		}
		b.Keep = d.chance(35)
	}
	providers := d.some(1+d.IntN(2), "idpay", "idpay", "idpay2", "inv", "24pal", "sama")
	providers = slices.Compact(slices.Sorted(slices.Values(providers)))
	if d.chance(75) || b.Serve == "files" {
		c := checkout{Path: "/buy", Providers: providers[:1], Items: d.some(1+d.IntN(3), "cheap", "dear", "pro")}
		c.Return = d.one("/thanks.html", "/thanks")
		if b.Serve != "files" {
			c.Return = d.one("/thanks", "/callback.php", "/pay/callback")
		}
		b.Checkouts = append(b.Checkouts, c)
		b.Verifies = append(b.Verifies, verify{Path: c.Return, Provider: providers[0], Expect: "intent"})
	}
	if b.Serve != "files" {
		for range d.IntN(3) {
			v := verify{Path: d.one("/callback.php", "/pay/callback", "/thanks", "/r", "/index.php/done"), Provider: d.one(providers...), Expect: d.one("intent", "intent", "signed", "lookup", "none")}
			if d.chance(20) {
				v.Path, v.Query = "", "wc-api=gate"
			}
			if d.chance(30) {
				v.Bind = bound
			}
			b.Verifies = append(b.Verifies, v)
		}
	}
	for i := range b.Verifies {
		v := &b.Verifies[i]
		if b.Serve != "files" {
			v.Deliver = d.one("", "once", "idempotent")
			v.Ack = d.one("", "status", "header")
			v.Declined = d.one("", "", "page", "pass", "redirect /sorry")
			v.Duplicate = d.one("", "", "page", "pass", "redirect /free")
			v.Bounce = d.one("", "", "auto", "redirect", "resubmit")
		}
	}
	for range d.IntN(4) {
		b.Requires = append(b.Requires, d.require(&b))
	}
	if len(b.Checkouts) > 0 && b.Serve == "files" && b.Checkouts[0].Return == "/thanks" {
		b.Try = true // else there is no such page
	}
	b.Many, b.Said = d.chance(20), d.chance(35)
	b.NoAnnounce, b.ErrorsCaddy = d.chance(5), d.chance(10)
	b.Brand, b.Pages = d.chance(35), d.chance(20)
	b.Loose, b.Try, b.Precompressed = d.chance(25), b.Try || d.chance(35), d.chance(25)
	all := []string{"alias", "strip", "suffix", "replace", "regexp", "under", "errors", "bad-errors", "intercept", "statused", "auth", "nested", "invoke", "encode", "encode"}
	if b.Serve == "proxy" {
		all = append(all, "accel")
	}
	if d.chance(55) {
		b.Around = d.some(1+d.IntN(2), all...)
	}
	if b.has("invoke") && b.Public == "" && !p.Front && !b.wild() && d.chance(50) {
		b.Twin = "twin" + letter + ".test"
		b.Names = append(b.Names, b.Twin)
	}
	b.Trim, b.Info = d.chance(60), d.chance(60)
	b.Parses = len(b.Requires) > 0 && b.Number%2 == 0
	b.Caching = d.one("", "", "Cache-Control: public, max-age=600", "Surrogate-Control: max-age=600", "CDN-Cache-Control: public, max-age=600",
		"Expires: Thu, 01 Jan 2099 00:00:00 GMT", "X-Accel-Expires: 600", "Cache-Control: no-store", "Cloudflare-CDN-Cache-Control: max-age=60")
	b.Return, b.Post = d.one("", "named", "named"), d.chance(35)
	return b
}

// mall makes the first two blocks shops of one host, by handle or by handle_path.
func (p *plan) mall(under bool) {
	for i := range 2 {
		b := &p.Blocks[i]
		b.Prefix, b.Under = "/s"+string(rune('0'+i)), under
		b.Hosts, b.Names, b.Port, b.Public = []string{"mall.test"}, []string{"mall.test"}, "80", "http://mall.test"+b.Prefix
		b.Around, b.Twin, b.Serve = nil, "", "proxy"
		for j := range b.Verifies {
			b.Verifies[j].Declined = strings.Replace(b.Verifies[j].Declined, "/", b.Prefix+"/", 1)
			b.Verifies[j].Duplicate = strings.Replace(b.Verifies[j].Duplicate, "/", b.Prefix+"/", 1)
		}
	}
}

func (d draw) require(b *block) require {
	r := require{Items: d.some(1+d.IntN(2), "cheap", "dear", "pro")}
	if len(b.Checkouts) > 0 {
		items := b.Checkouts[0].Items
		r.Items = d.some(1+d.IntN(len(items)), items...)
	}
	r.Paths = d.some(1+d.IntN(2), "/book.pdf", "/*.pdf", "/course/*", "/course/pro/*", "/lesson.html", "/lesson", "/paid.php", "/members/*",
		"/course/index.html", "/docs/guide.pdf", "/course/one.html", "/course/one")
	r.Matcher = d.chance(15)
	if d.chance(30) {
		r.Devices = 1 + d.IntN(2)
	}
	return r
}

// settle makes a drawn configuration one that must load: what the documentation
// refuses is tried on its own, in refused_test.go.
func (p *plan) settle() {
	sharers := make(map[string]int)
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if p.Front {
			// The documentation asks for it behind a proxy that ends https.
			if b.Public = strings.Replace(b.Public, "http:", "https:", 1); b.Public == "" && !b.wild() {
				b.Public = "https://" + b.Names[0]
			}
		}
		for _, name := range providerNames {
			if b.uses(name) {
				sharers[name]++
				if b.wild() {
					sharers[name]++
				}
			}
		}
	}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		taken := make(map[string]bool)
		b.Verifies = slices.DeleteFunc(b.Verifies, func(v verify) bool {
			key := v.Path + "?" + v.Query
			again := taken[key]
			taken[key] = true
			return again
		})
		for j := range b.Verifies {
			v := &b.Verifies[j]
			switch v.Expect {
			case "signed":
				if v.Provider == "sama" || !p.Keys {
					v.Expect = "intent"
				}
			case "none":
				if !strings.HasPrefix(v.Provider, "idpay") || sharers[v.Provider] > 1 {
					v.Expect = "intent"
				}
			case "lookup":
				// One address for the shops of several hosts could not tell them apart.
				if !strings.HasPrefix(v.Provider, "idpay") || b.wild() || b.Twin != "" {
					v.Expect = "intent"
				}
			}
		}
	}
}
