package main

// stalling are bugs of shops without a backend: what is sold, for how much, and who finds
// and opens it again.
func stalling() []Mutant {
	in := func(dir, old, changed string) []Edit { return []Edit{{dir, old, changed}} }
	stall := []Suite{process("flow", "TestStall")}
	return []Mutant{
		{"price-of-one-for-all", "R10", "Three pieces are sold for the price of one.",
			in("handlers", "p.Amount = item.SKU, item.titles().In(h.chosenLang(r)), item.Price*payment.Rials(f.pieces)", "p.Amount = item.SKU, item.titles().In(h.chosenLang(r)), item.Price"), stall},
		{"any-quantity", "R13", "A form buys more pieces than are offered.",
			in("handlers", "		if ok && n <= most {\n			f.pieces = n\n		} else {", "		if ok {\n			f.pieces = n\n		} else {"), stall},
		{"old-price-seen-new-price-paid", "R10", "Who opened the page before the price changed pays a price that was never shown.",
			in("handlers", `if seen := form.Get(pages.PriceField); seen != "" && seen != item.Price.String() {`, `if seen := form.Get(pages.PriceField); seen == "never" {`), stall},
		{"broken-catalogue-unseen", "R12", "An edit that can't be read is told to nobody.",
			in("handlers", "	if last := c.conf.stock.wrong.Swap(&text); last != nil && *last == text {", "	if last := c.conf.stock.wrong.Load(); last == nil || *last == text {"), stall},
		{"bare-price-in-a-catalogue", "R10", "A price without its unit is sold at a tenth.",
			in("internal/catalogue", "	rials, err := payment.ParsePrice(plain)", "	rials, err := payment.ParseAmount(plain)"), []Suite{unit("internal/catalogue", "TestBadFiles")}},
		{"two-prices-of-one-sku", "R5", "A link leads to either of two prices.",
			in("internal/catalogue", "if first := r.lines[key]; first > 0 {", "if first := r.lines[key]; first < 0 {"), []Suite{unit("internal/catalogue", "TestBadFiles")}},
		{"receipt-without-the-mobile", "R13", "Whoever has seen an order's number gets its receipt, and the link.",
			in("engine", "subtle.ConstantTimeCompare([]byte(rec.Buyer.Mobile), []byte(q.Mobile)) == 1", `subtle.ConstantTimeCompare([]byte(rec.Buyer.Mobile), []byte(q.Mobile)) >= 0 && rec.Buyer.Mobile != ""`), stall},
		{"receipt-of-what-is-unpaid", "R2", "A payment that was begun opens what it would buy.",
			in("engine", "return rec.Expect.Checkout && rec.State.Captured() && !e.playMoney(rec)", "return rec.Expect.Checkout && !e.playMoney(rec)"), stall},
		{"receipts-unpaced", "R13", "A mobile number is guessed from many addresses.",
			in("engine/limit", "if c.n++; c.n > k.most {", "if c.n++; c.n > 1000*k.most {"), []Suite{unit("engine/limit", "TestLookups")}},
		{"link-takes-the-buyers-place", "R13", "A link opens the content on any number of devices.",
			in("handlers", "h.givePurchase(w, r, keys, rec, anotherDevice)", "h.givePurchase(w, r, keys, rec, token.ShortHash(h.browserID(w, r)))"), stall},
		{"looked-at-links-are-pressed", "R13", "A program that looks at links takes a device's place.",
			in("handlers", "return h.serveLink(w, r, text, false)", "return h.serveLink(w, r, text, true)"), stall},
		{"a-gateway-that-is-down-is-chosen", "R12", "The buyer is offered the gateway that has just failed.",
			in("engine", "return !e.Shared.creates.troubled(provider, e.now()) && ", "return "), stall},
	}
}
