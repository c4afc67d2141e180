package main

import "strconv"

// mutants are all seeded bugs.
func mutants() []Mutant {
	var all []Mutant
	for _, part := range [][]Mutant{deciding(), settling(), delivering(), keeping(), listening(), speaking(), serving()} {
		all = append(all, part...)
	}
	return all
}

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
