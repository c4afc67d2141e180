package zibal

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func FuzzReadReturn(f *testing.F) {
	f.Add("1", sampleID, "2211", "2")
	f.Add("۰", "۱۲", "x", "-1")
	f.Add("true", "../x", "", "\x00")
	f.Fuzz(func(t *testing.T, success, id, order, status string) {
		m := map[string]string{"success": success, "trackId": id, "orderId": order, "status": status}
		c, err := new(Provider).ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if c.ID != id || !checkTrackID(id) || c.Order != "" || c.Hint == payment.HintUnpaid && payment.ASCIIDigits(success) != "0" {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(fixture(f, "verify_answer.json")))
	f.Add(200, []byte(fixture(f, "inquiry_answer.json")))
	f.Add(200, []byte(`{"result":201}`))
	f.Add(400, []byte(`{"result":"۲۰۲"}`))
	f.Add(500, []byte(`{"statusCode":500}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		v, q := verifyAnswer(r), inquiryAnswer(r)
		answers := []payment.Answer{v, q}
		if v.Outcome == payment.OutcomeAgain {
			answers[0] = again(v, q) // what Verify answers
		}
		for i, a := range answers {
			switch a.Outcome {
			case payment.OutcomePaid, payment.OutcomeAgain, payment.OutcomeAwaiting:
				if status != 200 || a.Receipt == nil || a.Receipt.Amount <= 0 || a.Err != nil || i == 1 && a.Outcome == payment.OutcomePaid {
					t.Errorf("%+v", a)
				}
			case payment.OutcomeUnknown, payment.OutcomeBusy:
				if a.Err == nil || a.Receipt != nil {
					t.Errorf("%+v", a)
				}
			default:
				if r.Object == nil || a.Receipt != nil || status >= 500 {
					t.Errorf("%d: %+v", status, a)
				}
			}
			if len(a.Code) > wire.MaxCode || a.Receipt != nil && strings.Trim(a.Receipt.Card, "0123456789*") != "" {
				t.Errorf("%+v", a)
			}
		}
	})
}

// FuzzCreate: a payment is only begun with an id that the return can carry.
func FuzzCreate(f *testing.F) {
	f.Add(200, []byte(`{"trackId":15966442233311,"result":100}`))
	f.Add(200, []byte(`{"trackId":"CANARY","result":100}`))
	f.Add(400, []byte(`{"result":102,"message":"CANARY"}`))
	p := provider(f, "", 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		s, err := p.started(wire.ReadReply(status, http.Header{}, body, now, now))
		if err != nil {
			if !reflect.DeepEqual(s, payment.Started{}) || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%+v, %v", s, err)
			}
			return
		}
		if !checkTrackID(s.ID) || status < 200 || status > 201 || s.PayURL != "https://gateway.zibal.ir/start/"+s.ID {
			t.Errorf("%d %q: %+v", status, body, s)
		}
	})
}
