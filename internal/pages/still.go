package pages

import (
	"bytes"
	"slices"
	"sync"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// A page for people is made of parts. Still ones show nothing of one request or one
// payment; to make them costs more than all the rest of refusing a bogus return,
// and a flood of those is answered with few different ones. So they are kept, by
// what they do show. The others are made each time.
var parts = []struct {
	name  string
	still bool
}{
	{"head", true},
	{"refresh", false}, // where the page asks again, or is found again
	{"body", true},
	{"top", true},
	{"own", false}, // the reference, the time, and the form
	{"foot", true},
	{"end", true},
}

// faces are the parts of the page in one language.
var faces = []string{"top", "own", "foot"}

// Whoever makes a page chooses its words, so a bound on how many are kept is
// enough: those beyond it are made each time.
var still struct {
	sync.RWMutex
	bodies map[stillKey][]byte
}

const mostStill = 512

// stillKey is a part, and all that the still parts of a [Page] show, in one
// language.
type stillKey struct {
	part                    string
	lang                    lang.Lang
	behind                  bool
	theme                   *Theme
	kind                    Kind
	test, refunds, recorded bool
	numbered                bool // the texts name the number
	wrong                   Wrong
	retry, shopURL          string
	hasForm, hasScript      bool
	after                   int // with a script alone
	assets                  string
}

// stillKeyOf is false for a page whose still parts show more than a key has.
// Status and After are in the headers, and in the body of pages with a script alone.
func stillKeyOf(v *view, p *Page) (stillKey, bool) {
	if p.Title != "" || p.Amount != 0 || p.Min != 0 || p.Max != 0 || p.Each != 0 || p.Quantity != 0 || p.MostPieces != 0 || p.Bought || len(p.Offers) > 0 || len(p.Inputs) > 0 || len(p.Gateways) > 0 || len(p.Rows) > 0 || p.Link != "" || p.Picture != "" || p.Titles != (lang.Text{}) || p.Receipts != "" {
		return stillKey{}, false
	}
	k := stillKey{
		lang: lang.Lang(v.Lang), theme: p.Theme, kind: p.Kind, test: p.Test, refunds: p.Refunds, recorded: p.Recorded, numbered: p.Ref != "",
		wrong: p.Wrong, retry: p.Retry, shopURL: p.ShopURL, hasForm: v.Form != nil, hasScript: v.Script != "", assets: v.assets,
	}
	if k.hasScript {
		k.after = v.After
	}
	return k, true
}

// html returns the body for a person. Nobody may change it.
func html(v *view, p *Page) ([]byte, error) {
	key, ok := stillKeyOf(v, p)
	if !ok {
		return execute(v)
	}
	if v.Refresh == "" && v.Address == "" && v.Ref == "" && v.Since == "" && v.Form == nil {
		key.part = "page" // all of it is still
		return kept(key, v)
	}
	var b bytes.Buffer
	b.Grow(16 << 10)
	for _, part := range parts {
		if part.name == "end" && v.Second != nil {
			behind := key
			behind.lang, behind.behind = lang.Lang(v.Second.Lang), true
			for _, face := range parts {
				if slices.Contains(faces, face.name) {
					if err := write(&b, face.name, face.still, behind, v.Second); err != nil {
						return nil, err
					}
				}
			}
		}
		if err := write(&b, part.name, part.still, key, v); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// write adds a part to a page.
func write(b *bytes.Buffer, name string, still bool, key stillKey, v *view) error {
	switch {
	case still:
		key.part = name
		made, err := kept(key, v)
		if err != nil {
			return err
		}
		b.Write(made)
		return nil
	case name == "refresh" && v.Refresh == "" && v.Address == "", name == "own" && v.Ref == "" && v.Since == "" && v.Form == nil:
		return nil
	}
	return page.ExecuteTemplate(b, name, v)
}

// kept returns a still part. Nobody may change it.
func kept(key stillKey, v *view) ([]byte, error) {
	still.RLock()
	made := still.bodies[key]
	still.RUnlock()
	if made != nil {
		return made, nil
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, key.part, v); err != nil {
		return nil, err
	}
	made = slices.Clip(b.Bytes())
	still.Lock()
	defer still.Unlock()
	if still.bodies == nil {
		still.bodies = make(map[stillKey][]byte)
	}
	if len(still.bodies) < mostStill {
		still.bodies[key] = made
	}
	return made, nil
}
