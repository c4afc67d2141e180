package returns_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// Caddy says at start which used receipts it can't know of, once for each account,
// and what it says is what becomes of a signed return.
func TestAnAccountIsMetAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.plain("verify /script 24pal {\nexpect signed\n}")
	w.start()
	from := 0
	// said are the words that this start had for the account of 24pal.
	said := func() string {
		log := w.Log()
		fresh := log[from:]
		from = len(log)
		for line := range strings.Lines(fresh) {
			if strings.Contains(line, `"account_new"`) && strings.Contains(line, `"24pal"`) {
				return line
			}
		}
		return ""
	}
	orders := 0
	brings := func(want int) {
		t.Helper()
		orders++
		order := string(rune('a' + orders))
		v := harness.Sign(harness.ReturnKey(t, harness.Secret), site, "/script", "24pal", order, 50_000, hour())
		_, ret := w.paid("24pal", "", 50_000, site+"/script?"+v.Encode())
		status(t, come(harness.NewBrowser(t), ret), want)
	}
	if !w.said("account_new", "24pal", "this ledger is new and `used_ids none` is believed") {
		t.Fatal("nobody is told that `used_ids none` is believed")
	}
	brings(http.StatusOK)
	from = len(w.Log())

	w.Stop()
	w.Caddy.Start()
	brings(http.StatusOK)
	if line := said(); line != "" {
		t.Errorf("a restart says it again: %s", line)
	}

	w.Stop()
	if err := os.RemoveAll(filepath.Join(w.Data(), "ledger")); err != nil {
		t.Fatal(err)
	}
	w.Caddy.Start()
	brings(http.StatusConflict)
	if line := said(); !strings.Contains(line, "generation 2: an earlier ledger was lost or restored") || strings.Contains(line, "none` is believed") {
		t.Errorf("after the ledger was lost: %s", line)
	}
}
