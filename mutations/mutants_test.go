package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestMutantsApply: every bug still fits the sources, and every suite that is
// to notice it has a test to run. Whether it notices is `scripts/mutants`'s to
// find out.
func TestMutantsApply(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\A[a-z0-9]+(-[a-z0-9]+)*\z`)
	rules := regexp.MustCompile(`\A((R([1-9]|1[0-4])|M([1-9]|1[0-7])|A[0-9]{2}|F[0-9]{2})( |\z))+\z`)
	seen, broken := make(map[string]bool), make(map[string]bool)
	for _, m := range mutants() {
		if seen[m.Name] || !name.MatchString(m.Name) || !rules.MatchString(m.Rules) || m.Why == "" || len(m.Edits) == 0 || len(m.By) == 0 {
			t.Errorf("%s: named twice, or not wholly described", m.Name)
		}
		seen[m.Name] = true
		for rule := range strings.FieldsSeq(m.Rules) {
			broken[rule] = true
		}
		if _, err := m.apply(root); err != nil {
			t.Error(err)
		}
		for _, s := range m.By {
			if !hasTest(t, filepath.Join(root, s.Dir), s.Run) {
				t.Errorf("%s: no test of ./%s matches %q", m.Name, s.Dir, s.Run)
			}
		}
	}
	for _, name := range named() {
		if !seen[name] {
			t.Errorf("%s is gone", name)
		}
	}
	for letter, last := range map[string]int{"R": 14, "M": 17} {
		for i := 1; i <= last; i++ {
			if rule := letter + strconv.Itoa(i); !broken[rule] {
				t.Errorf("no bug breaks %s", rule)
			}
		}
	}
}

var testName = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`)

func hasTest(t *testing.T, dir, run string) bool {
	t.Helper()
	run, _, _ = strings.Cut(run, "/")
	pattern, err := regexp.Compile(run)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testName.FindAllSubmatch(text, -1) {
			if pattern.Match(m[1]) {
				return true
			}
		}
	}
	return false
}

func TestRead(t *testing.T) {
	failed := os.ErrInvalid // any error
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL":                   "TestA/b",
		"panic: test timed out after 2m30s\n\trunning tests:\n\t\tTestSlow (150s)\nFAIL": "TestSlow (does not end)",
		"panic: nil map\ngoroutine 1":                                                    "a panic",
	} {
		if by, err := read(out, failed); by != want || err != nil {
			t.Errorf("%q: %q, %v", out, by, err)
		}
	}
	for _, out := range []string{"FAIL\tx [build failed]", "ok \tx\t0.1s [no tests to run]", "signal: killed"} {
		if by, err := read(out, failed); by != "" || err == nil {
			t.Errorf("%q: %q, %v", out, by, err)
		}
	}
	if by, err := read("ok", nil); by != "" || err != nil {
		t.Errorf("%q, %v", by, err)
	}
}

// The manual says how many there are, roughly.
func TestTheManualCountsThem(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/guarantees.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`more than (\d+) ways of breaking a rule, each rule of money and each finding M1–M17 among them, and more than (\d+) of the doors:`).FindSubmatch(text)
	if m == nil {
		t.Fatal("docs/guarantees.md does not say how many seeded bugs there are")
	}
	for i, n := range []int{len(mutants()), len(gating()) + len(placing()) + len(handing()) + len(admitting())} {
		if says, _ := strconv.Atoi(string(m[i+1])); n < says || n > says*5/4 {
			t.Errorf("docs/guarantees.md says %q; there are %d", m[0], n)
		}
	}
}
