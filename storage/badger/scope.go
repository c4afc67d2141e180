package badger

import (
	"crypto/sha256"
	"slices"
	"strings"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// A scope is a site and a provider's name. The payments of each scope are listed by
// creation, except for those of the first one that a ledger ever had: most ledgers have
// no other, and there the list would repeat that of all.

const (
	metaScope = 'S' // in tableMeta: hash → name
	scopeSize = 4
)

var metaFirst = []byte{tableMeta, 'F'} //nolint:gochecknoglobals // a constant

func scopeName(site, provider string) string { return site + "\x00" + provider }

func scopeHash(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:scopeSize]
}

func scopePrefix(name string) []byte { return append([]byte{tableScope}, scopeHash(name)...) }

func scopeKey(name string) []byte { return append([]byte{tableMeta, metaScope}, scopeHash(name)...) }

// entered is what entering a scope takes.
type entered struct {
	writes []write
	first  bool // it is the ledger's first: its payments are not listed apart
}

func enterScope(get getter, name string) (e entered, err error) {
	first, err := get(metaFirst)
	if err != nil {
		return e, err
	}
	if first == nil {
		first = []byte(name)
		e.writes = append(e.writes, write{Key: metaFirst, Value: first})
	}
	e.first = string(first) == name
	known, err := get(scopeKey(name))
	if err != nil {
		return e, err
	}
	// Of two names with one hash the list has both, and the filter tells them apart; the
	// dictionary must have both names, too.
	if names := strings.Split(string(known), "\n"); known == nil {
		e.writes = append(e.writes, write{Key: scopeKey(name), Value: []byte(name)})
	} else if !slices.Contains(names, name) {
		e.writes = append(e.writes, write{Key: scopeKey(name), Value: []byte(strings.Join(append(names, name), "\n"))})
	}
	return e, nil
}

// scopesMost is how many scopes are walked side by side; where more fit, walking all
// payments is quicker.
const scopesMost = 64

// findScopes walks the payments of all scopes that fit; nil if all payments are to
// be walked.
func findScopes(c *cursors, q payment.Listing) (walker, error) {
	first, err := getCopy(c.Txn, metaFirst)
	if err != nil {
		return nil, err
	}
	var fit []string
	it := c.NewIterator(bdb.IteratorOptions{Prefix: []byte{tableMeta, metaScope}, PrefetchValues: true, PrefetchSize: 16})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		b, err := it.Item().ValueCopy(nil)
		if err != nil {
			return nil, err
		}
		for name := range strings.SplitSeq(string(b), "\n") {
			site, provider, _ := strings.Cut(name, "\x00")
			if (q.Site == "" || q.Site == site) && (q.Provider == "" || q.Provider == provider) {
				fit = append(fit, name)
			}
		}
	}
	if slices.Contains(fit, string(first)) || len(fit) > scopesMost {
		return nil, nil
	}
	m := &merger{}
	for _, name := range fit {
		m.parts = append(m.parts, newFinder(c, scopePrefix(name)))
	}
	return m, nil
}
