package zibal

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// platformAPI is the address of Zibal's platform, which gives refunds.
const platformAPI = "https://api.zibal.ir"

// refund is its body; the amount is in rials.
type refund struct {
	TrackID json.Number   `json:"trackId"`
	Account string        `json:"accountId,omitempty"`
	Amount  payment.Rials `json:"amount"`
}

// The results of the platform that are known: 1 is done; 3 and 8 are the token's, 7
// the server's address.
var refundResults = map[int64]payment.GiveBackOutcome{
	1: payment.GiveBackDone,
	3: payment.GiveBackOperator, 8: payment.GiveBackOperator, 7: payment.GiveBackOperator,
}

// RefundTerms implements [payment.Refunder]: all or a part, without a documented end.
func (p *Provider) RefundTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Partial: true}, p.AccessToken != ""
}

// Refund implements [payment.Refunder] (/v1/account/refund). It has no key of ours, so
// that a second call would be a second refund.
func (p *Provider) Refund(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	if !checkTrackID(q.ID) || q.Amount <= 0 {
		return wire.UnsentGiveBack()
	}
	header := map[string]string{"Authorization": "Bearer " + p.access.Reveal()}
	return refundAnswer(p.PostJSON(ctx, p.platform.URL("/v1/account/refund"), refund{json.Number(q.ID), p.Account, q.Amount}, header))
}

// refundAnswer reads an answer to a refund. It is pure.
func refundAnswer(r wire.Reply) payment.GivenBack {
	g := r.GiveBack()
	if !r.Spoke() {
		return g
	}
	if r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden {
		return wire.Gave(g, payment.GiveBackOperator, "http/"+strconv.Itoa(r.Status))
	}
	result, ok := r.Object.Int("result")
	outcome := refundResults[result]
	if !ok || outcome == payment.GiveBackDone && r.Status != http.StatusOK {
		return g
	}
	g = wire.Gave(g, outcome, strconv.FormatInt(result, 10))
	if outcome == payment.GiveBackDone {
		data, _ := r.Object.Object("data")
		g.Number = wire.Reference(data.Text("refundId"))
	}
	return g
}
