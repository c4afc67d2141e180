package idpay

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Lists implements [payment.Masker].
func (*Provider) Lists(c payment.RelayCall) bool {
	return c.Method == http.MethodPost && strings.TrimSuffix(c.Path, "/") == "/v1.1/payment/transactions"
}

// Mask implements [payment.Masker]: the payments wait to be verified. A list that the
// shop asked for by state has those that IDPay put there.
func (p *Provider) Mask(r payment.RelayReply, unheard []*payment.Record) payment.RelayReply {
	ours := make(map[string]bool)
	for _, rec := range unheard {
		ours[rec.ID] = true
	}
	var whole map[string]json.RawMessage
	var rows []map[string]json.RawMessage
	if r.Status != http.StatusOK || json.Unmarshal(r.Body, &whole) != nil || json.Unmarshal(whole["records"], &rows) != nil {
		return r
	}
	changed := false
	for _, row := range rows {
		var id string
		if json.Unmarshal(row["id"], &id) != nil || !ours[id] {
			continue
		}
		changed = true
		quote := ""
		if strings.HasPrefix(string(row["status"]), `"`) {
			quote = `"`
		}
		row["status"] = json.RawMessage(quote + strconv.Itoa(statusWaiting) + quote)
		if len(row["verify"]) > 0 {
			row["verify"] = json.RawMessage(`{"date":null}`)
		}
	}
	if !changed {
		return r
	}
	var err error
	if whole["records"], err = json.Marshal(rows); err != nil {
		return r
	}
	out := wire.Say(r.Status, whole)
	out.Type = r.Type
	return out
}
