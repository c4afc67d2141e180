package zarinpal

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func FuzzReadReturn(f *testing.F) {
	f.Add(sampleID, "OK")
	f.Add("A0000000000000000000000000000wwOGYpd", "NOK")
	f.Add("../x", "\x00")
	p := new(Provider)
	f.Fuzz(func(t *testing.T, authority, status string) {
		m := map[string]string{"Authority": authority, "Status": status}
		c, err := p.ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if c.ID != authority || len(c.ID) != 36 || c.Order != "" || c.Proof != "" || (c.Hint == payment.HintUnpaid) != (status == "NOK") || (c.Hint == payment.HintPaid) != (status == "OK") {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(fixture(f, "verify_answer.json")))
	f.Add(422, []byte(fixture(f, "error.json")))
	f.Add(200, []byte(`{"data":{"status":"VERIFIED","code":100},"errors":[]}`))
	f.Add(400, []byte(`{"data":[],"errors":[{"code":"-۵۱"}]}`))
	f.Add(200, []byte(fixture(f, "unverified_answer.json")))
	p := provider(f, "", 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		for i, a := range []payment.Answer{p.verifyAnswer(r), p.inquiryAnswer(r)} {
			switch a.Outcome {
			case payment.OutcomePaid, payment.OutcomeAgain, payment.OutcomeAwaiting:
				if status != 200 || a.Receipt == nil || a.Err != nil || i == 1 && a.Outcome == payment.OutcomePaid {
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
			if len(a.Code) > wire.MaxCode || a.Receipt != nil && (strings.Trim(a.Receipt.Card, "0123456789*") != "" || a.Receipt.Amount != 0) {
				t.Errorf("%+v", a)
			}
		}
	})
}

// FuzzCreate: a payment is only begun with an id that the return can carry.
func FuzzCreate(f *testing.F) {
	f.Add(200, []byte(fixture(f, "request_answer.json")))
	f.Add(422, []byte(fixture(f, "error.json")))
	f.Add(200, []byte(`{"data":{"code":100,"authority":"CANARY"},"errors":[]}`))
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
		u, err := url.Parse(s.PayURL)
		if err != nil || !checkAuthority(s.ID) || status < 200 || status > 201 || u.Host != "payment.zarinpal.com" {
			t.Errorf("%d %q: %+v, %v", status, body, s, err)
		}
	})
}
