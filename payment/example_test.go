package payment_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Amounts in a configuration carry their unit; a bare number is rials.
func ExampleParseAmount() {
	for _, written := range []string{"120000toman", "1_200_000rial", "۱۲۰۰۰۰۰", "12.5toman"} {
		amount, err := payment.ParseAmount(written)
		fmt.Println(amount, err != nil)
	}
	// Output:
	// 1200000 false
	// 1200000 false
	// 1200000 false
	// 0 true
}

// A shop signs order and price of the return address that it gives to the provider,
// with the key that `caddy payments keys` prints for the purpose "return".
func ExampleSigned_Sign() {
	signed := payment.Signed{
		Origin: "https://shop.example.com", Route: "/callback", Provider: "idpay",
		Order: "A-1001", Amount: 1_200_000, Expires: time.Unix(1_800_000_000, 0),
	}
	fmt.Println(signed.Sign([]byte(strings.Repeat("0f", 32))))
	// Output:
	// 37bb286aea081e3c4c1bdd0439ebefa8ead300d37f1332f0164e0d6f72da4525
}

// A provider's answer means something only together with what the payment should have
// cost: Decide compares them, and a first answer of less than the price is no payment.
func ExampleDecide() {
	record := &payment.Record{ID: "d2e353189823079e1e4181772cff5292", Order: "A-1001", Expect: payment.Expectation{Amount: 1_200_000, Source: payment.FromIntent}}
	facts := payment.Facts{Terms: payment.Terms{Protocol: payment.Protocol{AnswersOrder: true, AnswersAmount: true, TellsFirst: true}}, Now: time.Unix(1_800_000_000, 0)}
	for _, paid := range []payment.Rials{1_200_000, 120_000} {
		receipt := &payment.Receipt{ID: record.ID, Order: record.Order, Amount: paid}
		verdict := payment.Decide(record, payment.Answer{Outcome: payment.OutcomePaid, Receipt: receipt}, facts)
		fmt.Printf("%d rials: %s %q\n", paid, verdict.Trigger, verdict.Reason)
	}
	// Output:
	// 1200000 rials: confirm ""
	// 120000 rials: doubt "rial_toman"
}
