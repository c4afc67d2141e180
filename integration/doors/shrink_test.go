package doors

import (
	"encoding/json"
	"flag"
	"strings"
	"time"
)

var shrinking = flag.Duration("shrink", 20*time.Second, "how long a failing world may be made smaller")

// shrink leaves out of a failing world what it fails without, as long as it fails
// in the same way.
func shrink(w *world) *world {
	kind := w.faults[0].Kind
	end := time.Now().Add(*shrinking)
	// What happens after the fault is noticed has no part in it.
	for {
		smaller := false
		for _, try := range reductions(w.drawn) {
			if time.Now().After(end) {
				return w
			}
			if l := live(try); len(l.faults) > 0 && l.faults[0].Kind == kind {
				w, smaller = l, true
				break
			}
		}
		if !smaller {
			return w
		}
	}
}

func clone(p *plan) *plan {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	c := new(plan)
	if err := json.Unmarshal(b, c); err != nil {
		panic(err)
	}
	return c
}

// reductions are all plans that are one piece smaller, large pieces first.
func reductions(p *plan) []*plan {
	var out []*plan
	with := func(f func(*plan)) {
		c := clone(p)
		f(c)
		out = append(out, c)
	}
	for size := len(p.Steps) / 2; size >= 1; size /= 2 {
		for at := 0; at+size <= len(p.Steps); at += size {
			with(func(c *plan) { c.Steps = append(c.Steps[:at:at], c.Steps[at+size:]...) })
		}
	}
	if len(p.Blocks) > 1 {
		for i := range p.Blocks {
			with(func(c *plan) {
				c.Steps = c.renumber(i)
				c.Blocks = append(c.Blocks[:i:i], c.Blocks[i+1:]...)
			})
		}
	}
	if p.Front {
		with(func(c *plan) {
			c.Front = false
			for i := range c.Blocks {
				c.Blocks[i].Public = strings.Replace(c.Blocks[i].Public, "https:", "http:", 1)
			}
		})
	}
	for i := range p.Blocks {
		b := p.Blocks[i]
		less := func(f func(*block)) { with(func(c *plan) { f(&c.Blocks[i]) }) }
		for j := range b.Requires {
			less(func(b *block) { b.Requires = append(b.Requires[:j:j], b.Requires[j+1:]...) })
			for k := range b.Requires[j].Paths {
				if len(b.Requires[j].Paths) > 1 {
					less(func(b *block) {
						r := &b.Requires[j]
						r.Paths = append(r.Paths[:k:k], r.Paths[k+1:]...)
					})
				}
			}
			if len(b.Requires[j].Items) > 1 {
				less(func(b *block) { b.Requires[j].Items = b.Requires[j].Items[:1] })
			}
			if b.Requires[j].Devices > 0 {
				less(func(b *block) { b.Requires[j].Devices = 0 })
			}
			if b.Requires[j].Matcher {
				less(func(b *block) { b.Requires[j].Matcher = false })
			}
		}
		if b.Plugin != nil {
			less(func(b *block) { b.Plugin = nil })
			for _, f := range b.Plugin.less() {
				now := *b.Plugin
				if f(&now); now != *b.Plugin {
					less(func(b *block) { f(b.Plugin) })
				}
			}
		}
		for j := range b.Verifies {
			less(func(b *block) { b.Verifies = append(b.Verifies[:j:j], b.Verifies[j+1:]...) })
			for _, f := range []func(*verify){
				func(v *verify) { v.Ack, v.Declined, v.Duplicate, v.Bounce = "", "", "", "" },
				func(v *verify) { v.Bind = "" }, func(v *verify) { v.Deliver = "" }, func(v *verify) { v.Ack = "" }, func(v *verify) { v.Declined = "" },
				func(v *verify) { v.Duplicate = "" }, func(v *verify) { v.Bounce = "" },
			} {
				now := b.Verifies[j]
				if f(&now); now != b.Verifies[j] {
					less(func(b *block) { f(&b.Verifies[j]) })
				}
			}
		}
		if len(b.Checkouts) > 0 {
			less(func(b *block) { b.Checkouts = nil })
			if len(b.Checkouts[0].Items) > 1 {
				less(func(b *block) { b.Checkouts[0].Items = b.Checkouts[0].Items[:1] })
				less(func(b *block) { b.Checkouts[0].Items = b.Checkouts[0].Items[1:] })
			}
		}
		for j := range b.Around {
			less(func(b *block) { b.Around = append(b.Around[:j:j], b.Around[j+1:]...) })
		}
		if b.Track != nil {
			less(func(b *block) { b.Track = nil })
		}
		for _, f := range []func(*block){
			func(b *block) { b.Keep = false }, func(b *block) { b.Many = false }, func(b *block) { b.Said = false }, func(b *block) { b.Brand = false }, func(b *block) { b.Pages = false }, func(b *block) { b.Under = false }, func(b *block) { b.NoAnnounce = false }, func(b *block) { b.ErrorsCaddy = false }, func(b *block) { b.Loose = false },
			func(b *block) { b.Try = false }, func(b *block) { b.Precompressed = false }, func(b *block) { b.Trim = false }, func(b *block) { b.Parses = false },
			func(b *block) { b.Info = false }, func(b *block) { b.Caching = "" }, func(b *block) { b.Post = false },
		} {
			if c := clone(&plan{Blocks: []block{b}}); true {
				f(&c.Blocks[0])
				was, _ := json.Marshal(b)
				is, _ := json.Marshal(c.Blocks[0])
				if string(was) != string(is) {
					less(f)
				}
			}
		}
	}
	for i, s := range p.Steps {
		for name, n := range map[string]int{"spell": len(s.Spell), "query": len(s.Query), "headers": len(s.Headers), "cookies": len(s.Cookies)} {
			for j := range n {
				with(func(c *plan) {
					list := map[string]*[]string{"spell": &c.Steps[i].Spell, "query": &c.Steps[i].Query, "headers": &c.Steps[i].Headers, "cookies": &c.Steps[i].Cookies}[name]
					*list = append((*list)[:j:j], (*list)[j+1:]...)
				})
			}
		}
		if s.How != "GET" && s.Do != "bank" && s.Do != "ledger" && s.How != "" {
			with(func(c *plan) { c.Steps[i].How = "GET" })
		}
	}
	return out
}

// renumber gives the steps the places that they mean when block i is gone: those
// at its names go with it.
func (p *plan) renumber(i int) []step {
	first, total := 0, 0
	for j := range p.Blocks {
		if j < i {
			first += len(p.Blocks[j].Names)
		}
		total += len(p.Blocks[j].Names)
	}
	n := len(p.Blocks[i].Names)
	var out []step
	for _, s := range p.Steps {
		at := s.Site % total
		switch {
		case s.Do == "bank" || s.Do == "ledger" || s.Do == "return" || s.Do == "back" || s.Do == "time":
		case at >= first+n:
			s.Site = at - n
		case at >= first:
			continue
		default:
			s.Site = at
		}
		out = append(out, s)
	}
	return out
}
