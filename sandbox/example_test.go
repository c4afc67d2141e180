package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rahgir/caddy-payments/sandbox"
)

// A test plays shop and customer against a gateway without money: it creates a payment
// as IDPay's document says, presses the bank page's button, verifies, and looks into
// the sandbox's own books.
func Example() {
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(box)
	defer server.Close()

	created := post(server.URL+"/idpay/v1.1/payment", `{"order_id":"A-1001","amount":1200000,"callback":"https://shop.example.com/callback"}`)
	id, _ := created["id"].(string)
	if _, err := box.Act(id, sandbox.ActionPay); err != nil {
		fmt.Println(err)
		return
	}
	verified := post(server.URL+"/idpay/v1.1/payment/verify", fmt.Sprintf(`{"id":%q,"order_id":"A-1001"}`, id))
	fmt.Println("status", verified["status"])

	books := box.Ledger("idpay", id, "")
	fmt.Println("settled", books.Totals.Settled, "rials after", books.Totals.VerifyCalls, "verify call")
	// Output:
	// status 100
	// settled 1200000 rials after 1 verify call
}

func post(address, body string) map[string]any {
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil
	}
	var answer map[string]any
	_ = json.Unmarshal(b, &answer)
	return answer
}
