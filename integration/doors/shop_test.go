package doors

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/fcgi"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// seen is one request that reached a shop.
type seen struct {
	Block  int
	Host   string
	Method string
	URI    string
	Header http.Header
	Params url.Values // query and form; see sent
	Said   string     // what placeholders told, see said_test.go
}

// sent are all the parameters that a PHP may read together: of the address, the form and the cookies.
func (s *seen) sent() url.Values {
	all := maps.Clone(s.Params)
	for _, c := range (&http.Request{Header: s.Header}).Cookies() {
		name := phpName(c.Name)
		all[name] = append(all[name], c.Value)
	}
	return all
}

// header is the value of a header whose name a server may fold to this one.
func (s *seen) header(name string) (value string, others []string) {
	for k, vs := range s.Header {
		if strings.EqualFold(strings.ReplaceAll(k, "_", "-"), name) && len(vs) > 0 {
			value, others = vs[0], append(others, vs[1:]...)
		}
	}
	return value, others
}

// priceOf is what a shop asks for an order: d… is dear.
func priceOf(order string) int64 {
	if strings.HasPrefix(order, "d") {
		return prices["dear"]
	}
	return prices["cheap"]
}

// shop is a block's upstream, by HTTP or FastCGI.
type shop struct{ number int }

func (s shop) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := current.Load()
	if w == nil {
		http.Error(rw, "no world", http.StatusServiceUnavailable)
		return
	}
	b := w.blockNumbered(s.number)
	if b == nil {
		http.Error(rw, "no shop", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/lookup" {
		w.lookup(rw, b, r)
		return
	}
	if strings.HasPrefix(r.RequestURI, "/auth") && r.Header.Get("X-Forwarded-Uri") != "" {
		rw.Header().Set("X-User", "somebody")
		return
	}
	env := fcgi.ProcessEnv(r)
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	params, _ := url.ParseQuery(r.URL.RawQuery)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(body)); err == nil {
			for k, vs := range form {
				params[k] = append(params[k], vs...)
			}
		}
	}
	w.reached(&seen{s.number, r.Host, r.Method, r.URL.RequestURI(), r.Header.Clone(), params, r.Header.Get(saidHeader) + env[saidVariable]})

	page := b.route(strings.TrimPrefix(b.pathOf(r.URL), b.Prefix), env["SCRIPT_FILENAME"], w.at.roots[s.number])
	if page == "/pay" {
		w.start(rw, b, r, params)
		return
	}
	if g := b.Plugin; g != nil {
		switch {
		case page == "/begin":
			w.begin(rw, b, r, params)
			return
		case g.isBack(page, r.URL.RawQuery):
			w.back(rw, b, r, body)
			return
		}
	}
	if name, value, ok := strings.Cut(b.Caching, ": "); ok {
		rw.Header().Set(name, value)
	}
	if page == "/give" && params.Get("f") != "" && strings.HasPrefix(params.Get("f"), "/") {
		rw.Header().Set("X-Accel-Redirect", params.Get("f"))
		return
	}
	if id := r.Header.Get("X-Payment-Id"); id != "" && r.Header.Get("X-Payment-Status") == "verified" {
		rw.Header().Set("X-Payment-Ack", id)
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	if !b.serves(page) {
		rw.WriteHeader(http.StatusNotFound)
		fmt.Fprint(rw, "no such page")
		return
	}
	fmt.Fprint(rw, text(content{s.number, page}))
}

// pathOf is the path that a shop reads in an address.
func (b *block) pathOf(u *url.URL) string {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "//")
	if at := strings.IndexByte(rest, '/'); ok && b.Parses && at > 0 {
		if p, err := url.PathUnescape(rest[at:]); err == nil {
			return p
		}
	}
	return u.Path
}

// route is which page a path is for: a router as many shops have it.
func (b *block) route(p, script, root string) string {
	if script != "" {
		at := strings.TrimPrefix(script, root)
		if at != "/index.php" {
			return at // a script of its own, whatever follows
		}
		p = strings.TrimPrefix(p, "/index.php")
	}
	p = path.Clean("/"+p) + map[bool]string{true: "/", false: ""}[strings.HasSuffix(p, "/") && len(p) > 1]
	if b.Info && script == "" {
		if i := strings.Index(p, ".php/"); i >= 0 {
			return p[:i+4]
		}
	}
	if (b.Trim || script != "") && p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	return p
}

// serves says whether there is such a page; a callback is one, too.
func (b *block) serves(page string) bool {
	for _, v := range b.Verifies {
		if v.Path == page {
			return true
		}
	}
	if b.Plugin != nil && strings.HasPrefix(page, "/order-received/") {
		return true
	}
	if page == "/callback.php" || page == "/done" || page == "/index.php" {
		return true
	}
	for _, p := range pages {
		if p == page {
			return true
		}
	}
	return false
}

// start is the shop's own start of a payment: it makes it at the gateway and
// sends the customer there.
func (w *world) start(rw http.ResponseWriter, b *block, r *http.Request, q url.Values) {
	i, _ := strconv.Atoi(q.Get("v"))
	if i < 0 || i >= len(b.Verifies) || q.Get("o") == "" {
		http.Error(rw, "no such order", http.StatusNotFound)
		return
	}
	v := &b.Verifies[i]
	order, amount := q.Get("o"), priceOf(q.Get("o"))
	origin := b.origin(w.scheme(r), r.Host)
	back := origin + v.Path
	if v.Query != "" {
		back = origin + "/?" + v.Query
	}
	add := func(params url.Values) {
		sep := "?"
		if strings.Contains(back, "?") {
			sep = "&"
		}
		back += sep + params.Encode()
	}
	if v.Bind != "" {
		add(url.Values{v.Bind: {order}})
	}
	if v.Expect == "signed" {
		add(sign(origin, firstPath(b, v), v.Provider, order, amount, w.c.Now().Add(time.Hour)))
	}
	id, link, err := w.bank.create(v.Provider, order, amount, back)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	w.made(&purchase{Site: b.site(r.Host), Block: b.Number, Verify: i, Provider: v.Provider, ID: id, Order: order, Amount: amount, Host: r.Host})
	if v.Expect == "intent" {
		rw.Header().Set("X-Payment-Order", order)
		rw.Header().Set("X-Payment-Amount", strconv.FormatInt(amount, 10))
		switch {
		case b.Return == "named":
			rw.Header().Set("X-Payment-Return", back)
		case b.Number == 0 && b.severalAt(v.Provider): // others leave it to us
			rw.Header().Set("X-Payment-Provider", v.Provider)
		}
	}
	rw.Header().Set("Location", link)
	rw.WriteHeader(http.StatusFound)
}

// severalAt: the shop has several accounts at a provider's gateway.
func (b *block) severalAt(provider string) bool {
	kind, _ := kindOf(provider)
	return slices.ContainsFunc(b.Verifies, func(v verify) bool {
		other, _ := kindOf(v.Provider)
		return other == kind && v.Provider != provider
	})
}

func firstPath(b *block, v *verify) string {
	if v.Path == "" {
		return "/"
	}
	return b.in(v.Path)
}

// lookup is how the shop answers `expect lookup`.
func (w *world) lookup(rw http.ResponseWriter, b *block, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	p := w.ordered(b.Number, r.URL.Query().Get("order"))
	if p == nil {
		rw.WriteHeader(http.StatusNotFound)
		fmt.Fprint(rw, `{}`)
		return
	}
	_ = json.NewEncoder(rw).Encode(map[string]any{"amount": p.Amount, "id": p.ID, "paid": w.credited(p) && !b.Many})
}

// key derives what a shop needs from the signing key, by the documentation.
func key(purpose string) string {
	k, err := hkdf.Key(sha256.New, []byte(secret), nil, "caddy-payments/v1/"+purpose, 32)
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(k)
}

// sign is what `expect signed` asks of a shop.
func sign(origin, route, provider, order string, amount int64, expires time.Time) url.Values {
	a, e := strconv.FormatInt(amount, 10), strconv.FormatInt(expires.Unix(), 10)
	m := hmac.New(sha256.New, []byte(key("return")))
	m.Write([]byte(strings.Join([]string{"return-v2", origin, route, provider, order, a, e}, "\n")))
	return url.Values{"payment_order": {order}, "payment_amount": {a}, "payment_expires": {e}, "payment_signature": {hex.EncodeToString(m.Sum(nil))}}
}
