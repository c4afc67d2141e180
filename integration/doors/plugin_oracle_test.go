package doors

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
)

// What must hold for shops whose plugins ask for themselves, by the documentation: a
// plugin hears "first" of what is its own alone, in site, order and amount; it hears
// that once for a payment; and whoever has paid has an order, or a person knows.

// first is the moment at which a plugin has heard "first" whole.
func (w *world) first(b *block, host, order, id string) {
	w.mu.Lock()
	w.firsts[id]++
	n := w.firsts[id]
	w.mu.Unlock()
	if b.Plugin.Bare {
		return // it is what the gateway says
	}
	if n > 1 {
		w.fail("first-twice", "the plugin of %s hears \"first\" of payment %s for the %dth time", b.site(host), id, n)
	}
	w.isOwn("first", b, host, order, id)
}

// replays counts the returns that the worker makes: one for a payment.
func (w *world) replays(id string) {
	w.mu.Lock()
	if w.working {
		w.replayed[id]++
	}
	n := w.replayed[id]
	w.mu.Unlock()
	if n > 1 {
		w.fail("replayed-twice", "the return of payment %s is made %d times for its customer", id, n)
	}
}

// isOwn says so if an answer that makes a shop credit is not about its own payment.
func (w *world) isOwn(word string, b *block, host, order, id string) {
	site := b.site(host)
	p := w.byID(id)
	switch {
	case p == nil:
		w.fail(word+"-unknown", "the plugin of %s hears %q of payment %s, which nobody made", site, word, id)
	case !w.bank.paid(id):
		truth, _ := w.bank.truth(id)
		w.fail(word+"-unpaid", "the plugin of %s hears %q of payment %s, which is %s at the bank", site, word, id, truth.State)
	case word == "again" && !w.bank.verified(id):
		w.fail("again-unverified", "the plugin of %s hears %q of payment %s, which nobody has verified", site, word, id)
	case p.Amount != priceOf(order) && (b.Plugin.speech().sendsAmount || b.Plugin.Observe): // else as it would be without us
		w.fail(word+"-cheap", "the plugin of %s hears %q of payment %s of %d rials for order %s, which costs %d", site, word, id, p.Amount, order, priceOf(order))
	case p.Site != site:
		w.fail(word+"-foreign", "the plugin of %s hears %q of payment %s, which is of %s", site, word, id, p.Site)
	case p.Order != order && b.Plugin.Observe && (!b.Plugin.Forward || w.out != "gone"): // nobody can look its create up: as it would be without us
		w.fail(word+"-moved", "the plugin of %s hears %q of payment %s for order %s, and it is of order %s", site, word, id, order, p.Order)
	}
}

// credit is what a plugin does when it takes a payment for paid.
func (w *world) credit(b *block, host, order, id string, heard int) {
	if heard == 101 && !b.Plugin.Bare {
		w.isOwn("again", b, host, order, id)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.creditedBy[id]++
}

func (w *world) credits(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.creditedBy[id]
}

// judgeSecret: what comes to the relay's address, however that is spelt, is not the shop's,
// whose logs would tell its secret.
func (w *world) judgeSecret(s *seen) {
	uri, err := url.PathUnescape(s.URI)
	if err != nil {
		uri = s.URI
	}
	if b := w.blockNumbered(s.Block); b != nil && b.Plugin != nil && !b.Plugin.Listener && !b.Plugin.Bare && strings.Contains(strings.ToLower(uri), path.Base(relayPath)) {
		w.fail("secret-told", "the shop of site %d is asked for %s", s.Block, s.URI)
	}
}

// owedByPlugin: this customer of a plugin's shop has paid, and has neither order nor
// retry nor person. A plugin that needs its customer is asked only while the customer
// is there, and without an observe route nobody makes the return for those who left.
func (w *world) owedByPlugin(p *purchase, rec *payment.Record) bool {
	truth, ok := w.bank.truth(p.ID)
	b := w.blockNumbered(p.Block)
	if !ok || truth.PaidAt == nil || truth.State == sandbox.StateRefunded || truth.State == sandbox.StateReversed || b == nil || b.Plugin == nil || w.credits(p.ID) > 0 {
		return false
	}
	if b.Plugin.Bare {
		return w.owedByBare(p, rec)
	}
	if w.tampered[p.ID] && !b.Plugin.Observe {
		return false // as it would be without us
	}
	if rec != nil {
		switch rec.State {
		case payment.Parked, payment.Review, payment.Reversed:
			return false
		case payment.Delivered:
			return true // it says that the shop has credited
		case payment.Verified, payment.Verifying, payment.Unknown, payment.Delivering:
			return rec.Due.IsZero()
		}
	}
	if b.Plugin.Session {
		back, err := url.Parse(p.Callback)
		return p.Brought && err == nil && back.Host == p.Host // else its cookie stays behind
	}
	return p.Brought || b.Plugin.Observe
}

// judgeBrought: an honest customer's own return reaches the plugin.
func (w *world) judgeBrought(p *purchase, a *answer) {
	if p.Plugin && a != nil && len(w.faults) == 0 && p.Browser == 0 && a.Status == 400 {
		w.fail("false-foreign", "the customer of payment %s (order %s) comes back as the bank sent it, and is answered %d", p.ID, p.Order, a.Status)
	}
}

// judgeFirsts: of whoever has heard "first" it is on record. A telling ends in real
// time, of which hours of the world take little.
func (w *world) judgeFirsts() {
	for end := time.Now().Add(hangs()); ; time.Sleep(5 * time.Millisecond) {
		text := w.unrecorded()
		if text == "" {
			return
		}
		if time.Now().After(end) {
			w.fail("first-unrecorded", "%s", text)
			return
		}
	}
}

// unrecorded names a payment of which a plugin has heard "first", and of which the
// ledger doesn't know; empty if there is none.
func (w *world) unrecorded() string {
	for _, p := range w.all() {
		if b := w.blockNumbered(p.Block); !p.Plugin || w.times(w.firsts, p.ID) == 0 || b != nil && b.Plugin != nil && b.Plugin.Bare {
			continue
		}
		switch rec := w.record(p); {
		case rec == nil:
			return fmt.Sprintf("the plugin has heard \"first\" of payment %s, and the ledger has nothing of it", p.ID)
		case rec.State != payment.Delivered && rec.State != payment.Parked && rec.State != payment.Reversed:
			return fmt.Sprintf("the plugin has heard \"first\" of payment %s, and the ledger has %s %s", p.ID, rec.State, rec.Reason)
		}
	}
	return ""
}
