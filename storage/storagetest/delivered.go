package storagetest

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Delivered returns the n-th of many payments as they lie in a ledger for ever, with the
// lengths and the entropy of real ones. It is made of n alone: a benchmark that filled a
// ledger knows what is in it.
func Delivered(n int) *payment.Record {
	src := rand.New(rand.NewPCG(uint64(n), 7))
	hex := func(digits int) string {
		b := make([]byte, digits)
		for i := range b {
			b[i] = "0123456789abcdef"[src.IntN(16)]
		}
		return string(b)
	}
	at := time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * 7 * time.Second).Add(time.Duration(src.IntN(1e9)))
	after := func(d time.Duration) time.Time { return at.Add(d + time.Duration(src.IntN(1e9))) }
	r := &payment.Record{
		Site: "shop.example.ir", Route: "/payment/verify", Provider: "idpay", Issuer: "idpay:api.idpay.ir:live",
		Environment: "live", ID: hex(32), Order: strconv.Itoa(100000 + n), State: payment.Delivered, Code: "100",
		Expect:     payment.Expectation{Amount: payment.Rials(10000 * (1 + src.IntN(5000))), Source: payment.FromSigned},
		Generation: 1,
		Attempts:   payment.Attempts{Count: 1, First: at, Last: at, Claimed: true},
		Lease:      payment.Lease{Owner: "5d41402abc4b2a76b9719d911017c592", Epoch: 2},
		CreatedAt:  at, UpdatedAt: after(2 * time.Second),
	}
	r.Receipt = &payment.Receipt{ID: r.ID, Order: r.Order, Amount: r.Expect.Amount, Paid: r.Expect.Amount,
		Number: strconv.Itoa(1000000000 + n), Reference: strconv.Itoa(100000000000 + src.IntN(900000000000)),
		Card:   strconv.Itoa(603799+src.IntN(1000)) + "******" + strconv.Itoa(1000+src.IntN(9000)),
		PaidAt: at.Add(-20 * time.Second).Truncate(time.Second), VerifiedAt: at.Truncate(time.Second)}
	r.Delivery = payment.Delivery{Count: 1, Via: payment.ViaBrowser, First: after(time.Second), Last: after(time.Second),
		Status: 302, Location: "/order/" + r.Order + "/thanks", Browser: hex(32)}
	r.Track = payment.Track{ID: hex(24), Affiliate: "hamekar", Landing: "/product/" + strconv.Itoa(src.IntN(5000)), At: at.Add(-time.Hour)}
	r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: payment.SentReport, Tries: 1, Last: "202",
		Since: after(time.Second), SentAt: after(3 * time.Second)}}
	ms := func(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
	r.History = []payment.Entry{
		{At: ms(at), Kind: payment.EntryAsked}, {At: ms(after(time.Second)), Kind: payment.EntryConfirmed},
		{At: ms(r.Delivery.First), Kind: payment.EntryHanded}, {At: ms(r.UpdatedAt), Kind: payment.EntryCredited},
		{At: ms(r.Reports[0].SentAt), Kind: payment.EntryReported},
	}
	r.Ref = payment.NewRef(r.Site, r.Issuer, r.ID, r.Order)
	return r
}

// Mixed returns the n-th of many payments as they are in a shop's life: three of four are
// delivered as in [Delivered], the others were declined, ran out, or, of a hundred one, were
// left by their customers.
func Mixed(n int) *payment.Record {
	r := Delivered(n)
	if n%4 != 1 {
		return r
	}
	r.Receipt, r.Delivery, r.Reports, r.History = nil, payment.Delivery{}, nil, r.History[:1]
	switch {
	case n%100 == 1:
		r.State, r.Code, r.Attempts, r.Lease, r.History = payment.Created, "", payment.Attempts{}, payment.Lease{}, nil
	case n%8 == 1:
		r.State, r.Code = payment.Declined, "3"
	default:
		r.State, r.Code = payment.Expired, "201"
	}
	return r
}
