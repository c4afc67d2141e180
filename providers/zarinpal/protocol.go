package zarinpal

import "github.com/rahgir/caddy-payments/payment"

// The words of the option `unit`.
const (
	unitRial  = "rial"
	unitToman = "toman"
)

// protocol is the document (Zarinpal v4), as far as it goes.
//
// Window is left open: one page says that a payment must be verified "in the set
// time" and names none. GivesBack is not claimed: that page says that the
// money goes back then, an older text of Zarinpal's says that it doesn't. Min
// is the lesser of two that the documents print, 1,000 and 10,000 rials: the
// gateway refuses what it doesn't take by itself.
var protocol = payment.Protocol{
	Name:        "zarinpal",
	SendsAmount: true, ComparesAmount: true,
	TellsFirst: true,
	Min:        1_000, Max: 1_000_000_000,
	Params: []string{paramAuthority, paramStatus},
	Marks:  []string{paramAuthority, paramStatus},
}

// Protocol implements [payment.Provider].
func (p *Provider) Protocol() payment.Protocol {
	says := protocol
	if p.unit() == payment.Toman {
		says.Step = payment.Rials(payment.Toman)
	}
	return says
}

func (p *Provider) unit() payment.Unit {
	if p.Unit == unitToman {
		return payment.Toman
	}
	return payment.Rial
}

// Offer implements [payment.Offered].
func (*Provider) Offer() payment.Offer {
	return payment.Offer{First: true, PluginReturn: "/?wc-api=WC_ZPal"}
}

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "Zarinpal", "زرین‌پال" }
