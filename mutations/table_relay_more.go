package main

// relayingMore are more bugs in what a shop's own plugin hears through the relay, of
// those that its worlds and its real clients found.
func relayingMore() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	return []Mutant{
		{"relay-page-drops-the-answer", "R2", "The provider's answer is thrown away because the shop's page ended meanwhile: paid, and not on record.",
			in("engine", "if !errors.Is(err, payment.ErrConflict) || rec.Relay == nil {", "if true {"), []Suite{unit("engine", "TestRelayPageBeside")}},
		{"relay-bare-again-is-doubted", "R4", "A lost answer puts a paid order into review, where \"already verified\" says nothing else.",
			in("engine", "if !ok || a.Outcome != payment.OutcomeAgain || t.SendsAmount", "if true || !ok || a.Outcome != payment.OutcomeAgain || t.SendsAmount"), []Suite{unit("engine", "TestRelayBare")}},
		{"relay-panic-keeps-its-lane", "R13", "A provider's module panics a few times, and no shop can start a payment any more.",
			in("engine", "reply := forward(callCtx, r, c.Call)", "reply := r.ForwardCall(callCtx, c.Call)"), []Suite{unit("engine", "TestRelayPanics")}},
		{"relay-inquiry-tells-early", "R8", "A job that looks for paid and unverified payments never finds the one that its shop hasn't heard of.",
			in("engine", "err == nil && e.afterTelling(ctx, rec, e.now().Add(relayTelling)).Unheard() {\n\t\tc.Say", "err == nil && rec != nil && false {\n\t\tc.Say"), []Suite{unit("engine", "TestRelayInquiry")}},
		{"relay-gives-back-unmarked", "R7", "Goods for money that is on its way back: nobody noted that the shop asked for it.",
			in("payment", "l.GivingBack, l.BackEarly = now, w.Early", "l.BackEarly = w.Early"), []Suite{unit("engine", "TestRelayGiveBack|TestNothingIsHanded|TestRelayReversed")}},
		{"relay-silence-is-a-no", "R3", "A plugin whose gateway is silent hears an error at once, and gives the order up for good.",
			in("engine", "if !e.now().Add(pause).Before(ends) || !e.relayWait(gone, pause) {", "if true {"), []Suite{unit("engine", "TestRelayLostAnswer|TestRelaySilence")}},
		{"relay-neighbours-port", "R10", "A create is taken for another shop's, which lives on another port of the host: its customer's return is foreign.",
			in("handlers", "return authority == own", "return authority == own && false"), []Suite{unit("handlers", "TestACallbackIsTheShops"), process("clients", "TestClients")}},
		{"relay-foreign-return-passes", "R10", "A return of a paid order is moved to another, whose plugin takes \"already verified\" for paid.",
			in("handlers", "why := h.otherAddress(r, o, rec, b); why != nil {", "why := h.otherAddress(r, o, rec, b); why != nil && false {"), []Suite{process("php", "TestRelayedPlugin"), doors(300)}},
		{"relay-first-after-a-restore", "R4 R7", "A ledger is put back that has forgotten that the shop heard \"first\", and it hears it again.",
			in("engine", "return err == nil && rec.Generation != gen.Seq, err", "return false, err"), []Suite{unit("engine", "TestRelayAfterTheLedger")}},
		{"relay-dead-page-waits", "R8", "After a crash the customer's reload proves nothing for two minutes: a credited order waits for a person.",
			in("engine", "stale := !e.pageWaits(rec, now)", "stale := now.Sub(rec.Relay.PageAt) > pageLimit"), []Suite{unit("engine", "TestRelayPageOfADeadProcess")}},
		{"relay-forwarded-create-forgotten", "R10 R12", "While the ledger is away a cheap payment is verified for a dear order.",
			in("engine", "if why := otherCreate(log, c); why != nil {", "if why := otherCreate(log, c); why != nil && false {"), []Suite{unit("engine", "TestForwardedOtherAmount")}},
		{"relay-delivery-uncounted", "R8", "The alarm that the shop takes no payments never rings for a relayed shop.",
			in("engine", "\tif r.Delivery.Via != payment.ViaRelay {\n\t\treturn \"\"", "\tif true {\n\t\treturn \"\""), []Suite{unit("engine", "TestRelayCounted")}},
		{"relay-forwarded-for-another-site", "R5 R7", "While the ledger is away one payment buys in two shops that share an account.",
			in("engine", "case c.Bound && !slices.Contains(names(c.Site, c.Formerly), rec.Site):", "case c.Bound && false && !slices.Contains(names(c.Site, c.Formerly), rec.Site):"), []Suite{unit("engine", "TestForwardedOtherSite")}},
		{"relay-forwarded-refusal-declines", "R10", "What the gateway said of another amount is read in as its answer about the payment.",
			in("engine", "&& m.Outcome != payment.OutcomePaid {", "&& m.Outcome == payment.OutcomeUnknown {"), []Suite{unit("engine", "TestForwardedOtherAmount")}},
		{"relayed-return-with-a-dirty-id", "R7", "A zero byte behind another order's paid id hides it from us, and the plugin's trim() takes it off.",
			in("internal/params", "\t\t\tvalue := loose(v)\n", "\t\t\tvalue, err := strict(name, v)\n\t\t\tif err != nil {\n\t\t\t\tcontinue\n\t\t\t}\n"), []Suite{unit("internal/params", "TestLenientValues"), doors(300)}},
		{"relayed-return-without-observe", "R7", "A shop that relays and doesn't observe: one payment is brought to another order, and credited twice.",
			in("handlers", "\tfor _, l := range h.Relay {\n\t\tfor _, name := range l.server.Names() {\n\t\t\tif info", "\tfor _, l := range h.Relay[:0] {\n\t\tfor _, name := range l.server.Names() {\n\t\t\tif info"), []Suite{unit("app", "TestRelayedReturnsAreBound")}},
		{"relay-test-money-is-money", "R5", "A plugin in its test mode calls a live block's relay: test money is credited.",
			in("handlers/relay", "case owner == payment.RelayOtherEnvironment:", "case owner == payment.RelayOtherEnvironment && false:"), []Suite{unit("handlers/relay", "TestBadInputIsNamed")}},
		{"relay-carries-strangers", "R13", "Whoever knows a relay's address uses it with an account of his own, and is nobody's.",
			in("handlers/relay", "case owner == payment.RelayStranger && !s.Place:", "case owner == payment.RelayStranger && false:"), []Suite{unit("handlers/relay", "TestBadInputIsNamed")}},
		{"relay-packed-answer", "R3", "A packed answer is passed on without the word that it is packed: the plugin reads nothing in it, and gives the order up.",
			in("providers/wire", " || errors.Is(r.Err, ErrEncoded)", ""), []Suite{unit("providers/zarinpal", "TestRelayForwards")}},
	}
}
