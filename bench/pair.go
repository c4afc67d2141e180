package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// pair is one site three times: with the payments block, without, and with a
// handler in its place that does the least.
type pair struct {
	name string
	// block is the payments block, rest what follows it in the site's block.
	block, rest string
	path        string
	// least is the handler that stands in the block's place.
	least string

	with, without, minimum side
}

// side is what was measured of one site of a pair.
type side struct {
	address   string
	rate, cpu []float64
}

const (
	// crowd is how many connections ask for ordinary pages at once.
	crowd = 16
	// lives is how many Caddys share the rounds. Each process has a luck of its
	// own, by some per cent, that more rounds don't even out: where its memory
	// lies, in which order its sites stand.
	lives = 6
)

// sites writes the pairs' blocks, beginning with another of each pair in every
// life.
func (b *bench) sites(pairs []*pair, life int) string {
	var text strings.Builder
	for _, p := range pairs {
		for i := range 3 {
			site, block := &p.with, p.block
			switch (i + life) % 3 {
			case 1:
				site, block = &p.without, ""
			case 2:
				site, block = &p.minimum, "\t"+p.least+"\n"
			}
			site.address = b.address()
			fmt.Fprintf(&text, "http://%s {\n\tbind 127.0.0.1\n%s%s}\n", local(site.address), strings.ReplaceAll(block, "{origin}", "http://"+local(site.address)), p.rest)
		}
	}
	return text.String()
}

// compare lets the sites of each pair take turns, in several Caddys one after
// the other.
func (b *bench) compare(ctx context.Context, pairs []*pair, budget float64) error {
	// Turns are short and many: noise of seconds hits all sides alike.
	rounds := 3 * b.rounds
	for life := range min(lives, rounds) {
		c, err := b.startCaddy(ctx, globals("badger {dir}/ledger")+b.sites(pairs, life))
		if err != nil {
			return err
		}
		part := (rounds + lives - 1 - life) / lives
		for _, p := range pairs {
			if err = b.playLife(ctx, c, p, part); err != nil {
				break
			}
		}
		c.stop()
		if err != nil {
			return err
		}
	}
	for _, p := range pairs {
		if p.shop() {
			b.atLeast(p.name, over(p.with.rate, p.without.rate), budget, "of plain", p.note(&p.with))
		} else {
			b.info(p.name, over(p.with.rate, p.without.rate), "of plain", p.note(&p.with))
		}
		b.info("  with "+p.least+" in our place", over(p.minimum.rate, p.without.rate), "of plain", p.note(&p.minimum))
	}
	return nil
}

// playLife runs some rounds of one pair.
func (b *bench) playLife(ctx context.Context, c *instance, p *pair, rounds int) error {
	sides := []*side{&p.with, &p.without, &p.minimum}
	turn := func(s *side, slice time.Duration) (rate, cpu float64, err error) {
		before := c.cpu()
		r, err := b.load.run(job{Address: s.address, Path: p.path, Workers: crowd, Slice: slice})
		return r.rate(), micros(c.cpu()-before) / float64(r.Done), err
	}
	for _, s := range sides {
		if _, _, err := turn(s, b.slice/4); err != nil {
			return err
		}
	}
	done := b.profile(c, strings.NewReplacer(" ", "-", ",", "").Replace(p.name))
	defer done()
	for round := range rounds {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for i := range sides {
			s := sides[(i+round)%len(sides)]
			rate, cpu, err := turn(s, b.slice/3)
			if err != nil {
				return err
			}
			s.rate, s.cpu = append(s.rate, rate), append(s.cpu, cpu)
		}
	}
	return nil
}

// shop reports a page that a shop makes, in PHP or behind a proxy. The budgets are
// for those: Caddy's own answer of two bytes is made in less time than a client
// takes to be woken.
func (p *pair) shop() bool {
	return strings.Contains(p.rest, "reverse_proxy") || strings.Contains(p.rest, "php_fastcgi")
}

// note says in numbers what a ratio doesn't.
func (p *pair) note(s *side) string {
	return fmt.Sprintf("best rounds %.3f; %.0f and %.0f requests/s; Caddy's CPU %.1f and %.1f µs a request",
		quantile(s.rate, 0.9)/quantile(p.without.rate, 0.9), median(s.rate), median(p.without.rate), median(s.cpu), median(p.without.cpu))
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
