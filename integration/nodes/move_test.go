package nodes_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// Moving house: a ledger goes from the embedded store to PostgreSQL by the
// commands of the manual. What was credited is not credited again, what was begun
// is finished, and the old ledger takes no payments any more.
func TestMovingHouse(t *testing.T) {
	db := servers.Cluster(t)
	w := newWorldAt(t, db, db.DSN("search_path", db.Schema(t)), 1, "absent deliver\nbounce off", "storage postgres {env.DSN}", "storage badger ledger")
	n := w.nodes[0]
	old := harness.ReadFile(t, n.Config())
	done, doneRet := w.mustBuy(0)
	if p, err := come(w.browser(0), doneRet); err != nil || p.Status != http.StatusOK {
		t.Fatal(p.Status, err)
	}
	begun, begunRet := w.mustBuy(0)
	file := filepath.Join(n.Dir, "archive")
	run := func(want string, args ...string) {
		t.Helper()
		out, err := n.Run(append([]string{"payments"}, args...)...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(out, want)) {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	export := []string{"export", "--ledger", file, "--final", "--config", n.Config(), "--adapter", "caddyfile"}
	run("another process has this store open", export...)
	n.Stop()
	run("", export...)
	if n.TryStart() == nil {
		t.Fatal("the old ledger takes payments after it was moved")
	}
	if !strings.Contains(n.Log(), "moved to another store") {
		t.Error("nobody is told why")
	}
	n.Kill()
	n.Write(strings.Replace(old, "storage badger ledger", "storage postgres {env.DSN}", 1))
	run("", "import", file, "--config", n.Config(), "--adapter", "caddyfile")
	n.Start()
	for range 2 {
		if p, err := come(w.browser(0), doneRet); err != nil || p.Status != http.StatusOK {
			t.Fatal(p.Status, err)
		}
	}
	if p, err := come(w.browser(0), begunRet); err != nil || p.Status != http.StatusOK {
		t.Fatal(p.Status, err)
	}
	w.waitState("delivered", 2, 30*time.Second)
	if w.told(done) != 1 || w.told(begun) != 1 || w.verifies(done).Calls != 1 {
		t.Errorf("told %d and %d times, asked %d times", w.told(done), w.told(begun), w.verifies(done).Calls)
	}
}
