package main

// keeping are bugs of the store and of who opens and closes it.
func keeping() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"storage/badger", old, changed}} }
	suite := []Suite{unit("storage/badger", "TestConformance")}
	return []Mutant{
		{"writes-not-synced", "R1 R2 F03", "What was acknowledged is not on the disk.",
			in(`go func() { synced <- s.journal.Sync() }()`, `synced <- nil`), []Suite{unit("storage/badger", "Synced")}},
		{"version-ignored", "R6 F29", "Of two owners the one that was overtaken wins.",
			in(`if had != rec.Version-1 {`, `if had > rec.Version {`), suite},
		{"key-of-others-taken", "R5 A71", "One receipt pays twice.",
			in(`case !bytes.Equal(holder, k[:]):`, `case false:`), suite},
		{"imported-key-taken", "R5 M6", "A key that was used before this ledger pays again.",
			in(`case len(holder) == 0:
			return nil, nil, &payment.TakenError{Key: key}`, `case len(holder) == 0:
			ws = append(ws, write{Key: uk, Value: k[:]})`), suite},
		{"writer-believes-what-it-wrote", "R5 R6", "The writer goes on from what a refused batch would have left, or from what was there before.",
			in("\t\tt.recent.forget(w.Key)\n", ""), []Suite{unit("storage/badger", "TestRecentIsWhatTheLedgerSays")}},
		{"meta-of-a-failed-batch-kept", "R5", "What a batch has written of the ledger itself is believed although the batch failed.",
			in(`err == nil && !t.meta`, `err == nil`), []Suite{unit("storage/badger", "TestMetaOfAFailedBatch")}},
		{"full-disk-seen-late", "R12", "A disk that has filled up is noticed when the process has died of it.",
			[]Edit{{"storage/badger/disk", `if g.opts.Fastest == 0 || sp.Free <= g.soft {`, `if g.opts.Fastest == 0 {`}}, []Suite{unit("storage/badger/disk", "TestMeasuredWhenItMatters")}},
		{"dedupe-with-a-ttl", "R5", "After a month every receipt is good again.",
			in(`err = txn.Set(w.Key, w.Value)`, `err = txn.SetEntry(bdb.NewEntry(w.Key, w.Value).WithTTL(30 * 24 * time.Hour))`), []Suite{unit("storage/badger", "TTL")}},
		{"money-forgotten", "R5 R2", "A declined record that was captured once is deleted, with its keys.",
			in(`old.Rec.Version != version || old.Money ||`, `old.Rec.Version != version ||`), suite},
		{"lease-outlives-its-process", "R6 F01", "After a crash every payment waits for a lease that nobody holds.",
			in(`return l.Owner == s.owner && l.Until.After(s.Now())`, `return l.Until.After(s.Now())`), suite},
		{"lease-never-ends", "R6 F29", "A claim whose owner hangs is never taken over.",
			in(`return l.Owner == s.owner && l.Until.After(s.Now())`, `return l.Owner == s.owner`), suite},
		{"lease-always-dead", "R6 F28", "Whoever comes second asks as well.",
			in(`return l.Owner == s.owner && l.Until.After(s.Now())`, `return false`), suite},
		{"broken-store-goes-on", "R2 F09", "After a failed sync, what is not on the disk is read as if it were.",
			[]Edit{{"storage/badger/commit", "q.broken.CompareAndSwap(nil, &cause)\n\tq.readers.breakAll(q.brokenErr())\n\tif q.Broke", "q.readers.breakAll(q.brokenErr())\n\tif q.Broke"}}, []Suite{unit("storage/badger", "TestBroken")}},
		{"closed-with-the-first-release", "F12 F16", "A reload closes the store under the payments that run.",
			[]Edit{{"storage/internal/shared", `_, err := p.stores.Delete(name)`, `_, err := p.stores.Delete(name)
		_ = store.Close()`}}, []Suite{unit("storage/badger", "TestPool")}},
		{"restored-ledger-not-noticed", "R4 F51", "A backup that was put back makes old receipts new.",
			in(`case f.version < f.outside.High:`, `case false:`), []Suite{unit("storage/badger", "TestJudge|TestGeneration")}},
		{"loser-told-early", "R5 R6", "A conflict is told before the winner is on the disk.",
			[]Edit{{"storage/badger/commit", `b.told = append(b.told, verdict{c, err})`, `c.answer(err)`}}, []Suite{unit("storage/badger/commit", "TestLoserWaits")}},
		{"lost-entries-not-missed", "F04 F05", "What Badger's log lost is gone without a word.",
			in(`case err == nil && item.Version() >= w.Version:`, `case item != nil || w.Version > 0:`), []Suite{unit("storage/badger", "TestDamage")}},
		{"shortened-journal-not-noticed", "F05", "A journal that ends early vouches for what it never saw.",
			[]Edit{{"storage/badger/journal", `case height > f.Last+1:`, `case false:`}}, []Suite{unit("storage/badger/journal", "TestDoubt")}},
		{"number-of-before-a-power-cut-believed", "R6", "What a person decided is written over by a node that holds a version which is lost.",
			[]Edit{
				{"storage/postgres", `r.version = c.next - 1 AND c.had IN (0, r.writer)`, `r.version = c.next - 1`},
			}, []Suite{unit("storage/postgres", "TestNumberGivenOutAgain")}},
	}
}

// listening are bugs in reading what strangers send.
func listening() []Mutant {
	params := []Suite{unit("internal/params", "TestRe|TestShop")}
	scrub := []Suite{unit("internal/scrub", "")}
	signed := []Suite{unit("payment", "TestReadSigned|FuzzReadSigned")}
	tokens := []Suite{unit("internal/token", "")}
	return []Mutant{
		{"first-and-last-parameter-confused", "M4 A25", "We verify order A, PHP credits order B.",
			[]Edit{{"internal/params", `if parts[i].read != p.read && parts[i].name != "" &&`, `if parts[i].read == "\x00" && parts[i].name != "" &&`}}, also(params, attack("A25"))},
		{"php-folding-ignored", "M4 A26", "order.id becomes order_id behind us.",
			[]Edit{{"internal/params", `if c == ' ' || c == '.' || c == '[' {`, `if c == ' ' || c == '[' {`}}, also(params, attack("A26"))},
		{"arrays-let-through", "A26", "order_id[] overrides order_id in PHP.",
			[]Edit{{"internal/params", `if i := arrayKey(name); i >= 0 {
		name = name[:i]`, `if i := arrayKey(name); false {
		name = name[:i]`}}, also(params, attack("A26"))},
		{"control-characters-in-values", "A21", "A line break in an order becomes a header of its own.",
			[]Edit{{"internal/params", `if r < 0x20 || (r >= 0x7f && r < 0xa0) {`, `if r < 0 {`}}, also(params, attack("A21"))},
		{"only-the-hyphen-form-stripped", "A33", "X_Payment_Status: verified reaches PHP as ours.",
			[]Edit{{"internal/scrub", `for i < len(name) && !alnum(name[i]) {
				i++
			}
			continue`, `if name[i] != '-' {
				return false
			}
			i++
			continue`}}, also(scrub, attack("A33"))},
		{"trailers-kept", "A34", "A trailer brings our header behind the guard's back.",
			[]Edit{{"internal/scrub", `func Trailers(r *http.Request) { r.Trailer = nil }`, `func Trailers(*http.Request) {}`}}, also(scrub, attack("A34"))},
		{"connection-takes-our-headers", "A35", "Connection: X-Payment-Receipt removes the proof on the last hop.",
			[]Edit{{"internal/scrub", `case strings.EqualFold(name, "connection"):`, `case false:`}}, also(scrub, attack("A35"))},
		{"trailer-of-the-answer-kept", "A39", "The shop's own trailers tell a browser about payments.",
			[]Edit{{"internal/scrub", `if Ours(strings.TrimPrefix(name, http.TrailerPrefix)) {`, `if Ours(name) {`}}, also(scrub, attack("A39"))},
		{"short-signature", "A38", "Four bytes are guessed.",
			[]Edit{{"payment", "minDigits = 32", "minDigits = 8"}}, signed},
		{"route-not-signed", "M11", "One site's signature is good at another's route.",
			[]Edit{{"payment", `s.Origin, s.Route, s.Provider,`, `s.Origin, s.Provider, s.Provider,`}}, signed},
		{"amount-with-leading-zeros", "A19", "One price has many spellings, and two programs read two of them.",
			[]Edit{{"payment", `err != nil || s[0] == '0' || len(s) > 18`, `err != nil || s == "0" || len(s) > 18`}}, []Suite{unit("payment", "Amount|Rials")}},
		{"type-of-a-token-ignored", "M16 A38", "A buyer's cookie is a receipt for the shop.",
			[]Edit{{"internal/token", `typ != kd.typ {`, `typ == "-" {`}}, tokens},
		{"key-without-a-purpose", "M11", "The key that the shop has signs cookies, too.",
			[]Edit{{"payment", `"caddy-payments/v1/"+string(p)`, `"caddy-payments/v1/"`}}, []Suite{unit("payment", "TestDerived"), unit("internal/token", "")}},
		{"token-of-another-site", "M11", "Site A's cookie opens site B's paid pages.",
			[]Edit{{"internal/token", "err := k.open(kindPaid, text, &c); err != nil {\n\t\treturn Paid{}, err\n\t}\n\tref, err := pointed(c.Ref, c.Site, sites,",
				"err := k.open(kindPaid, text, &c); err != nil {\n\t\treturn Paid{}, err\n\t}\n\tref, err := pointed(c.Ref, c.Site, []string{c.Site},"}}, tokens},
		{"bounce-is-a-ticket", "A46", "Whoever finds the second hop's address is the customer.",
			[]Edit{{"internal/token", `return nonce != "" && subtle.ConstantTimeCompare([]byte(Hash(nonce)), []byte(b.hash)) == 1`, `return true || nonce != "" && subtle.ConstantTimeCompare([]byte(Hash(nonce)), []byte(b.hash)) == 1`}}, also(tokens, attack("A46"))},
		{"cookie-of-a-sister-host", "A49", "A page of another host plants whose sale it was.",
			[]Edit{{"internal/token", `case v.Path == "" && v.Secure:`, `case v.Path == "" && v.Secure && false:`}}, tokens},
		{"two-spellings-of-a-reference", "A49", "What is blocked under one name works under another.",
			[]Edit{{"payment", `return b, string(again[:]) == string(r)`, `return b, true`}}, []Suite{unit("payment", "Ref")}},
		{"two-prices-in-one-lookup", "M5 A23", "Of two prices the shop's answer is read as the smaller.",
			[]Edit{{"internal/strictjson", "if _, dup := seen[folded]; dup {", "if _, dup := seen[folded]; false && dup {"}}, []Suite{unit("internal/lookup", ""), unit("internal/strictjson", "TestParse")}},
	}
}

// speaking are bugs in talking with providers and networks.
func speaking() []Mutant {
	return []Mutant{
		{"already-verified-read-as-first", "R4", "101 is read as 100.",
			[]Edit{{"providers/idpay", "case statusVerifiedBefore, statusSettled:\n\t\treturn paidAnswer(r.Object, a, status, payment.OutcomeAgain)", "case statusVerifiedBefore, statusSettled:\n\t\treturn paidAnswer(r.Object, a, status, payment.OutcomePaid)"}}, []Suite{unit("providers/idpay", "")}},
		{"another-address-spends-again", "R5 M6", "With another spelling of base_url the issuer changes, and every old receipt is new.",
			[]Edit{{"providers/wire", `t.Issuer = payment.Issuer(protocol, t.Account, t.Environment)`, `t.Issuer = payment.Issuer(protocol, t.Account+api.Identity(), t.Environment)`}}, []Suite{unit("providers/wire", "TestIdentify")}},
		{"signature-without-the-site", "M5", "A sister shop's signature is as good as this one's.",
			[]Edit{{"payment", `"return-v2", s.Origin, s.Route`, `"return-v2", "", s.Route`}}, []Suite{unit("payment", "TestReadSigned|FuzzReadSigned")}},
		{"sandbox-told-as-live", "M17 A12", "A test payment gives goods away.",
			[]Edit{{"providers/wire", `t.Environment = payment.Sandbox`, `t.Environment = payment.Live`}}, []Suite{unit("providers/idpay", ""), unit("providers/wire", "TestOpen")}},
		{"receipt-says-live", "M17 A12", "The helper cannot refuse a test payment: the receipt does not say that it is one.",
			[]Edit{{"internal/token", `Environment:   r.Environment,`, `Environment:   "live",`}}, []Suite{unit("internal/token", ""), process("php", "TestReceiptHelper"), attack("A12")}},
		{"receipt-without-the-provider", "M15", "A shop that dedupes on provider and id drops a genuine payment of another provider with an equal id.",
			[]Edit{{"internal/token", `Provider:      r.Provider,`, ``}}, []Suite{unit("internal/token", ""), process("returns", "TestAnnouncements")}},
		{"refund-window-ignored", "R9", "Money that has gone back is told as \"may be paid again\".",
			[]Edit{{"providers/idpay", `54: {Outcome: payment.OutcomeClosed, Reason: payment.ReasonWindowClosed, Unmade: true}`, `54: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid, Unmade: true}`}}, []Suite{unit("providers/idpay", "")}},
		{"unpaid-return-of-the-script-believed", "R9 M9", "Nothing documents how the script's return says \"not paid\": who paid is turned away.",
			[]Edit{{"providers/invoice", `return payment.Claimed{ID: key}, nil`, `return payment.Claimed{ID: key, Hint: map[bool]payment.Hint{true: payment.HintUnpaid}[get(paramStatus) == "0"]}, nil`}}, []Suite{unit("providers/invoice", "")}},
		{"one-authority-two-receipts", "R5 M6", "The same receipt in capitals is another one.",
			[]Edit{{"providers/wire", `return id.String(), true`, `return s, true`}}, []Suite{unit("providers/sama", "")}},
		{"hash-of-the-card-passed-on", "A57", "A card number is recovered from its hash in milliseconds.",
			[]Edit{{"providers/idpay", `params := map[string]string{paramID: r.ID, paramHash: "", paramCard: ""}`, `params := map[string]string{paramID: r.ID, paramCard: ""}`}}, []Suite{unit("providers/idpay", "")}},
		{"card-not-masked", "A57", "A full card number is kept, logged and shown.",
			[]Edit{{"providers/wire", `return string(lead) + "******" + string(shape[len(shape)-tail:])`, `return string(lead) + string(shape[head:])`}}, []Suite{unit("providers/wire", "")}},
		{"secret-printed", "A57", "A key stands in the log.",
			[]Edit{{"internal/secret", `func (s Secret) Reveal() string {`, `func (s Secret) Reveal() string { //nolint:all
	if s.text != nil && len(*s.text) > 0 {
		_ = redacted
	}`}, {"internal/secret", `func (Secret) String() string { return redacted }`, `func (s Secret) String() string { return s.Reveal() }`}, {"internal/secret", `_, _ = io.WriteString(f, redacted)`, `_, _ = io.WriteString(f, "key")`}}, []Suite{unit("internal/secret", "TestSecret")}},
		{"silence-called-unsent", "R3 R4 F20", "The claim is released on an error, though the provider may have settled it.",
			[]Edit{{"providers/wire", `return Reply{Err: fault(ctx, err, a.connected()), Unsent: a.unsent()}`, `return Reply{Err: fault(ctx, err, a.connected()), Unsent: true}`}}, []Suite{unit("providers/wire", ""), unit("providers/idpay", "TestConformance")}},
		{"question-sent-twice", "R6", "net/http repeats the question on a dying connection.",
			[]Edit{{"providers/wire", `struct{ io.Reader }{bytes.NewReader(call.Body)}`, `bytes.NewReader(call.Body)`},
				{"providers/wire", "req.Header.Set(\"User-Agent\", payment.Agent)\n\tfor name", "req.Header.Set(\"User-Agent\", payment.Agent)\n\treq.Header[\"Idempotency-Key\"] = nil\n\tfor name"}}, []Suite{unit("providers/wire", "TestNoReplay")}},
		{"endless-answers-read", "F22", "One answer of gigabytes ends the process.",
			[]Edit{{"providers/wire", `case len(body) > MaxBody:`, `case false:`}}, []Suite{unit("providers/wire", ""), unit("providers/idpay", "TestConformance")}},
		{"html-taken-for-no", "R3 F22", "A firewall's page with status 404 declines who has paid.",
			[]Edit{{"internal/lookup", `case !isJSON:`, `case !isJSON && res.StatusCode != http.StatusNotFound:`}}, []Suite{unit("internal/lookup", "")}},
		{"conversion-rejected-by-a-firewall", "R11", "A page with status 422 ends a report for good.",
			[]Edit{{"affiliates/hamekar", "if r.Object == nil {\n\t\treturn a", "if false {\n\t\treturn a"}}, []Suite{unit("affiliates/hamekar", "")}},
	}
}

// serving are bugs that only a running Caddy shows.
func serving() []Mutant {
	in := func(old, changed string) []Edit { return []Edit{{"handlers", old, changed}} }
	return []Mutant{
		{"replayed-by-net-http", "R7 M1", "A shop that credits and dies is asked again by the transport.",
			in("} else {\n\t\tunreplayable(r)\n\t}", "} else {\n\t\tr.Method = http.MethodGet\n\t}"), []Suite{process("robust", "TestAShopThatDiesIsNotToldTwice")}},
		{"leaving-browser-cuts-the-shop-off", "R7 M1", "The shop is cut off in the middle of crediting.",
			in("ctx := context.WithoutCancel(t.r.Context())\n\tvar passed", "ctx := t.r.Context()\n\tvar passed"), []Suite{process("robust", "TestDeliveryRunsToItsEnd"), process("php", "TestDeliverOnceBrowserLeaves")}},
		{"headers-of-the-answer-leak", "A39", "The shop's announcement and proof reach the browser.",
			in("if f.refused == nil {\n\t\tscrub.Response(h)\n", "if f.refused == nil {\n"), []Suite{process("returns", "TestAnnouncements|TestGuard")}},
		{"guard-asleep", "A31 A32", "A visitor says \"verified\" and is believed.",
			[]Edit{{"internal/scrub", "case Ours(name):\n\t\t\tdelete(r.Header, name)\n\t\t\tn++", "case Ours(name):\n\t\t\tn++"}}, []Suite{unit("internal/scrub", "TestRequest"), process("returns", "TestGuard"), attack("A31|A32")}},
		{"login-page-taken-for-an-ack", "R7 M2", "Caddy's own redirect counts as credited.",
			in("if code, ok := got.(int); !ok || code != status {\n\t\treturn false", "if code, ok := got.(int); !ok || code != status {\n\t\treturn true"), []Suite{process("php", "TestCaddysOwnAnswers|TestShopBehindALogin")}},
		{"header-without-the-provider", "M15", "The shop is not told which provider's id it is: equal ids of two are one payment.",
			in(`{"X-Payment-Provider", placeholderPrefix + "provider", c.Provider},`, ``), []Suite{process("returns", "TestAnnouncements")}},
		{"announcement-not-read", "M14", "What the shop says of its payment is not heard: nothing binds id, order and price.",
			in(`announces := len(header[headerOrder]) > 0 || len(header[headerAmount]) > 0 || len(header[headerID]) > 0`, `announces := len(header[headerOrder]) < 0`), []Suite{process("returns", "TestAnnouncements")}},
		{"browser-let-go-before-the-intent", "M14", "The customer is sent to pay though the announcement could not be recorded, or before it is.",
			in(`if err := c.h.announced(f.ResponseWriter, f.r, a, wrong, status, header); err != nil {`,
				"go c.h.announced(&discard{header: make(http.Header)}, f.r, a, wrong, status, header.Clone())\n\t\tif err := error(nil); err != nil {"), []Suite{process("returns", "TestAnnouncements")}},
		{"unguarded-site-not-named", "M13", "Another site lets anybody say \"verified\" to the same shop, and nobody is told.",
			in("site, ok := guarded[dial]\n\t\t\t\tif !ok {", "site, ok := guarded[dial]\n\t\t\t\tif !ok || site != \"\" {"), []Suite{process("returns", "TestDoctor")}},
		{"retries-beside-once-not-named", "M1", "A proxy that repeats deliveries runs beside \"deliver once\", and nobody is told.",
			in(`if lb := m.LoadBalancing; once && lb != nil && (`, `if lb := m.LoadBalancing; once && lb != nil && false && (`), []Suite{process("returns", "TestDoctor")}},
		{"sandbox-not-named", "M17", "A sandbox that was left on gives goods away, and nobody is told.",
			[]Edit{{"app", `sandbox := p.Traits().Environment == "sandbox"`, `sandbox := p.Traits().Environment == "-"`}}, []Suite{process("returns", "TestDoctor")}},
		{"store-closed-in-stop", "F12 F16", "A reload closes the ledger under the payments that run.",
			[]Edit{{"app", `	a.halt()
	a.remember()
	if caddy.Exiting() {`, `	a.halt()
	a.remember()
	if a.engine != nil {
		if c, ok := a.engine.Store.(interface{ Close() error }); ok {
			_ = c.Close()
		}
	}
	if caddy.Exiting() {`}}, []Suite{process("robust", "TestReloadDuringVerify|TestReloadsUnderLoad")}},
		{"verified-headers-in-error-routes", "M13 A31", "A page of handle_errors is told \"verified\".",
			append(in("clearVerified(r)\n\tsites := met(r)", "sites := met(r)"), in("scrub.Request(r)\n\tf := newFilter(w)", "f := newFilter(w)")...), []Suite{process("php", "TestErrorRoutes")}},
	}
}
