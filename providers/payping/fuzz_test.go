package payping

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func FuzzReadReturn(f *testing.F) {
	f.Add("1", returned, "", "")
	f.Add("0", `{"paymentRefId":0}`, sampleID, "5")
	f.Add("-1", "", "../x", "۵")
	p := new(Provider)
	f.Fuzz(func(t *testing.T, status, data, code, ref string) {
		m := map[string]string{"status": status, "data": data, "code": code, "refid": ref}
		c, err := p.ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if _, ok := refID(c.Proof); c.Proof != "" && !ok || c.ID != "" && !checkCode(c.ID) || c.Order != "" && !wire.CheckOrder(c.Order) {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(named))
	f.Add(409, []byte(`{"metaData":{"code":110,"message":`+bare+`}}`))
	f.Add(400, []byte(failure("121")))
	f.Add(200, []byte(`{"isPaid":true,"paymentStatus":5}`))
	p := new(Provider)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		for i, a := range []payment.Answer{p.verifyAnswer(r, sampleRef), p.reportAnswer(r)} {
			switch a.Outcome {
			case payment.OutcomePaid, payment.OutcomeAgain, payment.OutcomeAwaiting:
				if a.Receipt == nil || a.Err != nil || i == 0 && (a.Receipt.Amount <= 0 || a.Receipt.Number != "123456789012") || i == 1 && a.Outcome == payment.OutcomePaid {
					t.Errorf("%+v", a)
				}
			default:
				if a.Receipt != nil || a.Outcome == payment.OutcomeUnknown && a.Err == nil {
					t.Errorf("%+v", a)
				}
			}
			if len(a.Code) > wire.MaxCode || (a.Receipt != nil && strings.Trim(a.Receipt.Card, "0123456789*") != "") {
				t.Errorf("%+v", a)
			}
		}
	})
}
