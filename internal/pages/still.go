package pages

import (
	"sync"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// still are pages for people that show nothing of one request or one payment, by
// what they do show. To make one costs more than all the rest of refusing a bogus
// return, and a flood of those is answered with few different pages.
//
// Whoever makes a page chooses its words, so a bound on how many are kept is
// enough: those beyond it are made each time.
var still struct {
	sync.RWMutex
	bodies map[stillKey][]byte
}

const mostStill = 256

// stillKey is all of a [Page] that such a page shows, in one language.
type stillKey struct {
	lang           lang.Lang
	kind           Kind
	test, refunds  bool
	wrong          Wrong
	retry, shopURL string
}

// stillKeyOf is false for a page that shows more than a key has. Status and After
// are in the headers, and in the body of pages with a script alone.
func stillKeyOf(v *view, p *Page) (stillKey, bool) {
	if v.Form != nil || v.Script != "" || v.Refresh != "" || p.Ref != "" || p.Recorded || p.Title != "" || p.Amount != 0 || p.Min != 0 || p.Max != 0 || p.Bought || len(p.Offers) > 0 {
		return stillKey{}, false
	}
	return stillKey{lang.Lang(v.Lang), p.Kind, p.Test, p.Refunds, p.Wrong, p.Retry, p.ShopURL}, true
}

// html is the body for a person. Nobody may change it.
func html(v *view, p *Page) ([]byte, error) {
	key, ok := stillKeyOf(v, p)
	if !ok {
		return execute(v)
	}
	still.RLock()
	body := still.bodies[key]
	still.RUnlock()
	if body != nil {
		return body, nil
	}
	body, err := execute(v)
	if err != nil {
		return nil, err
	}
	still.Lock()
	defer still.Unlock()
	if still.bodies == nil {
		still.bodies = make(map[stillKey][]byte)
	}
	if len(still.bodies) < mostStill {
		still.bodies[key] = body
	}
	return body, nil
}
