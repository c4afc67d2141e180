package doors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// moves are what an attacker makes of a return of a payment that it paid (A), to have
// another order (O) or another payment's id (B) in it.
var moves = []func(m *moved){
	func(*moved) {}, // once more, as it was
	func(m *moved) { m.to(m.other) },
	func(m *moved) { m.to(m.other) }, // the likeliest
	func(m *moved) { m.to(m.other); m.path = m.otherPage() },
	func(m *moved) { m.to(m.other); m.path = m.otherPage() },
	func(m *moved) { m.set(m.id, m.other.ID) },
	func(m *moved) { m.set(orderName, m.other.Order) },
	func(m *moved) { m.query = append(m.query, [2]string{orderName, m.other.Order}) },
	func(m *moved) { m.query = append([][2]string{{orderName, m.other.Order}}, m.query...) },
	func(m *moved) { m.query = append(m.query, [2]string{m.id, m.other.ID}) },
	func(m *moved) { m.query = append([][2]string{{m.id, m.other.ID}}, m.query...) },
	func(m *moved) { m.query = append(m.query, [2]string{"wc.order", m.other.Order}) },
	func(m *moved) { m.query = append(m.query, [2]string{"wc order", m.other.Order}) },
	func(m *moved) { m.query = append(m.query, [2]string{"wc[order", m.other.Order}) },
	func(m *moved) { m.query = append(m.query, [2]string{orderName + "[]", m.other.Order}) },
	func(m *moved) { m.cookie(orderName, m.other.Order) },
	func(m *moved) { m.cookie("wc.order", m.other.Order) },
	func(m *moved) { m.cookie(m.id, m.other.ID) },
	func(m *moved) { m.to(m.other); m.cookie(m.id, m.own.ID); m.set(m.id, m.other.ID) },
	func(m *moved) { m.to(m.other); m.cookie(m.id, m.own.ID); m.set(m.id, m.other.ID) },
	func(m *moved) { m.to(m.other); m.cookie(m.id, m.own.ID); m.drop(m.id) },
	func(m *moved) { m.to(m.other); m.cookie(m.id, m.own.ID); m.drop(m.id) },
	func(m *moved) { m.form = append(m.form, [2]string{orderName, m.other.Order}) },
	func(m *moved) {
		m.form = append(m.form, [2]string{m.id, m.own.ID})
		m.to(m.other)
		m.drop(m.id)
	},
	func(m *moved) {
		m.form = append(m.form, [2]string{m.id, m.own.ID}, [2]string{m.claim, m.yes})
		m.to(m.other)
		m.set(m.id, m.other.ID)
	},
	func(m *moved) { m.to(m.other); m.set(m.id, " "+m.own.ID) },
	func(m *moved) { m.to(m.other); m.set(m.id, m.own.ID+"\t") },
	func(m *moved) { m.to(m.other); m.set(m.id, strings.ToLower(m.own.ID)) },
	func(m *moved) { m.to(m.other); m.set(m.id, m.own.ID+"\x00") },
	func(m *moved) { m.to(m.other); m.set(strings.ToLower(m.id), m.own.ID) },
	func(m *moved) { m.set(m.claim, m.no) },
	func(m *moved) { m.to(m.other); m.set(m.claim, strings.ToLower(m.yes)) },
	func(m *moved) { m.to(m.other); m.query = append(m.query, [2]string{m.claim, m.no}) },
	func(m *moved) { m.to(m.other); m.raw = m.claim + "=" + m.yes + ";" + m.id + "=" + m.own.ID },
	func(m *moved) {
		m.to(m.other)
		m.drop(m.id)
		m.raw = fmt.Sprintf("%%%02x%s=", m.id[0], m.id[1:]) + m.own.ID
	},
}

// moved is a return being changed.
type moved struct {
	speech
	own, other  *purchase
	site        *purchase // at whose shop it is brought
	path, back  string
	query, form [][2]string
	raw         string
	cookies     []string
}

// to brings the own payment's id to the address of another's callback.
func (m *moved) to(other *purchase) {
	u, err := url.Parse(other.Callback)
	if err != nil {
		return
	}
	m.site, m.path = other, u.EscapedPath()
	m.query = append(pairsOf(u.RawQuery), [2]string{m.id, m.own.ID}, [2]string{m.claim, m.yes})
}

// otherPage is another address of the page where the shop's customers return: its router
// takes a query on whatever page.
func (m *moved) otherPage() string {
	m.query = append([][2]string{{"route", m.back}}, m.query...)
	return strings.TrimSuffix(m.path, m.back) + "/index.php"
}

func (m *moved) set(name, value string) {
	for i := range m.query {
		if m.query[i][0] == name {
			m.query[i][1] = value
			return
		}
	}
	m.query = append(m.query, [2]string{name, value})
}

func (m *moved) drop(name string) {
	var kept [][2]string
	for _, p := range m.query {
		if p[0] != name {
			kept = append(kept, p)
		}
	}
	m.query = kept
}

func (m *moved) cookie(name, value string) { m.cookies = append(m.cookies, name+"="+value) }

func (m *moved) target() string {
	var parts []string
	for _, p := range m.query {
		parts = append(parts, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
	}
	if m.raw != "" {
		parts = append(parts, m.raw)
	}
	return m.path + "?" + strings.Join(parts, "&")
}

// body is a form in one of the forms in which shops read one.
func (m *moved) body(how string) (kind, body string) {
	switch how {
	case "JSON":
		fields := make(map[string]string)
		for _, p := range m.form {
			fields[p[0]] = p[1]
		}
		text, _ := json.Marshal(fields)
		return "application/json", string(text)
	case "parts":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.SetBoundary("doors-boundary")
		for _, p := range m.form {
			_ = w.WriteField(p[0], p[1])
		}
		_ = w.Close()
		return w.FormDataContentType(), b.String()
	}
	form := make(url.Values)
	for _, p := range m.form {
		form.Add(p[0], p[1])
	}
	return "application/x-www-form-urlencoded", form.Encode()
}

// move brings the return of an own payment where it does not belong.
func (w *world) move(s step, b *browser) {
	own, other := w.slots[s.Slot], w.slots[s.Other]
	if own == nil || other == nil || own.Return == nil || !own.Plugin || !other.Plugin {
		return
	}
	m := &moved{speech: speeches[own.Provider], own: own, other: other, site: own}
	u, err := url.Parse(own.Return.URL)
	if err != nil {
		return
	}
	m.path, m.query = u.EscapedPath(), pairsOf(u.RawQuery)
	if b := w.blockNumbered(other.Block); b != nil && b.Plugin != nil {
		m.back = b.Plugin.Back
	}
	moves[s.Pick%len(moves)](m)
	if other != own {
		w.tampered[other.ID] = true
	}
	pl := w.placeOf(m.site)
	for _, how := range s.Spell {
		m.path = spell(m.path, how)
	}
	q := &request{browser: b, Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: m.target(), Doing: "brings a changed return"}
	for _, how := range s.Spell {
		switch how {
		case "host-upper":
			q.Host = strings.ToUpper(q.Host)
		case "host-dot":
			q.Host = pl.name + "."
		}
	}
	if len(m.form) > 0 || s.How == http.MethodPost {
		q.Method = http.MethodPost
		q.Kind, q.Body = m.body(s.How)
	}
	for _, c := range m.cookies {
		q.Header = append(q.Header, [2]string{"Cookie", c})
	}
	w.do(q)
}

// strange is a call of somebody who has found the relay's address and is not the shop: by
// itself, through a proxy on the shop's machine, or by an address that is spelt in
// another way, which nobody but the relay may see.
func (w *world) strange(s step, pl place, b *browser) {
	p := w.slots[s.Slot]
	if p == nil || pl.b.Plugin == nil || pl.b.Plugin.Listener || pl.b.Plugin.Bare {
		return
	}
	g := pl.b.Plugin
	body, _ := json.Marshal(g.verifies(p.Order, p.ID))
	q := &request{browser: b, Method: http.MethodPost, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Kind: "application/json", Body: string(body), NoJar: true,
		Target: pl.b.at(relayPath) + "/" + g.Provider + g.speech().verify, Doing: "asks in the shop's place"}
	for _, h := range s.Headers {
		near := newBrowser(9)
		near.from = "127.0.0.1:39002"
		name, value, _ := strings.Cut(h, ": ")
		q.browser, q.Header = near, [][2]string{{name, value}}
	}
	if len(s.Headers) > 0 && w.plan.Front {
		return // that proxy is the site's own
	}
	for _, how := range s.Spell {
		q.Target = spell(q.Target, how)
	}
	if a := w.do(q); a != nil && (g.hears([]byte(a.Body)).Code == 100 || g.hears([]byte(a.Body)).Code == 101) {
		w.fail("stranger-asks", "a stranger's call is answered %d: %.200s", a.Status, a.Body)
	}
}
