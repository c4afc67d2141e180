package admin

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

func TestWebhooksCommand(t *testing.T) {
	l := operatetest.New(t)
	report := func(to string, kind payment.ReportKind, s payment.ReportState) payment.Report {
		return payment.Report{To: to, Kind: kind, State: s, Tries: 9, Last: "500", Since: time.Now().Add(-80 * time.Hour)}
	}
	one := l.Put(payment.Delivered, "", func(r *payment.Record) {
		r.Reports = []payment.Report{report("crm", payment.TellVerified, payment.ParkedReport), report("crm", payment.TellDelivered, payment.ParkedReport)}
	})
	two := l.Put(payment.Delivered, "", func(r *payment.Record) {
		r.Reports = []payment.Report{report("crm", payment.TellVerified, payment.ParkedReport), report("erp", payment.TellVerified, payment.ParkedReport)}
	})
	none := l.Put(payment.Delivered, "", func(r *payment.Record) {
		r.Reports = []payment.Report{report("net", payment.ReportSale, payment.ParkedReport), report("crm", payment.TellVerified, payment.OpenReport)}
	})
	addr := serve(t, l)
	out := run(t, addr, true, "", "webhooks")
	out.has(t, 0, "WEBHOOK", "payment.delivered", "crm", "erp", "500", string(one.Ref), string(two.Ref))
	run(t, addr, true, "", "webhooks", "--again", string(one.Ref), "-n").has(t, 0, "nothing was done", "to crm again")
	run(t, addr, true, "", "webhooks", "--again", string(one.Ref)).has(t, 0, string(one.Ref))
	run(t, addr, true, "", "webhooks", "--again", string(one.Ref)).has(t, exitNotPossible, "no webhook has given up")
	run(t, addr, true, "", "webhooks", "--again", string(two.Ref)).has(t, exitUsage, "say which")
	run(t, addr, true, "", "webhooks", "--again", string(two.Ref), "--to", "erp").has(t, 0)
	run(t, addr, true, "", "webhooks", "--again", string(none.Ref)).has(t, exitNotPossible, "no webhook has given up")
	taken := l.Put(payment.Delivered, "", func(r *payment.Record) {
		for _, kind := range []payment.ReportKind{payment.TellVerified, payment.TellDelivered} {
			r.History = append(r.History, payment.Entry{At: time.Now(), Kind: payment.EntryTold, By: "crm", Code: string(kind)})
		}
	})
	again := func(flags ...string) ran {
		return run(t, addr, true, "", append([]string{"webhooks", "--again", string(taken.Ref)}, flags...)...)
	}
	again().has(t, exitNotPossible, "say which with --event")
	again("--event", "payment.review").has(t, exitNotPossible, "no webhook was told of payment.review")
	again("--event", "payment.nonsense").has(t, exitUsage, "payment.delivered")
	again("--event", "payment.delivered", "--to", "erp").has(t, exitNotPossible, "no webhook was told")
	again("--event", "payment.delivered", "-n").has(t, 0, "nothing was done")
	if len(l.Get(taken.Ref).Reports) != 0 {
		t.Error("a dry run sends something")
	}
	again("--event", "payment.delivered").has(t, 0, string(taken.Ref))
	if all := l.Get(taken.Ref).Reports; len(all) != 1 || all[0].State != payment.OpenReport || all[0].Kind != payment.TellDelivered || all[0].To != "crm" {
		t.Errorf("sent again: %+v", all)
	}
	if r := l.Get(two.Ref); r.Report("erp", payment.TellVerified) != nil && r.Report("erp", payment.TellVerified).State == payment.ParkedReport ||
		r.Report("crm", payment.TellVerified).State != payment.ParkedReport {
		t.Errorf("%+v", r.Reports)
	}
}
