package sama

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
	f.Add(sampleID, "")
	f.Add("", strings.ToUpper(sampleID))
	f.Add("../x", "۹۴b56de0")
	p := new(Provider)
	f.Fuzz(func(t *testing.T, upper, lower string) {
		m := map[string]string{"Authority": upper, "authority": lower}
		c, err := p.ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if id, ok := authority(c.ID); c.ID != "" && (!ok || id != c.ID) {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(fixture(f, "verify_answer.200.json")))
	f.Add(400, []byte(fixture(f, "error_not_paid.400.json")))
	f.Add(400, []byte(fixture(f, "error_amount_high.400.json")))
	f.Add(401, []byte(fixture(f, "error_token.401.json")))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		a := verifyAnswer(r)
		switch a.Outcome {
		case payment.OutcomePaid, payment.OutcomeAgain:
			if (status != 200 && status != 201) || a.Receipt == nil || a.Err != nil || a.Receipt.Fee < 0 {
				t.Errorf("%+v", a)
			}
		case payment.OutcomeRefused, payment.OutcomeOperator, payment.OutcomeDoubt:
			if r.Object == nil || a.Receipt != nil || status < 400 || status >= 500 {
				t.Errorf("%d: %+v", status, a)
			}
		case payment.OutcomeUnknown:
			if a.Err == nil || a.Receipt != nil {
				t.Errorf("%+v", a)
			}
		}
		if len(a.Code) > wire.MaxCode || (a.Receipt != nil && strings.Trim(a.Receipt.Card, "0123456789*") != "") {
			t.Errorf("%+v", a)
		}
	})
}
