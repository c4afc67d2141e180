package robust_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/internal/failpoint"
)

// The release tier asks for more by these.
const (
	envRounds = "PROOF_CRASH_ROUNDS" // rounds of every crash point
	envKills  = "PROOF_KILLS"        // kills at random moments
)

// crashPlan is where a process is killed, and where its heirs are.
type crashPlan struct {
	name string
	// at makes the failpoints of round n: one process after the other.
	at func(n int) []string
}

// crashPlans are the crash points C0–C13 of a payment's life.
func crashPlans() []crashPlan {
	kill := func(p failpoint.Place) func(int) []string {
		return func(int) []string { return []string{string(p) + "=kill"} }
	}
	// soon is a kill some time after the place, while the work goes on.
	soon := func(p failpoint.Place, most time.Duration) func(int) []string {
		return func(int) []string { return []string{fmt.Sprintf("%s=kill+%s", p, between(time.Microsecond, most))} }
	}
	return []crashPlan{
		{"C0 request parsed", kill(failpoint.RequestParsed)},
		{"C1 claim issued", soon(failpoint.ClaimIssued, 4*time.Millisecond)},
		{"C2 claim durable", kill(failpoint.ClaimDurable)},
		{"C3 verify sent", soon(failpoint.VerifySent, 12*time.Millisecond)},
		{"C4 answer read", kill(failpoint.AnswerRead)},
		{"C5 verified issued", soon(failpoint.VerifiedIssued, 4*time.Millisecond)},
		{"C6 verified durable", kill(failpoint.VerifiedDurable)},
		{"C7 delivery durable", kill(failpoint.DeliveryDurable)},
		{"C8 shop told", soon(failpoint.ShopTold, 8*time.Millisecond)},
		{"C9 shop answered", kill(failpoint.ShopAnswered)},
		{"C10 delivered", kill(failpoint.Delivered)},
		{"C11 conversion sent", kill(failpoint.ConversionSent)},
		{"C12 taken over", func(n int) []string {
			heirs := []failpoint.Place{failpoint.ClaimIssued, failpoint.ClaimDurable, failpoint.AnswerRead, failpoint.VerifiedIssued}
			return []string{
				string(failpoint.AnswerRead) + "=kill", string(failpoint.Inherited) + "=kill", string(heirs[n%len(heirs)]) + "=kill",
			}
		}},
		{"C13 opening the ledger", func(n int) []string {
			before := []failpoint.Place{failpoint.AnswerRead, failpoint.VerifiedIssued, failpoint.ShopAnswered, failpoint.ClaimDurable}
			return []string{
				string(before[n%len(before)]) + "=kill",
				fmt.Sprintf("%s=kill@%d", failpoint.LedgerOpening, 1+n%4),
				fmt.Sprintf("%s=kill+%s", failpoint.LedgerOpening, between(100*time.Microsecond, 30*time.Millisecond)),
			}
		}},
	}
}

// F01: kill -9 at every crash point, for a shop that takes every request for a
// new payment and one that dedupes; half of the customers come again and half
// are gone.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	rounds := amount(t, envRounds, 2)
	for name, once := range map[string]bool{"once": true, "idempotent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t, harness.Failpoints(t), once)
			slow(b.stand)
			plans := crashPlans()
			report := newProgress("crash points C0–C13, shop "+name, rounds*2*len(plans))
			slowest := time.Duration(0)
			gone := make(map[*customer]bool)
			for n := range 2 * rounds {
				for _, plan := range plans {
					c, took := b.crash(plan, n)
					slowest = max(slowest, took)
					gone[c] = n%2 == 1
					report.step(1)
				}
			}
			b.start1("")
			b.everybodyComes(func(c *customer) bool { return gone[c] })
			res := b.compare(b.rest(120 * time.Second))
			t.Logf("%d crashes: %s; the slowest was taken up %s after the restart", rounds*2*len(plans), res, slowest.Round(time.Millisecond))
			report.end(res)
		})
	}
}

// start1 starts the process with a failpoint armed, or none.
func (b *books) start1(armed string) {
	b.t.Helper()
	b.arm(armed)
	b.Caddy.Start()
}

// startArmed is start1 for a failpoint that may strike before the process
// serves: what the last crash left undone is taken up as soon as it runs. That
// is a crash too, and the customer gets the next process.
func (b *books) startArmed(armed string) {
	b.t.Helper()
	for range 10 {
		b.arm(armed)
		before := strings.Count(b.Log(), ": kill\n")
		err := b.TryStart()
		if err == nil {
			return
		}
		if strings.Count(b.Log(), ": kill\n") == before {
			b.t.Fatalf("%s: caddy did not start: %v", armed, err)
		}
	}
	b.t.Fatalf("%s: ten processes died before they served", armed)
}

func (b *books) arm(armed string) {
	b.Env = append(harness.Environment(), failpoint.Env+"="+armed)
}

// crash lets one customer pay and kills the processes that serve them, one
// after the other. It returns how long after the restart an interrupted payment
// was taken up.
func (b *books) crash(plan crashPlan, n int) (*customer, time.Duration) {
	b.t.Helper()
	steps := plan.at(n)
	b.startArmed(steps[0])
	c := b.serve()
	b.died(plan.name + ", " + steps[0])
	for _, step := range steps[1:] {
		b.arm(step)
		if _, err := b.Launch(); err != nil {
			b.t.Fatal(err)
		}
		b.died(plan.name + ", " + step)
	}
	b.start1("")
	begin, took := time.Now(), time.Duration(0)
	if c != nil && n%2 == 0 {
		b.come(c)
	}
	if c != nil {
		harness.Wait(b.t, plan.name+": it is taken up", 20*time.Second, func() bool {
			switch r := b.record(c.id); r.State {
			case "", "created", "verified", "delivered", "parked":
				return true // what nobody had asked about waits for its customer
			}
			return false
		})
		took = time.Since(begin)
	}
	b.Kill()
	return c, took
}

// died waits for the failpoint to strike.
func (b *books) died(what string) {
	b.t.Helper()
	select {
	case <-b.Exited():
	case <-time.After(30 * time.Second):
		b.t.Fatalf("%s: the process lives on", what)
	}
}

// Failpoints are nothing but a tag's: the program that people run has not a byte
// of them.
func TestNoFailpointsInTheProgram(t *testing.T) {
	t.Parallel()
	for bin, want := range map[string]bool{harness.Plain(t): false, harness.Failpoints(t): true} {
		program, err := os.ReadFile(bin)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(program, []byte(failpoint.Env)); got != want {
			t.Errorf("%s knows %s: %t", bin, failpoint.Env, got)
		}
		symbols, err := exec.Command("go", "tool", "nm", bin).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(symbols, []byte("internal/failpoint.")); got != want {
			t.Errorf("%s has symbols of failpoints: %t", bin, got)
		}
	}
}

// F47: a panic at any of these places costs a payment no more than the time
// until it is taken up again, and Caddy, with all its other sites, nothing.
func TestPanics(t *testing.T) {
	t.Parallel()
	places := []failpoint.Place{
		failpoint.RequestParsed, failpoint.ClaimIssued, failpoint.ClaimDurable, failpoint.AnswerRead,
		failpoint.VerifiedIssued, failpoint.VerifiedDurable, failpoint.DeliveryDurable, failpoint.ShopAnswered, failpoint.Delivered,
		failpoint.ConversionSent,
	}
	var armed []string
	for _, p := range places {
		armed = append(armed, string(p)+"=panic")
	}
	b := newBooks(t, harness.Failpoints(t), false)
	b.start1(strings.Join(armed, ","))
	harness.Wait(t, "all panics", 90*time.Second, func() bool {
		if !b.Running() {
			t.Fatal("the process died")
		}
		b.serve()
		for _, p := range places {
			if !contains(b.Log(), "failpoint "+string(p)+":") {
				return false
			}
		}
		return true
	})
	b.everybodyComes(func(*customer) bool { return false })
	res := b.compare(b.rest(200 * time.Second))
	t.Logf("%d panics: %s", len(places), res)
	if !b.Running() || res.credited != res.paid {
		t.Error("not all are credited, or the process died")
	}
}
