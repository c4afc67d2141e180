package packed_test

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// An erased record takes less room than it took with its payer, though its history has one
// entry more.
func TestErasedRecordIsSmaller(t *testing.T) {
	t.Parallel()
	full := today()["full"]
	full.Due, full.Lease, full.Refunds, full.Reports[1].State, full.Reports[1].Next = time.Time{}, payment.Lease{}, nil, payment.SentReport, time.Time{}
	before := size(t, full)
	if err := full.Erase(payment.Note{By: "timer", Text: "retention"}, full.UpdatedAt); err != nil {
		t.Fatal(err)
	}
	after := size(t, full)
	t.Logf("%d bytes before, %d after", before, after)
	if after >= before*3/4 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}

func size(t *testing.T, r *payment.Record) int {
	t.Helper()
	b, err := packed.Body(r, 8)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}
