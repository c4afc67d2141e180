package doors

import (
	"encoding/json"
	"strconv"
	"strings"
)

// speech is how a gateway's API and its return are written, as far as a plugin needs it.
type speech struct {
	// id and claim are the return's parameters that name the payment and say whether it
	// is paid; yes and no are what claim says.
	id, claim, yes, no string
	// pay is where the pay pages are, request and verify are the calls' paths.
	pay, request, verify string
	// sendsAmount: a verify says what the order costs, and the gateway compares it.
	sendsAmount bool
}

var speeches = map[string]speech{
	"zarinpal": {"Authority", "Status", "OK", "NOK", "/zarinpal/pg/StartPay/", "/pg/v4/payment/request.json", "/pg/v4/payment/verify.json", true},
	"zibal":    {"trackId", "success", "1", "0", "/zibal/start/", "/v1/request", "/v1/verify", false},
	"idpay3":   {"id", "status", "10", "7", "/idpay/p/ws/", "/v1.1/payment", "/v1.1/payment/verify", false},
}

func (g *plugin) speech() speech { return speeches[g.Provider] }

// creates are the fields of a create.
func (g *plugin) creates(order string, amount int64, back string) map[string]any {
	if g.Provider == "idpay3" {
		return map[string]any{"order_id": order, "amount": amount, "callback": back}
	}
	if g.Provider == "zibal" {
		return map[string]any{"merchant": zibalMerchant, "amount": amount, "callbackUrl": back, "orderId": order}
	}
	return map[string]any{
		"merchant_id": accountID, "amount": amount, "currency": "IRR", "description": "order " + order, "callback_url": back,
		"metadata": map[string]any{"order_id": order},
	}
}

// verifies are the fields of a verify. Zibal's id is a number: a plugin writes what it has
// got as one, where it can.
func (g *plugin) verifies(order, id string) map[string]any {
	if g.Provider == "idpay3" {
		return map[string]any{"id": id, "order_id": order}
	}
	if g.Provider != "zibal" {
		return map[string]any{"merchant_id": accountID, "amount": priceOf(order), "authority": id}
	}
	fields := map[string]any{"merchant": zibalMerchant, "trackId": id}
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		fields["trackId"] = n
	}
	return fields
}

// clean is what a lenient plugin makes of an id: without white space, and where it is a
// number the digits that it begins with, as PHP's intval takes them.
func (g *plugin) clean(id string) string {
	id = strings.Trim(id, " \t\r\n\x00")
	if g.Provider != "zibal" {
		return id
	}
	end := 0
	for end < len(id) && id[end] >= '0' && id[end] <= '9' {
		end++
	}
	return strings.TrimLeft(id[:end], "0")
}

// gatewaySaid is what a plugin reads of an answer: 100 is "first", 101 "already verified".
type gatewaySaid struct {
	ID   string
	Code int
}

func (g *plugin) hears(text []byte) (said gatewaySaid) {
	if g.Provider == "idpay3" {
		var z struct {
			ID     string
			Status json.Number
		}
		_ = json.Unmarshal(text, &z) // of an error there is no status
		code, _ := z.Status.Int64()
		return gatewaySaid{z.ID, int(code)}
	}
	if g.Provider == "zibal" {
		var z struct {
			TrackID json.Number
			Result  int
		}
		_ = json.Unmarshal(text, &z)
		if said.ID, said.Code = z.TrackID.String(), z.Result; said.Code == 201 {
			said.Code = 101
		}
		return said
	}
	var z struct {
		Data struct {
			Authority string
			Code      int
		}
	}
	_ = json.Unmarshal(text, &z) // where there is an error, data is an empty list
	return gatewaySaid{z.Data.Authority, z.Data.Code}
}
