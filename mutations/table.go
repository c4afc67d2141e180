package main

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
