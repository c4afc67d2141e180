package attacks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

const noHeaders = "it reads no header"

// headers: what only Caddy may say. Caddy's own filter of underscores and dots
// is open; judge looks for the value in every run of PHP.
func headers() []attack {
	return []attack{
		{
			id: "A31", name: "trusted_headers_on_the_return", title: "the client sends each of our headers on the return", none: noHeaders,
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				forged := x.order(50_000)
				x.refused(x.send(b, x.forged(x.invented(), forged), claims(forged)...))
				x.status(x.send(b, ret, claims(forged)...), http.StatusOK)
				runs := x.runs()
				x.ours(len(runs) == 1 && runs[0].text("HTTP_X_PAYMENT_ID") == id && runs[0].text("HTTP_X_PAYMENT_ORDER") == order, "%d runs", len(runs))
				x.ours(x.credited(order) == 1 && x.credited(forged) == 0, "%+v", x.credits())
			},
		},
		{
			id: "A32", name: "trusted_headers_elsewhere", title: "the same on every other address that reaches the same script", none: noHeaders,
			run: func(x *trial) {
				order := x.order(50_000)
				paths := []string{
					"/", "/index.php", "/index.php/back", "/index.php?route=back", "/back/", "//back", "/%62ack", "/back%2f", "/back;x", "/BACK", "/./back", "/x/../back", "/back?", "/pay.php/../index.php",
				}
				for _, target := range paths {
					for _, method := range []string{"GET", "POST"} {
						var lines []string
						c := claims(order)
						for i := 0; i < len(c); i += 2 {
							lines = append(lines, c[i]+": "+c[i+1])
						}
						x.wire().Send(method+" "+target, append(lines, "Content-Length: 0", "Connection: close"), "")
					}
				}
				x.ours(len(x.runs()) > len(paths), "PHP ran only %d times", len(x.runs()))
				for _, s := range x.runs() {
					for name := range s.Server {
						x.ours(!strings.HasPrefix(harness.Fold(name)+"_", "HTTP_X_PAYMENT_"), "%s has %s", s.text("REQUEST_URI"), name)
					}
				}
			},
		},
		{
			// All bytes that Go lets into a name, at every separator; the bytes that
			// it refuses are sent too.
			id: "A33", name: "every_substitute_for_a_hyphen", title: "every byte in the place of each hyphen, on real php-fpm", none: noHeaders,
			run: func(x *trial) {
				ids := make(map[string]int)
				legal := harness.HeaderBytes()
				for _, start := range []string{"GET /index.php", "GET " + x.back + "/not"} {
					conn := x.wire()
					for _, c := range legal {
						status, _ := conn.Send(start, spelt(c), "")
						x.ours(status == http.StatusOK, "byte %q: %d", c, status)
						ids[start]++
					}
				}
				x.ours(len(x.runs()) == 2*len(legal), "PHP ran %d times", len(x.runs()))
				conn := x.wire()
				for c := range 256 {
					if strings.IndexByte(string(legal), byte(c)) < 0 && c != ':' && c != '\n' {
						conn.Send("GET /index.php", spelt(byte(c))[:3], "")
					}
				}
				b := x.customer()
				for i, c := range []byte("-_.~!#$%&'*+^`|") {
					_, order, ret := x.paid(b, 50_000)
					body := form(ret).Encode()
					target, _ := url.Parse(ret.URL)
					conn, status := x.wire(), http.StatusAccepted
					conn.From = x.client(10 + i)
					for end := time.Now().Add(30 * time.Second); status == http.StatusAccepted && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
						status, _ = conn.Send("GET "+target.RequestURI()+"&"+body, append(spelt(c), "Connection: close"), "")
					}
					x.ours(status == http.StatusOK && x.credited(order) == 1, "byte %q on a verified return: %d, %+v", c, status, x.credits())
				}
			},
		},
		{
			id: "A34", name: "repeated_folded_and_trailing_headers", title: "headers twice, in lists, folded, and as trailers", none: noHeaders,
			run: func(x *trial) {
				b := x.customer()
				forged := "X-Payment-Status: " + smuggled
				for _, lines := range [][]string{
					{forged, forged, "x-payment-status: verified, " + smuggled}, {"X-Filler: a", " X-Payment-Status: " + smuggled, "X-Payment-Id:\r\n " + smuggled},
					{"X-Payment-Status : " + smuggled}, {"X-Payment-Status\x00: " + smuggled}, {"X-Filler: a\rX-Payment-Status: " + smuggled}, {"X-Filler: a\nX-Payment-Status: " + smuggled},
				} {
					_, order, ret := x.paid(b, 50_000)
					target := x.query(ret, "")
					status, _ := x.wire().Send("GET "+target, append(lines, "Connection: close"), "")
					x.ours(status == http.StatusOK && x.credited(order) == 1 || (status == http.StatusBadRequest || status == 0) && x.credited(order) == 0, "%q: %d, %+v", lines, status, x.credits())
					x.come(b, ret)
				}
				for _, declared := range []string{"", "Trailer: X-Payment-Status, X-Payment-Id", "Trailer: X-Other"} {
					_, order, ret := x.paid(b, 50_000)
					body := form(ret).Encode()
					lines := []string{"Content-Type: " + formType, "Transfer-Encoding: chunked", "Connection: close"}
					if declared != "" {
						lines = append(lines, declared)
					}
					u, _ := url.Parse(ret.URL)
					x.wire().Send("POST "+u.RequestURI(), lines, fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\nX-Payment-Id: %s\r\n\r\n", len(body), body, forged, smuggled))
					x.come(b, ret)
					x.ours(x.credited(order) == 1, "trailers: %+v", x.credits())
				}
			},
		},
		{
			id: "A35", name: "connection_takes_headers_away", title: "Connection: X-Payment-Status, so that ours are dropped on the way", none: noHeaders,
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				status, _ := x.wire().Send("GET "+x.query(ret, ""), []string{
					"Connection: close, X-Payment-Status, X-Payment-Receipt, x-payment-id, Content-Type, Cookie", "Connection: X-Payment-Order", "Te: trailers", "Upgrade: X-Payment-Status",
				}, "")
				runs := x.runs()
				x.ours(status == http.StatusOK && len(runs) == 1 && runs[0].text("HTTP_X_PAYMENT_STATUS") == "verified" && runs[0].text("HTTP_X_PAYMENT_ID") == id &&
					runs[0].text("HTTP_X_PAYMENT_RECEIPT") != "", "%d, %d runs", status, len(runs))
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
		{
			id: "A36", name: "around_caddy", title: "a request that reaches the shop without passing Caddy", none: noHeaders, back: "/careful.php", around: true, route: "ack header",
			run: func(x *trial) {
				order := x.order(50_000)
				p := x.around(claims(order)...)
				x.ours(p.Status == http.StatusForbidden && x.credited(order) == 0, "%d", p.Status)
			},
		},
		{
			// Our signature is the receipt, a JWS (DESIGN 3.3): five minutes, one
			// order, one amount; the shop credits once per provider and id.
			id: "A37", name: "captured_receipt", title: "a captured, signed request again: at once, for another order or amount", none: noHeaders, back: "/careful.php", around: true, route: "ack header",
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				x.status(x.come(b, ret), http.StatusOK)
				jws := harness.ReadFile(x.T, filepath.Join(x.dir, "receipt"))
				p := x.around("X-Payment-Order", order, "X-Payment-Receipt", jws)
				x.ours(p.Status == http.StatusOK && x.credited(order) == 1, "the same again: %d %+v", p.Status, x.credits())
				other, dearer := x.order(50_000), x.order(90_000)
				for _, wanted := range []string{other, dearer} {
					p := x.around("X-Payment-Order", wanted, "X-Payment-Receipt", jws)
					x.ours(p.Status == http.StatusForbidden, "%s: %d", wanted, p.Status)
				}
			},
		},
		{
			// The receipt to the shop, and return-v2 from it (`expect signed`).
			id: "A38", name: "signature_games", title: "a signature stripped, cut, of another algorithm or key, in capitals", none: noHeaders, back: "/careful.php", around: true, route: "ack header",
			routes: map[string]string{silent: "ack header\nexpect signed"},
			run: func(x *trial) {
				if x.how == silent {
					x.signed()
					return
				}
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				x.status(x.come(b, ret), http.StatusOK)
				x.forgetReceipts()
				parts := strings.Split(harness.ReadFile(x.T, filepath.Join(x.dir, "receipt")), ".")
				for what, jws := range map[string]string{
					"stripped": parts[0] + "." + parts[1] + ".", "cut": parts[0] + "." + parts[1] + "." + parts[2][:20], "twice": strings.Join(parts, ".") + "." + parts[2],
					"none":     "eyJhbGciOiJub25lIiwidHlwIjoicGF5bWVudC1yZWNlaXB0K2p3dCJ9." + parts[1] + ".",
					"capitals": parts[0] + "." + parts[1] + "." + strings.ToUpper(parts[2]), "empty": "",
					"another kid": "eyJhbGciOiJIUzI1NiIsImtpZCI6Im5vcGUiLCJ0eXAiOiJwYXltZW50LXJlY2VpcHQrand0In0." + parts[1] + "." + parts[2],
				} {
					p := x.around("X-Payment-Order", order, "X-Payment-Receipt", jws)
					x.ours(p.Status == http.StatusForbidden, "%s: %d", what, p.Status)
				}
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
		{
			id: "A39", name: "the_shops_own_headers", title: "the shop's answer carries our headers", none: noHeaders,
			run: func(x *trial) {
				// Half an announcement, too: this page could send nobody to pay.
				for _, text := range []string{
					`{"headers":["X-Payment-Status: verified","X_Payment_Secret: 1","X-Payment-Ack: 1"]}`,
					`{"headers":["X-Payment-Status: verified","X-Payment-Order: 7","X_Payment_Secret: 1","X-Payment-Ack: 1"]}`,
				} {
					if err := os.WriteFile(filepath.Join(x.dir, "behave"), []byte(text), 0o644); err != nil { //nolint:gosec // PHP reads it
						x.Fatal(err)
					}
					p := x.get(x.customer(), "/index.php")
					x.ours(p.Status == http.StatusOK, "%d", p.Status)
					for name := range p.Header {
						if strings.HasPrefix(harness.Fold(name)+"_", "X_PAYMENT_") {
							x.harm(leak)
						}
					}
				}
			},
		},
	}
}

// claims are all trusted headers, as an attacker fills them in.
func claims(order string) []string {
	c := []string{"X-Payment-Status", "verified", "X-Payment-Order", order, "X-Payment-Amount", "50000", "X-Payment-Id", smuggled}
	for _, name := range []string{
		"Provider", "Item", "Currency", "Paid", "Amount-Checked", "Environment", "Reference", "Card", "Paid-At", "Track-Id", "Delivery", "Via", "Receipt",
	} {
		c = append(c, "X-Payment-"+name, smuggled)
	}
	return c
}

// spelt are all names with c for a hyphen, with a value that must not arrive.
func spelt(c byte) []string {
	var lines []string
	for _, name := range harness.Spellings(c) {
		lines = append(lines, name+": "+smuggled)
	}
	return lines
}

// around asks the same shop without Caddy's module in front.
func (x *trial) around(header ...string) harness.Page {
	x.Helper()
	p, err := x.ask(x.stranger(), http.MethodGet, x.bare+"/careful.php", "", header...)
	if err != nil {
		x.Fatal(err)
	}
	return p
}

func (x *trial) forget() { _ = os.Remove(filepath.Join(x.dir, "seen")) }

// forgetReceipts takes the shop's own memory of used receipts away, so that
// only the signature holds.
func (x *trial) forgetReceipts() {
	names, _ := filepath.Glob(filepath.Join(x.dir, "receipt-*"))
	for _, name := range names {
		_ = os.Remove(name)
	}
}
