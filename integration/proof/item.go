package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// item is one thing that is done.
type item struct {
	name      string
	processes bool // it starts processes and waits for them more than it computes
	env, args []string
	amount    string
	tells     *regexp.Regexp // what of its output belongs into the table

	mu          sync.Mutex
	parts       []*part
	begun, done time.Time
	last        string
	told        []string
	err         error
}

// part is a row of the table: what a test says of itself.
type part struct {
	Item  string `json:"item"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
	End   bool   `json:"end"`
	Lost  int    `json:"lost"`
	Twice int    `json:"twice"`
	Note  string `json:"note"`
}

// String is the command that repeats it.
func (it *item) String() string {
	args := make([]string, 0, len(it.env)+len(it.args))
	args = append(args, it.env...)
	for _, a := range it.args {
		if strings.ContainsAny(a, "|^$*()") {
			a = "'" + a + "'"
		}
		args = append(args, a)
	}
	return strings.Join(args, " ")
}

// run runs it and listens to what it says.
func (it *item) run(ctx context.Context, log string) {
	it.mu.Lock()
	it.begun = time.Now()
	it.mu.Unlock()
	err := it.listen(ctx, log)
	it.mu.Lock()
	defer it.mu.Unlock()
	it.done, it.err = time.Now(), err
}

func (it *item) listen(ctx context.Context, log string) error {
	f, err := os.Create(log)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.CommandContext(ctx, it.args[0], it.args[1:]...) //nolint:gosec // its own table
	cmd.Env = append(os.Environ(), it.env...)
	inGroup(cmd)
	cmd.WaitDelay = 10 * time.Second
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		lines := bufio.NewReader(io.TeeReader(r, f))
		for {
			line, err := lines.ReadString('\n')
			it.hear(strings.TrimSpace(line))
			if err != nil {
				return
			}
		}
	}()
	err = cmd.Run()
	_ = w.Close()
	<-heard
	if err != nil {
		return fmt.Errorf("%w; see %s", err, log)
	}
	return nil
}

// hear reads a line of its output.
func (it *item) hear(line string) {
	it.mu.Lock()
	defer it.mu.Unlock()
	if i := strings.Index(line, `proof {"item"`); i >= 0 {
		p := new(part)
		if json.Unmarshal([]byte(line[i+len("proof "):]), p) != nil {
			return
		}
		for j, old := range it.parts {
			if old.Item == p.Item {
				it.parts[j] = p
				return
			}
		}
		it.parts = append(it.parts, p)
		return
	}
	if it.tells != nil {
		if text := it.tells.FindString(line); text != "" {
			it.told = append(it.told, text)
		}
	}
	if strings.HasPrefix(line, "[") || strings.HasPrefix(line, "--- ") {
		it.last = line
	}
}
