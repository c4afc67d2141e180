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
		site := b.address()
		c, err := b.startCaddy(ctx, fronted(s.provider)+fmt.Sprintf(s.site, local(site)))
		if err != nil {
			return err
		}
		err = b.besideStrangers(ctx, c, site, s.what, floods)
		c.stop()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, c.said())
		}
	}
	return nil
}

// besideStrangers takes turns at one Caddy: with strangers, without, without, with …
func (b *bench) besideStrangers(ctx context.Context, c *instance, site, what string, floods [2]*loader) error {
	slice := 5 * b.slice
	flood := [2]float64{bogusRate, pressRate}
	if b.quick {
		flood = [2]float64{bogusRate / 10, pressRate / 10}
	}
	genuine := job{Address: site, Path: returnPath, Returns: true, Workers: 64, Rate: genuineRate, Slice: slice / 5, Want: string(okBody)}
	if _, err := b.load.run(genuine); err != nil {
		return err
	}
	genuine.Slice = slice
	var calm, crowded []turn
	for round := range min(b.rounds, 3) {
		for i := range 2 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			from := floods
			if (i+round)%2 == 0 {
				from = [2]*loader{}
			}
			t, err := b.turnBeside(c, genuine, from, flood)
			if err != nil {
				return err
			}
			if from[0] == nil {
				calm = append(calm, t)
			} else {
				crowded = append(crowded, t)
			}
			time.Sleep(time.Second) // what is under way ends
		}
	}
	ms := func(turns []turn, of func(turn) time.Duration) (v []float64) {
		for _, t := range turns {
			v = append(v, micros(of(t))/1e3)
		}
		return v
	}
	p50, p99 := func(t turn) time.Duration { return t.genuine.P50 }, func(t turn) time.Duration { return t.genuine.P99 }
	last := crowded[len(crowded)-1]
	b.atMost("p99 of genuine payments beside strangers, "+what, over(ms(crowded, p99), ms(calm, p99)), 2, "of that without them",
		fmt.Sprintf("p99 %.1f and %.1f ms; p50 %.1f and %.1f ms; %d genuine ones a second", median(ms(crowded, p99)), median(ms(calm, p99)),
			median(ms(crowded, p50)), median(ms(calm, p50)), genuineRate))
	b.atLeast("  bogus returns that the load really sent", rates(crowded, func(t turn) result { return t.bogus }), flood[0]*0.95, "/s", fmt.Sprintf("answers of the last turn: %s", tally(last.bogus.Status)))
	b.atLeast("  bogus presses of Pay that the load really sent", rates(crowded, func(t turn) result { return t.press }), flood[1]*0.95, "/s", fmt.Sprintf("answers of the last turn: %s", tally(last.press.Status)))
	b.info("  genuine payments", rates(crowded, func(t turn) result { return t.genuine }), "/s", fmt.Sprintf("Caddy used %.2f cores beside strangers, %.2f without", last.cores, calm[len(calm)-1].cores))
	return nil
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
