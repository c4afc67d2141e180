package main

// refusing are bugs that show while the ledger refuses, and where shops verify beside us.
func refusing() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	outages := []Suite{{Dir: "integration/doors", Run: "^TestOutages$"}}
	return []Mutant{
		{"claim-refused-and-asked", "R1", "The ledger refuses the claim, and the gateway settles a payment that nobody remembers.",
			in("engine", "if err := e.commit(ctx, rec, false); err != nil {\n\t\t// Not one byte has gone out", "if err := e.commit(ctx, rec, false); err != nil && false {\n\t\t// Not one byte has gone out"), outages},
		{"announcement-refused-and-sent", "R12", "The shop's announcement can't be recorded, and its customer is sent to pay all the same.",
			in("handlers", "if err := c.h.announced(f.ResponseWriter, f.r, a, wrong, status, header); err != nil {", "if err := c.h.announced(f.ResponseWriter, f.r, a, wrong, status, header); err != nil && false {"), outages},
		{"intent-refused-and-sent", "R12", "The checkout's intent can't be recorded, and its customer is sent to pay all the same.",
			in("engine", "if err := e.commit(ctx, rec, false, payment.IntentKey(rec.Issuer, rec.ID)); err != nil {", "if err := e.commit(ctx, rec, false, payment.IntentKey(rec.Issuer, rec.ID)); err != nil && false {"), outages},
		{"forwarded-never-read-in", "R12", "What passed while the ledger refused is never read in.",
			in("engine", "if !e.Forwarded.Any() || e.Store.Ready() != nil || !e.begin() {", "if e.Forwarded != nil || e.Store.Ready() != nil || !e.begin() {"), outages},
		{"observed-request-loses-cookies", "R8", "A shop that nobody relays loses the cookies that it calls as its gateway calls a parameter.",
			in("handlers", `return rec != nil && (rec.Relay != nil || rec.Return.Address() != "")`, "return rec != nil"), []Suite{unit("handlers", "TestHeld"), doors(700)}},
		{"any-page-says-paid", "R11", "A refused payment counts as delivered, and its sale is reported, because the shop showed some page.",
			in("handlers", "p.paid = slices.ContainsFunc(p.route.PaidWhen, fits)", "p.paid = len(p.route.PaidWhen) > 0"), []Suite{unit("handlers", "TestWhatAnAnswer")}},
		{"paid-when-is-believed", "R4", "Whoever brings an unpaid id to the page of a paid order makes a sale of it, which the network is told of.",
			in("engine", "\tif s.Paid && !inquires(prov) {\n", "\tif s.Paid {\n"), []Suite{unit("engine", "TestWhatAShopSaysIsPaid|TestObserved"), doors(700)}},
		{"own-parameter-without-value", "R8", "The shop's callback has a parameter without a value, and every customer who paid gets a 400.",
			in("internal/params", "if src != &s.query || !s.asWritten(", "if src != nil || !s.asWritten("), []Suite{unit("internal/params", "TestAsWritten"), doors(700)}},
	}
}
