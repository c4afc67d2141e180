package attacks_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// write replaces the committed table with what was measured.
var write = flag.Bool("write", false, "write docs/attacks.md")

const (
	page  = "../../docs/attacks.md"
	begin = "<!-- measured -->"
	end   = "<!-- end -->"
)

// waitRest is how long payments may take to come to rest after an attack.
const waitRest = 45 * time.Second

func run(m *testing.M) int {
	flag.Parse()
	// Most trials wait for somebody's time-out.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	code := m.Run()
	if fpm.FPM != nil {
		fpm.Stop()
		_ = os.RemoveAll(fpm.dir)
	}
	return code
}

// results collects what each attack did.
type results struct {
	mu  sync.Mutex
	all []attack
	// got is by id and way; us and plugins have no way in common.
	got map[string][]string
}

func newResults(all []attack) *results {
	return &results{all: all, got: make(map[string][]string)}
}

func (r *results) note(x *trial, found []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[x.attack.id+" "+x.how] = append([]string{}, found...)
}

// cell is what some ways of one attack came to.
func (r *results) cell(a *attack, ways []string, name bool) string {
	var parts []string
	by := make(map[string][]string)
	for _, how := range ways {
		text := strings.Join(r.got[a.id+" "+how], ", ")
		if text == "" {
			text = safe
		}
		if _, ok := by[text]; !ok {
			parts = append(parts, text)
		}
		by[text] = append(by[text], how)
	}
	if name {
		for i, text := range parts {
			parts[i] = strings.Join(by[text], ", ") + ": " + text
		}
	}
	return strings.Join(parts, " · ")
}

func (r *results) table() string {
	sorted := slices.Clone(r.all)
	slices.SortFunc(sorted, func(a, b attack) int { return strings.Compare(a.id, b.id) })
	var b strings.Builder
	b.WriteString("\n| | attack | with us | common plugin logic |\n|---|---|---|---|\n")
	for i := range sorted {
		a := &sorted[i]
		without := "n/a: " + a.none
		if a.none == "" {
			without = r.cell(a, a.without(), true)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.id, a.title, r.cell(a, a.with(), false), without)
	}
	return b.String()
}

// check compares the committed table with what was measured, if everything was.
func (r *results) check(t *testing.T) {
	for i := range r.all {
		for _, how := range append(r.all[i].with(), r.all[i].without()...) {
			if _, ok := r.got[r.all[i].id+" "+how]; !ok {
				return // some were not asked for
			}
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", page)
	}
	measured := r.table()
	if old == measured {
		return
	}
	if !*write {
		// What the plugins come to in a race is luck; what we come to is not.
		say := t.Errorf
		if ours(old) == ours(measured) {
			say = t.Logf
		}
		say("%s is not what was measured; -write makes it so:\n%s", page, difference(old, measured))
		return
	}
	if t.Failed() {
		t.Error("nothing was written: something failed")
		return
	}
	if err := os.WriteFile(page, []byte(head+begin+measured+end+tail), 0o644); err != nil { //nolint:gosec // a page for everybody
		t.Fatal(err)
	}
}

// ours is the table without its last column.
func ours(table string) string {
	var b strings.Builder
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		b.WriteString(strings.Join(cells[:max(len(cells)-1, 0)], " | ") + "\n")
	}
	return b.String()
}

// difference are the lines of the second that the first does not have.
func difference(old, now string) string {
	var b strings.Builder
	for line := range strings.Lines(now) {
		if !strings.Contains(old, line) {
			b.WriteString(line)
		}
	}
	return b.String()
}
