package payping

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const protocolName = "payping"

// protocol is the document (PayPing v3). An answer names the order as clientRefId,
// which the document doesn't demand at create: it is compared where it is there, and
// not promised. The greatest amount is left to PayPing: its document has two.
var protocol = payment.Protocol{
	Name:          protocolName,
	AnswersAmount: true, SendsAmount: true,
	TellsFirst: true, ProvesInReturn: true, PostsReturn: true,
	Window: 10 * time.Minute,
	Min:    1_000, Step: payment.Rials(payment.Toman),
	Params: append([]string{paramStatus, paramStatusUpper, paramError, paramData}, flat()...),
	Marks:  []string{paramStatus, paramError, paramData},
}

// Protocol implements [payment.Provider]. The marks are those of the document: a return in
// the older flat form is known on its own route only.
func (p *Provider) Protocol() payment.Protocol {
	says := protocol
	says.ReturnsOrder = p.comparesOrder()
	return says
}

func (p *Provider) comparesOrder() bool { return p.CompareOrder != wire.Off }

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "PayPing", "پی‌پینگ" }
