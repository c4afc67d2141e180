package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// verdict is what became of a mutant.
type verdict struct {
	mutant Mutant
	// by are the tests that noticed; empty where none did.
	by   []catch
	took time.Duration
	err  error
}

// catch is a test that noticed.
type catch struct{ dir, test string }

func (c catch) String() string { return c.dir + "." + c.test }

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked   = regexp.MustCompile(`(?m)^(?:panic|fatal error|WARNING: DATA RACE)`)
	timedOut   = regexp.MustCompile(`panic: test timed out after`)
	running    = regexp.MustCompile(`(?m)^\s*(?:running tests:\s+)?(Test\w+|Fuzz\w+)\S* \(`)
	noBuild    = regexp.MustCompile(`\[(?:build|setup) failed\]|no required module|cannot find package`)
	noTests    = regexp.MustCompile(`\[no tests to run\]|\[no test files\]`)
)

// bare leaves out what only a debugger reads: most of the time is the linker's.
const bare = "-ldflags=-s -w"

// suiteLimit ends what a bug made wait for ever; that is noticed, too.
const suiteLimit = "150s"

// try runs the suites of a mutant until one notices, or each of them.
func try(ctx context.Context, root string, m Mutant, every bool) verdict {
	begin := time.Now()
	v := verdict{mutant: m}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		v.err = err
		return v
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		v.err = err
		return v
	}
	for _, s := range m.By {
		var env []string
		if s.Process {
			// Built once; go knows.
			path := filepath.Join(dir, "caddy")
			if out, err := command(ctx, root, nil, "build", bare, "-overlay", overlay, "-o", path, "./cmd/caddy"); err != nil {
				v.err = fmt.Errorf("building caddy with the bug: %w\n%s", err, out)
				return v
			}
			env = append(env, "PAYMENTS_CADDY="+path, "PAYMENTS_CADDY_PLAIN="+path) // whichever a test runs, and its commands
		}
		out, err := command(ctx, root, env, s.args(root, "-overlay", overlay)...)
		test, err := read(out, err)
		if err != nil {
			v.err = err
			break
		}
		if test == "" {
			continue
		}
		v.by = append(v.by, catch{s.Dir, test})
		if !every {
			break
		}
	}
	v.took = time.Since(begin)
	return v
}

// args are those of the run of a suite.
func (s Suite) args(root string, more ...string) []string {
	args := append([]string{"test", bare, "-count=1", "-vet=off", "-failfast", "-timeout", suiteLimit}, more...)
	if s.Run != "" {
		args = append(args, "-run", s.Run)
	}
	args = append(append(args, "./"+s.Dir), strings.Fields(s.Args)...)
	if s.generates(root) {
		// A failure under a bug is no failure to try again without it.
		args = append(args, "-rapid.nofailfile")
	}
	return args
}

// generates: the tests of that package use rapid, whose flags are known only then.
func (s Suite) generates(root string) bool {
	files, _ := filepath.Glob(filepath.Join(root, s.Dir, "*_test.go"))
	for _, path := range files {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), `"pgregory.net/rapid"`) { //nolint:gosec // of this module
			return true
		}
	}
	return false
}

// read says which test noticed, from what `go test` printed.
func read(out string, err error) (by string, _ error) {
	switch {
	case noBuild.MatchString(out):
		return "", fmt.Errorf("it does not build:\n%s", out)
	case noTests.MatchString(out):
		return "", fmt.Errorf("no test ran:\n%s", out)
	case err == nil:
		return "", nil
	}
	var names []string
	for _, m := range failedTest.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	switch {
	case len(names) > 0:
		// The innermost says most; its parents stand before it.
		by = names[0]
		for _, n := range names {
			if strings.HasPrefix(n, by+"/") {
				by = n
			}
		}
		return by, nil
	case timedOut.MatchString(out), panicked.MatchString(out):
		if m := running.FindStringSubmatch(out); m != nil {
			return m[1] + " (does not end)", nil
		}
		return "a panic", nil
	}
	return "", fmt.Errorf("%w:\n%s", err, out)
}

func command(ctx context.Context, root string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // of the table
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
