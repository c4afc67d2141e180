package vandar

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// protocol is the document (Vandar, ipg v4).
//
// AnswersOrder is not claimed: factorNumber is there only if the shop sent one at
// create. GivesBack is not claimed either: the document closes the window after 20
// minutes and doesn't say where the money is then.
var protocol = payment.Protocol{
	Name:          "vandar",
	AnswersAmount: true,
	TellsFirst:    true,
	Window:        20 * time.Minute,
	Min:           1_000,
	Params:        []string{paramToken, paramStatus},
	Marks:         []string{paramToken, paramStatus},
}

// Protocol implements [payment.Provider].
func (*Provider) Protocol() payment.Protocol { return protocol }

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "Vandar", "وندار" }
