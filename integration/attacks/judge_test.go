package attacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// What an attack can do.
const (
	safe = "safe"
	// unpaid: goods went out for which nobody, or somebody else, had paid.
	unpaid = "UNPAID"
	// double: one payment or one order was credited more than once.
	double = "DOUBLE"
	// wrongSum: the payment was real, for less than the price.
	wrongSum = "WRONG SUM"
	// lost: the provider took the money for good, the payer came back, and the
	// shop has neither credited the order nor asked a person.
	lost = "LOST"
	// leak: somebody learnt what is not theirs.
	leak = "LEAK"
	// flood: a stranger decides how often the provider is asked.
	flood = "FLOOD"
)

// credit is a line of the shop's books.
type credit struct {
	Order, ID string
	Amount    int64
}

func (x *trial) credits() []credit {
	x.Helper()
	text, err := os.ReadFile(filepath.Join(x.dir, "books"))
	if err != nil {
		return nil
	}
	var all []credit
	for line := range strings.Lines(string(text)) {
		var c credit
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			x.Fatalf("%v in %s", err, line)
		}
		all = append(all, c)
	}
	return all
}

// credited is how often an order was.
func (x *trial) credited(order string) (n int) {
	x.Helper()
	for _, c := range x.credits() {
		if c.Order == order {
			n++
		}
	}
	return n
}

// judge compares the shop's books with the provider's.
func (x *trial) judge() []string {
	x.Helper()
	held := make(map[string]bool)
	if x.us {
		rows := x.rows()
		if !x.unsettled {
			rows = x.rest()
		}
		for _, r := range rows {
			if r.State == "review" || r.State == "parked" {
				held[r.ID] = true
			}
		}
		x.sawNothingForged()
	}
	orders, receipts := make(map[string]int), make(map[string]int)
	for _, c := range x.credits() {
		orders[c.Order]++
		receipts[c.ID]++
		b := x.bills[c.ID]
		switch {
		case b == nil, b.order != c.Order, !kept(x.truth(b.id).State) && (x.us || x.truth(b.id).State != "paid"):
			x.say(unpaid, "%+v; the bill: %+v", c, b)
		case b.amount < x.priceOf(c.Order):
			x.say(wrongSum, "%+v for %d", c, x.priceOf(c.Order))
		}
		if orders[c.Order] > 1 || receipts[c.ID] > 1 {
			x.say(double, "%+v", c)
		}
	}
	for id, b := range x.bills {
		if b.came && kept(x.truth(id).State) && receipts[id] == 0 && !held[id] {
			x.say(lost, "%+v: %+v", *b, x.truth(id))
		}
	}
	found := slices.Sorted(maps.Keys(x.found))
	if x.us {
		for _, what := range found {
			x.Errorf("with us: %s; the books: %+v", what, x.credits())
		}
	}
	return found
}

func (x *trial) say(what, format string, args ...any) {
	x.Helper()
	x.Logf(what+": "+format, args...)
	x.harm(what)
}

// A plugin that never asks is not blamed for money that a provider with such a
// rule would send back.

// kept: the provider has paid out or will.
func kept(state string) bool { return state == "verified" || state == "settled" }

func (x *trial) priceOf(order string) int64 {
	x.Helper()
	var n int64
	if _, err := fmt.Sscan(harness.ReadFile(x.T, x.card("order", order)), &n); err != nil {
		x.Fatal(err)
	}
	return n
}

// rest waits until nothing of ours is under way and returns all records. A
// payment that is still to be asked about is at rest: nothing was taken.
func (x *trial) rest() []row {
	x.Helper()
	var all []row
	harness.Wait(x.T, "every payment comes to rest", waitRest, func() bool {
		all = x.rows()
		for _, r := range all {
			if r.State == "verifying" || r.State == "verified" || r.State == "delivering" || r.State == "unknown" {
				return false
			}
		}
		return true
	})
	return all
}

// seen is one run of the shop behind us.
type seen struct {
	Server  map[string]any
	Get     any
	Post    any
	Request any
	Cookie  map[string]string
	Input   string
}

func (s seen) text(name string) string {
	if v, ok := s.Server[name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// runs are all runs of the shop's PHP behind us.
func (x *trial) runs() []seen {
	x.Helper()
	text, err := os.ReadFile(filepath.Join(x.dir, "seen"))
	if err != nil {
		return nil
	}
	var all []seen
	for line := range strings.Lines(string(text)) {
		var s seen
		// Empty lists of PHP are [] and never a map.
		line = strings.NewReplacer(`"cookie":[]`, `"cookie":{}`).Replace(line)
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			x.Fatalf("%v in %s", err, line)
		}
		all = append(all, s)
	}
	return all
}

// smuggled is the value that attackers write into our headers.
const smuggled = "smuggled-value"

// sawNothingForged: whatever was tried, PHP has no such value under any name
// that it could take for ours, and a placeholder neither.
func (x *trial) sawNothingForged() {
	x.Helper()
	for _, s := range x.runs() {
		for name, value := range s.Server {
			if strings.HasPrefix(harness.Fold(name)+"_", "HTTP_X_PAYMENT_") && strings.Contains(fmt.Sprint(value), smuggled) {
				x.Errorf("PHP has %s=%v", name, value)
				x.harm(unpaid)
			}
		}
		if strings.Contains(s.text("PLACED_STATUS"), smuggled) {
			x.Error("a placeholder has it")
		}
	}
}
