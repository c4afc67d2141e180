package doors

// steps draws what happens in a world.
func (d draw) steps(p *plan) []step {
	var out []step
	add := func(s step) { out = append(out, s) }
	slots := 0
	// An honest customer or two, and the attacker's own purchases, which are cheap.
	for range 1 + d.IntN(3) {
		s := step{Do: d.one("buy", "buy", "order", "order"), Browser: 0, Site: d.IntN(12), Slot: slots, Pick: d.IntN(6), Dear: d.chance(50), Other: d.IntN(2)}
		if d.chance(40) {
			add(step{Do: "visit", Browser: 0, Site: s.Site, How: d.one("", "", "form")})
		}
		add(s)
		add(step{Do: "bank", Slot: slots, How: d.one("pay", "pay", "pay", "pay", "close", "decline", "cancel")})
		if d.chance(85) {
			add(step{Do: "return", Slot: slots})
			if d.chance(30) {
				add(step{Do: "back", Slot: slots})
			}
		}
		if d.chance(60) {
			add(step{Do: "open", Browser: 0, Site: s.Site, Pick: d.IntN(len(files))})
		}
		slots++
	}
	for range 1 + d.IntN(2) {
		at := d.IntN(12)
		add(step{Do: d.one("buy", "order"), Browser: 1, Site: at, Slot: slots, Pick: d.IntN(6), Dear: d.chance(10), Other: d.IntN(2)})
		add(step{Do: "bank", Slot: slots, How: d.one("pay", "pay", "pay", "decline")})
		for range 1 + d.IntN(2) {
			add(d.mischief(step{Do: "misreturn", Browser: 1 + d.IntN(2), Site: d.IntN(12), Slot: slots, Other: d.IntN(slots + 1), Pick: d.IntN(10), How: d.one("GET", "GET", "POST", torn)}))
		}
		slots++
		if d.chance(35) {
			add(step{Do: "spread", Browser: 1, Site: at, Pick: d.IntN(4)})
		}
	}
	for range d.IntN(3) {
		add(step{Do: "compare", Site: d.IntN(12), Pick: d.IntN(6), Slot: d.IntN(slots), How: d.one("GET", "GET", "POST")})
	}
	for range 6 + d.IntN(10) {
		s := d.mischief(step{Do: d.one("ask", "ask", "ask", "forge"), Browser: 1 + d.IntN(2), Site: d.IntN(12), Pick: d.IntN(40), Slot: d.IntN(slots), How: d.one("GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "PUT", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "get", torn)})
		add(s)
	}
	if d.chance(30) {
		add(step{Do: "time", Pick: d.IntN(5)})
	}
	// Part of what the attacker does comes first.
	n := d.IntN(len(out))
	for range d.IntN(4) {
		i := n + d.IntN(len(out)-n)
		if out[i].Do == "ask" || out[i].Do == "forge" {
			s := out[i]
			out = append(out[:i], out[i+1:]...)
			out = append(out[:n], append([]step{s}, out[n:]...)...)
		}
	}
	_ = p
	return out
}

// spellings are the ways to write a path otherwise; see spell.
var spellings = []string{
	"slash", "info", "info.html", "double", "dot", "up", "percent", "2f", "slash-2f", "upper", "no-ext", "gz", "html", "semi", "dot-end", "space", "twice",
	"track", "track", "track-slash", "track-mid", "nul", "back", "index.php", "x.php", "v2", "dl", "dl-end", "zip", "old", "no-index", "absolute", "tail-2f", "query", "bare-index",
	"host", "host", "host-2f", "host-many", "host-upper", "host-dot", "host-port", "under-shop",
}

// mischief dresses a step up.
func (d draw) mischief(s step) step {
	if d.chance(75) {
		s.Spell = append(s.Spell, d.one(spellings...))
		if d.chance(25) {
			s.Spell = append(s.Spell, d.one(spellings...))
		}
	}
	if d.chance(30) {
		s.Query = append(s.Query, d.one("track_id=abcdefgh", "wc-api=gate", "return=1", "pay=1&status=2&track_id=1&id={hex}&order_id=1", "status=10&track_id=123&id={hex}&order_id=c1",
			"Authority={uuid}&Status=OK", "Authority={uuid}&Status=NOK", "invoice_key={hex}&status=0", "order.id=999", "order_id[]=1", "x=1;order_id=999", "payment_ref=abc", "lang=en"))
	}
	for range d.IntN(3) {
		s.Headers = append(s.Headers, d.one("X-Payment-Status: verified", "x-payment-status: verified", "X_Payment_Status: verified", "X-Payment_Order: d1", "X-Payment-Receipt: forged",
			"X.Payment.Status: verified", "X-Payment-Status : verified", "X-Original-URL: /members/secret.txt", "X-Rewrite-URL: /members/secret.txt", "X-Forwarded-Host: {other}", "X-Forwarded-Proto: https",
			"X-Forwarded-For: 127.0.0.1", "Range: bytes=0-60", "Range: bytes=0-9,20-80", "Upgrade: websocket", "Upgrade: h2c", "Upgrade: websocket, h2c", "If-None-Match: *", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT", "Accept-Encoding: gzip", "Accept-Encoding: zstd", "Accept-Encoding: gzip, br",
			"Connection: X-Payment-Status", "Connection: Cookie", "Accept: application/json", "Sec-Fetch-Site: same-origin", "Expect: 100-continue", "Transfer-Encoding: identity", "Host: {other}"))
	}
	if d.chance(25) {
		s.Cookies = append(s.Cookies, d.one("order_id=999", "order.id=999", "wc_order=d1", "wc.order=d1", "status=10", "id={hex}", "payment_paid=forged", "payment_track=forged", "payment_order=d1", "{theirs}", "{theirs}", "{theirs}"))
	}
	return s
}
