//go:build linux

package admin

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// onTerminal runs the command on a pseudo-terminal of so many columns, and gives what the
// person sees.
func onTerminal(t *testing.T, addr string, columns uint16, args ...string) string {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(master, &pty.Winsize{Rows: 40, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(&seen, master) // it ends with an error when the terminal is closed
	}()
	out, in, errs := os.Stdout, os.Stdin, os.Stderr
	os.Stdout, os.Stdin, os.Stderr = slave, slave, slave
	c := newCLI()
	os.Stdout, os.Stdin, os.Stderr = out, in, errs
	root := &cobra.Command{Use: "caddy", SilenceUsage: true, SilenceErrors: true}
	cmd := &cobra.Command{Use: "payments"}
	c.build(cmd)
	root.AddCommand(cmd)
	root.SetOut(slave)
	root.SetErr(slave)
	root.SetArgs(append(append([]string{"payments"}, args...), "--address", addr))
	if err := root.Execute(); err != nil {
		t.Error(err)
	}
	_ = slave.Close()
	<-done
	return strings.ReplaceAll(seen.String(), "\r\n", "\n")
}

// On a terminal states have colours, unless NO_COLOR is set; a table that is too wide is
// written as blocks, so that no reference is broken; and what an order's number has in it
// moves no cursor, turns no line around and colours nothing.
func TestTerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	t.Setenv("COLUMNS", "")
	l := operatetest.New(t)
	const hostile = "A\x1b[2J\x1b]0;owned\x07\u202e7\ue003\u009b31m"
	r := l.Put(payment.Review, payment.ReasonAmount, func(r *payment.Record) { r.Order, r.Expect.Item = hostile, hostile })
	done := l.Put(payment.Delivered, "", nil)
	addr := serve(t, l)
	for _, args := range [][]string{{"list"}, {"show", string(r.Ref)}, {"status"}, {"doctor"}, {"stats"}, {"webhooks", "--state", "all"}} {
		for _, width := range []uint16{40, 80, 200} {
			out := onTerminal(t, addr, width, args...)
			ours := out
			for _, escape := range escapes {
				ours = strings.ReplaceAll(ours, escape, "")
			}
			if strings.ContainsAny(ours, "\x1b\x07\u009b\u202e\ue003") || strings.Contains(out, "7\x1b[31m") {
				t.Errorf("%v at %d: %q", args, width, out)
			}
		}
	}
	wide := onTerminal(t, addr, 200, "list")
	if !strings.Contains(wide, "\x1b[31mreview\x1b[0m") || !strings.Contains(wide, "\x1b[32mdelivered\x1b[0m") || !strings.Contains(wide, string(done.Ref)) {
		t.Errorf("%q", wide)
	}
	narrow := onTerminal(t, addr, 40, "list")
	if !strings.Contains(narrow, "REFERENCE  ") && !strings.Contains(narrow, "REFERENCE\x1b[0m  "+string(done.Ref)) {
		t.Errorf("%q", narrow)
	}
	for line := range strings.Lines(narrow) {
		plain := line
		for _, escape := range escapes {
			plain = strings.ReplaceAll(plain, escape, "")
		}
		if columns(strings.TrimSpace(plain)) > 40 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
	t.Setenv("NO_COLOR", "1")
	if out := onTerminal(t, addr, 200, "list"); strings.Contains(out, "\x1b") || !strings.Contains(out, "review") {
		t.Errorf("%q", out)
	}
}

// What a reference completes to is what waits, with what a person knows it by.
func TestReferencesAreCompleted(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonAmount, nil)
	l.Put(payment.Delivered, "", nil)
	addr := serve(t, l)
	c := &cli{out: io.Discard, err: io.Discard, address: addr}
	offered, _ := c.deciding(nil, nil, "")
	if len(offered) != 1 || !strings.HasPrefix(offered[0], string(r.Ref)+"\treview, order "+r.Order) {
		t.Errorf("%q", offered)
	}
	if offered, _ = c.deciding(nil, []string{string(r.Ref)}, ""); len(offered) != 3 || !strings.HasPrefix(offered[0], "accept\t") {
		t.Errorf("%q", offered)
	}
	if offered, _ = c.references(nil, nil, ""); len(offered) != 2 {
		t.Errorf("%q", offered)
	}
	if offered, _ = (&cli{out: io.Discard, err: io.Discard, address: "127.0.0.1:1"}).references(nil, nil, ""); len(offered) != 0 {
		t.Errorf("without a Caddy: %q", offered)
	}
}
