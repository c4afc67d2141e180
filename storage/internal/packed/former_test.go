package packed_test

import (
	"os"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Records that the last version of format 1 wrote (testdata/format1_*) are read as
// what they meant, and written anew without a loss.
func TestFormat1(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 21, 8, 0, 0, 123456789, time.UTC)
	track := payment.Track{ID: "064ee72930404724974761b0b41e9e49", Affiliate: "hamekar", Landing: "/product-2", At: at.Add(-time.Hour)}
	for name, check := range map[string]func(r *payment.Record) bool{
		"open": func(r *payment.Record) bool {
			p, h := r.Sale(), r.History
			return r.Track == track && p != nil && *p == payment.Report{To: "hamekar", Kind: payment.ReportSale, State: payment.OpenReport,
				Tries: 2, Unanswered: 1, Since: at.Add(time.Second), Next: at.Add(time.Minute), Last: "500"} &&
				r.Due.IsZero() && r.Earliest().Equal(at.Add(time.Minute)) && len(h) == 2 &&
				h[0].Code == string(payment.DecideRedeliver) && h[0].By == "sara" && h[0].Text == "looked: it has no such order" && h[0].At.Equal(at.Add(time.Minute)) &&
				r.HasDecided(payment.DecideAccept) && h[1].By == "علی"
		},
		"sent": func(r *payment.Record) bool {
			p := r.Sale()
			return r.Track == track && p.State == payment.SentReport && p.SentAt.Equal(at.Add(3*time.Second)) && p.Last == "202" && r.Earliest().IsZero()
		},
		"waiting": func(r *payment.Record) bool {
			return r.Reports == nil && r.Track == payment.Track{} && r.Due.Equal(at.Add(time.Minute))
		},
		"intent": func(r *payment.Record) bool { return r.Track == track && r.Reports == nil },
	} {
		b, err := os.ReadFile("testdata/format1_" + name)
		if err != nil {
			t.Fatal(err)
		}
		ref := payment.NewRef("shop.example.ir", "idpay:api.idpay.ir:live", "d2e353189823079e1e4181772cff5292", "101")
		e, err := packed.Decode(ref, b)
		if err != nil || !e.Money || e.Rec.Version != 7 || e.Rec.Order != "101" || !check(e.Rec) {
			t.Errorf("%s: %v %+v", name, err, e.Rec)
			continue
		}
		if again := roundTrip(t, e.Rec); !check(again) {
			t.Errorf("%s, written anew: %+v", name, again)
		}
		e.Rec.Version = 8
		body, err := packed.Body(e.Rec, 8)
		if err != nil || e.Encode(body)[0] != packed.Format {
			t.Errorf("%s: %v", name, err)
		}
	}
}
