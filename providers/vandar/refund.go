package vandar

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// businessAPI is the address of Vandar's business API, which gives refunds.
const businessAPI = "https://api.vandar.io"

// refund is its body. Vandar takes a number of a payment once only.
type refund struct {
	Amount payment.Rials `json:"amount"`
	Number string        `json:"payment_number"`
}

// RefundTerms implements [payment.Refunder]: all or a part, without a documented end.
func (p *Provider) RefundTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Partial: true}, p.Business != "" && p.AccessToken != ""
}

// Refund implements [payment.Refunder] (/v3/business/{business}/transaction/{id}/refund).
func (p *Provider) Refund(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	if n, err := strconv.ParseInt(q.Number, 10, 64); err != nil || n <= 0 || q.Amount <= 0 {
		return wire.UnsentGiveBack()
	}
	address := p.business.URL("/v3/business", p.Business, "transaction", q.Number, "refund")
	header := map[string]string{"Authorization": "Bearer " + p.access.Reveal()}
	return refundAnswer(p.PostJSON(ctx, address, refund{q.Amount, q.Key}, header))
}

// refundAnswer reads an answer to a refund. It is pure. A refund that Vandar has
// registered is done: its state in the answer is PENDING.
func refundAnswer(r wire.Reply) payment.GivenBack {
	g := r.GiveBack()
	if !r.Spoke() {
		return g
	}
	about, failed := read(r)
	status, ok := r.Object.Int("status")
	switch {
	case failed && (about == faultKey || r.Status == http.StatusPaymentRequired):
		return wire.Gave(g, payment.GiveBackOperator, "http/"+strconv.Itoa(r.Status))
	case failed && r.Status >= 400 && !r.Object.Has("data"):
		return wire.Gave(g, payment.GiveBackRefused, "http/"+strconv.Itoa(r.Status))
	case failed || !ok || status != statusOK || r.Status != http.StatusOK && r.Status != http.StatusCreated:
		return g
	}
	data, _ := r.Object.Object("data")
	results := data.List("results")
	if len(results) == 0 {
		return g
	}
	for _, result := range results {
		switch state := strings.ToUpper(result.Text("status")); state {
		case "FAILED", "CANCELED", "CANCELLED", "REJECTED":
			return wire.Gave(g, payment.GiveBackUnknown, state) // none is documented: a person looks
		}
	}
	g = wire.Gave(g, payment.GiveBackDone, "status/1")
	g.Number = wire.Reference(results[0].Text("id"))
	return g
}
