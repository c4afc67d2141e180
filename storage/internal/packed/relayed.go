package packed

import "github.com/rahgir/caddy-payments/payment"

func walkRelayed(w *wire, r *payment.Relayed) {
	text(w, 1, &r.Callback)
	ints(w, 2, &r.Number)
	ints(w, 3, &r.Unit)
	nested(w, 4, false, func(w *wire) { walkTelling(w, &r.Told) })
	stamp(w, 5, &r.HeardAt)
	ints(w, 6, &r.Asked)
	blob(w, 7, &r.Kept)
	stamp(w, 8, &r.KeptAt)
	text(w, 13, &r.Page)
	flag(w, 14, &r.Mixed)
	stamp(w, 9, &r.PageAt)
	text(w, 10, &r.PageBy)
	stamp(w, 11, &r.ReplayedAt)
	stamp(w, 12, &r.GivingBack)
	flag(w, 15, &r.BackEarly)
}

func walkObserved(w *wire, o *payment.Observed) {
	stamp(w, 1, &o.At)
	text(w, 2, &o.Page)
	ints(w, 3, &o.Asks)
	stamp(w, 4, &o.ReplayedAt)
}

func walkTelling(w *wire, t *payment.Telling) {
	uints(w, 1, &t.Epoch)
	text(w, 2, &t.By)
	stamp(w, 3, &t.At)
}
