package main

import "strconv"

// relayingSlow are bugs around a gateway that answers later than we ask ourselves, and around
// the returns of shops that share one relay.
func relayingSlow() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	slow := func(run string) []Suite { return []Suite{unit("engine", run), plugins(3000)} }
	return []Mutant{
		{"relay-own-answer-explains", "R4", "Our own question beside the shop's was answered, and still explains an \"already verified\": what another system sold is sold again.",
			in("engine", "\t\trec.Attempts.Unknown = earlier + lost\n", "\t\t_ = earlier + lost\n"), slow("TestRelaySlow")},
		{"relay-lost-question-unexplained", "R4", "Our own question settled the payment and its answer was lost: a paid order waits for a person.",
			in("engine", "\t\t\t\tlost += o.unanswered()\n", ""), slow("TestRelaySlow")},
		{"relay-slow-keeps-its-lane", "R13", "A gateway that hangs on some calls takes the places of those that it answers.",
			in("engine", "\tleave()\n\tleave = longer\n\tearlier", "\tleave = longer\n\tearlier"), slow("TestRelaySlowCrowd")},
		{"relay-slow-without-bound", "R13", "A gateway that hangs, and any number of calls wait for it.",
			in("engine", "longer, ok := e.Shared.hosts.EnterPatient(hostOf(prov.Terms()))\n\tif !ok {\n\t\treturn rec, first.end()", "longer, ok := func() {}, true\n\tif !ok {\n\t\treturn rec, first.end()"), slow("TestRelaySlowCrowd")},
		{"relay-slow-outlives-its-claim", "R1", "The shop's question is under way when another node asks the same.",
			in("engine", "claimed.Before(until) {", "claimed.Before(until) && false {"), slow("TestRelaySlow")},
		{"relay-asks-beside-unclaimed", "R1", "A second question goes out that is on no record.",
			in("engine", "if err = e.commit(ctx, next, false); err == nil {\n\t\t\treturn next, leave, nil", "if true {\n\t\t\treturn next, leave, nil"), slow("TestRelaySlow")},
		{"relay-claims-beside-lazily", "R1", "A power cut forgets that we asked beside the shop.",
			in("engine", "if err = e.commit(ctx, next, false); err == nil {\n\t\t\treturn next, leave, nil", "if err = e.commit(ctx, next, true); err == nil {\n\t\t\treturn next, leave, nil"), slow("TestRelaySlow")},
		{"relay-forgets-a-claim-beside", "R1", "A claim whose commit said nothing certain is forgotten: the answer can't be committed.",
			in("engine", "\t\t\tclaimed = e.perhapsClaimed(ctx, next)\n", ""), slow("TestRelaySlow")},
		{"relay-shops-again-before-our-first", "R3", "The shop's question hears \"already verified\" because ours beside it was first: the order is given up.",
			in("engine", "if better(o, s) {", "if better(o, s) && false {"), slow("TestRelaySlow")},
		{"relay-our-again-before-the-shops-first", "R3", "Our question beside the shop's hears \"already verified\", and the shop's \"first\" is thrown away.",
			in("engine", "\t\t\tif better(s, o) {\n\t\t\t\treturn give(s, o)\n\t\t\t}\n", ""), slow("TestRelaySlow")},
		{"relay-our-no-ends-the-shops-question", "R3", "Our question beside the shop's hears \"no\" because the shop's own has settled the payment, and the shop hears that.",
			in("engine", "if o.answer.Outcome != payment.OutcomePaid && o.answer.Outcome != payment.OutcomeAgain {", "if false {"), slow("TestRelaySlowDenied")},
		{"relay-slow-answer-thrown-away", "R3", "The answer that comes after our own time-out is thrown away.",
			in("engine", "patience := min(prov.patience(), max(q.ends.Sub(e.now()), prov.Timeout))", "patience := min(prov.Timeout, max(q.ends.Sub(e.now()), prov.Timeout))"), slow("TestRelaySlow")},
		{"relay-waits-for-nobody", "R13", "Calls of shops that have left go on at a gateway that hangs.",
			in("engine", "\t\tstop = context.AfterFunc(caller, cancel)\n", ""), slow("TestRelaySlow")},
		{"relay-reload-goes-on", "R8", "A customer reloads the page while the gateway is slow: the order is credited, and its payment waits for a person.",
			in("handlers", "const pagePatience = engine.PageLimit + 5*time.Second", "const pagePatience = payment.RelayPatience + 5*time.Second"), []Suite{unit("handlers", "TestAReloadOutwaitsThePage"), process("php", "TestRelaySlowPage")}},
		{"relay-customer-leaves-with-the-page", "R8", "A customer closes the tab while the gateway is slow: the order is credited, and its payment waits for a person.",
			in("handlers", "r = r.WithContext(ctx)\n\t\tdefer func() {\n\t\t\tover()", "_ = ctx\n\t\tdefer func() {\n\t\t\tover()"), []Suite{process("php", "TestRelayCustomerLeaves")}},
		{"relay-untaken-page-is-bad", "R8", "What a browser that has left did not take counts as the shop's death.",
			in("handlers", "|| !p.gone)", "|| true)"), []Suite{process("php", "TestRelayCustomerLeaves|TestObservedCustomerLeaves")}},
		{"seen-customer-leaves-with-the-page", "R8", "A customer closes the tab while a shop beside us asks its gateway: nobody sees that it credited.",
			in("handlers", "return page.serve(h, w, r.WithContext(ctx), next)", "_ = ctx\n\treturn page.serve(h, w, r, next)"), []Suite{process("php", "TestObservedCustomerLeaves")}},
		{"relay-leaver-makes-doubt", "R8", "A reload that is broken off makes the page before it doubtful: the order is credited, and its payment waits for a person.",
			in("engine", "\t\t\treturn time.Time{}, ErrLeft\n", ""), []Suite{unit("engine", "TestRelayReloadsThatLeave"), process("php", "TestRelayCustomerLeaves")}},
		{"relay-slow-create-forgotten", "R12", "A shop that hung up on a slow create has a payment that nobody remembers.",
			in("engine", "context.WithTimeout(context.WithoutCancel(caller), prov.patience())", "context.WithTimeout(caller, prov.patience())"), slow("TestRelaySlow")},
		{"shared-relay-binds-nothing", "R5 R7", "Shops share an account through one relay: a payment of one buys in the other.",
			in("handlers", "\th.sharing.Do(h.bindShared)\n", ""), []Suite{unit("handlers", "TestASharedRelay")}},
		{"shared-relay-refuses-strangers", "R8", "A shop that has no site here shares the relay: its customers, redirected by way of a site, are turned away.",
			in("handlers", "if o.shared && h.ofNoSite(rec) {", "if false {"), []Suite{unit("handlers", "TestASharedRelay")}},
		{"shared-relay-unreadable-passes", "R5 R7", "Sixty-five made-up ids before another shop's, or a packed body, and its payment buys here.",
			in("handlers", "(!o.shared || unread == nil) || o.markedInAddress(r)) {", "!o.shared) {"), []Suite{unit("handlers", "TestASharedRelay")}},
		{"shared-relay-unreadable-body-is-ours", "R8", "A page that another shop serves is refused because its body can't be read.",
			in("handlers", "(!o.shared || unread == nil) || o.markedInAddress(r)) {", "true) {"), []Suite{unit("handlers", "TestASharedRelay")}},
		{"shared-relay-knows-one-site", "R5 R7", "The payment of another site is taken for one of no site here, and passes.",
			in("handlers", "return !slices.ContainsFunc(h.sites.all(), func(other *Handler) bool { return other.owns(rec.Site) })", "return !h.owns(rec.Site)"), []Suite{unit("handlers", "TestASharedRelay")}},
	}
}

// plugins lives so many worlds of shops that ask for themselves.
func plugins(seeds int) Suite {
	return Suite{Dir: "engine/simulation", Run: "^TestPlugins$", Args: "-seeds " + strconv.Itoa(seeds)}
}
