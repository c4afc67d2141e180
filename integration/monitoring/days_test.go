package monitoring

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// day is a bad one: what happens, how it is mended, and what is said of it.
type day struct {
	name       string
	come, mend func(*world)
	// alarm is the one alarm of examples/monitoring; code and where are of the one error
	// that doctor and status name, and text is what it says.
	alarm, code, where, text string
	// told is what the notifier tells people; the dashboard's first page says text.
	told string
}

func days() []day {
	clear := func(w *world) {
		w.box.ClearFaults()
		w.paid()
	}
	return []day{{
		name: "the provider answers nothing",
		come: func(w *world) {
			w.fault(sandbox.Fault{Provider: "idpay", Operation: sandbox.OpVerify, Kind: "status", Status: 503})
			w.buy()
		},
		mend:  clear,
		told:  "the provider does not answer · idpay",
		alarm: "PaymentsProviderDown", code: "unanswered", where: "idpay", text: "it has answered nothing for .*1 payment, 1,200,000 .*waiting for its answer",
	}, {
		name: "the provider starts no payments",
		come: func(w *world) {
			w.fault(sandbox.Fault{Provider: "idpay", Operation: sandbox.OpCreate, Kind: "status", Status: 503})
			for range 4 {
				if status, _ := w.press(); status < 500 {
					w.t.Errorf("a press of Pay is answered %d", status)
				}
			}
		},
		mend: func(w *world) {
			w.box.ClearFaults()
			w.press()
		},
		told:  "the provider starts no payments · idpay",
		alarm: "PaymentsNotStarting", code: "create", where: "idpay", text: "it has started no payment for .*4 in a row",
	}, {
		name: "the provider refuses the key",
		come: func(w *world) {
			w.fault(sandbox.Fault{Provider: "idpay", Operation: sandbox.OpVerify, Kind: "error", Code: "12"})
			w.fault(sandbox.Fault{Provider: "idpay", Operation: sandbox.OpCreate, Skip: 1, Kind: "error", Code: "12"})
			w.buy()
			w.press()
		},
		mend: func(w *world) {
			w.box.ClearFaults()
			w.paid()
			w.press()
		},
		told:  "the provider refuses our settings · idpay",
		alarm: "PaymentsProviderDown", code: "refused", where: "idpay", text: "it has refused our key.*1 payment.*waiting for its answer",
	}, {
		name: "the shop is down",
		come: func(w *world) {
			w.up.Close()
			w.buy()
		},
		mend:  func(w *world) { w.shop() },
		told:  "the shop takes no paid orders · ",
		alarm: "PaymentsShopDown", code: "shop", text: "have not reached the shop: 1 payment.*can't be connected to",
	}, {
		name: "a payment is held for a person",
		come: func(w *world) {
			w.fault(sandbox.Fault{Provider: "idpay", Operation: sandbox.OpVerify, Kind: "wrong_amount", Delta: 5000, Count: 1})
			w.buy()
		},
		mend: func(w *world) {
			w.decide("state=review", "reject")
			w.decide("owed=true", "repaid") // the money was with us: the alarm goes on until it is not
		},
		told:  "payments need a person · idpay · amount_differs",
		alarm: "PaymentsWaitForPerson", code: "waiting", text: "for a person: 1 payment, .*amount_differs.*--state attention",
	}, {
		name: "the ledger has no room",
		come: func(w *world) {
			w.noRoom(true)
			w.told() // doctor looks at once; by itself it is looked at every ten seconds
		},
		mend: func(w *world) {
			w.noRoom(false)
			w.told()
		},
		told:  "the ledger takes no payments",
		alarm: "PaymentsLedgerFull", code: "store", text: "the ledger takes no new payments.*less than 256 MiB free",
	}}
}

// errorsOf are what is said to cost money now. The sandbox is asked instead of the
// provider, so what waits is play money to nobody: the block has no `sandbox`.
func errorsOf(all []finding) (errs []finding) {
	for _, f := range all {
		if f.Level == "error" {
			errs = append(errs, f)
		}
	}
	return errs
}

// Each bad day is one error of doctor's and of status', of the right cause, and one alarm,
// the first time that it happens; and when it is over, so are they.
func TestBadDays(t *testing.T) {
	w := newWorld(t)
	w.watch()
	if status := w.buy(); status != http.StatusOK {
		t.Fatalf("on a good day a return is answered %d", status)
	}
	if d, s := w.told(); len(errorsOf(d))+len(errorsOf(s)) > 0 {
		t.Fatalf("on a good day: %+v %+v", d, s)
	}
	for _, d := range days() {
		t.Run(d.name, func(t *testing.T) {
			w.t = t
			if now := w.firing(); len(now) > 0 {
				t.Fatalf("before: %v", now)
			}
			d.come(w)
			harness.Wait(t, "doctor", 20*time.Second, func() bool {
				doctor, status := w.told()
				return d.is(doctor) && d.is(status)
			})
			if w.prometheus != "" {
				harness.Wait(t, d.alarm, 20*time.Second, func() bool { return slices.Equal(w.firing(), []string{d.alarm}) })
			}
			harness.Wait(t, "what the dashboard says", 20*time.Second, func() bool {
				page := w.home()
				return strings.Contains(page, "Something needs you") && regexp.MustCompile(d.text).MatchString(page)
			})
			harness.Wait(t, "what people are told", time.Minute, func() bool { return w.people.has(d.told) })
			d.mend(w)
			harness.Wait(t, "the end of it for doctor", 40*time.Second, func() bool {
				doctor, status := w.told()
				return len(errorsOf(doctor))+len(errorsOf(status)) == 0
			})
			harness.Wait(t, "the end of "+d.alarm, 40*time.Second, func() bool {
				now := w.firing()
				if len(now) > 0 && !slices.Equal(now, []string{d.alarm}) {
					t.Fatalf("another alarm: %v", now)
				}
				return len(now) == 0
			})
			harness.Wait(t, "the end of it on the dashboard", 20*time.Second, func() bool { return strings.Contains(w.home(), "Everything is well") })
			w.people.forget()
		})
	}
	w.t = t
}

// is reports whether the day's own error is the only one.
func (d day) is(all []finding) bool {
	errs := errorsOf(all)
	return len(errs) == 1 && errs[0].Code == d.code && (d.where == "" || errs[0].Where == d.where) && regexp.MustCompile(d.text).MatchString(errs[0].Text)
}

// The metrics, the rules and the dashboard fit each other, and Prometheus' own tool finds
// nothing wrong with them.
func TestExamplesNameOurMetrics(t *testing.T) {
	w := newWorld(t)
	w.buy()
	scraped := w.metrics()
	families := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (caddy_payments_\w+) `).FindAllStringSubmatch(scraped, -1) {
		families[m[1]] = true
	}
	used := make(map[string]bool)
	for _, file := range []string{"rules.yml", "grafana.json"} {
		text := example(t, file)
		for _, name := range regexp.MustCompile(`caddy_payments_\w+`).FindAllString(text, -1) {
			used[strings.TrimSuffix(name, "_bucket")] = true
		}
	}
	for name := range used {
		if !families[name] && name != "caddy_payments_ledger_bytes" { // a ledger in memory has no size
			t.Errorf("%s is used and there is no such metric", name)
		}
	}
	for name := range families {
		if !used[name] {
			t.Errorf("%s is neither in the rules nor on the dashboard", name)
		}
	}
	var dashboard struct{ Panels []json.RawMessage }
	if err := json.Unmarshal([]byte(example(t, "grafana.json")), &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Error(len(dashboard.Panels), err)
	}
	tool, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("PAYMENTS_REQUIRE_ALL") == "" {
		t.Log("promtool is not installed: the rules are only read")
		return
	}
	if out, err := exec.Command(tool, "check", "rules", "../../examples/monitoring/rules.yml").CombinedOutput(); err != nil || !strings.Contains(string(out), "5 rules found") {
		t.Errorf("%v %s", err, out)
	}
	if out, err := exec.Command(tool, "test", "rules", "testdata/rules_test.yml").CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	var ours strings.Builder
	for line := range strings.Lines(scraped) {
		if strings.Contains(line, "caddy_payments_") {
			ours.WriteString(line)
		}
	}
	check := exec.Command(tool, "check", "metrics")
	check.Stdin = strings.NewReader(ours.String())
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
}

// decide decides all payments of a list.
func (w *world) decide(query, decision string) {
	w.t.Helper()
	var listed struct {
		Payments []struct {
			Ref     string
			Version uint64
		}
	}
	w.ask("list?"+query, &listed)
	if len(listed.Payments) == 0 {
		w.t.Errorf("nothing to %s in %s", decision, query)
	}
	for _, p := range listed.Payments {
		body, _ := json.Marshal(map[string]any{"decision": decision, "note": "test", "by": "test", "version": p.Version})
		res, err := client.Post("http://"+w.admin+"/payments/resolve/"+p.Ref, "application/json", strings.NewReader(string(body)))
		w.must(err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			w.t.Errorf("%s is answered %d", decision, res.StatusCode)
		}
	}
}
