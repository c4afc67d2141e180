package payping

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// What a success of reverse looks like is not documented: 200 with an object counts; a cancelled payment (127) may be one that went back.
func TestReverseCodes(t *testing.T) {
	for outcome, codes := range map[payment.GiveBackOutcome][]int{
		payment.GiveBackRefused:  {134, 135, 121, 122},
		payment.GiveBackOperator: {104, 112},
		payment.GiveBackUnknown:  {127, 109, 155, 137, 110, 1},
	} {
		for _, code := range codes {
			body := `{"title":"x","metaData":{"code":` + strconv.Itoa(code) + `}}`
			if g := reverseAnswer(respond(400, body)); g.Outcome != outcome || g.Err == nil || g.Code != strconv.Itoa(code) {
				t.Errorf("%d: %+v", code, g)
			}
			if g := reverseAnswer(respond(200, body)); g.Outcome != payment.GiveBackUnknown {
				t.Errorf("200 %d: %+v", code, g)
			}
		}
	}
	for _, c := range []struct {
		status int
		body   string
		want   payment.GiveBackOutcome
	}{
		{204, "", payment.GiveBackUnknown}, {200, `{}`, payment.GiveBackDone}, {200, `{"amount":5}`, payment.GiveBackDone},
		{200, "", payment.GiveBackUnknown}, {202, `{}`, payment.GiveBackUnknown}, {200, "<html>", payment.GiveBackUnknown},
		{401, `{}`, payment.GiveBackOperator}, {403, `{}`, payment.GiveBackOperator}, {429, `{}`, payment.GiveBackBusy}, {502, `{}`, payment.GiveBackUnknown}, {404, `{}`, payment.GiveBackUnknown},
	} {
		if g := reverseAnswer(respond(c.status, c.body)); g.Outcome != c.want || (g.Err == nil) != (c.want == payment.GiveBackDone) {
			t.Errorf("%d %s: %+v", c.status, c.body, g)
		}
	}
	for _, q := range []payment.GiveBack{{ID: "abc"}, {ID: "abc", Number: "0"}, {ID: "abc", Number: "01"}, {ID: "../x", Number: "5"}} {
		if g := new(Provider).Reverse(t.Context(), q); !g.Unsent {
			t.Errorf("%+v: %+v", q, g)
		}
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}
