package robust_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestMain lets more tests wait at once than there are processors: most of what
// they do is waiting for processes.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f != nil && f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := f.Value.Set("6"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// amount is how often something is done: what CI has time for, or what the
// variable says.
func amount(t testing.TB, env string, usual int) int {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no amount", env, text)
	}
	return n
}

// progress tells the release tier's program how far a long test is, in lines
// that it reads from standard output.
type progress struct {
	mu   sync.Mutex
	said time.Time
	line struct {
		Item  string `json:"item"`
		Done  int    `json:"done"`
		Total int    `json:"total"`
		End   bool   `json:"end,omitempty"`
		Lost  int    `json:"lost"`
		Twice int    `json:"twice"`
		Note  string `json:"note,omitempty"`
	}
}

func newProgress(item string, total int) *progress {
	p := new(progress)
	p.line.Item, p.line.Total = item, total
	return p
}

// step adds n done things.
func (p *progress) step(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.Done += n
	if time.Since(p.said) > 2*time.Second {
		p.say()
	}
}

// end says what came out.
func (p *progress) end(res result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.End, p.line.Lost, p.line.Twice = true, res.lost, res.twice
	p.line.Note = fmt.Sprintf("%d paid, %d credited, %d parked", res.paid, res.credited, res.parked)
	p.say()
}

func (p *progress) say() {
	p.said = time.Now()
	if b, err := json.Marshal(p.line); err == nil {
		fmt.Printf("proof %s\n", b)
	}
}
