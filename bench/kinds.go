package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// kinds are the requests of strangers and crowds, no two alike. n counts all
// requests of the load.
var kinds = map[string]func(n uint64, r *returns, j job, host string) []byte{
	kindBogus:    bogus,
	kindPress:    press,
	kindVisit:    visit,
	kindAnnounce: announced,
}

const (
	kindBogus    = "bogus"    // a return of a payment that nobody made
	kindPress    = "press"    // a press of Pay
	kindVisit    = "visit"    // a landing page with a track id
	kindAnnounce = "announce" // a page of the shop's that announces a payment
)

// addresses is how many addresses strangers come from: few enough that each is
// heard of again, too many for what is kept of one address to stop them all.
const addresses = 2_000

// line is a request of one of many clients, as a proxy on this machine hands it on.
func line(method, target, host string, client uint64) []byte {
	length := ""
	if method == http.MethodPost {
		length = "Content-Length: 0\r\n"
	}
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 198.18.%d.%d\r\n%s%s\r\n", method, target, host, client/250%250, client%250, browser, length)
}

// bogus is one of four: without a signature where one is demanded, with a wrong
// one, and on the route that demands none with an id that is well-formed and one
// that isn't.
func bogus(n uint64, r *returns, j job, host string) []byte {
	id := fmt.Sprintf("%s%012x%016x", invented, r.base&0xffffffffffff, n)
	target := fmt.Sprintf("?status=10&track_id=%d&id=%s&order_id=%d", n, id, n)
	switch r.strays.Add(1) % 4 { // n would not do: a signed one takes two numbers
	case 0:
		target = returnPath + target
	case 1:
		target = returnPath + strings.Replace(r.next(job{Path: ""}, "http://"+host), "payment_signature=", "payment_signature=0", 1)
	case 2:
		target = openPath + target
	case 3:
		target = openPath + strings.Replace(target, "&id=", "&id=%00", 1)
	}
	return line(http.MethodGet, target, host, n%addresses)
}

func press(n uint64, _ *returns, _ job, host string) []byte {
	// From the shop's own page: what comes from another site only gets the page.
	return bytes.Replace(line(http.MethodPost, "/buy/mug", host, n%addresses), []byte("Sec-Fetch-Site: cross-site"), []byte("Sec-Fetch-Site: same-origin"), 1)
}

func visit(n uint64, _ *returns, _ job, host string) []byte {
	return line(http.MethodGet, fmt.Sprintf("/product/mug?track_id=visitor%08d", n), host, n)
}

func announced(n uint64, r *returns, _ job, host string) []byte {
	return line(http.MethodGet, fmt.Sprintf("%sa0%014x%016x", pathAnnounce, r.base&0xffffffffffffff, n), host, n)
}
