package main

// relaying are bugs in what a shop's own plugin hears through the relay.
func relaying() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	engine, moves := []Suite{unit("engine", "TestRelay")}, []Suite{unit("payment", "TestRelay"), unit("engine", "TestRelay")}
	return []Mutant{
		{"relay-told-not-synced", "R2", "A power cut forgets that the shop was told \"paid\", and it is told again.",
			in("engine", "err := e.commit(ctx, next, false)\n\tswitch {\n\tcase errors.Is(err, payment.ErrConflict):\n\t\treturn false", "err := e.commit(ctx, next, true)\n\tswitch {\n\tcase errors.Is(err, payment.ErrConflict):\n\t\treturn false"), engine},
		{"relay-marker-not-synced", "R1", "A power cut forgets that the shop's verify went out.",
			in("engine", "e.commit(ctx, rec, false, take...); err != nil {\n\t\treturn relayed{}, err", "e.commit(ctx, rec, true, take...); err != nil {\n\t\treturn relayed{}, err"), engine},
		{"relay-heard-is-not-for-ever", "R7", "A shop that credits each first answer credits twice.",
			in("payment", "if l == nil || l.Heard() || l.Open() || l.wantedBack() {", "if l == nil || l.Open() || l.wantedBack() {"), moves},
		{"relay-cut-off-is-told-again", "R7", "A crash while the shop is told, and it is told a second time.",
			in("payment", "return r.ParkDelivery(ReasonTold, now)", "return r.Unhear(r.Relay.Told.Epoch, now, now)"), moves},
		{"relay-first-said-without-telling", "R7", "All who ask at once hear the provider's first answer.",
			in("engine", "got.reply.Err == nil && got.outcome != payment.OutcomePaid:", "got.reply.Err == nil:"), engine},
		{"relay-told-counts-as-heard", "R8", "An answer that was lost on the way is never said again: paid, and never credited.",
			in("engine", "\t\tif heard {\n\t\t\terr = next.Hear(", "\t\tif true {\n\t\t\terr = next.Hear("), engine},
		{"relay-anothers-page-is-the-ack", "R7", "The page of a return that heard \"again\" counts as credited, though who heard \"first\" died.",
			in("payment", "\tcase mixed:\n", "\tcase mixed && now.IsZero():\n"), moves},
		{"relay-last-byte-goes-first", "R7", "Who left before the answer was whole counts as having heard it.",
			in("handlers/relay", "if err := flush(); err != nil || gone.Err() != nil {", "if err := flush(); err != nil {"), []Suite{unit("handlers/relay", "TestTell")}},
		{"relay-other-amount-settles", "R10", "A cheap payment is verified for a dear order.",
			in("engine", "if rec != nil && !rec.Relay.SameAmount(c.Ask) {", "if rec != nil && false && !rec.Relay.SameAmount(c.Ask) {"), engine},
		{"relay-settles-for-the-absent", "R8", "Money is taken that the shop's plugin never asked for and can't credit.",
			in("engine", "\t\treturn e.replay(ctx, rec)\n\tcase payment.OutcomeOperator:", "\t\treturn e.askAgain(ctx, rec)\n\tcase payment.OutcomeOperator:"), engine},
		{"relay-replays-without-end", "R7", "The shop's return is made again and again.",
			in("engine", "rec.Relay.ReplayedAt = now\n", "_ = now\n"), engine},
		{"relay-replays-what-goes-back", "R7", "Goods for money that the shop itself sent back.",
			in("engine", `rec.Return.URI == "" || rec.Relay != nil && !rec.Relay.GivingBack.IsZero() {`, `rec.Return.URI == "" {`), engine},
		{"relay-no-forgets-its-create", "R12", "A customer is sent to pay what isn't on record.",
			in("engine", "if err := e.relayIntend(ctx, prov, c, id, gen); err != nil {", "if err := e.relayIntend(ctx, prov, c, id, gen); err != nil && false {"), engine},
		{"relay-asks-after-a-no", "R9", "The provider settles what the plugin was told is not paid.",
			in("engine", "next.Due = next.CreatedAt.Add(relayLink)\n\tdefault:", "\tdefault:"), engine},
		{"relay-used-receipt-is-first", "R5", "A receipt that paid before this ledger began pays again.",
			in("payment", "&& !r.Receipt.Again && r.Reason != ReasonReceiptUsed", "&& !r.Receipt.Again"), moves},
	}
}
