package nextpay

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// A refund's success is −90. 0 is verify's success: it is no refund.
func TestRefundCodes(t *testing.T) {
	for outcome, codes := range map[payment.GiveBackOutcome][]int{
		payment.GiveBackDone:     {-90},
		payment.GiveBackRefused:  {-91, -92, -34, -37, -38, -1, -2, -4},
		payment.GiveBackOperator: {-93, -94, -29, -33, -39, -40},
		payment.GiveBackUnknown:  {0, -3, -24, -25, -49, -42, -72, -999, 1},
	} {
		for _, code := range codes {
			for _, form := range []string{strconv.Itoa(code), `"` + strconv.Itoa(code) + `"`} {
				if g := refundAnswer(respond(200, `{"code":`+form+`}`)); g.Outcome != outcome || (g.Err == nil) != (outcome == payment.GiveBackDone) {
					t.Errorf("%s: %+v", form, g)
				}
			}
		}
	}
	for status, want := range map[int]payment.GiveBackOutcome{500: payment.GiveBackUnknown, 429: payment.GiveBackBusy} {
		if g := refundAnswer(respond(status, `{"code":-90}`)); g.Outcome != want {
			t.Errorf("%d: %+v", status, g)
		}
	}
	if g := new(Provider).Refund(t.Context(), payment.GiveBack{ID: "x", Amount: 10}); !g.Unsent {
		t.Errorf("%+v", g)
	}
}

func respond(status int, body string) wire.Reply {
	now := time.Now()
	return wire.ReadReply(status, http.Header{}, []byte(body), now, now)
}

// The word that makes a refund of it is always there: without it, this is verify.
func TestRefundIsNoVerify(t *testing.T) {
	var sent string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = string(body)
		_, _ = io.WriteString(w, `{"code":-90}`)
	}))
	defer s.Close()
	g := provider(t, s.URL, 0).Refund(t.Context(), payment.GiveBack{ID: query.ID, Amount: query.Amount, Price: query.Amount, Key: "k"})
	if want := "api_key=" + sampleKey + "&trans_id=" + query.ID + "&amount=74250&currency=IRT&refund_request=yes_money_back"; sent != want || g.Outcome != payment.GiveBackDone {
		t.Errorf("sent %s, %+v", sent, g)
	}
}
