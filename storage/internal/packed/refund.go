package packed

import "github.com/rahgir/caddy-payments/payment"

func walkRefund(w *wire, f *payment.Refund) {
	text(w, 1, &f.Kind)
	text(w, 2, &f.State)
	ints(w, 3, &f.Amount)
	text(w, 4, &f.Key)
	text(w, 5, &f.By)
	text(w, 6, &f.Note)
	text(w, 7, &f.Code)
	text(w, 8, &f.Number)
	stamp(w, 9, &f.Began)
	stamp(w, 10, &f.Ended)
	text(w, 11, &f.SettledBy)
	text(w, 12, &f.Settled)
}
