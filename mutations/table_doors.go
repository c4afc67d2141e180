package main

import "strconv"

// doors is the generated world in front of a real Caddy.
func doors(seeds int) Suite {
	return Suite{Dir: "integration/doors", Run: "^TestDoors$", Args: "-seeds " + strconv.Itoa(seeds)}
}

// found are the worlds in which drawn ones found a leak.
var found = Suite{Dir: "integration/doors", Run: "^TestFound$"}

// gating are bugs of the gates, and of what looks like a return.
func gating() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"handlers", old, changed}} }
	by := func(run string) []Suite { return []Suite{process("gates", run), doors(300)} }
	return []Mutant{
		{"form-taken-off-after-the-gates", "A82 A83", "With the network's form behind it every path is another one to the gates and the verify routes, and the plain one to the shop.",
			append(in("forms := h.takeForms(r)\n\tneeds :=", "var forms []form\n\tneeds :="), in("f := &watcher{}\n", "h.takeForms(r)\n\tf := &watcher{}\n")...),
			by("TestNothingIsServedUnpaid|TestNoReturnPassesByItsPath")},
		{"only-the-first-gate-counts", "A83", "The cheap purchase opens what a second gate guards as well.",
			in("passed.add(i)\n\t}\n", "passed.add(i)\n\t\treturn nil, false\n\t}\n"), by("TestGatesAddUp")},
		{"gate-of-one-spelling", "A83", "Paid content is served by every other spelling of its path.",
			in("return q.guarded.takes(r, needsMatcher), nil", "return q.matches(r, needsMatcher)"), by("TestNothingIsServedUnpaid")},
		{"path-info-is-no-gate", "A83", "What follows .php as a path of its own goes past the gate.",
			in(`if at := strings.Index(all[i], ".php/"); at >= 0 {`, `if at := -1; at >= 0 {`), append([]Suite{unit("handlers", "TestWhatARequireTakes")}, by("TestNothingIsServedUnpaid|TestRandom")...)},
		{"pass-goes-round-the-gates", "A83", "A return that is not delivered opens the paid page that its route stands on.",
			in("return t.h.watch(t.w, t.r, t.next, forNobody)", "return t.next.ServeHTTP(t.w, t.r)"), by("TestAPassMeetsTheGates")},
		{"delivery-goes-round-the-gates", "A83", "A cheap payment is handed over on the path of dear content, which answers.",
			in("if page, shut := t.h.ask(t.w, t.r, &passed); page != nil {", "if page, shut := answerer(nil), false; page != nil {"), by("TestADeliveryMeetsTheGates")},
		{"error-routes-go-round-the-gates", "A83", "A page of handle_errors that is a paid file is served with any bad request.",
			in("f.sites, f.unmet = sites, unmet", "_, f.unmet = sites, unmet"), by("TestNothingIsServedUnpaid")},
		{"gate-of-another-shop-speaks", "A83 M11", "A page that a stranger gets at one shop has another shop's name and goods.",
			in("page = needPayment\n", "_ = needPayment\n"), []Suite{found}},
		{"final-look-skipped", "A83", "A rewrite behind the gate leads to what the gate guards.",
			in("f.u.Path == f.seen && !f.h.matched {", "f.u.Path != \"\" {"), by("TestNothingIsServedUnpaid")},
		{"hint-uses-up-the-look", "A83", "After a 103 Early Hints the paid file goes out unlooked at.",
			in("if status >= http.StatusOK || status == http.StatusSwitchingProtocols {\n\t\tf.status = status", "if true {\n\t\tf.status = status"),
			[]Suite{unit("handlers", "TestHintsDoNotUseUpTheLook"), doors(300)}},
		{"refused-answer-leaks", "A83 R12", "What a gate or an announcement refused tells its address and its validators.",
			in("if !outlives(name) {", "if false {"), []Suite{unit("handlers", "TestARefusedAnswer"), doors(300)}},
		{"named-route-without-its-proxy", "R7 R8", "Caddy has dropped the proxy, and its empty answer counts as credited.",
			in("if h.server == nil || len(h.Track)", "if h != nil || len(h.Track)"), []Suite{process("gates", "TestANamedRoute"), doors(300)}},
		{"unrouted-return-is-silent", "R12 A82", "A customer's return that no route takes is a page like any other, and nobody ever verifies it.",
			in("defer h.tellUnrouted(r, came)", "_ = came"), []Suite{process("gates", "TestNoReturnPassesByItsPath"), doors(300)}},
		{"no-store-weakened", "A50", "What the shop forbade every cache to keep, caches may keep.",
			in(`case "no-store", "no-cache",`, `case "no-cache",`), by("TestCachesForgetAVisitorsPage")},
		{"only-cache-control-is-known", "A50", "A CDN that has a header of its own keeps one visitor's page for all.",
			in("if keeping(name) {", "if false {"), by("TestCachesForgetAVisitorsPage")},
		{"where-a-payment-leads-may-be-cached", "A50", "A cache gives the next customer the first one's redirect.",
			in("privately(w.Header(), forNobody)\n\tcaddyhttp.SetVar(r.Context(), routedVar, true)", "caddyhttp.SetVar(r.Context(), routedVar, true)"), []Suite{process("returns", "TestAnswersOfARoute"), doors(300)}},
		{"dropped-answer-leaves-its-headers", "A50", "The page in place of a shop's answer has the answer's length and coding, and its word to caches.",
			in("forget(w.Header(), w.Header()[\"Set-Cookie\"])", "scrub.Response(w.Header())"), []Suite{unit("handlers", "TestADroppedAnswer"), found}},
		{"planted-cookies-count", "M11", "Twenty cookies that anybody plants on http before a buyer's own shut the buyer out of what was paid.",
			in("\t\tif err != nil {\n\t\t\treturn true\n\t\t}\n\t\trank := copiedPurchase", "\t\tif err != nil {\n\t\t\tp = token.Paid{}\n\t\t}\n\t\trank := ownPurchase"), []Suite{unit("handlers", "TestPlantedCookiesShutNoBuyerOut")}},
		{"a-strangers-purchases-go-first", "M11", "A stranger presses Pay twenty times, plants the cookies, and the buyer is shut out of what was paid.",
			in("slices.SortStableFunc(found, func(a, b heldPurchase) int { return a.rank - b.rank })\n", ""), []Suite{unit("handlers", "TestPlantedCookiesShutNoBuyerOut")}},
		{"planted-cookies-hide-payments", "R12", "Cookies that anybody plants make us forget which payments a browser was sent to pay.",
			[]Edit{{"internal/token", "if ours(c.Value) {", "if true {"}}, []Suite{unit("handlers", "TestPlantedCookiesHideNoPendingPayment"), unit("internal/token", "TestPlantedCookiesKeepNoneOut")}},
		{"links-keep-a-prefixs-slashes", "R12", "A page that is asked for as //evil.test/… has a Buy link to evil.test, and a customer comes back to no page.",
			in("came = caddyhttp.CleanPath(came, true)\n", ""), []Suite{unit("handlers", "TestEverySpellingOfAShopsPathLeadsBack|TestLinksStayOnThisHost")}},
		{"gateways-return-is-a-visit", "A77", "IDPay's own track_id becomes the affiliate's, and the sale somebody else's.",
			in("if h.fromProvider(r.URL.RawQuery) {", "if false {"), by("TestAReturnIsNoVisit")},
		{"packed-json-is-not-read", "R11", "A shop that starts payments by JSON and compresses it reports no sale of a customer whose bank returns by POST.",
			in("\t\tfrom, err = gzip.NewReader(from)\n", "\t\terr = io.EOF\n"), []Suite{unit("handlers", "TestAnAnswersLinks"), process("returns", "TestAttributionOfAShop")}},
		{"json-in-pieces-is-not-read", "R11", "Of a JSON answer that is written in pieces only the first is looked at.",
			in("return len(s.body) >= s.whole", "return true"), []Suite{unit("handlers", "TestAnAnswersLinks")}},
		{"request-uri-keeps-the-form", "A82", "PHP still reads the path with the network's form, and finds no page.",
			in("for _, t := range h.Track {\n\t\t\ttrack.Take(original.URL, t.conf.param)\n\t\t}\n", ""), []Suite{unit("handlers", "TestTheForm"), doors(300)}},
	}
}

// placing are bugs in telling which shop a request is for.
func placing() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"handlers", old, changed}} }
	sites := []Suite{unit("app", "TestSitesAreWhatBrowsersName"), doors(300)}
	refused := []Suite{unit("app", "TestShopsThatCannotBeToldApart|TestExpectNone"), doors(300)}
	return []Mutant{
		{"wildcard-is-one-shop", "M11", "All shops under *.example.com share orders, cookies and receipts.",
			in("s := siteAt(p.named(r.Host))", "s := siteAt(origin{scheme: p.scheme, host: p.key(), port: p.port})"), sites},
		{"port-in-host-makes-a-shop", "M11", "A visitor who writes the port is in another shop, with none of what was bought.",
			in("return origin{scheme: scheme, host: p.hosts.shop(name), port: p.port}", "if _, port := splitHost(hostport); port != \"\" {\n\t\treturn origin{scheme: scheme, host: p.hosts.shop(name), port: port}\n\t}\n\treturn origin{scheme: scheme, host: p.hosts.shop(name), port: p.port}"), sites},
		{"last-dot-is-the-same-shop", "M11", "By the name with a last dot a catch-all is the shop that Caddy would not have given the request to.",
			in("name += \".\"\n", "_ = name\n"), append([]Suite{unit("handlers", "TestLastDot")}, sites...)},
		{"audience-is-the-global-address", "M11", "A receipt of one shop is good in all others, since each is for the same audience.",
			in("c := token.ClaimsOf(rec, h.originOf(r))", "aud := h.app.Origin()\n\tif aud == \"\" {\n\t\taud = h.originOf(r)\n\t}\n\tc := token.ClaimsOf(rec, aud)"), []Suite{unit("handlers", "TestMark"), sites[0], doors(300)}},
		{"default-ports-count", "M11", "https://shop.example.com:443 is another shop, and its announced return is refused.",
			in(`if scheme == "https" && port == "443" || scheme == "http" && port == "80" {`, `if port == "" {`), []Suite{unit("handlers", "TestDefaultPorts"), doors(300)}},
		{"nameless-site-takes-money", "M11", "Behind a catch-all whoever writes the Host decides which shop a payment is for.",
			in("case p.hosts.all:\n\t\treturn fmt.Errorf(\"%w: the site on", "case false:\n\t\treturn fmt.Errorf(\"%w: the site on"), refused},
		{"one-address-for-many-shops", "M11", "The second shop's customers are sent to the first, where its receipts are good.",
			in("if len(shops) < 2 {", "if len(shops) < 99 {"), refused},
		{"two-shops-one-place", "M11", "Of two shops on one host the cheap one's purchase opens the dear one's content.",
			in("if one.key != other.key {", "if true {"), refused},
		{"living-name-is-formerly-anothers", "M11", "A shop takes over another's payments by saying that it had its name.",
			in("if i != j && (other.site != nil && other.site.id == o.id()", "if i != j && false && (other.site != nil && other.site.id == o.id()"), refused},
		{"cookies-of-two-paths-are-one", "M11 A49", "Two shops on one host take each other's cookies away.",
			[]Edit{{"internal/token", `return hex.EncodeToString(sum[:4]) + "_"`, `return hex.EncodeToString(sum[:0])`}}, []Suite{unit("internal/token", "Cookie")}},
		{"orders-of-the-sandbox-are-live", "R5 M17", "An order that was tried in the sandbox can't be paid any more.",
			[]Edit{{"payment", `return Key{KeyOrder, [3]string{site, environment, order}}`, `return Key{KeyOrder, [3]string{site, environment[:0], order}}`}}, []Suite{unit("payment", "TestKeys|TestIssuers"), unit("engine", "TestPlayMoney|TestAnOrderIsPaidOnce")}},
	}
}

// handing are bugs in what a hand-over says, and to whom.
func handing() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"handlers", old, changed}} }
	by := func(run string) []Suite { return []Suite{process("returns", run), doors(300)} }
	return []Mutant{
		{"cookie-overrides-the-verified", "M4 A25", "In a PHP without php.ini a cookie named order_id is the order that is credited.",
			in("v.dropCookies(r)\n\tr.Header.Del(\"Idempotency-Key\")", "r.Header.Del(\"Idempotency-Key\")"), by("TestCookiesAreNoParameters")},
		{"cookie-overrides-in-a-pass", "M4 A25", "A return that is passed on brings a cookie which says another order.",
			in("t.v.dropCookies(t.r)\n", ""), []Suite{process("returns", "TestAnswersOfARoute"), doors(300)}},
		{"semicolon-hides-a-name", "M4 A28", "A reader that splits at ; finds an order that nobody verified.",
			[]Edit{{"internal/params", "err = s.guarded.semicolons(src.text[start:end])", "err = nil"}}, []Suite{unit("internal/params", "TestReadersAgree|TestRefused"), doors(300)}},
		{"name-in-other-case-not-seen", "M4 A26", "ORDER_ID is the shop's own to us, and the order to a reader that ignores case.",
			[]Edit{{"internal/params", "key := appendLower(room[:0], f)\n\tif spellings", "key := append(room[:0], f...)\n\tif spellings"}}, []Suite{unit("internal/params", "TestReadersAgree|TestRefused")}},
		{"known-address-counts-for-nothing", "R12 M4", "A shop whose own address has a parameter named id loses every payment.",
			in("return params.ParseKnown(query, body, contentType, v.route.guarded, own)", "return params.ParseKnown(query, body, contentType, v.route.guarded, own[:0])"), by("TestTheShopsOwnParameters")},
		{"provider-before-our-own-word", "R12", "What somebody wrote into a parameter goes before the reference that we signed, and the payment is lost.",
			append(in("if n.rec == nil && err == nil && (claimed.ID", "if err == nil && (claimed.ID"),
				in("case n.rec != nil:\n\t\tclaimed, err = t.known(n.rec, unclear)", "case n.rec != nil && unclear != nil:\n\t\tclaimed, err = t.known(n.rec, unclear)")...), by("TestTheShopsOwnParameters|TestBareReturn")},
		{"known-but-unreadable-is-refused", "R12", "A customer who has paid is told that the return was changed, because something on the way doubled a parameter.",
			in(`if to := t.clean(); to != "" {`, `if to := t.clean(); to != "" && false {`), []Suite{process("returns", "TestAKnownPayment")}},
		{"one-pending-cookie-for-all", "R8 R12", "The second tab's payment takes away what leads to the first one's.",
			in("token.SetCookie(w, familyPending+name,", "token.SetCookie(w, familyPending+\"one\","), by("TestTwoTabs")},
		{"redirect-of-a-shop-proves-to-the-worker", "R14", "The way to the login, or to https, counts as credited.",
			in("return d.rec.Delivery.Via != payment.ViaWorker && d.byUpstream(status)", "return d.byUpstream(status)"), by("TestTheWorkersRequest")},
		{"worker-comes-from-this-machine", "R14", "The shop takes the worker for its own administrator.",
			in("r.RemoteAddr = v.Peer", `r.RemoteAddr = "127.0.0.1:0"`), []Suite{unit("handlers", "TestVisitorIsReplayed")}},
		{"unknown-visitor-comes-from-this-machine", "R14", "A hand-over whose visitor is not known has every right that an address gives.",
			in(`const nobody = "192.0.2.1:0"`, `const nobody = "127.0.0.1:0"`), []Suite{unit("handlers", "TestVisitorIsReplayed")}},
		{"stranger-says-who-the-visitor-was", "R14 A40", "An untrusted X-Forwarded-For is replayed as if a proxy had said it.",
			in("if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {\n\t\tv.For", "if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted || r != nil {\n\t\tv.For"), append([]Suite{unit("handlers", "TestVisitorIsReplayed")}, by("TestTheWorkersRequest")...)},
		{"worker-keeps-the-payers-path", "R14", "Whoever brought a return chose the page that the shop is told on, with all the trust of a verified request.",
			in(`return "/", "", false`, `return came.Path, came.RawPath, true`), []Suite{unit("handlers", "TestHandOverPath"), doors(300)}},
		{"static-page-gets-the-banks-post", "R8", "The worker posts to a page of files, which takes no POST, and parks the payment.",
			in("case v.byRedirect(rec):\n\t\tr.Method = http.MethodGet", "case false:\n\t\tr.Method = http.MethodGet"), []Suite{unit("handlers", "TestTheWorkerGets"), doors(300)}},
		{"second-upstream-is-told", "R7", "Two upstreams have one delivery, and both credit it.",
			in("d.once && !gate && d.told.Load() != nil {", "d.once && !gate && d.told.Load() != nil && false {"), by("TestNoSecondUpstream")},
		{"nobodys-answer-proves", "R7 M2", "An empty 200 at the end of Caddy's own chain counts as credited.",
			in(`return d.rec.Expect.Checkout || fromFile(header)`, `return d.status == 200 || fromFile(header)`), []Suite{process("php", "TestCaddysOwnAnswers"), doors(300)}},
		{"maintenance-counts-as-told", "R8", "A shop that says 503 with Retry-After has its payments parked one by one.",
			in("d.later = status == http.StatusServiceUnavailable", "d.later = false && status == http.StatusServiceUnavailable"), by("TestRefusedAndAway")},
		{"lookup-shows-the-return-key", "A38 A57", "Whoever reads the shop's look-ups signs orders as the shop.",
			in("keys.All(payment.PurposeLookup)[0]", "keys.All(payment.PurposeReturn)[0]"), by("TestExpectLookup")},
	}
}

// admitting are bugs before the money, and of what strangers may cause.
func admitting() []Mutant {
	return []Mutant{
		{"lost-announcement-lets-the-customer-go", "R12 M14", "The customer pays what nobody remembers.",
			[]Edit{{"handlers", `f.refuse(header["Set-Cookie"], func(`, `_ = append(header["Set-Cookie"][:0:0], "")
		_ = answerer(func(`}}, []Suite{process("php", "TestAnnouncement"), process("returns", "TestAnnounce"), doors(300)}},
		{"guard-hears-the-announcement", "R12 M14", "Behind a guard the shop's announcement is for a block that has none of its routes, and whoever never comes back is lost.",
			[]Edit{{"handlers", "for _, b := range append([]*Handler{h}, met(r)...) {\n\t\tif b.Announce", "for _, b := range append([]*Handler{h}, met(r)[:0]...) {\n\t\tif b.Announce"}}, []Suite{unit("handlers", "TestAnAnnouncementIsOf"), found}},
		{"announcement-of-the-first-account", "R12 M14", "Of two accounts at one gateway the first line in the Caddyfile has all that the shop announces: who pays at the other and stays away has paid for nothing.",
			[]Edit{{"handlers", "all = meant(r, all, header)\n\t\tif said", "all = all[:1]\n\t\tif said"}}, []Suite{unit("handlers", "TestAnAnnouncementIsOf"), found}},
		{"unusable-announcement-is-silent", "R12 M14", "A shop whose amounts can't be read loses every payment, and its log says nothing.",
			[]Edit{{"handlers", "h.unusable(ctx, r, a, wrong, sends)\n", ""}}, []Suite{process("php", "TestAnnouncementUnreadable"), process("returns", "TestAnnounce")}},
		{"unannounced-called-foreign", "R12", "The log says \"another order\" of what nothing announced, and its owner looks in the wrong place.",
			[]Edit{{"engine", "Order: a.Order, Reason: payment.ReasonUnannounced,\n\t\tClaims", "Order: a.Order, Reason: payment.ReasonForeign,\n\t\tClaims"}}, []Suite{unit("engine", "TestWhatIsRefused")}},
		{"unannounced-answered-foreign", "R12", "The page's error says \"another order\" of what nothing announced.",
			[]Edit{{"engine", "return Result{Kind: Foreign, Err: ErrUnannounced}", "return Result{Kind: Foreign, Err: ErrForeign}"}}, []Suite{unit("engine", "TestWhatIsRefused|TestAnUnannounced"), process("returns", "TestAnnounce")}},
		{"strange-order-told-to-be-paid", "A51", "A stranger learns from the page which orders are paid.",
			[]Edit{{"handlers", "case engine.OrderPaid:\n\t\tif !res.Bound {", "case engine.OrderPaid:\n\t\tif false {"}}, []Suite{unit("handlers", "TestDeclinedTellsNoStranger"), process("returns", "TestStrangersLearnNothing")}},
		{"overtaken-device-is-let-in", "R6", "Two hundred devices that open at once open what five may.",
			[]Edit{{"engine", "rec, true); !errors.Is(err, payment.ErrConflict) {\n\t\t\treturn rec, err == nil, err", "rec, true); true {\n\t\t\treturn rec, err == nil || errors.Is(err, payment.ErrConflict), nil"}}, []Suite{unit("engine", "TestDevices")}},
		{"counters-scanned", "R13 A60", "Beyond a hundred thousand addresses each new one looks at all others, with the lock held.",
			[]Edit{{"engine/limit", "if looks++; looks == evictLooks {", "if looks++; looks < 0 {"}}, []Suite{unit("engine/limit", "TestCountersAreBoundedAndCheap")}},
		{"turns-are-not-given-back", "R13", "After the first refusal every stranger, and every customer whose return was mistyped, waits a second for an answer.",
			[]Edit{{"handlers", "return func() { <-t.one }", "return func() { _ = t.one }"}}, []Suite{unit("handlers", "TestTurnsFollowEachOther")}},
		{"refusals-go-round-the-turnstile", "R13", "A crowd of strangers who are refused has the processor before customers who pay.",
			[]Edit{{"handlers", "return status == http.StatusTooManyRequests || p.Kind == pages.Malformed", "return status == http.StatusTooManyRequests && p.Kind == pages.Malformed"}}, []Suite{unit("handlers", "TestOnlyRefusalsWaitForTheirTurn")}},
		{"strangers-recorded-without-a-turn", "R13", "Thousands of invented returns are written down before customers who have paid are answered.",
			[]Edit{{"engine", "defer j.ask.Turn.take(ctx)()\n", ""}}, []Suite{unit("engine", "TestStrangersAreRecordedInTurn")}},
		{"presses-without-a-turn", "R13", "A flood of presses of Pay, each as dear as a payment, has the processor before customers who have paid.",
			[]Edit{{"engine", "\tp.Turn.take(ctx)()\n", ""}}, []Suite{unit("engine", "TestAPressOfPayWaitsForItsTurn")}},
		{"presses-of-who-has-left", "R13", "Whoever presses Pay and hangs up has the provider asked, and a payment recorded that nobody pays.",
			[]Edit{{"engine", "\tp.Turn.take(ctx)()\n\tif ctx.Err() != nil {", "\tp.Turn.take(ctx)()\n\tif false {"}}, []Suite{unit("engine", "TestAPressOfPayWaitsForItsTurn")}},
		{"presses-in-the-line-of-returns", "R13", "While strangers' returns are recorded nobody can begin to pay.",
			[]Edit{{"handlers", "p.Client, p.Turn = client(r), processPresses.pass", "p.Client, p.Turn = client(r), processRecords.pass"}}, []Suite{unit("handlers", "TestReturnsAndPressesHaveLines")}},
		{"turns-do-not-look-at-other-programs", "R13", "While the provider's and the shop's programs need the processor, strangers don't rest.",
			[]Edit{{"handlers", "time.Sleep(glance)\n", ""}}, []Suite{unit("handlers", "TestATurnThatDoesNotEnd|TestTurnsFollowEachOther")}},
		{"strays-not-looked-for-in-cookies", "R13", "A return whose id stands in a cookie alone passes a relayed site unseen.",
			[]Edit{{"handlers", "!params.CarriesAny(h.fields, query, cookies)", "!params.CarriesAny(h.fields, query)"}}, []Suite{unit("handlers", "TestBystandersOfARelay")}},
		{"strays-not-looked-for-in-json", "R13", "A return whose id stands in a field's JSON passes a relayed site unseen.",
			[]Edit{{"handlers", "bodyless(r) && !bracketed(query) &&", "bodyless(r) &&"}}, []Suite{unit("handlers", "TestBystandersOfARelay")}},
		{"lookups-without-a-turn", "R13", "Whoever invents order numbers uses up the shop that is asked for them.",
			[]Edit{{"engine", "if j.ask.Asks {\n\t\t\te.binds(j, rec)", "if j.ask.Asks && j.prov.Provider == nil {\n\t\t\te.binds(j, rec)"}}, []Suite{unit("engine", "TestLookupsAreAskedInTurn")}},
		{"id-is-an-oracle", "A51", "From an unpaid claim a stranger learns which ids have a payment.",
			[]Edit{{"engine", "case errors.Is(err, ErrForeign) && a.Claimed.Hint == payment.HintUnpaid:", "case errors.Is(err, ErrForeign) && a.Claimed.Hint == payment.HintUnpaid && a.Ref != \"\":"}}, []Suite{process("returns", "TestNoIDIsAnOracle")}},
		{"checkout-waits-for-its-page", "R8", "A checkout whose page is missing confirms its customers' payments for ever.",
			[]Edit{{"handlers", "if panicked == nil && !d.refused && d.noPage(err) {", "if panicked == nil && d.refused && d.noPage(err) {"}}, []Suite{process("flow", "TestCheckoutWithoutAPage$")}},
		{"visits-without-a-bound", "R13", "Anybody fills the store with visits that nobody made.",
			[]Edit{{"engine/limit", "return l.visits.at(client, now).spend(now, visitRate, visitBurst) == 0", "return l.visits.at(client, now).spend(now, 1e9, 1e9) == 0"}}, []Suite{unit("engine", "TestVisitsAreBounded")}},
		{"full-batch-drops-the-next", "R2 R12", "The change after a full batch is dropped, and its caller hangs for ever.",
			[]Edit{{"storage/badger/commit", "return nil // they stay in the queue", "_ = q.turns.next()\n\t\treturn nil // they stay in the queue"}}, []Suite{unit("storage/badger/commit", "TestEachIsAnsweredOnce")}},
		{"what-does-not-fit-is-dropped", "R2 R12", "A change that is too large for what is left of a transaction is dropped, and its caller hangs for ever.",
			[]Edit{{"storage/badger/commit", "rest = c\n", "rest = nil\n"}}, []Suite{unit("storage/badger/commit", "TestMoreThanATransaction")}},
		{"caller-can-not-leave", "R12", "A disk that hangs holds every announcement and its customer for ever.",
			[]Edit{{"storage/badger/commit", "case <-c.Ctx.Done():\n\t\treturn c.left()", "case <-(chan struct{})(nil):\n\t\treturn c.left()"}}, []Suite{unit("storage/badger", "TestConformance")}},
		{"limits-of-a-reload-not-applied", "R12", "Whoever makes room by `min_free` and reloads still sells nothing.",
			[]Edit{{"storage/badger", "s.disk.Limit(l.minFree)", "_ = l.minFree"}}, []Suite{unit("storage/badger", "TestPoolLimits")}},
	}
}
