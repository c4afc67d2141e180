package zibal

import "github.com/rahgir/caddy-payments/payment"

// protocol is the document (Zibal v1), as far as it is known.
//
// AnswersOrder and ReturnsOrder are not claimed: orderId is there only if the shop
// sent one at create. Window and GivesBack are not claimed either: one description
// says that unverified money goes back, another that there is no time limit. Min is
// the 1,000 rials of the table; the text of code 105 wants more than that.
var protocol = payment.Protocol{
	Name:          "zibal",
	AnswersAmount: true,
	TellsFirst:    true,
	Min:           1_000,
	Params:        []string{paramSuccess, paramTrackID, paramOrderID, paramStatus, paramCard, paramHash},
	Marks:         []string{paramSuccess, paramTrackID}, // all that plugins read
}

// Protocol implements [payment.Provider].
func (*Provider) Protocol() payment.Protocol { return protocol }

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "Zibal", "زیبال" }
