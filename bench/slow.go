package main

import (
	"context"
	"fmt"
)

// slowProvider measures payments with a provider that takes as long as real ones
// do. The budgets are for this: without the wait, the disk's syncs are most of what
// a payment takes, and a shop never sees that.
func slowProvider(ctx context.Context, b *bench) error {
	f := b.phpIfThere(ctx)
	defer f.stop()
	s, c, err := b.startShops(ctx, b.self, f)
	if err != nil {
		return err
	}
	defer c.stop()
	var former *shops
	if b.against != "" {
		var other *instance
		if former, other, err = b.startShops(ctx, b.against, nil); err != nil {
			return fmt.Errorf("%s: %w", b.against, err)
		}
		defer other.stop()
		for _, a := range former.ours() {
			a.name = "the other build, " + a.name
		}
	}
	for _, workers := range []int{64, 512} {
		if b.customers != 0 && workers != b.customers {
			continue
		}
		arms := s.ours()
		// With 512 customers most would wait longer for a PHP worker than any would.
		against := f != nil && workers == 64 && former == nil
		if against {
			arms = append(arms, s.php)
		}
		if former != nil {
			arms = append(arms, former.ours()...)
		}
		if err := b.takeTurns(ctx, arms, workers, slow); err != nil {
			return err
		}
		at := fmt.Sprintf(", %s, concurrency %d", slowWords, workers)
		for _, a := range []*arm{s.once, s.idem} {
			b.atLeast(a.name+at, over(a.rate, s.bare.rate), 0.9, "of two hops", fmt.Sprintf("%s; the two hops %s", a.note(), s.bare.note()))
			b.atMost("  Caddy's CPU for one", over(a.cpu, s.least.cpu), 1.2, "of two hops and two bare writes", s.least.note())
			if against {
				b.atLeast("  against php-fpm", over(a.rate, s.php.rate), 5, "times php", s.php.note())
			}
		}
		if former != nil {
			b.compareBuilds(s, former)
		}
	}
	return nil
}

// compareBuilds says what each arm costs here of what it costs in the other build.
func (b *bench) compareBuilds(s, former *shops) {
	for i, a := range s.ours() {
		was := former.ours()[i]
		b.info("  "+a.name+", Caddy's CPU", over(a.cpu, was.cpu), "of the other build", was.note())
	}
	for _, a := range []*arm{former.once, former.idem} {
		b.info("  "+a.name+", Caddy's CPU", over(a.cpu, former.least.cpu), "of two hops and two bare writes", a.note())
	}
}
