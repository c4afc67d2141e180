package simulation

import (
	"flag"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	walkFlag = flag.String("walk", "", "which worlds to walk through: usual (as CI does), whole (for a quarter of an hour), or part of a name (default: a few small ones)")
	pathFlag = flag.String("path", "", "with -walk and a whole name: live this one sequence of choices, as printed by a failure, and print its trace")
	mostFlag = flag.Int("walks", 0, "leave a world after so many walks, if it is ever left (default: as each tour says)")
)

// walked is what came of a tour.
type walked struct {
	walks, states, steps int
	took                 time.Duration
	ended                bool // there was nothing left
	deep                 int  // otherwise: all that differs in so many choices was lived
	path                 []int
	err                  error
}

// explore walks through a world: first as if nothing were out of the ordinary,
// then with each choice that a walk made taken otherwise, until all there is are
// states that were seen before. What is left out of a world that is too large is
// the most out of the ordinary.
func explore(t *testing.T, to tour) (r walked) {
	began, seed := time.Now(), maphash.MakeSeed()
	seen := make(map[uint64]struct{})
	var prefix []int
	var open []branch
	for {
		k := newWalker(prefix, to.bounds, seen, seed)
		_, err := walkThrough(t, to.corner, k, false)
		r.walks++
		r.steps += k.steps
		if err != nil {
			r.err, r.path = err, k.sequence()
			break
		}
		open = append(open, k.branches()...)
		if len(open) == 0 {
			r.ended = true
			break
		}
		if to.most > 0 && r.walks >= to.most {
			r.deep = chosen(prefix) - 1
			break
		}
		prefix, open = open[0].path(), open[1:]
	}
	r.states, r.took = len(seen), time.Since(began)
	return r
}

// extent says how much of the world it was.
func (r walked) extent() string {
	if r.ended {
		return "to the end"
	}
	return fmt.Sprintf("all with %d choices out of the ordinary", r.deep)
}

// along lives one sequence of choices from beginning to end.
func along(t *testing.T, to tour, path []int) (string, []int, error) {
	k := newWalker(path, to.bounds, nil, maphash.MakeSeed())
	text, err := walkThrough(t, to.corner, k, true)
	return text, k.sequence(), err
}

// shortest leaves choices out of a path that fails while it still does.
func shortest(t *testing.T, to tour, path []int) []int {
	for again := true; again; {
		again = false
		for i, at := range path {
			if at == 0 {
				continue
			}
			for _, fewer := range [][]int{path[:i], slices.Concat(path[:i], []int{0}, path[i+1:]), slices.Concat(path[:i], path[i+1:])} {
				_, seq, err := along(t, to, fewer)
				if err != nil && (chosen(seq) < chosen(path) || chosen(seq) == chosen(path) && len(seq) < len(path)) {
					path, again = seq, true
					break
				}
			}
			if again {
				break
			}
		}
	}
	return path
}

// chosen counts the choices that are not the first of what there was.
func chosen(path []int) (n int) {
	for _, at := range path {
		if at > 0 {
			n++
		}
	}
	return n
}

func pathOf(s string) []int {
	var path []int
	for part := range strings.SplitSeq(s, ".") {
		n, _ := strconv.Atoi(part)
		path = append(path, n)
	}
	return path
}

func textOf(path []int) string {
	parts := []string{"0"}[:min(1, max(0, 1-len(path)))]
	for _, at := range path {
		parts = append(parts, itoa(at))
	}
	return strings.Join(parts, ".")
}

// reportWalk prints a walk that failed, with the fewest choices, its trace, and
// how to live it again.
func reportWalk(t *testing.T, to tour, r walked) {
	t.Helper()
	path := shortest(t, to, r.path)
	text, _, err := along(t, to, path)
	t.Errorf("%s: %v\nwith %d choices:\n%s%v\nagain: go test ./engine/simulation -run '^TestWalk$' -walk '%s' -path %s", to, r.err, chosen(path), text, err, to, textOf(path))
}

// TestWalk walks through small worlds: everything that can happen in them, in
// every order, as far as each tour's bounds go.
func TestWalk(t *testing.T) {
	if *pathFlag != "" {
		for _, to := range slices.Concat(small(), whole()) {
			if to.String() == *walkFlag {
				text, _, err := along(t, to, pathOf(*pathFlag))
				fmt.Print(text)
				if err != nil {
					t.Fatal(err)
				}
				return
			}
		}
		t.Fatalf("no world is named %q", *walkFlag)
	}
	var tours []tour
	switch *walkFlag {
	case "":
		tours = small()
	case "usual":
		tours = usual()
	case "whole":
		tours = whole()
	default:
		tours = slices.DeleteFunc(whole(), func(to tour) bool { return !strings.Contains(to.String(), *walkFlag) })
	}
	walkAll(t, tours)
}

// walkAll walks through worlds on all cores.
func walkAll(t *testing.T, tours []tour) {
	var (
		next  atomic.Int64
		mu    sync.Mutex
		total walked
		began = time.Now()
	)
	t.Run("worlds", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(itoa(i), func(t *testing.T) {
				t.Parallel()
				for {
					n := int(next.Add(1) - 1)
					if n >= len(tours) {
						return
					}
					to := tours[n]
					if *mostFlag > 0 && to.most > 0 {
						to.most = *mostFlag
					}
					r := explore(t, to)
					mu.Lock()
					total.walks, total.states, total.steps = total.walks+r.walks, total.states+r.states, total.steps+r.steps
					t.Logf("%s, %+v: %d walks, %d states, %d steps, %s, %.1f s", to, to.bounds, r.walks, r.states, r.steps, r.extent(), r.took.Seconds())
					mu.Unlock()
					if r.err != nil {
						reportWalk(t, to, r)
					}
				}
			})
		}
	})
	t.Logf("%d worlds in %.1f s: %d walks, %d states, %d steps", len(tours), time.Since(began).Seconds(), total.walks, total.states, total.steps)
}

// TestWalkAgain: the same choices are the same life, and what is printed of a
// walk finds it again.
func TestWalkAgain(t *testing.T) {
	for _, to := range small() {
		var path []int
		for range 20 {
			k := newWalker(path, to.bounds, nil, maphash.MakeSeed())
			if _, err := walkThrough(t, to.corner, k, false); err != nil {
				t.Fatal(err)
			}
			branches := k.branches()
			if len(branches) == 0 {
				break
			}
			path = branches[len(branches)-1].path()
			first, seq, err := along(t, to, path)
			again, _, _ := along(t, to, pathOf(textOf(seq)))
			if err != nil || first != again || first == "" {
				t.Fatalf("%s: %v lives another life as %v: %v", to, path, seq, err)
			}
		}
	}
}
