package admin

import (
	"strings"
	"testing"
	"unicode"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// Whatever customers, shops and providers wrote into a payment, in whichever of its fields:
// nothing that a person's terminal shows of it moves the cursor, changes a title or turns a
// line round.
func TestHostileTextOfEveryField(t *testing.T) {
	const hostile = "A\x1b[2J\x1b]0;x\x07\u202e\u2066\u200f7\u009b31m"
	l := operatetest.New(t)
	for i, state := range []payment.State{payment.Review, payment.Parked, payment.Delivered, payment.Declined} {
		l.PutHostile(state, i+1, hostile)
	}
	addr := serve(t, l)
	var refs []string
	for _, r := range list(t, l) {
		refs = append(refs, string(r.Ref))
	}
	for _, lang := range []string{"en", "fa"} {
		lines := [][]string{{"list", "--state", "all"}, {"list", "--owed"}, {"status"}, {"stats"}, {"webhooks", "--state", "all"}, {"doctor"}}
		for _, ref := range refs {
			lines = append(lines, []string{"show", ref}, []string{"resolve", ref, "reject", "--note", "x", "--dry-run"}, []string{"resend", ref, "--dry-run"})
		}
		for _, args := range lines {
			out := run(t, addr, true, "", append(args, "--lang", lang)...)
			for _, c := range out.out + out.err {
				if c != '\n' && unicode.IsControl(c) || strings.ContainsRune("\u202e\u2066\u200f", c) && lang == "en" {
					t.Errorf("%v in %s shows %q: %.300q", args, lang, c, out.out+out.err)
					break
				}
			}
			if args[0] == "show" && !strings.Contains(out.out, "31m") {
				t.Errorf("%v shows nothing of what was written: %s%s", args, out.out, out.err)
			}
		}
	}
}

func list(t *testing.T, l *operatetest.Ledger) []*payment.Record {
	t.Helper()
	page, err := l.Store.List(t.Context(), payment.Listing{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return page.Records
}
