package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// amounts are how much of everything is done.
type amounts struct {
	kills, rounds, reloads, fills, stops, seeds, walks, histories, flips int
	fuzz                                                                 string
}

// items are what the release tier consists of, in order.
func (a amounts) items() []*item {
	robust := func(name, test string, env ...string) *item {
		return &item{name: name, processes: true, env: env,
			args: []string{"go", "test", "-race", "-count=1", "-v", "-timeout=0", "./integration/robust", "-run", "^(" + test + ")$"}}
	}
	set := func(name string, n int) string { return fmt.Sprintf("%s=%d", name, n) }
	return []*item{
		robust("crash", "TestCrashPoints|TestPanics|TestNoFailpointsInTheProgram", set("PROOF_CRASH_ROUNDS", a.rounds)),
		robust("reloads", "TestReloads.*|TestReloadToAnotherLedger", set("PROOF_RELOADS", a.reloads)),
		robust("disk", "TestDiskFillsDuringPayments|TestFullDisk|TestReadOnlyDisk", set("PROOF_FILLS", a.fills)),
		robust("stops", "TestStopped.*|TestNoDescriptorsLeft", set("PROOF_STOPS", a.stops)),
		robust("kills", "TestKilled.*", set("PROOF_KILLS", a.kills)),
		{name: "rest", processes: true, args: []string{"go", "test", "-race", "-count=1", "-v", "-timeout=0", "./integration/...",
			"-skip", "^(TestCrashPoints|TestPanics|TestReloadsLoseNothing|TestDiskFillsDuringPayments|TestStoppedUnderLoad|TestKilledUnderLoad)$"}},
		{name: "simulation", args: []string{"go", "test", "-count=1", "-v", "-timeout=0", "./engine/simulation", "-run", "^TestSimulation$", "-seeds", fmt.Sprint(a.seeds)},
			amount: fmt.Sprintf("%d seeds", a.seeds), tells: regexp.MustCompile(`\d+ seeds in .*`)},
		{name: "walk", args: []string{"go", "test", "-count=1", "-v", "-timeout=0", "./engine/simulation", "-run", "^TestWalk$", "-walk", "whole", "-walks", fmt.Sprint(a.walks)},
			amount: fmt.Sprintf("every small world, and %d walks of each larger one", a.walks), tells: regexp.MustCompile(`\d+ worlds in .*`)},
		{name: "histories", env: []string{set("PAYMENTS_TEST_HISTORIES", a.histories)},
			args:   []string{"go", "test", "-race", "-count=1", "-v", "-timeout=0", "./storage/...", "-run", "^TestConformance$"},
			amount: fmt.Sprintf("%d histories of each ledger", a.histories), tells: regexp.MustCompile(`\d+ histories of .*`)},
		{name: "damage", env: []string{set("PAYMENTS_TEST_FLIPS", a.flips)},
			args:   []string{"go", "test", "-count=1", "-v", "-timeout=0", "./storage/badger/...", "-run", "^(TestDamage|TestPowerCut)$"},
			amount: fmt.Sprintf("%d flipped bits, as many torn logs, every file deleted, emptied and cut", a.flips)},
		{name: "mutants", args: []string{"scripts/mutants"}, amount: "all seeded bugs", tells: regexp.MustCompile(`All \d+ mutants .*`)},
		{name: "fuzz", args: []string{"scripts/fuzz", a.fuzz}, amount: a.fuzz + " for each target", tells: regexp.MustCompile(`\d+ targets, each .*`)},
	}
}

// build makes the programs that several items need, once.
func build(ctx context.Context, dir string) error {
	for name, flags := range map[string][]string{
		"PAYMENTS_CADDY": {"-race"}, "PAYMENTS_CADDY_PLAIN": nil, "PAYMENTS_CADDY_FAILPOINTS": {"-tags", "failpoints"},
	} {
		fmt.Fprintf(os.Stderr, "building %s\n", name)
		path := filepath.Join(dir, strings.ToLower(name))
		args := append([]string{"build", "-o", path}, flags...)
		cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/caddy")...) //nolint:gosec // constant arguments
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
		if err := os.Setenv(name, path); err != nil {
			return err
		}
	}
	return nil
}

// commit is what is checked out, as far as git knows it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "an unknown commit"
	}
	return strings.TrimSpace(string(out))
}

func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
