package app_test

import (
	"testing"
	"time"

	payments "github.com/rahgir/caddy-payments/app"
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/doctor"
	"github.com/rahgir/caddy-payments/payment"
)

func codes(findings []operate.Finding) (all []string) {
	for _, f := range findings {
		all = append(all, string(f.Level)+" "+f.Code+" "+f.Where)
	}
	return all
}

func only(t *testing.T, what string, got []operate.Finding, want string) {
	t.Helper()
	if all := codes(got); want == "" && len(all) > 0 || want != "" && (len(all) != 1 || all[0] != want) {
		t.Errorf("%s: %q, want %q", what, all, want)
	}
}

// A provider that isn't asked at its own address, or that refuses our key, is
// not "live".
func TestDoctorSeesWhoIsAskedAndWhoRefuses(t *testing.T) {
	app, _ := provisioned(t, `{
	payments {
		provider idpay doc_own {
			api_key 6a7f99eb-7c20-4412-a972-6dfb7cd253a4
		}
		provider idpay doc_written {
			api_key 6a7f99eb-7c20-4412-a972-6dfb7cd253a4
			base_url https://api.idpay.ir
		}
		provider idpay doc_elsewhere {
			api_key 6a7f99eb-7c20-4412-a972-6dfb7cd253a4
			base_url http://localhost:9101/idpay
		}
		provider invoice doc_invoice {
			api_key some-key
			base_url https://pay.example.com
			used_ids none
		}
	}
}
:0 {
}
`)
	only(t, "its own address", app.DoctorProvider("doc_own"), "ok provider doc_own")
	only(t, "its own address, written", app.DoctorProvider("doc_written"), "ok provider doc_written")
	only(t, "the sandbox's address", app.DoctorProvider("doc_elsewhere"), "warn base_url doc_elsewhere")
	only(t, "a script that has no address of its own", app.DoctorProvider("doc_invoice"), "ok provider doc_invoice")
	rec := &payment.Record{Provider: "doc_own", Code: "12"}
	money := func() []operate.Finding {
		return doctor.Money(doctor.Facts{Watch: payments.ProcessWatch(), Now: time.Now(), Providers: []string{"doc_own"}})
	}
	app.Observe(engine.Event{Name: engine.EventOperator, Record: rec, Alert: true})
	only(t, "refused", money(), "error refused doc_own")
	only(t, "refused, and not live", app.DoctorProvider("doc_own"), "")
	app.Observe(engine.Event{Name: engine.EventAsked, Record: rec, Outcome: engine.VerifyPaid})
	only(t, "taken again", money(), "")
	only(t, "live again", app.DoctorProvider("doc_own"), "ok provider doc_own")
}

// An affiliate that will never hear of a sale is said.
func TestDoctorSeesWhatNeverReports(t *testing.T) {
	const head = `{
	payments {
		provider idpay {
			api_key 6a7f99eb-7c20-4412-a972-6dfb7cd253a4
		}
		affiliate hamekar {
			store_token some-token
		}
	}
}
`
	for name, c := range map[string]struct{ site, want string }{
		"track without verify": {"payments {\ntrack\n}", "warn unreported a.test"},
		"no track":             {"payments {\nverify /cb idpay\n}", "warn unreported "},
		"both":                 {"payments {\ntrack\nverify /cb idpay\n}", ""},
	} {
		app, http := provisioned(t, head+"http://a.test {\n"+c.site+"\n}\n")
		if _, err := app.Sites().Place(http); err != nil {
			t.Fatal(err)
		}
		got := app.DoctorAffiliates()
		if c.want == "" {
			if len(got) != 0 {
				t.Errorf("%s: %q", name, codes(got))
			}
			continue
		}
		only(t, name, got, c.want)
	}
}
