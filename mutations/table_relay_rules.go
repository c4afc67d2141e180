package main

// relayingRules are bugs in rules of the relay and of observe that only their own test
// keeps, and in what attackers found.
func relayingRules() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	return []Mutant{
		{"relay-forwards-any-call", "R7", "A call that nobody has read about goes to the gateway with the shop's key.",
			in("handlers/relay", "if kind == payment.RelayUnknown || r.URL.IsAbs() {", "if r.URL.IsAbs() {"), []Suite{unit("handlers/relay", "TestBadInputIsNamed")}},
		{"relay-reads-any-length", "R13", "A stranger's body fills the memory.",
			in("handlers/relay", "http.MaxBytesReader(w, r.Body, maxBody)", "http.MaxBytesReader(w, r.Body, 100*maxBody)"), []Suite{unit("handlers/relay", "TestBadInputIsNamed")}},
		{"relay-calls-itself", "R10", "The DNS server answers with this machine's own address, and every call comes back to us.",
			in("providers/wire", "a.IsUnspecified() || slices.Contains(ours, a) {", "a.IsUnspecified() || slices.Contains(ours[:0], a) {"), []Suite{unit("providers/wire", "TestResolver")}},
		{"relay-replays-all-at-once", "R8", "After an hour without the gateway all returns are made at once, and the shop falls over.",
			in("engine", "if r.running[site] >= replaysAtOnce {", "if r.running[site] >= 1000*replaysAtOnce {"), []Suite{unit("engine", "TestReplaysAreFewAtATime")}},
		{"relay-session-forgotten", "R8", "After a restart returns are made again that the plugin answers only with its customer's session.",
			in("engine", "return err == nil || e.Shared.replays.marked(k)", "return err == nil && false || e.Shared.replays.marked(k)"), []Suite{unit("engine", "TestNeedsSessionSurvives")}},
		{"relay-keeps-answers-for-ever", "R13", "What the gateway said of a customer's card stays in the ledger for years.",
			in("engine", "!ends.IsZero() && !e.now().Before(ends) {\n\t\trec.Relay.Kept", "!ends.IsZero() && false {\n\t\trec.Relay.Kept"), []Suite{unit("engine", "TestRelayKeptForAWeek")}},
		{"observed-refusal-is-a-sale", "R11", "The shop says that it takes no payment, and the affiliate is paid for it.",
			in("engine", "if rec.Observed.Page != payment.PageRefused {", "if true {"), []Suite{unit("engine", "TestObserved")}},
		{"forward-asks-twice", "R3", "The ledger begins to refuse while the gateway settles a payment: the shop hears the second answer, \"again\", and credits nothing.",
			in("engine", "got.given = new(atomic.Bool)", "_ = atomic.Bool{}"), []Suite{unit("engine", "TestForwardedAnswer")}},
		{"forward-gives-first-to-all", "R3", "Five calls ask together while the ledger refuses, and all hear \"first\".",
			in("engine", "!r.given.CompareAndSwap(false, true) {", "r.given.CompareAndSwap(true, true) {"), []Suite{unit("engine", "TestForwardedAnswer")}},
		{"relay-page-never-ends", "R2", "A page ended while the ledger refused: the customer's next one waits for it, proves nothing, and a credited order waits for a person.",
			in("engine", "if !errors.Is(err, payment.ErrConflict) {\n\t\t\te.Shared.pages.put(ref, endedPage{at, said, false}, e.now())\n", "if !errors.Is(err, payment.ErrConflict) {\n"), []Suite{unit("engine", "TestRelayPageThatEnds")}},
		{"relayed-return-from-a-respelt-cookie", "R7", "A PHP without php.ini reads a cheap payment's id from a cookie that spells it with a zero in front.",
			in("handlers", "if !held(rec) && (rec != nil || err == nil) {\n\t\t\t\treturn\n", "if !held(rec) || true {\n\t\t\t\treturn\n"), []Suite{unit("handlers", "TestAnIDAnywhere")}},
		{"relayed-return-in-untyped-json", "R7", "A script decodes php://input, whatever its type, and finds a cheap payment there.",
			in("handlers", "case isJSON, bytes.HasPrefix(text, []byte(\"{\")), bytes.HasPrefix(text, []byte(\"[\")):", "case isJSON:"), []Suite{unit("handlers", "TestBodiesAsShopsReadThem")}},
		{"relayed-return-by-its-id-alone", "R7", "A script at a second address reads nothing but the id: a cheap payment pays a dear order.",
			in("handlers", "why != nil && (!alone || awaited(rec)) {", "why != nil && !alone {"), []Suite{unit("handlers", "TestAPartOfAReturn")}},
		{"relayed-return-of-an-order-unread", "R7", "The gateway returns the order in a parameter that we don't read, and the plugin does.",
			in("handlers", "return o.otherOrder(r, rec, callback, b)", "return nil"), []Suite{unit("handlers", "TestAReturnNamesTheOrder")}},
	}
}
