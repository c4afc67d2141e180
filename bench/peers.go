package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

// The one price, and the keys, of all payments of a run.
const (
	price  = 50000
	apiKey = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4" //nolint:gosec // invented
	secret = "0123456789abcdef0123456789abcdef"     //nolint:gosec // invented
	card   = "123456******1234"
)

const (
	// slow begins the orders that the provider takes its time for.
	slow = "slow-"
	// Real providers take as long as this: half of the calls take slowMedian at most,
	// one in twenty more than twice that, one in a hundred more than three times.
	slowMedian = 150 * time.Millisecond
	slowSigma  = 0.5
	slowWords  = "a provider as slow as real ones"
)

// slowTime is how long one call takes: lognormal, as measured response times are.
func slowTime() time.Duration {
	return time.Duration(float64(slowMedian) * math.Exp(slowSigma*rand.NormFloat64())) //nolint:gosec // no secret
}

// counts is what provider and shop tell of themselves at /counts.
type counts struct {
	Creates  int64 `json:"creates"`
	Verifies int64 `json:"verifies"`
	Verified int64 `json:"verified"`
	All      int64 `json:"all"`
}

const (
	pathCounts = "/counts"
	pathCreate = "/v1.1/payment"
	// pathSlow begins the paths of a provider that takes its time for every call.
	pathSlow = "/slow"
	// pathAnnounce begins the pages on which the shop announces a payment, whose id
	// follows.
	pathAnnounce = "/announce/"
	// invented begins the ids that the provider knows nothing of.
	invented = "0bad"
)

// providerRole speaks as much of IDPay as a create and a verification need: every
// id is paid that doesn't say of itself that it is invented. It remembers nothing,
// so it is no measure of correctness.
func providerRole() {
	var calls, created atomic.Int64
	serve(func(m *message) reply {
		path, late := strings.CutPrefix(m.path(), pathSlow)
		if path == pathCounts {
			return asJSON(counts{Creates: created.Load(), Verifies: calls.Load()})
		}
		id, order := member(m.body, "id"), member(m.body, "order_id")
		if late || bytes.HasPrefix(order, []byte(slow)) {
			time.Sleep(slowTime())
		}
		if path == pathCreate {
			return reply{status: "201 Created", kind: "application/json", body: fmt.Appendf(nil, `{"id":"c0%030x","link":"https://idpay.ir/p/ws/c0%[1]030x"}`, created.Add(1))}
		}
		calls.Add(1)
		if bytes.HasPrefix(id, []byte(invented)) {
			return reply{status: "400 Bad Request", kind: "application/json", body: []byte(`{"error_code":53,"error_message":"..."}`)}
		}
		h := fnv.New64a()
		_, _ = h.Write(id)
		number := h.Sum64() >> 4
		now := time.Now().Unix()
		return reply{kind: "application/json", body: fmt.Appendf(nil, `{"status":"100","track_id":"%d","id":"%s","order_id":"%s","amount":"%d","date":"%d",`+
			`"payment":{"track_id":"%d","amount":"%d","card_no":"%s","hashed_card_no":"E59FA6241C94B8836E3D03120DF33E80FD988888BBA0A122240C2E7D23B48295","date":"%d"},`+
			`"verify":{"date":"%d"}}`, number, id, order, price, now-30, number/7, price, card, now-20, now)}
	})
}

// member reads a string member of a flat JSON object that our own callers
// wrote.
func member(body []byte, name string) []byte {
	_, rest, ok := bytes.Cut(body, []byte(`"`+name+`":"`))
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return value
}

// shopRole is the upstream: a page for everybody, and a count of what it was
// told to deliver.
func shopRole() {
	var all, verified atomic.Int64
	serve(func(m *message) reply {
		path := m.path()
		if path == pathCounts {
			return asJSON(counts{Verified: verified.Load(), All: all.Load()})
		}
		all.Add(1)
		if bytes.Contains(m.head, []byte("X-Payment-Status: verified\r\n")) {
			verified.Add(1)
		}
		a := reply{kind: "text/html", body: okBody}
		if id, ok := strings.CutPrefix(path, pathAnnounce); ok {
			a.head = fmt.Sprintf("X-Payment-Id: %s\r\nX-Payment-Order: %[1]s\r\nX-Payment-Amount: %d\r\n", id, price)
		}
		return a
	})
}

// okBody is what the shop, in Go and in PHP, says.
var okBody = []byte("ok")

func asJSON(v any) reply {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply{kind: "application/json", body: b}
}

// counts asks provider and shop.
func (b *bench) counts() (counts, error) {
	var p, s counts
	if err := getJSON("http://"+b.provider+pathCounts, &p); err != nil {
		return p, err
	}
	err := getJSON("http://"+b.shop+pathCounts, &s)
	s.Creates, s.Verifies = p.Creates, p.Verifies
	return s, err
}
