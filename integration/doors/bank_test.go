package doors

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/sandbox"
)

// The bank is the sandbox, whose ledger is the truth about who paid what. One
// server serves the worlds one after the other.
type bank struct {
	sb *sandbox.Server
	c  *clock
}

func newBank(c *clock) *bank {
	sb, err := sandbox.New(sandbox.Options{Now: c.Now, PublicURL: theBank})
	if err != nil {
		panic(err)
	}
	return &bank{sb, c}
}

// ServeHTTP answers on the world's clock: a provider's Date header is what
// corrects ours.
func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", b.c.Now().UTC().Format(http.TimeFormat))
	b.sb.ServeHTTP(w, r)
}

// create is what a shop does: it starts a payment at the gateway and gets its id
// and the address of its pay page.
func (b *bank) create(provider, order string, amount int64, callback string) (id, link string, err error) {
	kind, _ := kindOf(provider)
	var req *http.Request
	switch kind {
	case "idpay":
		req = b.post("/idpay/v1.1/payment", map[string]any{"order_id": order, "amount": amount, "callback": callback})
		req.Header.Set("X-Api-Key", apiKey(provider))
	case "sama":
		req = b.post("/sama/api/pg/v2/payment/request.json/", map[string]any{"merchant_id": merchant, "amount": amount, "callback_url": callback, "metadata": map[string]any{"order_id": order}})
	default:
		req = b.post("/"+kind+"/invoice/request", map[string]any{"api_key": apiKey(provider), "amount": amount, "return_url": callback})
	}
	rec := httptest.NewRecorder()
	b.sb.ServeHTTP(rec, req)
	var said struct {
		ID      string `json:"id"`
		Link    string `json:"link"`
		Invoice string `json:"invoice_key"`
		Data    struct {
			Authority string `json:"authority"`
		} `json:"data"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &said); err != nil {
		return "", "", err
	}
	switch {
	case said.ID != "":
		return said.ID, said.Link, nil
	case said.Data.Authority != "":
		return said.Data.Authority, theBank + "/sama/pg/StartPay/" + said.Data.Authority, nil
	case said.Invoice != "":
		return said.Invoice, theBank + "/" + kind + "/invoice/pay/" + said.Invoice, nil
	}
	return "", "", fmt.Errorf("the bank: %s", rec.Body)
}

func (b *bank) post(path string, body map[string]any) *http.Request {
	text, _ := json.Marshal(body)
	req := httptest.NewRequest(http.MethodPost, "http://bank.invalid"+path, strings.NewReader(string(text)))
	req.Header.Set("Content-Type", "application/json")
	req.RemoteAddr = "127.0.0.1:1"
	return req
}

// truth is what the bank knows of a payment.
func (b *bank) truth(id string) (sandbox.Payment, bool) {
	l := b.sb.Ledger("", id, "")
	if len(l.Payments) == 0 {
		return sandbox.Payment{}, false
	}
	return l.Payments[0], true
}

// paid: the customer's money left them for this payment and has not come back.
func (b *bank) paid(id string) bool {
	p, ok := b.truth(id)
	return ok && (p.State == sandbox.StatePaid || p.State == sandbox.StateVerified || p.State == sandbox.StateSettled)
}

// verified: somebody has settled it.
func (b *bank) verified(id string) bool {
	p, ok := b.truth(id)
	return ok && (p.State == sandbox.StateVerified || p.State == sandbox.StateSettled)
}

// idOf is the payment that a pay page is for.
func idOf(link string) string {
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(link, theBank+"/") {
		return ""
	}
	return u.Path[strings.LastIndex(u.Path, "/")+1:]
}
