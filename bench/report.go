package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	Section string  `json:"section"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit,omitempty"`
	// Low and High are the quartiles of the rounds.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	// Budget is the goal; without one the line is for information.
	Budget  *float64 `json:"budget,omitempty"`
	AtMost  bool     `json:"at_most,omitempty"`
	Verdict string   `json:"verdict,omitempty"`
	Note    string   `json:"note,omitempty"`
}

// info adds a line without a budget.
func (b *bench) info(what string, values []float64, unit, note string) {
	b.add(row{What: what, Unit: unit, Note: note}, values)
}

// atLeast and atMost add a line with its budget.
func (b *bench) atLeast(what string, values []float64, budget float64, unit, note string) {
	b.add(row{What: what, Unit: unit, Note: note, Budget: &budget}, values)
}

func (b *bench) atMost(what string, values []float64, budget float64, unit, note string) {
	b.add(row{What: what, Unit: unit, Note: note, Budget: &budget, AtMost: true}, values)
}

func (b *bench) add(r row, values []float64) {
	if len(values) == 0 {
		return
	}
	r.Section = b.section
	r.Value = median(values)
	if len(values) > 1 {
		r.Low, r.High = quantile(values, 0.25), quantile(values, 0.75)
	}
	if r.Budget != nil {
		r.Verdict = "ok"
		if r.AtMost && r.Value > *r.Budget || !r.AtMost && r.Value < *r.Budget {
			r.Verdict = "OVER"
		}
	}
	b.rows = append(b.rows, r)
	fmt.Fprintf(os.Stderr, "   %s: %s %s\n", r.What, number(r.Value), r.Unit)
}

// fail is a line for what could not be measured.
func (b *bench) fail(err error) {
	b.rows = append(b.rows, row{Section: b.section, What: "not measured", Note: err.Error(), Verdict: "—"})
	fmt.Fprintf(os.Stderr, "   not measured: %v\n", err)
}

func (b *bench) table(w io.Writer) {
	b.machine.write(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nwhat\tmeasured\tbudget\t\tquartiles\tnote")
	section := ""
	for _, r := range b.rows {
		if r.Section != section {
			section = r.Section
			fmt.Fprintf(t, "%s\t\t\t\t\t\n", section)
		}
		measured, budget, spread := number(r.Value)+" "+r.Unit, "", ""
		if r.Verdict == "—" {
			measured = ""
		}
		if r.Budget != nil {
			sign := "≥"
			if r.AtMost {
				sign = "≤"
			}
			budget = sign + " " + number(*r.Budget)
		}
		if r.Low != r.High {
			spread = number(r.Low) + " … " + number(r.High)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", r.What, measured, budget, r.Verdict, spread, r.Note)
	}
	_ = t.Flush()
}

func number(v float64) string {
	switch {
	case v == float64(int64(v)), v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func median(v []float64) float64 { return quantile(v, 0.5) }

func quantile(v []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(v))
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

// over divides round by round: what else the machine does hits both sides of a
// round alike.
func over(a, b []float64) []float64 {
	q := make([]float64, 0, len(a))
	for i := range a {
		if i < len(b) && b[i] > 0 {
			q = append(q, a[i]/b[i])
		}
	}
	return q
}

// machine is where the numbers come from.
type machine struct {
	When       time.Time `json:"when"`
	Go         string    `json:"go"`
	Caddy      string    `json:"caddy"`
	OS         string    `json:"os"`
	CPU        string    `json:"cpu"`
	CPUs       int       `json:"cpus"`
	Limit      string    `json:"cpu_limit,omitempty"`
	SyncMicros float64   `json:"sync_us"`
	LoadBefore string    `json:"load_before"`
	LoadAfter  string    `json:"load_after"`
	Rounds     int       `json:"rounds"`
	Slice      string    `json:"slice"`
}

func (m *machine) write(w io.Writer) {
	fmt.Fprintf(w, "%s, %s, Caddy %s, %d CPUs (%s)%s\n", m.OS, m.Go, m.Caddy, m.CPUs, m.CPU, m.Limit)
	fmt.Fprintf(w, "a synced write of one page takes %.0f µs here; load average before and after: %s; %s\n", m.SyncMicros, m.LoadBefore, m.LoadAfter)
	fmt.Fprintf(w, "Caddy, load, provider and shop share all of this; %d rounds of %s in turns, medians\n", m.Rounds, m.Slice)
}

func (b *bench) lookAround() {
	m := &b.machine
	*m = machine{When: time.Now().UTC(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		CPUs: runtime.NumCPU(), LoadBefore: loadAverage(), Rounds: b.rounds, Slice: b.slice.String(), CPU: "unknown"}
	if out, err := exec.Command("uname", "-sr").Output(); err == nil {
		m.OS = strings.TrimSpace(string(out)) + " " + runtime.GOARCH
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/cpu.max"); err == nil && !strings.HasPrefix(string(text), "max") {
		m.Limit = ", limited to " + strings.TrimSpace(string(text))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/caddyserver/caddy/v2" {
				m.Caddy = d.Version
			}
		}
	}
	m.SyncMicros = syncTime(b.dir)
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:2], " ")
}

// syncTime is the median time of writing a page and syncing it.
func syncTime(dir string) float64 {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0
	}
	defer f.Close()
	var took []float64
	page := make([]byte, 4096)
	for i := range 200 {
		start := time.Now()
		_, err := f.WriteAt(page, int64(i%16)*4096)
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			return 0
		}
		took = append(took, float64(time.Since(start).Microseconds()))
	}
	return median(took)
}
