package payment

// Reason says in one word why a payment is in its state. Each has a sentence in both
// languages. Reasons are kept with records and used as labels of metrics, so the set is
// closed.
type Reason string

// Reasons for declined and expired.
const (
	ReasonNotPaid      Reason = "not_paid"       // the provider says that nothing was paid
	ReasonCancelled    Reason = "cancelled"      // cancelled or failed on the bank's page
	ReasonUnknownID    Reason = "unknown_id"     // the provider does not know the id
	ReasonWindowClosed Reason = "window_closed"  // paid, but not verified in time: goes back by itself
	ReasonOrderPaid    Reason = "order_paid"     // this order is paid by another payment
	ReasonReturned     Reason = "money_returned" // the provider says that it gave the money back
	ReasonDismissed    Reason = "dismissed"      // a person decided not to give the order
	ReasonOwed         Reason = "owed"           // a person decided not to give the order, and its money is with the shop
	ReasonUnknownOrder Reason = "unknown_order"  // the shop says that it has no such order
)

// Reasons for what was refused before the provider was asked. A trace of it is kept, so
// that a person finds what a customer reports.
const (
	ReasonUnannounced Reason = "unannounced"        // a return that claims paid, and nothing announced the payment
	ReasonUnusable    Reason = "unusable"           // the shop's announcement can't be used
	ReasonPaidBefore  Reason = "order_paid_before"  // announced for an order that is paid already
	ReasonStray       Reason = "stray_return"       // it looks like a provider's return, and no route takes it
	ReasonForeign     Reason = "another_order"      // the id belongs to another order, site or route
	ReasonCalledPaid  Reason = "shop_says_paid"     // the shop's look-up calls the order of a return paid
	ReasonNoReturn    Reason = "no_return_address"  // announced without a usable return address: nobody asks by itself
	ReasonUnclaimed   Reason = "paid_and_unclaimed" // paid, says the provider, and nobody came back
)

// Reasons for unknown.
const (
	ReasonNoAnswer   Reason = "no_answer"       // time-out, reset, refused connection
	ReasonBadAnswer  Reason = "bad_answer"      // a page of HTML, half a JSON, a 5xx
	ReasonBusy       Reason = "provider_busy"   // 429 or "try later"
	ReasonOperator   Reason = "operator_fault"  // wrong key, unregistered address: the owner can mend it
	ReasonNoAccount  Reason = "no_account"      // begun with an account that no provider block has, so nobody can be asked
	ReasonWaiting    Reason = "waiting"         // recorded, not asked yet (breaker open, lookup unanswered)
	ReasonProcessing Reason = "being_processed" // the provider says that it is still settling
)

// Reasons for review.
const (
	ReasonAmount  Reason = "amount_differs" // the provider's amount is not the expected one
	ReasonTenfold Reason = "rial_toman"     // …by a factor of exactly ten

	// …by a factor of exactly 1,000, and of exactly 10,000.
	ReasonThousandfold    Reason = "factor_1000"
	ReasonTenThousandfold Reason = "factor_10000"

	ReasonOrderDiffers   Reason = "order_differs"     // the receipt is for another order
	ReasonIDDiffers      Reason = "id_differs"        // the receipt is for another id
	ReasonReceiptUsed    Reason = "receipt_used"      // the receipt already paid for something
	ReasonSecondPayment  Reason = "second_payment"    // a second payment of a paid order was captured
	ReasonUnexplained    Reason = "already_verified"  // "already verified" that nothing that we did explains
	ReasonAfterSilence   Reason = "refused_after_gap" // a refusal after an unanswered attempt
	ReasonLate           Reason = "late"              // paid under an expired signed price
	ReasonNeverAnswered  Reason = "never_answered"    // asked for days, never answered
	ReasonBinding        Reason = "binding_differs"   // a parameter of the shop's names another order
	ReasonUnrecognised   Reason = "unrecognised"      // the answer claims success in a form we do not know
	ReasonOldGeneration  Reason = "ledger_lost"       // only a ledger that was lost could tell
	ReasonFee            Reason = "fee_differs"       // more was paid than price and documented fee
	ReasonUnboundReceipt Reason = "unbound"           // nothing binds the receipt to this order

	// ReasonElsewhere: "already verified" at the shop's first ask that we saw.
	ReasonElsewhere Reason = "verified_elsewhere"
)

// Reasons for parked and for deliveries that wait.
const (
	ReasonNoProof     Reason = "no_ack"       // the shop gave no proof that it credited
	ReasonOwnerDied   Reason = "interrupted"  // the delivery was cut off and may have arrived
	ReasonAbsent      Reason = "absent"       // paid, the customer is gone, the site says park
	ReasonNoRoute     Reason = "no_route"     // no site of the running config takes this return
	ReasonUnreachable Reason = "shop_down"    // no connection to the shop was obtained
	ReasonGaveUp      Reason = "gave_up"      // three days without an ack
	ReasonSandbox     Reason = "sandbox_off"  // paid in the sandbox, and the provider is live now
	ReasonGated       Reason = "gated"        // a `require` that this payment does not open keeps it from the shop
	ReasonShopRefused Reason = "shop_refused" // the shop answered that it does not take the payment

	ReasonHeardNoAck   Reason = "heard_no_ack"     // the shop has heard "paid" and gave no sign that it credited
	ReasonTold         Reason = "told_interrupted" // the shop may have heard "paid": the telling was cut off
	ReasonNeedsSession Reason = "needs_session"    // the shop asks for payments only with its customer's session
	ReasonGiveBack     Reason = "give_back_open"   // the shop asked for the money back, and the answer isn't known
)
