package doors

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sessionCookie is what a plugin knows its customer by.
const sessionCookie = "plugin_session"

// keptCookie is where some keep the id of the payment that their customer began last.
const keptCookie = "shop_payment"

// begin starts a payment as the plugin does: it makes it through the relay, and sends
// the customer to the gateway's own pay page.
func (w *world) begin(rw http.ResponseWriter, b *block, r *http.Request, q url.Values) {
	order, amount := q.Get("o"), priceOf(q.Get("o"))
	if order == "" {
		http.Error(rw, "no such order", http.StatusNotFound)
		return
	}
	g := b.Plugin
	back := b.origin(w.scheme(r), r.Host) + g.Back + "?"
	if g.Query != "" {
		back += g.Query + "&"
	}
	back += url.Values{orderName: {order}}.Encode()
	if g.Own != "" {
		back += "&" + g.Own
	}
	said, whole := w.relayCall(b, r.Host, g.speech().request, g.creates(order, amount, back), -1)
	if !whole || said.ID == "" {
		http.Error(rw, "the gateway is not there", http.StatusBadGateway)
		return
	}
	id := said.ID
	w.made(&purchase{Site: b.site(r.Host), Block: b.Number, Plugin: true, Provider: g.Provider, ID: id, Order: order, Amount: amount, Host: r.Host, Callback: back})
	http.SetCookie(rw, &http.Cookie{Name: sessionCookie, Value: "1", Path: "/"})
	if g.Keeps == "cookie" {
		http.SetCookie(rw, &http.Cookie{Name: keptCookie, Value: id, Path: "/"})
	}
	if g.Bare && g.Tells {
		rw.Header().Set("X-Payment-Order", order)
		rw.Header().Set("X-Payment-Amount", strconv.FormatInt(amount, 10))
	}
	rw.Header().Set("Location", theBank+g.speech().pay+id)
	rw.WriteHeader(http.StatusFound)
}

// back is the plugin's page at a customer's return.
func (w *world) back(rw http.ResponseWriter, b *block, r *http.Request, body []byte) {
	g := b.Plugin
	for k := range r.Header {
		if strings.HasPrefix(k, "X-Payment") {
			w.fail("observed-with-headers", "an observed return reaches the shop of site %d with %s", b.Number, k)
		}
	}
	read := g.reader(r, body)
	order, id, status := read(orderName), read(g.speech().id), read(g.speech().claim)
	if g.Lenient {
		id = g.clean(id)
	}
	w.replays(id)
	if g.Bare {
		w.judgeUntouched(b, r, body)
	}
	named := id
	switch kept, err := r.Cookie(keptCookie); {
	case g.Keeps == "cookie" && err == nil:
		id = kept.Value
	case g.Keeps == "store" && !w.began(b, order, id):
		id = ""
	}
	fail := func() { http.Redirect(rw, r, b.at(failPage)+"?why=payment", http.StatusFound) }
	if _, err := r.Cookie(sessionCookie); err != nil && g.Session || order == "" || id == "" || status != g.speech().yes {
		fail()
		return
	}
	heard := w.asks(b, r.Host, order, id)
	switch {
	case heard == 100 && g.Dies:
		http.Error(rw, "out of memory", http.StatusInternalServerError)
	case heard == 100, heard == 101 && g.Again:
		w.credit(b, r.Host, order, id, heard)
		if named == id {
			w.mu.Lock()
			w.shown[id]++
			w.mu.Unlock()
		}
		g.thanks(rw, b, order)
	default:
		fail()
	}
}

// asks is what a plugin's page hears: it asks once, or twice at the same time, and once
// more if it has heard nothing.
func (w *world) asks(b *block, host, order, id string) int {
	times := 1
	if b.Plugin.Twice {
		times = 2
	}
	said := make(chan int, times)
	for range times {
		go func() { said <- w.askGateway(b, host, order, id) }()
	}
	heard := 0
	for range times {
		if code := <-said; heard == 0 || code == 100 {
			heard = code
		}
	}
	if heard == 0 && w.out == "" {
		heard = w.askGateway(b, host, order, id)
	}
	return heard
}

// askGateway verifies a payment as the plugin does, and returns the gateway's code: 100 is
// "first", 101 "already verified", 0 no whole answer.
func (w *world) askGateway(b *block, host, order, id string) int {
	g := b.Plugin
	w.mu.Lock()
	w.asked[id]++
	leaves := -1
	if g.Leaves > 0 && w.asked[id] == 1 {
		leaves = g.Leaves
	}
	w.mu.Unlock()
	said, whole := w.relayCall(b, host, g.speech().verify, g.verifies(order, id), leaves)
	if !whole {
		return 0
	}
	if said.Code == 100 {
		w.first(b, host, order, id)
	}
	return said.Code
}

// relayCall makes a call of the gateway's API at the relay. If leaves isn't negative, the
// shop breaks it off after so many bytes of the answer's body.
func (w *world) relayCall(b *block, host, call string, fields map[string]any, leaves int) (said gatewaySaid, whole bool) {
	if b.Plugin.Bare {
		return w.gateway(b.Plugin, call, fields), true
	}
	body, _ := json.Marshal(fields)
	port, at := b.Port, b.at(relayPath)+"/"
	if b.Plugin.Listener {
		port, host, at = relayPort, "127.0.0.1:"+relayPort, "/"
	}
	target := at + b.Plugin.Provider + call
	line := fmt.Sprintf("curl -gi %s %s %s", quote("-H", "Content-Type: application/json"), quote("--data-raw", string(body)), quote("", "http://"+host+target))
	conn, err := dial(port, "127.0.0.1:39001")
	if err != nil {
		w.say("%s  # the plugin: %v", line, err)
		return said, false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(hangs()))
	if w.out != "" && call == b.Plugin.speech().verify {
		// While nothing can be recorded an ask may be held for 25 seconds. Plugins give up before.
		_ = conn.SetDeadline(time.Now().Add(time.Second / 2))
	}
	go func() {
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", target, host, len(body), body)
	}()
	in := bufio.NewReaderSize(conn, 16)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		w.say("%s  # the plugin hears nothing: %v", line, err)
		return said, false
	}
	if leaves >= 0 && int64(leaves) < res.ContentLength {
		_, _ = io.CopyN(io.Discard, res.Body, int64(leaves))
		w.say("%s  # the plugin leaves after %d bytes of the answer (%d)", line, leaves, res.StatusCode)
		return said, false
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.say("%s  # the plugin hears half: %v", line, err)
		return said, false
	}
	said = b.Plugin.hears(text)
	w.say("%s  # the plugin hears: %d %s", line, res.StatusCode, text)
	return said, true
}

// began: the shop has begun that payment for that order.
func (w *world) began(b *block, order, id string) bool {
	p := w.byID(id)
	return p != nil && p.Block == b.Number && p.Order == order
}

// job is the shop's own: it asks for every payment that it has begun and not credited.
func (w *world) job(pl place) {
	if pl.b.Plugin == nil {
		return
	}
	for _, p := range w.all() {
		if !p.Plugin || p.Block != pl.b.Number || w.credits(p.ID) > 0 {
			continue
		}
		if heard := w.askGateway(pl.b, p.Host, p.Order, p.ID); heard == 100 {
			w.credit(pl.b, p.Host, p.Order, p.ID, heard)
		}
	}
}

// reader reads parameters as the plugin's language does: of a name that stands twice
// the first value, or PHP's last, of the query and then the form; or $_REQUEST, in
// which cookies go before both.
func (g *plugin) reader(r *http.Request, body []byte) func(name string) string {
	pairs := pairsOf(r.URL.RawQuery)
	kind, args, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		pairs = append(pairs, pairsOf(string(body))...)
	case "application/json":
		var fields map[string]any
		_ = json.Unmarshal(body, &fields)
		for k, v := range fields {
			pairs = append(pairs, [2]string{k, fmt.Sprint(v)})
		}
	case "multipart/form-data":
		for in := multipart.NewReader(strings.NewReader(string(body)), args["boundary"]); ; {
			part, err := in.NextPart()
			if err != nil {
				break
			}
			value, _ := io.ReadAll(part)
			pairs = append(pairs, [2]string{part.FormName(), string(value)})
		}
	}
	if g.Reads == "request" {
		for _, c := range r.Cookies() {
			name, _ := url.QueryUnescape(c.Name)
			value, _ := url.QueryUnescape(c.Value)
			pairs = append(pairs, [2]string{name, value})
		}
	}
	return func(name string) (value string) {
		for _, p := range pairs {
			switch {
			case g.Reads == "first" && p[0] == name:
				return p[1]
			case g.Reads != "first" && phpName(p[0]) == name:
				if value = p[1]; strings.Contains(p[0], "[") {
					value = "Array"
				}
			}
		}
		return value
	}
}

// pairsOf splits a query as PHP does.
func pairsOf(query string) (all [][2]string) {
	for _, part := range strings.Split(query, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(k)
		if err != nil {
			name = k
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			value = v
		}
		all = append(all, [2]string{name, value})
	}
	return all
}

// begins is a customer's order at a shop with a plugin.
func (w *world) begins(s step, pl place, b *browser) {
	if pl.b.Plugin == nil {
		return
	}
	order := "c"
	if s.Dear {
		order = "d"
	}
	order += strconv.Itoa(s.Other + 11)
	w.mu.Lock()
	w.starting = nil
	w.mu.Unlock()
	a := w.do(&request{browser: b, Method: http.MethodGet, Port: pl.b.Port, Host: pl.host(), Name: pl.name, Target: pl.b.at("/begin?o=") + order, Doing: "orders at the plugin's shop"})
	if a == nil || len(w.faults) > 0 {
		return
	}
	if idOf(a.Header.Get("Location")) == "" {
		if w.out != "" && !pl.b.Plugin.Forward {
			return
		}
		w.fail("no-start", "a customer of %s orders and is answered %d: %.200s", pl.name, a.Status, a.Body)
		return
	}
	w.hold(s.Slot, b, a.Header.Get("Location"))
	if p := w.slots[s.Slot]; p != nil {
		p.Unnoted = w.out != ""
	}
}
