package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is one seeded bug.
type Mutant struct {
	// Name is in lower case with hyphens, and says what the bug does.
	Name string
	// Rules are what it breaks: R1–R14 of the rules of money, M1–M17 of the
	// findings behind them.
	Rules string
	// Why says in one sentence what is lost when this is wrong.
	Why string
	// Edits are what makes the bug.
	Edits []Edit
	// By are the suites that must notice, the likeliest first.
	By []Suite
}

// Edit replaces a text.
type Edit struct {
	// Dir is the package's, from the root of the module.
	Dir string
	// Old occurs exactly once in the package's sources.
	Old, New string
}

// Suite is a run of tests.
type Suite struct {
	Dir string
	// Run is a pattern of `go test -run`; empty runs all.
	Run string
	// Args are given to the tests.
	Args string
	// Process says that the tests start Caddy as a process of its own, which is
	// built with the bug first.
	Process bool
}

// errStale is wrapped by errors about a mutant that the sources have outgrown.
var errStale = errors.New("the bug no longer applies")

// apply returns the sources that the mutant changes, by their path.
func (m Mutant) apply(root string) (map[string][]byte, error) {
	changed := make(map[string][]byte)
	for _, e := range m.Edits {
		files, err := filepath.Glob(filepath.Join(root, e.Dir, "*.go"))
		if err != nil {
			return nil, err
		}
		found := 0
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text, ok := changed[path]
			if !ok {
				if text, err = os.ReadFile(path); err != nil { //nolint:gosec // of this module
					return nil, err
				}
			}
			if n := strings.Count(string(text), e.Old); n > 0 {
				found += n
				changed[path] = []byte(strings.Replace(string(text), e.Old, e.New, 1))
			}
		}
		if found != 1 {
			return nil, fmt.Errorf("%w: %s: in %s this stands %d times, not once:\n%s", errStale, m.Name, e.Dir, found, e.Old)
		}
	}
	for path, text := range changed {
		if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errStale, m.Name, err)
		}
	}
	return changed, nil
}

// overlay writes the changed sources and the file that makes Go read them.
func (m Mutant) overlay(root, dir string) (string, error) {
	changed, err := m.apply(root)
	if err != nil {
		return "", err
	}
	var o struct{ Replace map[string]string }
	o.Replace = make(map[string]string)
	for path, text := range changed {
		to := filepath.Join(dir, fmt.Sprintf("%d-%s", len(o.Replace), filepath.Base(path)))
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return "", err
		}
		o.Replace[path] = to
	}
	text, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, text, 0o600)
}
