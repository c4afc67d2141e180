package vandar

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
	f.Add(sampleToken, "OK")
	f.Add("۱۲", "FAILED")
	f.Add("../x", "\x00")
	f.Fuzz(func(t *testing.T, token, status string) {
		m := map[string]string{"token": token, "payment_status": status}
		c, err := new(Provider).ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if c.ID != token || !checkToken(token) || c.Order != "" || (c.Hint == payment.HintUnpaid) != (status == "FAILED") {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, payer := range []bool{false, true} {
		f.Add(200, []byte(fixture(f, "verify_answer.json")), payer)
		f.Add(200, []byte(fixture(f, "transaction_answer.json")), payer)
		f.Add(200, []byte(`{"status":2}`), payer)
		f.Add(422, []byte(`{"status":0,"errors":["api_key"]}`), payer)
		f.Add(200, []byte(`{"status":1,"amount":"9000.00","realAmount":"-1","wage":"9e9"}`), payer)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, payer bool) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		p := new(Provider)
		if payer {
			p.Fee = feePayer
		}
		v := p.verifyAnswer(r)
		if v.Outcome == payment.OutcomeAgain && v.Receipt.Amount == 0 {
			v = p.again(v, r)
		}
		for i, a := range []payment.Answer{v, p.transactionAnswer(r)} {
			switch a.Outcome {
			case payment.OutcomePaid, payment.OutcomeAgain, payment.OutcomeAwaiting:
				if status != 200 || a.Receipt == nil || a.Receipt.Amount <= 0 || a.Err != nil || (a.Outcome == payment.OutcomeAwaiting) != (i == 1) {
					t.Errorf("%+v", a)
				}
				if rc := a.Receipt; rc != nil && (rc.Paid < 0 || rc.Fee < 0 || payer && rc.Paid < rc.Amount || !payer && rc.Paid != 0) {
					t.Errorf("%+v", rc)
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

// FuzzCreate: a payment is only begun with a token that the return can carry.
func FuzzCreate(f *testing.F) {
	f.Add(200, []byte(`{"status":1,"token":"CANARY1"}`))
	f.Add(422, []byte(`{"status":0,"errors":["CANARY api_key"]}`))
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
		if !checkToken(s.ID) || status < 200 || status > 201 || s.PayURL != "https://ipg.vandar.io/v4/"+s.ID {
			t.Errorf("%d %q: %+v", status, body, s)
		}
	})
}
