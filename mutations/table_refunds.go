package main

// refunding are bugs on money's way back.
func refunding() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	by := func(dir, run string) []Suite { return []Suite{unit(dir, run)} }
	return []Mutant{
		{"refund-asked-without-a-marker", "R1", "A crash forgets that the money was asked to go back: the next one asks again.",
			in("engine", "if err := e.commit(ctx, rec, false); err != nil {\n\t\treturn nil, unmarked(err) // not one byte has gone out\n\t}", "_ = err"), by("engine", "TestRefund")},
		{"refund-unknown-taken-for-refused", "R3", "A refund whose answer was lost is asked again: the customer has the money twice.",
			in("payment", `f.State, f.Ended = RefundUnknown, time.Time{}`, `f.State, f.Ended = RefundRefused, time.Time{}`), by("engine", "TestRefundUnknown")},
		{"refund-unknown-taken-for-done", "R3", "A refund whose answer was lost is told as done: the customer never gets it.",
			in("payment", `f.State, f.Ended = RefundUnknown, time.Time{}`, `f.State, f.Ended = RefundDone, time.Time{}`), by("engine", "TestRefundUnknown")},
		{"two-refunds-at-once", "R6", "Two people give back the same money.",
			in("payment", "if i := r.OpenRefund(); i >= 0 {\n\t\treturn fmt.Errorf(\"%w: what became", "if i := r.OpenRefund(); i >= 99 {\n\t\treturn fmt.Errorf(\"%w: what became"), by("payment", "TestRefunds")},
		{"refund-while-the-shop-is-told", "R7", "The shop credits what goes back.",
			in("payment", "if r.OpenRefund() >= 0 || r.State == Verified && r.Relay.wantedBack() {\n\t\treturn fmt.Errorf(\"%w: its money", "if r.OpenRefund() >= 99 {\n\t\treturn fmt.Errorf(\"%w: its money"), by("payment", "TestRefundsAndHandOvers")},
		{"nextpay-refund-settles", "R1", "A refund without its word is a verify.",
			in("providers/nextpay", `wire.Field{"refund_request", "yes_money_back"}`, `wire.Field{"refund", "yes_money_back"}`), by("providers/nextpay", "")},
		{"vandar-price-of-the-payer", "R10", "Where the payer bears the fee, the fee is counted as price.",
			in("providers/vandar", `rc.Paid, rc.Amount = rc.Amount, price`, `rc.Paid = rc.Amount`), by("providers/vandar", "")},
		{"vandar-wrong-key-is-not-paid", "R3", "A wrong key of the owner's tells every customer that nothing was paid.",
			in("providers/vandar", "for _, f := range []fault{faultKey, faultCallback} {", "for _, f := range []fault{faultCallback} {"), by("providers/vandar", "")},
	}
}
