package simulation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var digestFlag = flag.Int("digest", 0, "print the digest of the traces of so many seeds, and nothing else")

// digest is what all traces of the first n seeds come to.
func digest(t *testing.T, n int) string {
	sum := sha256.New()
	for seed := range uint64(n) {
		v := simulate(t, seed+1, limits{trace: true}, newHits())
		fmt.Fprintf(sum, "%d %v\n%s", seed+1, v.err, v.trace)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TestReplay: a seed lives the same life, to the byte of its trace, a second
// time, in another process, and on any number of cores.
func TestReplay(t *testing.T) {
	if *digestFlag > 0 {
		fmt.Println("digest", digest(t, *digestFlag))
		return
	}
	n := 400
	if raceEnabled {
		n = 20
	}
	want := digest(t, n)
	if again := digest(t, n); again != want {
		t.Errorf("the second time in this process: %s, first %s", again, want)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, cores := range []string{"1", "2", "7"} {
		cmd := exec.Command(self, "-test.run", "^TestReplay$", "-digest", itoa(n))
		cmd.Env = append(os.Environ(), "GOMAXPROCS="+cores)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("on %s cores: %v\n%s", cores, err, out)
		}
		got, _, _ := bytes.Cut(out, []byte("\n"))
		if string(got) != "digest "+want {
			t.Errorf("in another process, on %s cores: %s, want %s", cores, got, want)
		}
	}
}

// TestShrink: what a failing seed is shrunk to still fails, needs each of its
// faults, and is lived again by the command that is printed.
func TestShrink(t *testing.T) {
	// A violation made for this test: the third crash of a process.
	for seed := uint64(1); seed < 500; seed++ {
		v := simulate(t, seed, limits{canary: true}, newHits())
		if v.err == nil || len(v.struck) < 4 {
			continue
		}
		small, lim := shrink(t, v, limits{canary: true})
		if small.err == nil || len(small.struck) > len(v.struck) {
			t.Errorf("seed %d: %d faults were shrunk to %v", seed, len(v.struck), small.struck)
		}
		for _, s := range small.struck {
			fewer := lim
			fewer.drop = maps.Clone(lim.drop)
			fewer.drop[s.n] = true
			if simulate(t, seed, fewer, newHits()).err != nil {
				t.Errorf("seed %d fails without %s, too", seed, s)
			}
		}
		if c := command(seed, lim); !strings.Contains(c, "-seed "+itoa(int(seed))) {
			t.Errorf("the command: %s", c)
		}
		return
	}
	t.Error("no seed to shrink")
}
