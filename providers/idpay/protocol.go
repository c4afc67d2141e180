package idpay

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// protocol is the document (IDPay v1.1, /payment and /payment/verify).
var protocol = payment.Protocol{
	Name:         "idpay",
	AnswersOrder: true, AnswersAmount: true, ReturnsOrder: true,
	TellsFirst: true, GivesBack: true,
	Window: 10 * time.Minute,
	Min:    1_000, Max: 500_000_000,
	Params: []string{
		paramStatus, paramTrackID, paramID, paramOrderID,
		paramAmount, paramCard, paramHash, paramDate,
	},
	Marks: []string{paramStatus, paramID, paramOrderID}, // all that plugins read
}

// Protocol implements [payment.Provider].
func (*Provider) Protocol() payment.Protocol { return protocol }

// Offer implements [payment.Offered].
func (*Provider) Offer() payment.Offer {
	return payment.Offer{ClosedEnglish: "reported closed since February 2025", ClosedPersian: "خبر بسته شدنش از اسفند ۱۴۰۳ آمده است"}
}

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "IDPay", "آیدی‌پی" }
