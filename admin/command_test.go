package admin

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// ran is what a run of the command printed and ended with.
type ran struct {
	out, err string
	status   int
}

// run runs `caddy payments args…` against an admin endpoint.
func run(t *testing.T, addr string, terminal bool, stdin string, args ...string) ran {
	t.Helper()
	return runWithin(t, 0, addr, terminal, stdin, args...)
}

// runWithin is run with another patience.
func runWithin(t *testing.T, patience time.Duration, addr string, terminal bool, stdin string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	c := &cli{in: strings.NewReader(stdin), out: &out, err: &errs, terminal: terminal, patience: patience}
	root := &cobra.Command{Use: "caddy", SilenceUsage: true}
	cmd := &cobra.Command{Use: "payments"}
	c.build(cmd)
	root.AddCommand(cmd)
	root.SetOut(&out)
	root.SetErr(&errs)
	if addr != "" {
		args = append(args, "--address", addr)
	}
	root.SetArgs(append([]string{"payments"}, args...))
	err := root.Execute()
	if (err != nil) != (c.status != 0) {
		t.Fatalf("error %v and status %d", err, c.status)
	}
	return ran{out.String(), errs.String(), c.status}
}

func serve(t *testing.T, l *operatetest.Ledger) (addr string) {
	t.Helper()
	return strings.TrimPrefix(endpoint(t, l, nil).URL, "http://")
}

func (r ran) has(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d: %s%s", r.status, status, r.out, r.err)
	}
	for _, s := range texts {
		if !strings.Contains(r.out+r.err, s) {
			t.Errorf("%q is not in:\n%s%s", s, r.out, r.err)
		}
	}
}

func TestListShowsPeopleFirst(t *testing.T) {
	l := operatetest.New(t)
	review := l.Put(payment.Review, payment.ReasonTenfold, func(r *payment.Record) { r.Order = "A\x1b[31m7" })
	done := l.Put(payment.Delivered, "", nil)
	parked := l.Put(payment.Parked, payment.ReasonNoProof, nil)
	open := l.Put(payment.Unknown, payment.ReasonNoAnswer, nil)
	addr := serve(t, l)
	r := run(t, addr, true, "", "list")
	r.has(t, 0, "50,000", "500,000", "2 h", "differ by a factor of exactly ten")
	first, second, third := strings.Index(r.out, string(review.Ref)), strings.Index(r.out, string(parked.Ref)), strings.Index(r.out, string(open.Ref))
	if first < 0 || second < first || third < second || strings.Contains(r.out, "\x1b") || strings.Index(r.out, string(done.Ref)) < third || strings.Count(r.out, string(review.Ref)) != 1 {
		t.Errorf("wrong order or content:\n%s", r.out)
	}
	var page Listed
	piped := run(t, addr, false, "", "list", "--state", "all", "--limit", "2")
	if err := json.Unmarshal([]byte(piped.out), &page); err != nil || len(page.Payments) != 2 || page.Next == "" {
		t.Errorf("%v %+v", err, page)
	}
	run(t, addr, true, "", "list", "--state", "reversed").has(t, 0, "no such payments")
	// What to go on with is said in full.
	l.Put(payment.Review, payment.ReasonTenfold, nil)
	run(t, addr, true, "", "list", "--limit", "1").has(t, 0, "payments list --address="+addr+" --limit=1 --state review --cursor ")
	run(t, addr, true, "", "status").has(t, 0, "ready, generation 1", "waiting for a person", "oldest open")
}

func TestShowAndDecide(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonTenfold, func(r *payment.Record) { r.Receipt.Amount = 5_000_000 })
	addr := serve(t, l)
	run(t, addr, true, "", "show", string(r.Ref)).has(t, 0,
		"money with you?", "Yes", "50,000 toman = 500,000 rial", "500,000 toman = 5,000,000 rial", "Ten times too much",
		"882211", "603799******1234", "Tehran time (14", "resolve "+string(r.Ref)+" accept --version", "Decide by")
	run(t, addr, true, "", "resolve", string(r.Ref), "accept", "--dry-run").has(t, 0, "nothing was done", "!")
	if l.Get(r.Ref).State != payment.Review {
		t.Fatal("a dry run decided")
	}
	run(t, addr, true, "", "resolve", string(r.Ref), "reject", "--by", "sara", "--note", "paid back 991").has(t, 0, "is now declined")
	if n := l.Get(r.Ref).Decisions(); len(n) != 1 || n[0].By != "sara" || n[0].Text != "paid back 991" {
		t.Errorf("%+v", n)
	}
	run(t, addr, true, "", "resolve", string(r.Ref), "reject", "--note", "again").has(t, exitNotPossible, "not possible")
	run(t, addr, true, "", "resolve", string(r.Ref)).has(t, exitUsage, "a decision")
	run(t, addr, true, "", "list", "--owed").has(t, 0, string(r.Ref))
	run(t, addr, true, "", "status").has(t, 0, "owed to payers")
	run(t, addr, true, "", "resolve", string(r.Ref), "repaid").has(t, exitUsage, "a note is missing")
	run(t, addr, true, "", "resolve", string(r.Ref), "repaid", "--note", "refund 991").has(t, 0, "is now reversed")
	run(t, addr, true, "", "list", "--owed").has(t, 0, "no such payments")
	run(t, addr, true, "", "resolve", string(r.Ref), "eat").has(t, exitUsage, "there is no decision")
	run(t, addr, true, "", "show", "nonsense").has(t, exitUsage, "not a payment reference")
	run(t, addr, true, "", "show", string(payment.NewRef("x", "x", "x", "x"))).has(t, exitFailed, "there is no payment")
	run(t, addr, true, "", "show", string(r.Ref), "--nonsense").has(t, exitUsage, "unknown flag")
	run(t, addr, true, "", "nonsense").has(t, exitUsage, "no command")
	run(t, "127.0.0.1:1", true, "", "list").has(t, exitFailed, "is Caddy running?")
}

func TestVerifyAndResendCommands(t *testing.T) {
	l := operatetest.New(t)
	l.Answer = payment.Answer{Outcome: payment.OutcomePaid}
	open, parked := l.Put(payment.Unknown, payment.ReasonNoAnswer, nil), l.Put(payment.Parked, payment.ReasonNoProof, nil)
	addr := serve(t, l)
	run(t, addr, true, "", "verify", string(open.Ref)).has(t, 0, "is now verified")
	run(t, addr, false, "", "resend", string(parked.Ref), "-n").has(t, 0, `"done": false`)
	run(t, addr, true, "", "resend", string(parked.Ref), "--what", "cake").has(t, exitUsage)
	run(t, addr, true, "", "resend", string(parked.Ref)).has(t, exitUsage, "a note is missing")
	run(t, addr, true, "", "resend", string(parked.Ref), "--note", "looked: it has no such order").has(t, 0, "is now delivered")
	run(t, addr, true, "", "resend", string(parked.Ref)).has(t, exitNotPossible, "nothing to resend, the payment is delivered")
	for _, state := range []payment.State{payment.Review, payment.Declined} {
		other := l.Put(state, payment.ReasonAmount, nil)
		run(t, addr, true, "", "resend", string(other.Ref)).has(t, exitNotPossible, "nothing to resend, the payment is "+string(state))
		run(t, addr, true, "", "resend", string(other.Ref), "--what", "delivery").has(t, exitNotPossible, "nothing to resend")
		run(t, addr, true, "", "resolve", string(other.Ref), "redeliver", "--note", "x").has(t, exitNotPossible, "redeliver does not fit")
	}
	if len(l.Delivered()) != 1 {
		t.Error("it was not handed over once")
	}
}

const shopSecret = "0123456789abcdef0123456789abcdef"

func TestKeys(t *testing.T) {
	key, err := payment.NewSigningKey([]byte(shopSecret), "")
	if err != nil {
		t.Fatal(err)
	}
	receipt, _ := key.Derive(payment.PurposeReceipt)
	signer, _ := key.Derive(payment.PurposeReturn)
	check := func(r ran) {
		t.Helper()
		r.has(t, 0, string(receipt), string(signer), key.KID)
		if strings.Contains(r.out+r.err, shopSecret) {
			t.Error("the secret is printed")
		}
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(shopSecret+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SHOP_KEY", shopSecret)
	check(run(t, "", true, "", "keys", "--secret-file", file))
	check(run(t, "", true, shopSecret+"\n", "keys", "--secret-file", "-"))
	check(run(t, "", false, "", "keys", "--env", "SHOP_KEY"))
	run(t, "", true, "", "keys", "--env", "NO_SUCH_VARIABLE").has(t, exitFailed, "not set")
	run(t, "", true, "short", "keys", "--secret-file", "-").has(t, exitFailed, "shorter than 32")
	run(t, "", true, "", "keys", "--env", "A", "--secret-file", "b").has(t, exitUsage)

	config := filepath.Join(t.TempDir(), "caddy.json")
	text := `{"apps":{
		"payments":{"signing_keys":[{"secret":"{env.SHOP_KEY}"},{"secret":"{file.` + file + `}","kid":"old"}]},
		"http":{"servers":{"srv0":{"routes":[{"match":[{"host":["a.example"]}],"handle":[{"handler":"subroute","routes":[{"handle":[
			{"handler":"payments","signing_keys":[{"secret":"{env.SHOP_KEY}","kid":"site"}]}]}]}]}]}}}}}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", true, "", "keys", "--config", config)
	check(r)
	r.has(t, 0, "key old of all sites (verifies only)", "key site of a.example")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(text, "SHOP_KEY", "NO_SUCH_VARIABLE")), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", true, "", "keys", "--config", config).has(t, exitFailed, "signing_key of all sites")
}

func TestImportCommand(t *testing.T) {
	l := operatetest.New(t)
	addr := serve(t, l)
	file := filepath.Join(t.TempDir(), "ids.csv")
	if err := os.WriteFile(file, []byte("Order,Invoice Key\n1,one\n2,two\n3,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, addr, true, "", "import-ids", "idpay", file, "--column", "invoice key", "--dry-run").has(t, 0, "2 would be taken over")
	run(t, addr, true, "", "import-ids", "idpay", file, "--column", "2").has(t, exitNotPossible-1, "no spaces")
	run(t, addr, true, "", "import-ids", "idpay", file, "--column", "invoice key").has(t, 0, "2 taken over")
	run(t, addr, true, "one\nsix\n", "import-ids", "idpay", "-").has(t, 0, "1 taken over, 1 were known")
	run(t, addr, true, "one\n", "import-ids", "nobody", "-").has(t, exitUsage, "not configured")
	run(t, addr, true, "", "import-ids", "idpay", file, "--column", "colour").has(t, exitUsage, "no column")
	var many strings.Builder
	for i := range importBatch + 5 {
		many.WriteString("n" + payment.Rials(i).String() + "\n")
	}
	run(t, addr, false, many.String(), "import-ids", "idpay", "-").has(t, 0, `"new": 2005`)
}

func TestExportCommand(t *testing.T) {
	l := operatetest.New(t)
	for range 3 {
		l.Put(payment.Delivered, "", nil)
	}
	l.Put(payment.Review, payment.ReasonAmount, func(r *payment.Record) { r.Order = "=HYPERLINK(1)" })
	addr := serve(t, l)
	rows, err := csv.NewReader(strings.NewReader(run(t, addr, true, "", "export").out)).ReadAll()
	if err != nil || len(rows) != 5 || rows[1][8] != "'=HYPERLINK(1)" || !strings.HasPrefix(rows[2][22], "14") {
		t.Errorf("%v %v", err, rows)
	}
	file := filepath.Join(t.TempDir(), "out.jsonl")
	run(t, addr, true, "", "export", "--format", "jsonl", "-o", file, "--state", "delivered").has(t, 0)
	b, err := os.ReadFile(file)
	if err != nil || bytes.Count(b, []byte("\n")) != 3 {
		t.Errorf("%v %s", err, b)
	}
	run(t, addr, true, "", "export", "--format", "xml").has(t, exitUsage)
	run(t, addr, true, "", "export", "--format", "xlsx").has(t, exitUsage, "name a file")
	sheet := filepath.Join(t.TempDir(), "out.xlsx")
	run(t, addr, true, "", "export", "-o", sheet).has(t, 0)
	if b, err := os.ReadFile(sheet); err != nil || !bytes.HasPrefix(b, []byte("PK")) {
		t.Errorf("no workbook: %v %.20q", err, b)
	}
	for _, terminal := range []bool{true, false} {
		if r := run(t, addr, terminal, "", "export"); !strings.HasPrefix(r.out, "\ufeffref,state,") {
			t.Errorf("not CSV: %s", r.out)
		}
		r := run(t, addr, terminal, "", "export", "--json")
		for _, line := range strings.Split(strings.TrimSuffix(r.out, "\n"), "\n") {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
		if strings.Count(r.out, "\n") != 4 {
			t.Errorf("%s", r.out)
		}
	}
	run(t, addr, true, "", "export", "--json", "--format", "csv").has(t, exitUsage, "choose one")
}

func TestReadingTakesDryRun(t *testing.T) {
	l := operatetest.New(t)
	ref := string(l.Put(payment.Delivered, "", nil).Ref)
	addr := serve(t, l)
	for _, args := range [][]string{{"status"}, {"list"}, {"show", ref}, {"export"}, {"doctor"}} {
		plain := run(t, addr, false, "", args...)
		if dry := run(t, addr, false, "", append(args, "--dry-run")...); dry.status != 0 || dry.err != plain.err ||
			args[0] != "status" && dry.out != plain.out {
			t.Errorf("%v: %+v, want %+v", args, dry, plain)
		}
	}
	t.Setenv("SHOP_KEY", shopSecret)
	run(t, "", true, "", "keys", "--env", "SHOP_KEY", "-n").has(t, 0, "receipt")
	file := filepath.Join(t.TempDir(), "out.csv")
	run(t, addr, true, "", "export", "-n", "-o", file).has(t, 0, "1 payments would be written")
	run(t, "", true, "", "export", "-n", "--ledger", file).has(t, exitUsage, "--ledger")
	if _, err := os.Stat(file); err == nil {
		t.Error("a dry run wrote the file")
	}
}

func TestShowInPersian(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Parked, payment.ReasonNoProof, func(r *payment.Record) {
		r.Track = payment.Track{Affiliate: "hamekar", ID: "0123456789"}
		r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: payment.OpenReport}}
	})
	addr := serve(t, l)
	fa := run(t, addr, true, "", "show", string(r.Ref), "--lang", "fa")
	en := run(t, addr, true, "", "show", string(r.Ref))
	for key, both := range labels {
		if both[0] == "" || both[1] == "" || both[0] == both[1] {
			t.Errorf("%s: %q", key, both)
		}
		if key == "mind" || key == "blocked" {
			continue // it has neither
		}
		if !strings.Contains(en.out, both[0]) || !strings.Contains(fa.out, both[1]) || strings.Contains(fa.out, "  "+both[0]+" ") {
			t.Errorf("%s is missing:\n%s\n%s", key, en.out, fa.out)
		}
	}
}

// counted is an adapter that counts how often it is asked.
type counted struct {
	n    int
	addr string
}

func (c *counted) Adapt([]byte, map[string]any) ([]byte, []caddyconfig.Warning, error) {
	c.n++
	return []byte(`{"admin":{"listen":"` + c.addr + `"}}`), nil, nil
}

var counting = sync.OnceValue(func() *counted {
	c := new(counted)
	caddyconfig.RegisterAdapter("counted", c)
	return c
})

func TestConfigIsReadOnce(t *testing.T) {
	l := operatetest.New(t)
	ref := string(l.Put(payment.Unknown, payment.ReasonNoAnswer, nil).Ref)
	a := counting()
	a.n, a.addr = 0, serve(t, l)
	file := filepath.Join(t.TempDir(), "config.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", true, "", "list", "--config", file, "--adapter", "counted").has(t, 0, ref)
	if a.n != 1 {
		t.Errorf("it was read %d times", a.n)
	}
	run(t, "", true, "", "list", "--config", file, "--adapter", "nobody").has(t, exitFailed, "no adapter")
	run(t, "", true, "", "list", "--config", file).has(t, exitFailed, "is --adapter missing?")
	run(t, "", true, "", "list", "--config", file+"-").has(t, exitFailed, "reading the configuration")
	plain := filepath.Join(t.TempDir(), "plain.json")
	if err := os.WriteFile(plain, []byte(`{"admin":{"listen":"`+a.addr+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", true, "", "list", "-c", plain).has(t, 0, ref)
	run(t, "", true, `{"admin":{"listen":"`+a.addr+`"}}`, "list", "-c", "-").has(t, 0, ref)
}

func TestDoctorCommand(t *testing.T) {
	l := operatetest.New(t)
	addr := serve(t, l)
	l.Found = []operate.Finding{{Level: operate.LevelOK, Code: "store", Text: "the store takes work"}, {Level: operate.LevelWarn, Code: "guard", Text: "no guard", Where: "www.shop.example"}}
	run(t, addr, true, "", "doctor").has(t, 0, "✓ the store takes work [store]", "! www.shop.example: no guard")
	l.Found = append(l.Found, operate.Finding{Level: operate.LevelError, Code: "key", Text: "the key is refused", Where: "idpay"})
	r := run(t, addr, true, "", "doctor")
	r.has(t, exitFailed, "✗ idpay: the key is refused [key]")
	if !strings.HasPrefix(r.out, "✗") {
		t.Error("errors are not first")
	}
	run(t, addr, false, "", "doctor").has(t, exitFailed, `"findings"`)
}
