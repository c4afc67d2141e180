package sama

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return are not documented. The API mirrors another
// gateway's, which sends Authority and Status; both spellings are taken.
const (
	paramAuthority = "Authority"
	paramLower     = "authority"
	paramStatus    = "Status"
	paramCardHash  = "card_hash"
	paramCardPan   = "card_pan"
)

// protocol is the document (Sama v2). The most that it prints, 50,000,000, stands
// in one sample error and is low for instalments, so that limit is left to Sama,
// which refuses by itself.
var protocol = payment.Protocol{
	Name:        "sama",
	SendsAmount: true,
	TellsFirst:  true,
	Min:         10_000,
	Params:      []string{paramAuthority, paramLower, paramStatus, paramCardHash, paramCardPan},
	Marks:       []string{paramAuthority, paramStatus},
}

// Protocol implements [payment.Provider].
func (*Provider) Protocol() payment.Protocol { return protocol }

// ReadReturn implements [payment.Provider]. It says nothing about paid or not:
// how a return tells is not documented.
func (p *Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	var c payment.Claimed
	for _, name := range []string{paramAuthority, paramLower} {
		v := get(name)
		if v == "" {
			continue
		}
		id, ok := wire.UUID(v)
		if !ok || (c.ID != "" && c.ID != id) {
			return payment.Claimed{}, wire.Malformed(name)
		}
		c.ID = id
	}
	return c, nil
}

// ReturnParams implements [payment.Provider]. The id goes out in both
// spellings, because which one a shop reads is not documented.
func (p *Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramCardHash: "", paramCardPan: ""}
	if r.Receipt != nil {
		params[paramCardPan] = r.Receipt.Card
	}
	if r.ID != "" {
		params[paramAuthority], params[paramLower] = r.ID, r.ID
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.UUID, "an authority, a UUID")
}
