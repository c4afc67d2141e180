package simulation

import "slices"

// tour is a world that is walked through as far as bounds allow.
type tour struct {
	corner
	bounds
	// most is how many walks are made; zero: all.
	most int
}

// answers are all ways in which a provider's answer is another than the plain
// one, or does not come.
func answers() []fault {
	return []fault{
		verifyUnsent, verifyTimeout, settledTimeout, verifyLate, provider5xx, provider429, operatorKey, usedElsewhere, providerPanic,
		wrongAmount, tenfold, wrongOrder, wrongID,
	}
}

// shops are the ways in which a shop does not simply credit and say so.
func shops() []fault { return []fault{shopUnsent, shop5xx, shopCut, shopHangs} }

// stores are the ways in which a ledger does not simply do what it is told.
func stores() []fault { return []fault{commitApplied, commitLost, commitLate, readError, raced} }

// everyOrder: no bound on who overtakes whom.
const everyOrder = -1

// small are the tours of every `go test`.
func small() []tour {
	one := corner{name: "a return and a crash", naive: true, nodes: []int{0}}
	return []tour{
		{corner{name: "three returns", naive: true, nodes: []int{0, 1, 0}}, bounds{}, 0},
		{one, bounds{crashes: 1}, 0},
		{corner{name: "a return and an answer", nodes: []int{0}, on: answers()}, bounds{troubles: 1}, 0},
	}
}

// usualMost is where CI leaves a world, unless it is there for every order.
const usualMost = 1500

// usual are the tours of CI.
func usual() []tour {
	three, two := []int{0, 1, 0}, []int{0, 1}
	var all []tour
	add := func(c corner, b bounds) {
		// Once for a shop that credits whenever it is told, once for one that dedupes.
		for _, naive := range []bool{true, false} {
			c.naive = naive
			most := usualMost
			if b.switches == everyOrder && b.crashes == 0 {
				most = 0
			}
			all = append(all, tour{c, b, most})
		}
	}
	add(corner{name: "every order of three returns", nodes: three}, bounds{switches: everyOrder})
	add(corner{name: "a crash among three returns", nodes: three}, bounds{crashes: 1})
	add(corner{name: "two crashes", nodes: []int{0}, affiliate: true}, bounds{crashes: 2, switches: everyOrder})
	add(corner{name: "two crashes on an embedded ledger", nodes: []int{0}, alone: true}, bounds{crashes: 2, switches: everyOrder})
	add(corner{name: "two returns and any answer", nodes: two, on: answers()}, bounds{troubles: 1})
	add(corner{name: "a crash and any answer", nodes: []int{0}, on: answers()}, bounds{crashes: 1, troubles: 1})
	add(corner{name: "two answers", nodes: []int{0}, on: answers()}, bounds{troubles: 2})
	add(corner{name: "a crash and any shop", nodes: []int{0}, on: shops()}, bounds{crashes: 1, troubles: 1})
	add(corner{name: "a crash and any ledger", nodes: []int{0}, on: stores()}, bounds{crashes: 1, troubles: 1})
	for _, how := range []truth{unpaid, paidMeanwhile, usedBefore, givenBack} {
		add(corner{name: "three returns of what is " + how.String(), nodes: three, truth: how}, bounds{switches: 1})
	}
	add(corner{name: "another order's return", nodes: three, third: otherOrder, mode: modeNone}, bounds{switches: 1})
	add(corner{name: "a shop that is asked", nodes: two, mode: modeLookup}, bounds{switches: everyOrder})
	add(corner{name: "a provider that denies", shape: "idpay that denies", nodes: []int{0}, on: answers()}, bounds{crashes: 1, troubles: 1})
	add(corner{name: "a provider that says the same each time", shape: "invoice", nodes: []int{0}, on: answers()}, bounds{crashes: 1, troubles: 1})
	slices.SortStableFunc(all, func(a, b tour) int { return len(b.nodes) - len(a.nodes) })
	return all
}

// wholeMost is where the release leaves a world.
const wholeMost = 5000

// whole are the tours of the release: two nodes, three returns, up to two
// crashes and each answer, and those of CI for longer.
func whole() []tour {
	var all []tour
	for _, answer := range answers() {
		for _, naive := range []bool{true, false} {
			c := corner{name: "two crashes among three returns and " + answer.String(), naive: naive, nodes: []int{0, 1, 0}, on: []fault{answer}}
			all = append(all, tour{c, bounds{crashes: 2, troubles: 1}, wholeMost})
		}
	}
	for _, t := range usual() {
		if t.most > 0 {
			t.most = wholeMost
		}
		all = append(all, t)
	}
	return all
}

func (t tour) String() string {
	kind := " (shop dedupes)"
	if t.naive {
		kind = " (naive shop)"
	}
	return t.name + kind
}
