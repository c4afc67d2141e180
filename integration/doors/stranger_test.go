package doors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// bound is the parameter that shops name in `bind`.
const bound = "wc_order"

// binds: that request of a shop came on a route that binds the parameter.
func (b *block) binds(s *seen) bool {
	for _, v := range b.Verifies {
		if v.Bind != "" && v.Path != "" && plain(s.URI) == b.in(v.Path) {
			return true
		}
	}
	return false
}

// stranger is a browser that nobody has seen before.
func (w *world) stranger(front bool) *browser {
	w.fresh++
	b := newBrowser(20 + w.fresh)
	b.front = front
	return b
}

// compare: two strangers bring the same return, which no bank made; one names an
// order that exists, the other one that doesn't. What they get tells them nothing.
func (w *world) compare(i int, s step, pl place) {
	if len(pl.b.Verifies) == 0 || w.out != "" {
		return
	}
	v := &pl.b.Verifies[s.Pick%len(pl.b.Verifies)]
	order := ""
	w.mu.Lock()
	for _, p := range w.purchases {
		if p.Site == pl.b.site(pl.name) && p.Order != "" && !p.Checkout && !p.Plugin && (order == "" || w.bank.paid(p.ID)) {
			order = p.Order
		}
	}
	w.mu.Unlock()
	if order == "" {
		return
	}
	var got [2]string
	for n, o := range []string{order, order[:1] + "77"} {
		form := w.invented(fmt.Sprintf("%d-%d", i, n), v, o)
		target := v.Path
		if v.Query != "" {
			target = "/?" + v.Query
		}
		q := &request{browser: w.stranger(w.plan.Front && s.Slot%2 == 0), Method: s.How, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: pl.b.at(target), Doing: "brings an invented return"}
		if s.How == http.MethodPost {
			q.Body = form.Encode()
		} else {
			sep := "?"
			if v.Query != "" {
				sep = "&"
			}
			q.Target += sep + form.Encode()
		}
		w.mu.Lock()
		before := len(w.requested)
		w.mu.Unlock()
		a := w.do(q)
		if a == nil || len(w.faults) > 0 {
			return
		}
		w.mu.Lock()
		told := len(w.requested) - before
		w.mu.Unlock()
		got[n] = fmt.Sprintf("%d, %d requests at the shop, headers %v\n%s", a.Status, told, slices.Sorted(maps.Keys(a.Header)), plainly(a, o))
	}
	if got[0] != got[1] {
		w.fail("strangers-told", "an invented return for order %s, which exists, is answered otherwise than one for an order that doesn't:\n%s\n---\n%s", order, got[0], got[1])
	}
}

var (
	// The last is the short reference of a page.
	randomText = regexp.MustCompile(`[0-9A-Za-z_.-]{20,}|[0-9a-f]{8}-[0-9a-f-]{27}|<code>[0-9a-z]{4} [0-9a-z]{4}</code>`)
	lengths    = regexp.MustCompile(`(?i)content-length: \d+`)
)

// plainly is what an answer says, apart from what the request said and from what
// is random.
func plainly(a *answer, order string) string {
	text := a.Header.Get("Location") + "\n" + a.Body
	for _, value := range []string{"=" + order, ">" + order + "<", `"` + order + `"`} {
		text = strings.ReplaceAll(text, value, strings.Replace(value, order, "ORDER", 1))
	}
	return lengths.ReplaceAllString(randomText.ReplaceAllString(text, "RANDOM"), "")
}

// invented is a return of an id that no bank gave out.
func (w *world) invented(nonce string, v *verify, order string) url.Values {
	h := hexOf(w.plan.Seed, nonce)
	form := make(url.Values)
	_, names := kindOf(v.Provider)
	for _, n := range names {
		switch n {
		case "status":
			form.Set(n, map[bool]string{true: "10", false: "1"}[strings.HasPrefix(v.Provider, "idpay")])
		case "Status":
			form.Set(n, "OK")
		case "track_id":
			form.Set(n, "8963685786")
		case "order_id":
			form.Set(n, order)
		case "Authority":
			form.Set(n, h[:8]+"-"+h[8:12]+"-4"+h[13:16]+"-8"+h[17:20]+"-"+h[20:32])
		default:
			form.Set(n, h)
		}
	}
	if v.Bind != "" {
		form.Set(v.Bind, order)
	}
	if v.Expect == "signed" {
		for k, vs := range sign("http://elsewhere.test", v.Path, v.Provider, order, priceOf(order), w.c.Now().Add(time.Hour)) {
			form[k] = vs
		}
	}
	return form
}

// spread opens paid content in more browsers than one purchase is for: each has
// the buyer's cookie of the purchase, and no other.
func (w *world) spread(s step, pl place) {
	if len(pl.b.Requires) == 0 {
		return
	}
	r := &pl.b.Requires[s.Pick%len(pl.b.Requires)]
	page := ""
	for _, f := range append(append([]string{}, files...), pages...) {
		if takes(r.Paths[0], f) && (!r.Matcher || says(r.Paths[0], f)) && (pl.b.Serve != "files" || slices.Contains(files, f)) {
			page = f
			break
		}
	}
	buyer := w.browsers[1]
	var cookies []string
	for _, c := range buyer.jar.Cookies(&url.URL{Scheme: buyer.scheme(), Host: pl.name, Path: pl.b.at("/")}) {
		if strings.Contains(c.Name, "payment_") && strings.Contains(c.Name, "paid_") {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
	}
	if page == "" || r.Devices == 0 || len(cookies) == 0 {
		return
	}
	may, served := r.Devices*len(cookies), 0
	for range min(may, 6) + 2 {
		a := w.do(&request{browser: w.stranger(buyer.front), Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: pl.b.at(page),
			Header: [][2]string{{"Cookie", strings.Join(cookies, "; ")}}, Doing: "asks with the buyer's cookie"})
		if a == nil || len(w.faults) > 0 {
			return
		}
		if strings.Contains(a.Body, mark(content{pl.b.Number, page})) {
			served++
		}
	}
	if served > may {
		w.fail("devices-exceeded", "%s of %s opens in %d browsers, with `devices %d` and %d payments begun", page, pl.name, served, r.Devices, len(cookies))
	}
}

// hexOf is an id that nobody can have made.
func hexOf(seed uint64, nonce string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, nonce))
	return hex.EncodeToString(sum[:16])
}
