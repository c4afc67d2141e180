package wire_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// A provider's verify: one call, which is never sent twice, and an answer that is read
// into an outcome. What isn't understood stays what [wire.Reply.Answer] makes of it:
// unknown, never a "no".
func Example() {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"code":"0","amount":120000,"card":"603799******1234"}`)
	}))
	defer gateway.Close()

	config := wire.Config{BaseURL: gateway.URL}
	api, err := config.Base("https://api.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := config.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	reply := client.Do(context.Background(), wire.Call{URL: api.URL("/verify"), Type: wire.JSON, Body: []byte(`{"id":"T-1"}`)})
	answer := reply.Answer()
	if code, ok := reply.Object.Int("code"); reply.Spoke() && ok && code == 0 {
		amount, err := reply.Object.AmountIn("amount", payment.Toman)
		if err != nil {
			fmt.Println(err)
			return
		}
		answer = wire.Settle(answer, payment.OutcomePaid, "", "0")
		answer.Receipt = &payment.Receipt{ID: "T-1", Amount: amount, Card: wire.MaskCard(reply.Object.Text("card"))}
	}
	fmt.Println(answer.Outcome == payment.OutcomePaid, answer.Receipt.Amount, answer.Receipt.Card)
	// Output:
	// true 1200000 603799******1234
}

// A secret prints as REDACTED, however it is printed.
func ExampleNewSecret() {
	key := wire.NewSecret("6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	fmt.Printf("%v %+v %q\n", key, struct{ Key wire.Secret }{key}, key)
	fmt.Println(len(key.Reveal()))
	// Output:
	// REDACTED {Key:REDACTED} REDACTED
	// 36
}
