package main

// settling are bugs on the way from a return to "verified".
func settling() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"engine", old, changed}} }
	by := func(run string) []Suite { return []Suite{unit("engine", run), simulation(1000)} }
	return []Mutant{
		{"claim-marker-not-synced", "R1 F03", "A power cut forgets that we asked: the answer \"already\" is then unexplained, or an old receipt is.",
			in("if err := e.commit(ctx, rec, false); err != nil {\n\t\t// Not one byte", "if err := e.commit(ctx, rec, true); err != nil {\n\t\t// Not one byte"), by("TestRule1And2")},
		{"verified-not-synced", "R2 F03", "The shop is told \"paid\", and a power cut forgets it.",
			in(`e.commit(ctx, next, v.Trigger == payment.Silence, e.take(next, j, v)...)`, `e.commit(ctx, next, true, e.take(next, j, v)...)`), by("TestRule1And2")},
		{"asked-before-the-price-is-known", "R1", "Money is captured that nobody can compare with anything.",
			in("if errors.Is(err, ErrUnanswered) {\n\t\t\treturn e.wait(ctx, j, rec)", "if errors.Is(err, ErrUnanswered) {\n\t\t\treturn rec, nil"), by("Expectation|Lookup")},
		{"committed-without-uniqueness", "R2 R5 A71", "Two orders are paid by one receipt.",
			in("return next.Keys(e.policy(next, j).Many)", "return nil"), by("TestRule5")},
		{"unknown-commit-assumed", "R2 R3 F36", "A commit whose outcome nobody knows is told as \"paid\".",
			in("if err != nil {\n\t\treturn e.reread(ctx, rec, err)\n\t}\n\tfailpoint", "if err != nil {\n\t\treturn next, nil\n\t}\n\tfailpoint"), by("TestACommitWithoutAnAnswer|TestRule2")},
		{"second-payment-of-a-paid-order-taken", "R5 A07", "A second payment is captured that would have gone back by itself.",
			in(`if e.policy(rec, j).Many || !t.GivesBack || rec.Attempts.Unknown > 0 || rec.Attempts.Open {`, `if true || e.policy(rec, j).Many || !t.GivesBack || rec.Attempts.Unknown > 0 || rec.Attempts.Open {`), by("TestRule5")},
		{"imported-ids-forgotten", "R5 M6", "A key that was used before this ledger began pays again.",
			in("case holder == \"\":\n\t\treturn ErrForeign", "case holder == \"\":\n\t\treturn nil"), by("Imported")},
		{"lease-of-others-ignored", "R6 F28", "Two nodes ask about one payment at once.",
			in(`if rec.State == payment.Verifying && e.Store.Alive(rec.Lease) {`, `if false && e.Store.Alive(rec.Lease) {`), by("TestRule6")},
		{"declined-is-final", "R9 M9", "Who cancelled, went back and paid is told \"not paid\".",
			in(`return r.State.Captured() || r.State == payment.Review || r.State == payment.Reversed || r.Reason == payment.ReasonDismissed`,
				`return r.State == payment.Declined || r.State.Captured() || r.State == payment.Review || r.State == payment.Reversed || r.Reason == payment.ReasonDismissed`), by("TestRule9")},
		{"negative-answer-kept-for-an-hour", "R9 A10", "A stranger's early hit with the right id keeps the genuine return out of its window.",
			in("wait := reaskKnown\n", "wait := time.Hour\n"), by("TestRule9|Strangers")},
		{"negative-answer-not-kept", "A59", "Unknown ids hammer the provider.",
			in("wait = reaskStranger", "wait = 0"), by("Strangers|TestRule9")},
		{"unpaid-return-believed-over-a-paid-one", "R3 R9 A13", "A forged \"cancelled\" ends a payment that is being asked for.",
			in("if a.Claimed.Hint == payment.HintUnpaid && rec != nil && rec.Attempts.Claimed && unanswered(rec) {", "if false {"), by("TestRule3UnknownIsNotDeclined|TestRule9")},
		{"window-ignored", "R9", "The last question comes when the money has gone back.",
			in(`window(t) - 45*time.Second`, `window(t) + 45*time.Second`), by("TestRule9")},
		{"breaker-loses-the-return", "R3 F19", "A return that meets an open breaker is not on record, so nobody asks inside the window.",
			in("if !breaker.allow(e.now()) {\n\t\treturn e.postpone(ctx, j, rec)", "if !breaker.allow(e.now()) {\n\t\treturn rec, nil"), by("Breaker")},
		{"strangers-open-the-breaker", "A61", "Invented ids keep genuine returns out.",
			in(`if breaker.done(answer.Outcome != payment.OutcomeUnknown, e.now()) {`, `if breaker.done(answer.Outcome != payment.OutcomeUnknown && answer.Outcome != payment.OutcomeRefused, e.now()) {`), by("InventedIDs")},
		{"another-sites-record", "M11", "Site A's payment is delivered, as verified, to site B.",
			in(`rec.Issuer != issuer || rec.Site != a.Site ||`, `rec.Issuer != issuer ||`), by("Belongs")},
		{"another-routes-record", "M11", "A payment of the wallet's route credits an order.",
			in(`rec.Route != "" && rec.Route != a.Route ||`, `false ||`), by("Belongs")},
		{"another-orders-record", "R10 A05", "A receipt is delivered for the order that the address names.",
			in(`a.Order != "" && a.Order != rec.Order {`, `false {`), by("Belongs")},
		{"panic-of-a-provider-ends-the-process", "R3 F47", "One odd answer stops every site of this Caddy.",
			in("if v := recover(); v != nil {\n\t\t\ta = payment", "if v := any(nil); v != nil {\n\t\t\ta = payment"), by("APanicOf")},
	}
}

// delivering are bugs between "verified" and the shop, and the report.
func delivering() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"engine", old, changed}} }
	by := func(run string) []Suite { return []Suite{unit("engine", run), simulation(1000)} }
	return []Mutant{
		{"delivery-with-once-not-synced", "R7 F41", "A crash forgets that the shop was called, and it is called again.",
			in(`err := e.commit(ctx, rec, !p.Once && !joined)`, `err := e.commit(ctx, rec, !p.Once && !joined || true)`), by("TestRule7ADelivery")},
		{"interrupted-delivery-repeated", "R7", "A shop that credited and died is told again.",
			in("if p.Once {\n\t\tif err := rec.ParkDelivery(payment.ReasonOwnerDied", "if false {\n\t\tif err := rec.ParkDelivery(payment.ReasonOwnerDied"), by("TestRule7")},
		{"no-proof-taken-for-delivered", "R7 M2", "The shop's failure page counts as credited.",
			in("case h.Acked:\n", "case h.Acked || h.Status < 500 && h.Status > 0:\n"), by("TestRule7")},
		{"ambiguous-delivery-repeated", "R7 F41", "A naive shop that hung is told twice.",
			in("case p.Once:\n\t\tname, alert", "case false:\n\t\tname, alert"), by("TestRule7")},
		{"idempotent-repeats-for-ever", "R7", "Nobody is ever told that a shop does not answer.",
			in("if now.Sub(r.Delivery.First) > patienceDays {", "if false {"), by("TestRule7")},
		{"overtaken-delivery-writes", "R6 R7 F29", "Who was paused past its lease records what became of somebody else's delivery.",
			in("fresh.State != payment.Delivering ||\n\t\t\tfresh.Lease.Owner != rec.Lease.Owner || fresh.Lease.Epoch != rec.Lease.Epoch {", "fresh.State != payment.Delivering {"), by("Overtaken")},
		{"verified-left-alone", "R8 M3", "Money is captured and the shop is never told.",
			in("case payment.Verified:\n\t\treturn e.handOver(ctx, rec)", "case payment.Verified:\n\t\treturn e.rest(ctx, rec, time.Time{})"), by("TestRule8")},
		{"absent-customer-delivered", "R8 M3", "A shop that needs its session is told without one, and drops it.",
			in(`if p.Park && !rec.Expect.Checkout && !given(rec) {`, `if false {`), by("TestRule8")},
		{"absent-customer-forgotten", "R8", "Who pays and closes the tab is never settled.",
			in("return e.unasked(ctx, rec)", "return e.rest(ctx, rec, time.Time{})"), by("TestRule8")},
		{"settled-without-a-way-to-deliver", "R8 M3", "Money is captured for which there is no return to hand it over with.",
			append(in("if rec.Return == nil || !rec.Expect.Known() {\n\t\treturn e.rest", "if !rec.Expect.Known() {\n\t\treturn e.rest"),
				in("if rec.Return != nil {\n\t\t_, can", "if true {\n\t\t_, can")...), by("TestRule8")},
		{"conversion-not-committed-with-verified", "R11 R2", "A crash after \"verified\" loses the affiliate's share.",
			in("next.Code = \"\"\n\t\te.openConversion(next, now)", "next.Code = \"\""), by("TestRule11")},
		{"reported-before-delivery", "R11 A75", "A network can't be told of a refund, and is told before the shop has credited.",
			in("case payment.Verified:\n\t\treturn e.handOver(ctx, rec)", "case payment.Verified:\n\t\tif rec.Conversion != nil {\n\t\t\t_ = e.report(ctx, rec)\n\t\t}\n\t\treturn e.handOver(ctx, rec)"), by("TestRule11")},
		{"report-not-on-record", "R11 A74", "Two workers report one sale.",
			in("rec.Due = c.Next\n\tif err := e.commit(ctx, rec, true); err != nil {\n\t\treturn ignoreConflict(err)\n\t}\n\tstart := e.now()", "rec.Due = c.Next\n\tstart := e.now()"), by("TestRule11|Report")},
		{"report-forgotten-by-a-conflict", "R11 A74", "A buyer who opens the paid page makes the report be sent again.",
			in("if !errors.Is(err, payment.ErrConflict) {\n\t\t\treturn err\n\t\t}\n\t\tif rec, err = e.Store.Get", "if true {\n\t\t\treturn ignoreConflict(err)\n\t\t}\n\t\tif rec, err = e.Store.Get"), by("Report")},
		{"rejected-after-silence-is-certain", "R11", "A report that may have arrived is shown as rejected.",
			in("if c.Unanswered > 0 {\n\t\t\tc.State", "if false {\n\t\t\tc.State"), by("TestRule11")},
		{"track-joined-without-a-sync", "R11 R2", "A power cut between delivery and report loses whose visit it was.",
			in(`err := e.commit(ctx, rec, !p.Once && !joined)`, `err := e.commit(ctx, rec, !p.Once && (!joined || true))`), by("TestRule7ADelivery")},
	}
}
