package attacks_test

import (
	"fmt"
	"strings"
	"testing"
)

// The ways a shop is run behind us: the first announces its payments, the
// second says nothing, so that only IDPay's answer names the order; the other
// providers need to be told.
const (
	announced = "announced"
	silent    = "silent"
	sama      = "sama"
	script    = "24pal"
)

// The plugins of testdata/www.
const (
	tolerant  = "tolerant"
	strict    = "strict"
	authority = "authority"
	believing = "believing"
)

// attack is one entry of the corpus.
type attack struct {
	// id and name make the test's name, title stands in the report.
	id, name, title string
	// ours are the ways it is tried with us; default announced and silent.
	ours []string
	// plugins are those it is tried on; default all that speak IDPay.
	plugins []string
	// none says why there is nothing to try without us.
	none string
	// alone gives the trials with us a Caddy of their own: it is stopped, or
	// flooded.
	alone bool
	// route, block, before and provider are lines of the verify block, of the
	// payments block, of the site in front of it and of the provider's block.
	// NAME is the trial's and the provider's name, BOX the provider's address.
	route, block, before, provider string
	// routes are other lines of the verify block for some ways.
	routes map[string]string
	// back is the return's path behind us; default /back.
	back string
	// php is a setting of PHP's.
	php string
	// secure puts a stranger with a certificate of his own where the provider
	// should be.
	secure bool
	// around opens another way to the same PHP, without us.
	around bool
	run    func(*trial)
}

func (a *attack) with() []string {
	if a.ours == nil {
		return []string{announced, silent}
	}
	return a.ours
}

func (a *attack) without() []string {
	switch {
	case a.none != "":
		return nil
	case a.plugins == nil:
		return []string{tolerant, strict, believing}
	}
	return a.plugins
}

// corpus is everything, by topic.
func corpus() []attack {
	var all []attack
	for _, some := range [][]attack{
		forgeries(), replays(), amounts(), parameters(), headers(), requests(), browsers(), outbound(), secrets(), floods(), races(), affiliates(), operators(), paths(),
	} {
		all = append(all, some...)
	}
	return all
}

// TestCorpusIsWhole: each of the 85 numbers once.
func TestCorpusIsWhole(t *testing.T) {
	seen := make(map[string]int)
	for _, a := range corpus() {
		seen[a.id]++
		if a.name == "" || a.title == "" || a.run == nil || strings.ContainsAny(a.name, " /") {
			t.Errorf("%s is not filled in", a.id)
		}
		if len(a.without()) > 0 == (a.none != "") {
			t.Errorf("%s: either it is tried on plugins or there is a reason", a.id)
		}
	}
	for n := 1; n <= 85; n++ {
		if id := fmt.Sprintf("A%02d", n); seen[id] != 1 {
			t.Errorf("%s is there %d times", id, seen[id])
		}
		delete(seen, fmt.Sprintf("A%02d", n))
	}
	if len(seen) != 0 {
		t.Errorf("unknown: %v", seen)
	}
}

// TestAttacks is the corpus. One Caddy and one php-fpm serve a site for every
// trial that doesn't break them.
func TestAttacks(t *testing.T) {
	all := corpus()
	shared := newWorld(t)
	trials := make(map[string][]*trial)
	for i := range all {
		a := &all[i]
		for _, how := range a.with() {
			// Returns without any proof share one pace, so who brings them is alone.
			x := &trial{attack: a, how: how, us: true, alone: a.alone || how == silent}
			if !x.alone {
				shared.add(x)
			}
			trials[a.id] = append(trials[a.id], x)
		}
		for _, how := range a.without() {
			x := &trial{attack: a, how: how}
			shared.add(x)
			trials[a.id] = append(trials[a.id], x)
		}
	}
	shared.start()
	res := newResults(all)
	t.Cleanup(func() {
		shared.hunt()
		res.check(t)
	})
	for i := range all {
		a := &all[i]
		t.Run(a.id+"_"+a.name, func(t *testing.T) {
			t.Parallel()
			for _, x := range trials[a.id] {
				side := "without us"
				if x.us {
					side = "with us"
				}
				t.Run(side+"/"+x.how, func(t *testing.T) {
					t.Parallel()
					if x.alone {
						w := newWorld(t)
						w.add(x)
						w.start()
					}
					res.note(x, x.do(t))
				})
			}
		})
	}
}
