package robust_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// books are what everybody has written down: the customers here, the provider
// and the network in the sandbox, the shop in its requests, the ledger behind
// Caddy's admin endpoint. Whatever was broken, in the end they must agree.
type books struct {
	*stand
	once  bool
	mu    sync.Mutex
	paid  map[string]*customer
	tries int
}

// customer paid at the bank.
type customer struct {
	id, track string
	ret       *sandbox.Return
	browser   *harness.Browser
}

// newBooks prepares a shop behind a Caddy of the given program: one that takes
// every request for a new payment (once), or one that dedupes. bin is a path.
func newBooks(t *testing.T, bin string, once bool, global ...string) *books {
	t.Helper()
	verify := "absent deliver"
	if !once {
		verify += "\n\t\t\tdeliver idempotent"
	}
	global = append(global, "provider idpay {", "provider idpay {\n\t\t\ttimeout 1s")
	s := newStand(t, "idpay", verify, global...)
	s.text = strings.Replace(s.text, "\t\tcheckout /buy", "\t\ttrack /product/*\n\t\tcheckout /buy", 1)
	s.prepare()
	s.Bin = bin
	return &books{stand: s, once: once, paid: make(map[string]*customer)}
}

// serve is one customer from the landing page, if a network sent them, to the
// return; nil if the process was down before they had paid. What the return was
// answered does not matter while processes die.
func (b *books) serve() *customer {
	b.t.Helper()
	b.mu.Lock()
	b.tries++
	n := b.tries
	b.mu.Unlock()
	c := &customer{browser: harness.NewCustomer(b.t)}
	c.browser.Client.Timeout = 5 * time.Second
	defer c.browser.Client.CloseIdleConnections()
	if n%2 == 0 {
		track := fmt.Sprintf("track-of-visit-%06d", n)
		if _, err := c.browser.Try(http.MethodGet, b.site+"/product/mug?track_id="+track, ""); err != nil {
			return nil
		}
		c.track = track
	}
	var err error
	if c.id, c.ret, err = b.tryBuy(c.browser); err != nil {
		return nil
	}
	b.mu.Lock()
	b.paid[c.id] = c
	b.mu.Unlock()
	b.come(c)
	return c
}

// come is a customer's return. Nobody who paid may ever hear "not paid" or that
// the return was wrong.
func (b *books) come(c *customer) {
	b.t.Helper()
	p, err := come(c.browser, c.ret)
	c.browser.Client.CloseIdleConnections()
	if err != nil {
		return // it was killed
	}
	switch p.Status {
	case http.StatusOK, http.StatusAccepted, http.StatusServiceUnavailable:
	default:
		b.t.Errorf("the paid return of %s got %d", c.id, p.Status)
	}
}

// everybodyComes lets all customers come once more but those who are gone.
func (b *books) everybodyComes(gone func(*customer) bool) {
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, c := range b.paid {
		if gone(c) {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			b.come(c)
		})
	}
	all.Wait()
}

// rest waits until every paid payment has come to rest.
func (b *books) rest(most time.Duration) map[string]row {
	b.t.Helper()
	all := make(map[string]row)
	var open []row
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(time.Second) {
		list, err := b.rows()
		if err != nil {
			continue
		}
		for _, r := range list {
			all[r.ID] = r
		}
		open = open[:0]
		for id, c := range b.paid {
			r := all[id]
			switch {
			case r.State == "parked", r.State == "review":
			case r.State == "delivered" && (c.track == "" || r.Conversion == "sent"):
			default:
				open = append(open, r)
			}
		}
		if len(open) == 0 {
			return all
		}
	}
	b.t.Errorf("%d payments came to no rest in %s: %+v", len(open), most, open[:min(len(open), 5)])
	return all
}

// result is what the comparison of the books found.
type result struct {
	paid, credited, parked, review int
	lost, twice, repeats           int
}

func (r *result) add(o result) {
	r.paid += o.paid
	r.credited += o.credited
	r.parked += o.parked
	r.review += o.review
	r.lost += o.lost
	r.twice += o.twice
	r.repeats += o.repeats
}

func (r result) String() string {
	return fmt.Sprintf("%d paid: %d credited, %d parked, %d in review; %d conversions reported again; lost %d, twice %d",
		r.paid, r.credited, r.parked, r.review, r.repeats, r.lost, r.twice)
}

// compare compares all books. all is the ledger's.
func (b *books) compare(all map[string]row) (res result) {
	b.t.Helper()
	lost := func(format string, args ...any) { res.lost++; b.t.Errorf("LOST: "+format, args...) }
	twice := func(format string, args ...any) { res.twice++; b.t.Errorf("TWICE: "+format, args...) }
	l := b.box.Ledger("", "", "")
	truth := make(map[string]sandbox.Payment, len(l.Payments))
	for _, p := range l.Payments {
		truth[p.ID] = p
	}
	told := b.toldByID()
	alerts := alerted(b.Log())
	for id, n := range told {
		p := truth[id]
		if b.once && n > 1 {
			twice("%s: the shop was told %d times: %+v", id, n, all[id])
		}
		if p.Settled != 50_000 || b.paid[id] == nil {
			twice("%s was credited, the provider has %+v", id, p)
		}
	}
	res.paid, res.credited = len(b.paid), len(told)
	for id, c := range b.paid {
		r := all[id]
		switch r.State {
		case "delivered":
			if told[id] == 0 {
				lost("%s is delivered and the shop knows nothing", id)
			}
			if c.track != "" && l.Tracks[c.track] == nil {
				lost("%s: conversion %s was not reported: %+v", id, c.track, r)
			}
		case "parked":
			res.parked++
			if !b.once {
				lost("%s is parked, though the shop dedupes: %+v", id, r)
			}
			if !alerts[id] {
				lost("%s is parked and nobody was told: %+v", id, r)
			}
		case "review":
			res.review++
			lost("%s needs a person for no reason: %+v", id, r)
		default:
			lost("%s was paid and is %+v; the provider has %+v", id, r, truth[id])
		}
		if t := l.Tracks[c.track]; t != nil {
			if r.State != "delivered" {
				twice("%s: its conversion was reported, it is %s", id, r.State)
			}
			res.repeats += t.Count - 1
		}
		if truth[id].Refunded > 0 {
			lost("%s was paid and given back: %+v", id, r)
		}
	}
	return res
}

// toldByID counts the shop's requests that said "verified".
func (b *books) toldByID() map[string]int {
	told := make(map[string]int)
	for _, r := range b.shop.Told() {
		told[r.Header.Get("X-Payment-Id")]++
		if a := r.Header.Get("X-Payment-Amount"); a != "50000" {
			b.t.Errorf("the shop was told of %s rials", a)
		}
	}
	return told
}

// alerted are the ids of which a person was told that they need one.
func alerted(log string) map[string]bool {
	ids := make(map[string]bool)
	told := make(map[string]bool) // one cause is one alert: those that follow are lines
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"payment_parked"`) && !strings.Contains(line, `"payment_review"`) && !strings.Contains(line, "needs a person") {
			continue
		}
		var entry struct {
			Level, ID, Msg string
			IDs            []string
		}
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		told[entry.Msg] = told[entry.Msg] || entry.Level == "warn" || entry.Level == "error"
		if told[entry.Msg] {
			ids[entry.ID] = true
			for _, id := range entry.IDs {
				ids[id] = true
			}
		}
	}
	return ids
}

// between is a random duration.
func between(least, most time.Duration) time.Duration { return least + rand.N(most-least) }
