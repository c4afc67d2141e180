package zarinpal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Lists implements [payment.Masker].
func (*Provider) Lists(c payment.RelayCall) bool {
	return c.Method == http.MethodPost && strings.TrimSuffix(c.Path, "/") == pathUnverified
}

// listed is a row of the list, as the document has it.
type listed struct {
	Authority string `json:"authority"`
	Amount    int64  `json:"amount"`
	Callback  string `json:"callback_url"`
	Referer   string `json:"referer"`
	Date      string `json:"date"`
}

// Mask implements [payment.Masker]: the payments are rows of the list again, in front,
// because it is newest first.
func (p *Provider) Mask(r payment.RelayReply, unheard []*payment.Record) payment.RelayReply {
	s, ok := open(wire.OfRelay(r))
	if !ok || s.failed() || s.code != codeDone || r.Status != http.StatusOK {
		return r
	}
	there := make(map[string]bool)
	for _, o := range s.data.List("authorities") {
		there[o.Text("authority")] = true
	}
	var whole map[string]json.RawMessage
	var data map[string]json.RawMessage
	var rows []json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf")), &whole) != nil || json.Unmarshal(whole["data"], &data) != nil ||
		len(data["authorities"]) > 0 && json.Unmarshal(data["authorities"], &rows) != nil {
		return r
	}
	var ours []json.RawMessage
	for _, rec := range unheard {
		if there[rec.ID] || !checkAuthority(rec.ID) {
			continue
		}
		row := listed{Authority: rec.ID, Amount: rec.Relay.Number, Callback: rec.Relay.Callback, Date: rec.CreatedAt.In(wire.Tehran).Format(time.DateTime)}
		if row.Amount == 0 {
			row.Amount, _ = p.unit().Of(rec.Price())
		}
		if b, err := json.Marshal(row); err == nil {
			ours = append(ours, b)
		}
	}
	if len(ours) == 0 {
		return r
	}
	var err error
	if data["authorities"], err = json.Marshal(append(ours, rows...)); err != nil {
		return r
	}
	if whole["data"], err = json.Marshal(data); err != nil {
		return r
	}
	out := wire.Say(r.Status, whole)
	out.Type = r.Type
	return out
}
