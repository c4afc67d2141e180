package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// openPath is the route on which nothing but the provider's answer is asked for.
const openPath = "/open"

// What strangers send, and what customers do meanwhile, each a second; -quick has a
// tenth of the strangers.
const (
	bogusRate   = 5_000
	pressRate   = 500
	genuineRate = 100
)

// strangersSite has a route of each kind that a stranger may knock at.
const strangersSite = `http://%s {
	bind 127.0.0.1
	payments {
		track /product/* {
			keep store
		}
		checkout /buy idpay {
			item mug 120000toman "A mug"
		}
		verify /callback idpay {
			expect signed
		}
		verify /open idpay {
			expect none
		}
	}
	reverse_proxy {shop}
}
`

// refusingSite refuses the same strangers without a look at the ledger, and makes the two hops with two bare writes for all others.
const refusingSite = `http://%s {
	bind 127.0.0.1
	route {
		bench_refuse
		bench_floor http://{provider}/v1.1/payment/verify {dir}/floor
		reverse_proxy {shop}
	}
}
`

// fronted is the global options of a Caddy behind a proxy on the same machine, so
// that the load can come from many addresses. {provider} may be another.
func fronted(provider string) string {
	const here = "auto_https off"
	text := strings.Replace(globals("badger {dir}/ledger"), here, here+"\n\tservers {\n\t\ttrusted_proxies static 127.0.0.0/8\n\t}", 1)
	return strings.ReplaceAll(text, "http://{provider}", "http://"+provider)
}

// strangers measures how long genuine payments take with a flood of bogus returns
// and presses of Pay beside them, and without, in turns.
func strangers(ctx context.Context, b *bench) error {
	var floods [2]*loader
	for i := range floods {
		var err error
		if floods[i], err = b.startLoader(ctx); err != nil {
			return err
		}
	}
	for _, s := range []struct{ what, provider, site string }{
		{slowWords, "{provider}" + pathSlow, strangersSite},
		{"a provider that answers at once", "{provider}", strangersSite},
		{"a provider that answers at once, refused without a look", "{provider}", refusingSite},
	} {
		if err := b.strangersAt(ctx, s.what, fronted(s.provider), s.site, floods); err != nil {
			return err
		}
	}
	return nil
}

// strangersAt starts a Caddy with a site, and one of the other build if there is one, and
// has them take turns.
func (b *bench) strangersAt(ctx context.Context, what, options, site string, floods [2]*loader) error {
	var all []*besieged
	for _, build := range []struct{ what, program string }{{what, b.self}, {what + ", the other build", b.against}} {
		if build.program == "" {
			continue
		}
		s := &besieged{what: build.what, address: b.address()}
		var err error
		if s.caddy, err = b.startBuild(ctx, build.program, options+fmt.Sprintf(site, local(s.address))); err != nil {
			return fmt.Errorf("%s: %w", build.program, err)
		}
		defer s.caddy.stop()
		all = append(all, s)
	}
	for round := range min(b.rounds, 3) {
		for i := range all {
			s := all[(i+round)%len(all)]
			if err := b.besideStrangers(ctx, s, round, floods); err != nil {
				return fmt.Errorf("%w\n%s", err, s.caddy.said())
			}
		}
	}
	for _, s := range all {
		b.tellBesieged(s)
	}
	return nil
}

// besieged is a site at which strangers come, and the turns that it had.
type besieged struct {
	what, address string
	caddy         *instance
	calm, crowded []turn
}

// flood is how many bogus returns and presses of Pay come a second.
func (b *bench) flood() [2]float64 {
	if b.quick {
		return [2]float64{bogusRate / 10, pressRate / 10}
	}
	return [2]float64{bogusRate, pressRate}
}

// besideStrangers takes two turns at one Caddy, with strangers and without: the other way
// round in each round.
func (b *bench) besideStrangers(ctx context.Context, s *besieged, round int, floods [2]*loader) error {
	slice := 5 * b.slice
	genuine := job{Address: s.address, Path: returnPath, Returns: true, Workers: 64, Rate: genuineRate, Slice: slice / 5, Want: string(okBody)}
	if round == 0 {
		if _, err := b.load.run(genuine); err != nil {
			return err
		}
	}
	genuine.Slice = slice
	for i := range 2 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		from, into := floods, &s.crowded
		if (i+round)%2 == 0 {
			from, into = [2]*loader{}, &s.calm
		}
		t, err := b.turnBeside(s.caddy, genuine, from, b.flood())
		if err != nil {
			return err
		}
		*into = append(*into, t)
		time.Sleep(time.Second) // what is under way ends
	}
	return nil
}

// tellBesieged adds the lines of one site.
func (b *bench) tellBesieged(s *besieged) {
	ms := func(turns []turn, of func(turn) time.Duration) (v []float64) {
		for _, t := range turns {
			v = append(v, micros(of(t))/1e3)
		}
		return v
	}
	flood := b.flood()
	p50, p99 := func(t turn) time.Duration { return t.genuine.P50 }, func(t turn) time.Duration { return t.genuine.P99 }
	last := s.crowded[len(s.crowded)-1]
	b.atMost("p99 of genuine payments beside strangers, "+s.what, over(ms(s.crowded, p99), ms(s.calm, p99)), 2, "of that without them",
		fmt.Sprintf("p99 %.1f and %.1f ms; p50 %.1f and %.1f ms; %d genuine ones a second", median(ms(s.crowded, p99)), median(ms(s.calm, p99)),
			median(ms(s.crowded, p50)), median(ms(s.calm, p50)), genuineRate))
	b.atLeast("  bogus returns that the load really sent", rates(s.crowded, func(t turn) result { return t.bogus }), flood[0]*0.95, "/s", fmt.Sprintf("answers of the last turn: %s", tally(last.bogus.Status)))
	b.atLeast("  bogus presses of Pay that the load really sent", rates(s.crowded, func(t turn) result { return t.press }), flood[1]*0.95, "/s", fmt.Sprintf("answers of the last turn: %s", tally(last.press.Status)))
	b.info("  genuine payments", rates(s.crowded, func(t turn) result { return t.genuine }), "/s", fmt.Sprintf("Caddy used %.2f cores beside strangers, %.2f without", last.cores, s.calm[len(s.calm)-1].cores))
}

// turn is what one turn measured.
type turn struct {
	genuine, bogus, press result
	cores                 float64 // that Caddy used while the genuine payments came
}

// turnBeside lets genuine payments come while strangers, if there are any, have come
// for a second before and stay until the end.
func (b *bench) turnBeside(c *instance, genuine job, floods [2]*loader, rate [2]float64) (t turn, err error) {
	done := make(chan error, len(floods))
	const lead = time.Second
	for i, l := range floods {
		if l == nil {
			done <- nil
			continue
		}
		j := job{Address: genuine.Address, Kind: kindBogus, Workers: 512, Rate: rate[i], Slice: genuine.Slice + 2*lead, Any: true}
		into := &t.bogus
		if i == 1 {
			j.Kind, j.Workers, into = kindPress, 256, &t.press
		}
		go func() {
			var err error
			*into, err = l.run(j)
			done <- err
		}()
	}
	finished := func() {}
	if floods[0] != nil {
		time.Sleep(lead)
		finished = b.profile(c, fmt.Sprintf("strangers-%s", c.admin))
	}
	before := c.cpu()
	t.genuine, err = b.load.run(genuine)
	if t.genuine.Took > 0 {
		t.cores = (c.cpu() - before).Seconds() / t.genuine.Took.Seconds()
	}
	finished()
	for range floods {
		if e := <-done; err == nil {
			err = e
		}
	}
	return t, err
}

// rates is what was asked and answered a second in each turn.
func rates(turns []turn, of func(turn) result) (v []float64) {
	for _, t := range turns {
		v = append(v, of(t).asked())
	}
	return v
}

// tally writes answers by their status.
func tally(status map[int]int64) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(status)) {
		parts = append(parts, fmt.Sprintf("%d times %d", status[code], code))
	}
	return strings.Join(parts, ", ")
}
