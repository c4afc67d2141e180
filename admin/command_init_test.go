package admin

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/operate/operatetest"
)

// converse is a run with a person at the keyboard.
func converse(t *testing.T, typed string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	c := &cli{in: strings.NewReader(typed), out: &out, err: &errs, terminal: true, answers: true}
	root := &cobra.Command{Use: "caddy", SilenceUsage: true}
	cmd := &cobra.Command{Use: "payments"}
	c.build(cmd)
	root.AddCommand(cmd)
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(append([]string{"payments", "init"}, args...))
	_ = root.Execute()
	return ran{out.String(), errs.String(), c.status}
}

// The questions themselves; the providers are no part of this package, so none can be
// chosen here.
func TestInitAsks(t *testing.T) {
	t.Setenv("LC_ALL", "")
	t.Setenv("LANG", "fa_IR.UTF-8")
	dir := t.TempDir()
	r := converse(t, "9\nkiosk\n2\n", "--gateway", "nonsense", "--dir", dir, "--at", "localhost:8080", "--root", "x", "--return", "/c", "--php", "php:9000")
	r.has(t, exitUsage, "فروشگاه از چه نوعی است؟", "2  php", `no gateway "nonsense"`)
	if n := strings.Count(r.out, "شماره یا نام را بنویسید"); n != 3 {
		t.Errorf("asked %d times:\n%s", n, r.out)
	}
	converse(t, "", "--lang", "en").has(t, exitUsage, "What kind of shop is it?", "no answer: give it as a flag")
	if all, _ := os.ReadDir(dir); len(all) != 0 {
		t.Errorf("%v", all)
	}
	run(t, "", false, "", "init", "--dir", filepath.Join(dir, "new")).has(t, exitUsage, "without a terminal, say --shop (static, php, plugin)")
}

func TestStatusReady(t *testing.T) {
	l := operatetest.New(t)
	addr := serve(t, l)
	r := run(t, addr, true, "", "status", "--ready")
	r.has(t, 0, "ready")
	if strings.Count(r.out, "\n") != 1 {
		t.Errorf("it says\n%s", r.out)
	}
	run(t, "127.0.0.1:1", true, "", "status", "--ready").has(t, exitFailed, "is Caddy running?")
}
