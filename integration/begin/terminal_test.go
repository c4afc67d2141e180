//go:build linux

package begin

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// keyboard is a person at a terminal of 60 columns.
type keyboard struct {
	user
	master *os.File
	out    *output
	done   chan int
	seen   int
}

// sit starts a command on a terminal.
func (u user) sit(env []string, args ...string) *keyboard {
	u.Helper()
	k := &keyboard{user: u, out: new(output), done: make(chan int, 1)}
	cmd := u.command(context.Background(), args...)
	cmd.Env = append(cmd.Env, env...)
	var err error
	if k.master, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 60}); err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() { _ = cmd.Process.Kill(); _ = k.master.Close() })
	copied := make(chan struct{})
	go func() { _, _ = io.Copy(k.out, k.master); close(copied) }()
	go func() {
		_ = cmd.Wait()
		select { // what was printed last is still on its way
		case <-copied:
		case <-time.After(5 * time.Second):
		}
		k.done <- cmd.ProcessState.ExitCode()
	}()
	return k
}

// types waits until the command asks with these words, and answers.
func (k *keyboard) types(asked, answer string) {
	k.Helper()
	harness.Wait(k.T, "the question "+asked, time.Minute, func() bool {
		text := k.out.String()
		return len(text) > k.seen && strings.HasSuffix(text, asked)
	})
	k.seen = len(k.out.String()) // the same question may come again
	if _, err := io.WriteString(k.master, answer); err != nil {
		k.Fatal(err)
	}
}

// ends waits for the end, and gives what was printed and the exit status; -1 is a signal.
func (k *keyboard) ends() (string, int) {
	k.Helper()
	select {
	case status := <-k.done:
		return strings.ReplaceAll(k.out.String(), "\r\n", "\n"), status
	case <-time.After(time.Minute):
		k.Fatalf("it goes on:\n%s", k.out)
		return "", 0
	}
}

const choose, address, root = "Choose a number or a name: ", "[http://localhost:9100]: ", "[site]: "

// Wrong answers are refused where they are given, with what to write instead, and the
// question comes again. The gateway that is reported closed says so twice.
func TestInitOnATerminal(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	k := u.sit(nil, "payments", "init")
	for _, a := range [][2]string{
		{choose, "\n"}, {choose, "9\n"}, {choose, "kiosk\n"}, {choose, "Static\n"}, {choose, "zarinpol\n"}, {choose, "0\n"}, {choose, "IDPay\n"},
		{address, "https://shop.example.com/shop\n"}, {address, "ftp://x\n"}, {address, "\n"}, {root, "`rm`\n"}, {root, "\n"},
	} {
		k.types(a[0], a[1])
	}
	out, status := k.ends()
	for _, want := range []string{
		`"9" is none of these.`, `"kiosk" is none of these.`, `"zarinpol" is none of these.`, `"0" is none of these.`, " 1  zarinpal  Zarinpal\n", "IDPay (reported closed since February 2025)\n",
		`such as https://shop.example.com, not "https://shop.example.com/shop"`, `not "ftp://x"`, "can't be in a Caddyfile", "Written:\n  Caddyfile\n",
		"idpay: reported closed since February 2025. For a new shop choose another gateway.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if status != 0 || strings.Contains(out, `"" is none`) || strings.Contains(out, "\x1b") {
		t.Errorf("status %d\n%s", status, out)
	}

	// What is there already is said before anything is asked.
	before := u.files()
	out, status = u.sit(nil, "payments", "init").ends()
	if status != 1 || !strings.Contains(out, "never overwritten") || strings.Contains(out, "What kind") || u.files() != before {
		t.Errorf("again: status %d\n%s", status, out)
	}
}

func TestInitIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key    string
		status int
		says   string
	}{"Ctrl+C": {"\x03", -1, ""}, "Ctrl+D": {"\x04", 2, "\ncaddy payments: no answer: give it as a flag"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			k := u.sit(nil, "payments", "init")
			k.types(choose, "1\n")
			k.types(choose, "1\n")
			k.types(address, c.key)
			if out, status := k.ends(); status != c.status || !strings.Contains(out, c.says) {
				t.Errorf("status %d\n%s", status, out)
			}
			for _, left := range []string{"Caddyfile", "payments.env", "site"} {
				if _, err := os.Lstat(filepath.Join(u.dir, left)); err == nil {
					t.Errorf("it left %s", left)
				}
			}
		})
	}
}

// A Persian keyboard has Persian digits.
func TestInitInPersian(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	k := u.sit([]string{"LANG=fa_IR.UTF-8"}, "payments", "init")
	const choose = "شماره یا نام را بنویسید: "
	k.types(choose, "۹\n")
	k.types(choose, "۱\n")
	k.types(choose, "۱\n")
	k.types(address, "\n")
	k.types(root, "\n")
	out, status := k.ends()
	if status != 0 || !strings.Contains(out, `"۹" هیچ‌کدام از این‌ها نیست.`) || !strings.Contains(out, "نوشته شد:") || !strings.Contains(out, "زرین‌پال\n") {
		t.Errorf("status %d\n%s", status, out)
	}
	if b, err := os.ReadFile(filepath.Join(u.dir, "site", "index.html")); err != nil || !bytes.Contains(b, []byte(`dir="rtl"`)) {
		t.Errorf("the page: %v\n%s", err, b)
	}
}

// The sandbox and the demo on a terminal: Ctrl+C ends them as a success, what is printed has
// no colours where nobody wants them, and a port that is taken is named.
func TestSandboxOnATerminal(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	k := u.sit([]string{"NO_COLOR=1"}, "payments", "sandbox", "--port", "0")
	harness.Wait(t, "the sandbox", time.Minute, func() bool { return strings.Contains(k.out.String(), "Ctrl+C") })
	if _, err := io.WriteString(k.master, "\x03\x03"); err != nil {
		t.Fatal(err)
	}
	if out, status := k.ends(); status != 0 || strings.Contains(out, "\x1b") {
		t.Errorf("status %d\n%q", status, out)
	}
}
