package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The ledger remembers every account that it has met. A changed key looks like a new
// account, and of a new account the ledger can't know which receipts were used. Every node
// and every restart reads the same list, and an entry never changes after it was written.

// account is what the ledger knows of one issuer.
type account struct {
	Issuer string `json:"issuer"`
	// First: when it appeared, the ledger had no payment of the same protocol and
	// environment under another issuer.
	First bool `json:"first"`
	// Since is when it appeared.
	Since time.Time `json:"since"`

	// former are other issuers that are configured no more. The ledger may have payments of
	// this account under them, so their used receipts stay used.
	former []string
}

const (
	// accountsMost bounds how many accounts of one protocol are remembered.
	accountsMost = 64
	// searched is how many of the newest records are searched for payments of
	// another account, once for each account.
	searched = 100_000
	// inFlight is how long a payment may take. For so long after a new issuer appeared,
	// records that no key leads to are looked for under the former ones.
	inFlight = payment.Patience + 24*time.Hour
)

// errNoMore ends the list of accounts: nothing is written when it is read.
var errNoMore = errors.New("no more accounts")

// account returns what the ledger knows of a provider's issuer, and writes it down if it is
// new. If the ledger can't be read, it assumes the worst.
func (e *Engine) account(ctx context.Context, prov Provider) account {
	t := prov.Terms()
	e.accounts.Lock()
	defer e.accounts.Unlock()
	if a, ok := e.known[t.Issuer]; ok {
		return a
	}
	a, others, err := e.enrol(ctx, t)
	if err != nil {
		if ctx.Err() == nil {
			e.trouble(nil, err, false)
		}
		return account{Issuer: t.Issuer, Since: e.now()}
	}
	for _, other := range others {
		if len(e.namesOf(other)) == 0 {
			a.former = append(a.former, other) // of a key that was changed
		}
	}
	e.known[t.Issuer] = a
	return a
}

// enrol finds the issuer in the ledger's list, or adds it. others are the rest of the list.
func (e *Engine) enrol(ctx context.Context, t payment.Terms) (mine account, others []string, err error) {
	list, err := e.listed(ctx, t)
	if err != nil {
		return mine, nil, err
	}
	if !slices.ContainsFunc(list, func(a account) bool { return a.Issuer == t.Issuer }) {
		first, err := e.firstOfItsKind(ctx, t)
		if err != nil {
			return mine, nil, err
		}
		fresh := account{Issuer: t.Issuer, First: first, Since: e.now()}
		for n := len(list); n < accountsMost; n++ {
			a, err := e.entry(ctx, t, n, &fresh)
			if err != nil {
				return mine, nil, err
			}
			list = append(list, a)
			if a.Issuer == t.Issuer {
				e.announceAccount(ctx, t, a, n == 0)
				break
			}
		}
	}
	mine = account{Issuer: t.Issuer, Since: e.now()}
	for _, a := range list {
		if a.Issuer == t.Issuer {
			mine = a
		} else {
			others = append(others, a.Issuer)
		}
	}
	return mine, others, nil
}

// listed returns the accounts of a protocol and environment that the ledger knows.
func (e *Engine) listed(ctx context.Context, t payment.Terms) ([]account, error) {
	var list []account
	for n := range accountsMost {
		a, err := e.entry(ctx, t, n, nil)
		if errors.Is(err, errNoMore) {
			break
		}
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// entry reads the nth account, which becomes fresh if there is none.
func (e *Engine) entry(ctx context.Context, t payment.Terms, n int, fresh *account) (account, error) {
	protocol, _, _ := strings.Cut(t.Issuer, "|")
	name := "account/" + payment.Issuer(protocol, "*", t.Environment) + "/" + strconv.Itoa(n)
	b, err := e.Store.Secret(ctx, name, func() ([]byte, error) {
		if fresh == nil {
			return nil, errNoMore
		}
		return json.Marshal(fresh)
	})
	if err != nil {
		return account{}, fmt.Errorf("reading the ledger's list of accounts: %w", err)
	}
	var a account
	if err := json.Unmarshal(b, &a); err != nil {
		return account{}, fmt.Errorf("reading the ledger's list of accounts: %w", err)
	}
	return a, nil
}

// firstOfItsKind reports whether the ledger has no payment of the same protocol and
// environment under another issuer.
func (e *Engine) firstOfItsKind(ctx context.Context, t payment.Terms) (bool, error) {
	q := payment.Listing{Limit: 1000}
	for n := 0; n < searched; {
		page, err := e.Store.List(ctx, q)
		if err != nil {
			return false, fmt.Errorf("looking for payments of another account: %w", err)
		}
		for _, r := range page.Records {
			if r.Issuer != t.Issuer && payment.SameMoney(r.Issuer, t.Issuer) {
				return false, nil
			}
		}
		if n += len(page.Records); page.Next == "" || len(page.Records) == 0 {
			break
		}
		q.Cursor = page.Next
	}
	return true, nil
}

// announceAccount tells the owner that the ledger meets an account for the first time, if
// that matters: the provider answers for a used receipt as for a new one. What it says is
// how package payment (unconsumed) will treat signed returns.
func (e *Engine) announceAccount(ctx context.Context, t payment.Terms, a account, ledgerIsNew bool) {
	gen, err := e.generation(ctx)
	if err != nil {
		return // whoever opens the ledger hears of that
	}
	for _, name := range e.namesOf(t.Issuer) {
		p := e.Providers[name]
		if t.TellsFirst || p.UsedIDs == "" {
			continue
		}
		err := errNewAccount
		switch {
		case gen.Seq > 1:
			err = fmt.Errorf("generation %d: %w", gen.Seq, errForgetful)
		case p.UsedIDs == payment.UsedIDsImported:
			continue
		case ledgerIsNew && a.First:
			err = errNewLedger
		}
		e.Observer.Observe(Event{Name: EventAccount, Provider: name, Err: err, Alert: true})
	}
}

var (
	errNewLedger  = errors.New("this ledger is new and `used_ids none` is believed: if the account was used before, every old receipt can be used once more; import the used ids instead")
	errNewAccount = errors.New("this account is new to a ledger that has payments of another one, so `used_ids none` is not believed and signed returns go to review: import the used ids and write `used_ids imported`")
	errForgetful  = errors.New("an earlier ledger was lost or restored, so nobody knows which receipts were used: `used_ids` is not believed any more, and every signed return goes to review; let the shop announce its payments, or use `expect lookup` with `id`")
)

// usedIDsKnown: the ledger knows which of the provider's ids were used before it began.
// `imported` is believed. `none` is believed only of the first account of its kind,
// because a changed key looks like a new account without being one.
func (e *Engine) usedIDsKnown(ctx context.Context, prov Provider) bool {
	switch prov.UsedIDs {
	case payment.UsedIDsImported:
		return true
	case payment.UsedIDsNone:
		return e.account(ctx, prov).First
	}
	return false
}

// namesOf returns what the configuration calls an account, sorted.
func (e *Engine) namesOf(issuer string) (all []string) {
	for _, name := range e.sorted {
		if e.Providers[name].Terms().Issuer == issuer {
			all = append(all, name)
		}
	}
	return all
}

// providerFor returns the configured provider that can answer for a record: the one with the
// account that gave out the record's id, whatever it is called now. Of several the one that
// the record names goes first.
//
// Invariant: a record is asked about, listed and refunded only with the key of its own
// account, or with one that is declared to be the same account's (`formerly`). The "no" of
// another account means nothing, and so does that of the sandbox about a live payment.
func (e *Engine) providerFor(rec *payment.Record) (Provider, error) {
	own, err := e.provider(rec.Provider)
	if err == nil && own.Terms().Issuer == rec.Issuer {
		return own, nil
	}
	if names := e.namesOf(rec.Issuer); len(names) > 0 {
		return e.Providers[names[0]], nil
	}
	if err == nil && own.Terms().AnswersFor(rec.Issuer) {
		return own, nil
	}
	for _, name := range e.sorted {
		if p := e.Providers[name]; p.Terms().AnswersFor(rec.Issuer) {
			return p, nil
		}
	}
	if err == nil && !payment.SameMoney(own.Terms().Issuer, rec.Issuer) {
		err = fmt.Errorf("provider %q has another protocol or environment than this payment (%s)", rec.Provider, rec.Environment)
	}
	return Provider{}, fmt.Errorf("%w%s", errNoAccount, because(err))
}

// errNoAccount: nobody can be asked about a payment.
var errNoAccount = errors.New("this payment was begun with an account that no provider block has: put its block back (under any name), or, if only the key of the same account was changed, write `formerly` and the old key in its block")

// because is an error in a parenthesis, empty without one.
func because(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

// ProviderOf returns the configured provider that answers for a payment, or false if none
// has its account.
func (e *Engine) ProviderOf(rec *payment.Record) (Provider, bool) {
	p, err := e.providerFor(rec)
	return p, err == nil
}

// hasMoneyOf: some configured provider has the protocol and the environment of a record.
func (e *Engine) hasMoneyOf(rec *payment.Record) bool {
	for _, p := range e.Providers {
		if payment.SameMoney(p.Terms().Issuer, rec.Issuer) {
			return true
		}
	}
	return false
}

// playMoney: the payment was made in a sandbox that its route doesn't use any more. It opens
// nothing and is delivered to no shop.
//
// Invariant: a test payment counts only where its own route still takes test payments. That
// another site of the configuration does says nothing.
func (e *Engine) playMoney(rec *payment.Record) bool {
	if rec.Environment != payment.Sandbox {
		return false
	}
	if !e.hasMoneyOf(rec) {
		return true
	}
	p, ok := e.Sites.Policy(rec)
	return !ok || p.Live
}
