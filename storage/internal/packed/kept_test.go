package packed_test

import (
	"bytes"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// today are records with everything that format 2 can hold.
func today() map[string]*payment.Record {
	at := time.Date(2026, 3, 21, 8, 0, 0, 123456789, time.UTC)
	ms := func(d time.Duration) time.Time { return at.Add(d).Truncate(time.Millisecond) }
	full := &payment.Record{
		Version: 7, Site: "shop.example.ir", Route: "/payment/verify", Provider: "zarinpal", Issuer: "zarinpal:0123456789abcdef:live", Environment: "live",
		ID: "A00000000000000000000000000000012345", Order: "سفارش-101", Proof: "proof", Serial: 42, State: payment.Delivered, Reason: payment.ReasonWaiting, Code: "100",
		Expect:     payment.Expectation{Amount: 1_200_000, Source: payment.FromIntent, Item: "mug", Title: "لیوان", Quantity: 2, Checkout: true},
		Generation: 3, Attempts: payment.Attempts{Count: 2, First: at, Last: at.Add(time.Minute), Unknown: 1, Claimed: true, Awaiting: at.Add(-time.Second)},
		Lease: payment.Lease{Owner: "5d41402abc4b2a76b9719d911017c592", Epoch: 4, Until: at.Add(time.Minute)}, Due: at.Add(time.Hour),
		Receipt: &payment.Receipt{ID: "A00000000000000000000000000000012345", Amount: 1_200_000, Paid: 1_212_000, Fee: 12_000, FeePayer: "payer", Number: "987654", Reference: "100000000001",
			Card: "603799******1234", PaidAt: at.Add(-time.Minute).Truncate(time.Second), VerifiedAt: at.Truncate(time.Second), Again: true},
		Return:   &payment.Return{Method: "POST", Secure: true, Host: "shop.example.ir", URI: "/payment/verify?Status=OK", Type: "text/plain", Body: []byte("x"), Arrived: at, Known: "/payment/verify", By: &payment.Visitor{Peer: "198.51.100.7:1", TLS: true}},
		Delivery: payment.Delivery{Count: 1, Via: payment.ViaBrowser, First: at, Last: at, Status: 302, Location: "/thanks", Browser: "00112233445566778899aabbccddeeff"},
		Track:    payment.Track{ID: "064ee72930404724974761b0b41e9e49", Affiliate: "hamekar", Landing: "/product-2", At: at.Add(-time.Hour)},
		Reports: []payment.Report{
			{To: "hamekar", Kind: payment.ReportSale, State: payment.SentReport, Tries: 1, Since: at, SentAt: at.Add(time.Second), Last: "202"},
			{To: "shop", Kind: payment.TellVerified, State: payment.ParkedReport, Tries: 9, Since: at, Next: at.Add(time.Hour), Last: "500", Remembered: "r1"},
		},
		Devices: []payment.Device{{Hash: "00112233445566778899aabbccddeeff", At: at}},
		History: []payment.Entry{
			{At: ms(0), Kind: payment.EntryAsked}, {At: ms(time.Second), Kind: payment.EntryConfirmed, Code: "x"},
			{At: ms(time.Minute), Kind: payment.EntryDecided, Code: string(payment.DecideAccept), By: "سارا", Text: "seen in the panel", Was: "review amount_differs"},
		},
		Refunds: []payment.Refund{{Kind: payment.KindRefund, State: payment.RefundDone, Amount: 1000, Key: "k", By: "sara", Note: "n", Code: "1", Number: "2", Began: at, Ended: at.Add(time.Second)}},
		Relay:   &payment.Relayed{Callback: "https://shop.example.ir/back?x=1", Number: 1_200_000, Unit: payment.Rial, Told: payment.Telling{Epoch: 1, By: "node", At: at}, HeardAt: at, Asked: 2, Kept: []byte("sealed"), KeptAt: at, Page: payment.PageGood, PageAt: at, PageBy: "node"},

		Buyer: payment.Buyer{Name: "سارا", Mobile: "09121234567", Email: "s@example.com"},

		CreatedAt: at, UpdatedAt: at.Add(time.Minute), Counted: 5,
	}
	return map[string]*payment.Record{
		"full":   full,
		"intent": {Version: 1, Site: "shop.example.ir", Provider: "idpay", Issuer: "idpay:fedcba9876543210:live", ID: "d2e353189823079e1e4181772cff5292", Order: "101", State: payment.Created, CreatedAt: at, UpdatedAt: at},
	}
}

// Records as the first version of format 2 wrote them (testdata/format2_*) are read as
// what they meant by every later version. The files are never written again: a version
// that writes records otherwise has files of its own. PAYMENTS_WRITE_FORMAT=1 makes those
// that are missing.
func TestFormat2(t *testing.T) {
	t.Parallel()
	for name, want := range today() {
		want.Ref = payment.NewRef(want.Site, want.Issuer, want.ID, want.Order)
		file := "testdata/format2_" + name
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) && os.Getenv("PAYMENTS_WRITE_FORMAT") != "" {
			body, berr := packed.Body(want, want.Version)
			if berr != nil {
				t.Fatal(berr)
			}
			b = (&packed.Entry{Rec: want, Money: true, Intents: [][]byte{bytes.Repeat([]byte{7}, payment.RefBytes)}}).Encode(body)
			err = os.WriteFile(file, b, 0o644) //nolint:gosec // a test's file
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := packed.Decode(want.Ref, b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b[0] != 2 || !e.Money || len(e.Intents) != 1 || !reflect.DeepEqual(e.Rec, want) {
			t.Errorf("%s:\n%+v\nwant\n%+v", name, e.Rec, want)
		}
	}
}
