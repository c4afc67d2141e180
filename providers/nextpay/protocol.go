package nextpay

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const protocolName = "nextpay"

// Protocol implements [payment.Provider]. An answer names the order, too, and it is
// compared where it is there; that every answer does is not confirmed, and so not
// said. Neither is that a repeated verify differs from the first, nor that unverified
// money goes back.
func (p *Provider) Protocol() payment.Protocol {
	says := payment.Protocol{
		Name:          protocolName,
		AnswersAmount: true,
		SendsAmount:   true,
		ReturnsOrder:  p.comparesOrder(),
		Window:        10 * time.Minute,
		Params:        []string{paramID, paramOrder, paramAmount, paramCard, paramStatus},
		Marks:         []string{paramID, paramOrder},
	}
	if unit := p.unit(); unit > payment.Rial {
		says.Step = payment.Rials(unit)
	}
	return says
}

func (p *Provider) unit() payment.Unit {
	if p.Unit == unitRial {
		return payment.Rial
	}
	return payment.Toman
}

// currency returns the unit's name on the wire.
func (p *Provider) currency() string {
	if p.unit() == payment.Rial {
		return "IRR"
	}
	return "IRT"
}

func (p *Provider) comparesOrder() bool { return p.CompareOrder != wire.Off }

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "NextPay", "نکست‌پی" }
