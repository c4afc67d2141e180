package simulation

import (
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// desk is an account at the bank, live or for tests, as one name in the site's
// configuration has it.
type desk struct {
	name, issuer, environment string
}

const (
	issuer       = "bank|api.bank.example|live"
	otherIssuer  = "bank|another account|live"
	sandboxOfOne = "bank|api.bank.example|sandbox"
)

// theOnly is the desk of a site with one provider.
var theOnly = desk{"bank", issuer, payment.Live}

// desks are what the site's configuration may name: one provider, live or not;
// two names of one account; two accounts; an account and its sandbox.
func desks(l lot) []desk {
	switch n := l.IntN(100); {
	case n < 50:
		return []desk{theOnly}
	case n < 60:
		return []desk{{"bank", sandboxOfOne, payment.Sandbox}}
	case n < 75:
		return []desk{theOnly, {"renamed", issuer, payment.Live}}
	case n < 90:
		return []desk{theOnly, {"another", otherIssuer, payment.Live}}
	}
	return []desk{theOnly, {"tests", sandboxOfOne, payment.Sandbox}}
}

// desk is the n-th of the site's, the only one where it has no more.
func (p *plan) desk(n int) desk {
	if len(p.desks) == 0 {
		return theOnly
	}
	return p.desks[n%len(p.desks)]
}

// beside is another desk of the site; its own where there is one.
func (p *plan) beside(d desk) desk {
	for _, o := range p.desks {
		if o.name != d.name {
			return o
		}
	}
	return d
}

// providers are the site's, as a process has them.
func (w *world) providers(p *process) map[string]engine.Provider {
	all := make(map[string]engine.Provider)
	for i := range max(1, len(w.plan.desks)) {
		d := w.plan.desk(i)
		port := w.bank.port
		if w.plugin != nil {
			port = w.bank.relayPort
		}
		prov := engine.Provider{Provider: port(p, d), Timeout: askTimeout, UsedIDs: payment.UsedIDsImported}
		if w.plugin != nil {
			prov.Patience = w.plugin.relayed
		}
		all[d.name] = prov
	}
	return all
}

// at is the deal of that id if it was made at that account, else nil: ids of
// another account are nobody's here.
func (b *bank) at(id, issuer string) *deal {
	if d := b.deals[id]; d != nil && d.desk.issuer == issuer {
		return d
	}
	return nil
}

// dealOf is what a record is about; nil if nobody made that at its account.
func (w *world) dealOf(r *payment.Record) *deal { return w.bank.at(r.ID, r.Issuer) }

// rivals are the ids by which an order was credited in one environment: what is
// bought for tests pays for nothing else, and nothing else pays for it.
func (w *world) rivals(order, environment string) []string {
	var ids []string
	for _, id := range w.shop.byOrder[order] {
		if d := w.bank.deals[id]; d == nil || d.desk.environment == environment {
			ids = append(ids, id)
		}
	}
	return ids
}

// unique checks the keys of a record that is verified in this commit.
//
//	rule 5  a receipt is unique by its account and environment, whatever name the
//	        configuration gives the provider; an order by site and environment,
//	        whoever took it
func (w *world) unique(now *payment.Record) {
	if w.ledger.keys[payment.ReceiptKey(now.Issuer, now.ID)] != now.Ref {
		w.fail("rule 5: %s is verified and does not hold its receipt", now.ID)
	}
	if !w.plan.policy.Many && w.ledger.keys[payment.OrderKey(now.Site, now.Environment, now.Order)] != now.Ref {
		w.fail("rule 5: %s is verified and does not hold its order", now.ID)
	}
	for ref, r := range w.ledger.records {
		if ref == now.Ref || !r.State.Captured() {
			continue
		}
		switch {
		case r.Issuer == now.Issuer && r.ID == now.ID:
			w.fail("rule 5: %s is verified twice, under %s and %s", now.ID, r.Provider, now.Provider)
		case !w.plan.policy.Many && r.Site == now.Site && r.Environment == now.Environment && r.Order == now.Order:
			w.fail("rule 5: order %s is paid by %s of %s and by %s of %s", now.Order, r.ID, r.Provider, now.ID, now.Provider)
		}
	}
	if d := w.dealOf(now); d != nil && d.desk.environment != now.Environment {
		w.fail("rule 5: %s is %s and verified as %s", now.ID, d.desk.environment, now.Environment)
	}
}
