package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// verifySite is a shop behind the module.
const verifySite = `http://%s {
	bind 127.0.0.1
	payments {%s
		verify /callback idpay {
			expect signed
			deliver %s
		}
	}
	reverse_proxy {shop}
}
`

// hopsSite does the same two calls without a ledger.
const hopsSite = `http://%s {
	bind 127.0.0.1
	bench_hops http://{provider}/v1.1/payment/verify
	reverse_proxy {shop}
}
`

// floorSite adds two synced writes to the two calls, and nothing else.
const floorSite = `http://%s {
	bind 127.0.0.1
	bench_floor http://{provider}/v1.1/payment/verify {dir}/floor
	reverse_proxy {shop}
}
`

// arm is one of those that take turns.
type arm struct {
	name  string
	site  string // address
	path  string
	caddy *instance

	rate, cpu, p50, p99 []float64
}

// shops are those that take turns in one Caddy, so that what its heap and its
// collector cost is the same for all.
type shops struct {
	once, idem, bare, least *arm
	// php and marked have no site where there is no php-fpm.
	php, marked *arm
}

// startShops starts a Caddy of this build, or of another one.
func (b *bench) startShops(ctx context.Context, program string, f *fpm) (*shops, *instance, error) {
	s := &shops{
		once:   &arm{name: "deliver once", site: b.address(), path: returnPath},
		idem:   &arm{name: "deliver idempotent", site: b.address(), path: returnPath},
		bare:   &arm{name: "two hops without a store", site: b.address(), path: returnPath},
		least:  &arm{name: "two hops and two writes of Badger's", site: b.address(), path: returnPath},
		php:    &arm{name: "php-fpm and SQLite", path: "/verify.php"},
		marked: &arm{name: "php-fpm and SQLite, marker first", path: "/verify.php"},
	}
	text := globals("badger {dir}/ledger") + fmt.Sprintf(floorSite, local(s.least.site)) +
		fmt.Sprintf(verifySite, local(s.once.site), "", "once") + fmt.Sprintf(verifySite, local(s.idem.site), "", "idempotent") +
		fmt.Sprintf(hopsSite, local(s.bare.site))
	if f != nil {
		s.php.site, s.marked.site = b.address(), b.address()
		text += f.sites(s.php, s.marked)
	}
	c, err := b.startBuild(ctx, program, text)
	for _, a := range append(s.ours(), s.php, s.marked) {
		a.caddy = c
	}
	return s, c, err
}

// ours are those arms that are no PHP.
func (s *shops) ours() []*arm { return []*arm{s.once, s.idem, s.bare, s.least} }

// throughput measures verified and delivered payments a second.
func throughput(ctx context.Context, b *bench) error {
	f := b.phpIfThere(ctx)
	defer f.stop()
	s, c, err := b.startShops(ctx, b.self, f)
	if err != nil {
		return err
	}
	defer c.stop()
	once, idem, bare, least, php, marked := s.once, s.idem, s.bare, s.least, s.php, s.marked
	arms := s.ours()
	if f != nil {
		arms = append(arms, php, marked)
	}
	ram := &arm{name: "deliver once, ledger in RAM", site: b.address(), path: returnPath}
	if dir, ok := ramDisk(); ok {
		defer os.RemoveAll(dir)
		if ram.caddy, err = b.startCaddy(ctx, globals("badger "+dir+"/ledger")+fmt.Sprintf(verifySite, local(ram.site), "", "once")); err != nil {
			return err
		}
		defer ram.caddy.stop()
		arms = append(arms, ram)
	}
	for _, workers := range []int{1, 8, 64} {
		if err := b.takeTurns(ctx, arms, workers, ""); err != nil {
			return err
		}
		at := fmt.Sprintf(", concurrency %d", workers)
		for _, a := range []*arm{once, idem} {
			b.info("payments, "+a.name+at, over(a.rate, bare.rate), "of two hops", a.note())
		}
		b.info("  the two hops"+at, bare.rate, "/s", bare.note())
		b.info("  with two synced writes of bare Badger, and nothing else"+at, over(least.rate, bare.rate), "of two hops", least.note())
		if len(ram.rate) > 0 {
			b.info("  with the ledger in RAM (CPU without disk)"+at, over(ram.rate, bare.rate), "of two hops", ram.note())
		}
		if len(php.rate) == 0 || workers == 1 {
			continue
		}
		for _, a := range []*arm{once, idem} {
			b.info("against php-fpm, "+a.name+at, over(a.rate, php.rate), "times php", php.note())
		}
		b.info("  against php that marks first, deliver once"+at, over(once.rate, marked.rate), "times php", marked.note())
		b.info("  two synced writes of bare Badger, and nothing else, against php"+at, over(least.rate, php.rate), "times php", "")
	}
	return nil
}

// ramDisk is a directory that no disk is behind.
func ramDisk() (string, bool) {
	const shm = "/dev/shm"
	if text, err := os.ReadFile("/proc/mounts"); err != nil || !strings.Contains(string(text), " "+shm+" tmpfs ") {
		return "", false
	}
	dir, err := os.MkdirTemp(shm, "caddy-payments-bench-")
	return dir, err == nil
}

// takeTurns runs all arms at one concurrency, round by round, and forgets what
// they measured before. prefix is of the orders; others take their turn first.
func (b *bench) takeTurns(ctx context.Context, arms []*arm, workers int, prefix string, others ...func() error) error {
	for _, a := range arms {
		a.rate, a.cpu, a.p50, a.p99 = nil, nil, nil, nil
		j := job{Address: a.site, Path: a.path, Returns: true, Prefix: prefix, Workers: workers, Slice: b.slice / 4, Want: string(okBody)}
		if _, err := b.load.run(j); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	for round := range b.rounds {
		for _, other := range others {
			if err := other(); err != nil {
				return err
			}
		}
		for i := range arms {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a := arms[(i+round)%len(arms)]
			done := func() {}
			if round == 0 {
				done = b.profile(a.caddy, fmt.Sprintf("%s%s-%d", prefix, strings.NewReplacer(" ", "-", ",", "").Replace(a.name), workers))
			}
			before := a.caddy.cpu()
			r, err := b.load.run(job{Address: a.site, Path: a.path, Returns: true, Prefix: prefix, Workers: workers, Slice: b.slice, Want: string(okBody)})
			done()
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", a.name, err, a.caddy.said())
			}
			a.rate = append(a.rate, r.rate())
			a.cpu = append(a.cpu, micros(a.caddy.cpu()-before)/float64(r.Done))
			a.p50, a.p99 = append(a.p50, micros(r.P50)/1e3), append(a.p99, micros(r.P99)/1e3)
		}
	}
	return nil
}

func (a *arm) note() string {
	if len(a.rate) == 0 {
		return "" // it had no turn
	}
	return fmt.Sprintf("%.0f/s; p50 %.1f ms, p99 %.1f ms; Caddy's CPU %.0f µs each", median(a.rate), median(a.p50), median(a.p99), median(a.cpu))
}

// fpm is php-fpm with eight workers.
type fpm struct {
	*child
	socket, dir string
}

// sites are the PHP shops, one of which records the return before it asks.
func (f *fpm) sites(plain, marked *arm) string {
	site := func(a *arm, marker string) string {
		return fmt.Sprintf(`http://%s {
	bind 127.0.0.1
	root %s
	php_fastcgi unix/%s {
		env LEDGER %s
		env MARKER "%s"
		env PROVIDER http://{provider}/v1.1/payment/verify
		env API_KEY {key}
		env RETURN_KEY %s
		env ROUTE %s
	}
}
`, local(a.site), f.dir, f.socket, filepath.Join(f.dir, a.name+".db"), marker, newReturns().key, returnPath)
	}
	plain.name, marked.name = "php", "php-marked"
	return site(plain, "") + site(marked, "1")
}
