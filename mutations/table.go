package main

import (
	"slices"
	"strconv"
)

// mutants are all seeded bugs.
func mutants() []Mutant {
	var all []Mutant
	for _, part := range [][]Mutant{deciding(), settling(), delivering(), keeping(), listening(), speaking(), serving(),
		gating(), placing(), handing(), admitting(), refunding(), relaying(), relayingMore(), relayingRules(), relayingSlow(), relayingSentences(), stalling(), refusing(), outside(),
	} {
		all = append(all, part...)
	}
	return all
}

// named are those that hardly anything may be said of money without; CI runs
// them with every change.
func named() []string {
	return []string{
		"marker-not-synced", "101-believed-blindly", "only-the-hyphen-form-stripped", "amount-compared-as-text",
		"verified-not-synced", "unknown-treated-as-declined", "refusal-after-silence-believed", "committed-without-uniqueness",
		"another-orders-record", "no-proof-taken-for-delivered", "orders-of-the-sandbox-are-live", "path-info-is-no-gate",
	}
}

// also adds a suite to others.
func also(suites []Suite, more Suite) []Suite { return append(slices.Clone(suites), more) }

func unit(dir, run string) Suite { return Suite{Dir: dir, Run: run} }

// process is a suite that starts Caddy itself.
func process(dir, run string) Suite { return Suite{Dir: "integration/" + dir, Run: run, Process: true} }

// simulation lives so many worlds, from the first seed on.
func simulation(seeds int) Suite {
	return Suite{Dir: "engine/simulation", Run: "^TestSimulation$", Args: "-seeds " + strconv.Itoa(seeds)}
}

// attack is one of the corpus, tried on a Caddy with the bug and on a shop of
// PHP behind it.
func attack(ids string) Suite { return process("attacks", "TestAttacks/^("+ids+")") }
