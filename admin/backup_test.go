package admin

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger"
)

// A backup of a ledger in use becomes a ledger with the same payments and keys, in a new
// generation; what was cut off anywhere becomes none, and nothing is overwritten.
func TestBackupAndRestore(t *testing.T) {
	l := operatetest.New(t)
	var all []*payment.Record
	for range 20 {
		all = append(all, l.Put(payment.Delivered, "", nil))
	}
	addr := serve(t, l)
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.jsonl")
	run(t, addr, true, "", "backup", file, "-n").has(t, 0, "would be written")
	run(t, addr, true, "", "backup", "-").has(t, exitUsage, "terminal")
	run(t, addr, true, "", "backup", file).has(t, 0, "backed up: 20 payments")
	run(t, addr, true, "", "backup", file).has(t, exitUsage, "is there already")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(file); st.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", st.Mode())
	}
	if r := run(t, addr, false, "", "backup", "-"); r.status != 0 || r.out != string(whole) {
		t.Errorf("%d, %d bytes, want %d", r.status, len(r.out), len(whole))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	to := filepath.Join(t.TempDir(), "ledger")
	config := filepath.Join(t.TempDir(), "caddy.json")
	if err := os.WriteFile(config, []byte(`{"apps":{"payments":{"storage":{"module":"badger","dir":"`+to+`"}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	restore := func(args ...string) ran {
		return run(t, "", true, "", append([]string{"restore", "--config", config}, args...)...)
	}
	cut := filepath.Join(t.TempDir(), "cut.jsonl")
	for n := 0; n < len(whole); n += 1 + len(whole)/23 {
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		restore(cut).has(t, 1)
	}
	changed := bytes.Replace(whole, []byte(`"n":"`), []byte(`"n":"AAAA`), 1)
	if err := os.WriteFile(cut, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	restore(cut).has(t, 1)
	if _, err := os.Stat(to); err == nil {
		t.Error("a broken backup made a ledger")
	}
	restore(file, "-n").has(t, 0, "would be restored")
	restore(file).has(t, 0, "restored: 20 payments", "caddy payments reconcile idpay --from 1")
	restore(file).has(t, 1, "not empty")
	s, err := badger.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range all {
		got, err := s.Get(t.Context(), r.Ref)
		holder, err2 := s.Holder(t.Context(), payment.ReceiptKey(r.Issuer, r.ID))
		if err != nil || err2 != nil || got.Version != r.Version || holder != r.Ref {
			t.Fatalf("%s: %v %v", r.Ref, err, err2)
		}
	}
	if g, err := s.Generation(t.Context()); err != nil || g.Seq < 2 {
		t.Errorf("generation %d, %v", g.Seq, err)
	}
	page, err := s.List(t.Context(), payment.Listing{Search: []payment.Term{payment.NewTerm(payment.FieldID, all[3].ID)}})
	if err != nil || len(page.Records) != 1 || !strings.HasPrefix(string(whole), `{"caddy_payments_ledger":1`) {
		t.Errorf("%d found, %v", len(page.Records), err)
	}
}
