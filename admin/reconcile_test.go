package admin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

func TestReadBook(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		bookOptions
		want []payment.Booked
	}{
		"plain":           {"id,amount_rials\na1,1000\n", bookOptions{}, []payment.Booked{{ID: "a1", Amount: 1000, State: "paid", Line: 2}}},
		"Excel's Persian": {"\ufeffشناسه;مبلغ (تومان);وضعیت\r\n۱۲۳;۱۲۰٬۰۰۰;موفق\r\n124;5,000;ناموفق\r\n", bookOptions{}, []payment.Booked{{ID: "123", Amount: 1_200_000, State: "paid", Line: 2}, {ID: "124", Amount: 50_000, State: "unpaid", Line: 3}}},
		"told":            {"A,B,C\nx,10,ok\ny,10,no\n", bookOptions{columns: "order=A, amount=b,state=C", unit: "toman", paid: "OK"}, []payment.Booked{{Order: "x", Amount: 100, State: "paid", Line: 2}, {Order: "y", Amount: 100, State: "unpaid", Line: 3}}},
		"no amounts":      {"rrn\n77\n", bookOptions{}, []payment.Booked{{Reference: "77", State: "paid", Line: 2}}},
		"quoted lines":    {"order,amount\n\"a\nb\",1\nc,2\n", bookOptions{unit: "rial"}, []payment.Booked{{Order: "ab", Amount: 1, State: "paid", Line: 2}, {Order: "c", Amount: 2, State: "paid", Line: 4}}},
		"nothing":         {"id\n", bookOptions{}, []payment.Booked{}},
	} {
		got, err := parseBook([]byte(strings.TrimPrefix(c.text, "\ufeff")), c.bookOptions)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %+v, want %+v", name, got[i], c.want[i])
			}
		}
	}
	for name, c := range map[string]struct {
		text string
		bookOptions
		says string
	}{
		"empty":           {"", bookOptions{}, "no first line"},
		"no unit":         {"id,amount\na,1\n", bookOptions{}, "--unit rial"},
		"bad unit":        {"id,amount\na,1\n", bookOptions{unit: "dollar"}, "rial or toman"},
		"no key":          {"amount_rials\n1\n", bookOptions{}, "--columns"},
		"no such column":  {"id\n1\n", bookOptions{columns: "order=Nope"}, `no column "Nope"`},
		"escapes":         {"x\x1b]0;pwn\a\x1b[31m,y\x00\n1,2\n", bookOptions{}, `"x\x1b]0;pwn\a\x1b[31m" "y\x00"`},
		"escapes, asked":  {"x\x1b[31m,y\n1,2\n", bookOptions{columns: "id=z"}, `"x\x1b[31m"`},
		"10,000 columns":  {strings.Repeat("c,", 10_000) + "c\n1\n", bookOptions{}, strings.Repeat(`"c" `, 29) + `"c"]`},
		"no such key":     {"id\n1\n", bookOptions{columns: "x=id"}, "there are id, order"},
		"a fraction":      {"id,amount_rials\na,1\nb,1.5\n", bookOptions{}, "line 3"},
		"negative":        {"id,amount_rials\nb,-1\n", bookOptions{}, "line 2"},
		"overflow":        {"id,amount_toman\nb,9223372036854775807\n", bookOptions{}, "line 2"},
		"a row too short": {"id,amount_rials\nb\n", bookOptions{}, "line 2"},
		"an empty row":    {"id,amount_rials\n,5\n", bookOptions{}, "line 2: it names no payment"},
		"a bad date":      {"id,date\nb,soon\n", bookOptions{}, "line 2: the date"},
	} {
		if got, err := parseBook([]byte(c.text), c.bookOptions); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v; want %q", name, got, err, c.says)
		}
	}
}

// A table is compared, each difference is named, the status tells, and nothing changes.
func TestReconcileCommand(t *testing.T) {
	l := operatetest.New(t)
	a, b := l.Put(payment.Delivered, "", nil), l.Put(payment.Delivered, "", nil)
	c := l.Put(payment.Declined, payment.ReasonNotPaid, nil)
	addr := serve(t, l)
	file := filepath.Join(t.TempDir(), "panel.csv")
	write := func(lines ...string) {
		if err := os.WriteFile(file, []byte("id,amount_rials\n"+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(a.ID+",500000", b.ID+",500000")
	run(t, addr, true, "", "reconcile", "idpay", "--from", "1d", "--csv", file).has(t, 0, "agree")
	write(a.ID+",50000", c.ID+",500000", "\x1b[2Jstranger,7")
	r := run(t, addr, true, "", "reconcile", "idpay", "--from", "1d", "--csv", file)
	r.has(t, 1, "rial_toman", "ours_only", "not_booked", "theirs_only", " differences")
	if strings.Contains(r.out, "\x1b") {
		t.Errorf("%q", r.out)
	}
	run(t, addr, false, "", "reconcile", "idpay", "--from", "1d", "--csv", file, "-n").has(t, 1, `"kind": "rial_toman"`)
	run(t, addr, true, "", "reconcile", "nobody", "--from", "1d", "--csv", file).has(t, exitUsage, "not configured")
	run(t, addr, true, "", "reconcile", "idpay", "--csv", file).has(t, exitUsage, "--from")
	run(t, addr, true, "", "reconcile", "idpay", "--from", "today", "--to", "yesterday", "--csv", file).has(t, exitUsage, "before")
	run(t, addr, true, "", "reconcile", "idpay", "--from", "1d", "--unit", "rial").has(t, exitUsage, "--csv")
	run(t, addr, true, "", "reconcile", "idpay", "--from", "1d").has(t, exitNotPossible, "--csv")
	for _, was := range []*payment.Record{a, b, c} {
		if now := l.Get(was.Ref); now.Version != was.Version {
			t.Errorf("%s was changed", was.Ref)
		}
	}
}
