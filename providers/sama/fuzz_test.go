package sama

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
		if id, ok := wire.UUID(c.ID); c.ID != "" && (!ok || id != c.ID) {
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

// FuzzCreate: a payment is only begun with an id that the return can carry,
// and a browser is only sent to a web address.
func FuzzCreate(f *testing.F) {
	f.Add(200, []byte(`{"data":{"code":100,"authority":"`+sampleID+`"},"errors":[]}`))
	f.Add(201, []byte(`{"data":{"authority":"`+sampleID+`","payment_url":"//evil"},"errors":{}}`))
	f.Add(400, []byte(`{"data":[],"errors":{"code":-9,"message":"CANARY"}}`))
	p := provider(f, "", 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		s, err := p.started(wire.ReadReply(status, http.Header{}, body, now, now))
		if err != nil {
			if !reflect.DeepEqual(s, payment.Started{}) || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%+v, %v", s, err)
			}
			if errors.Is(err, payment.ErrRefused) && (status < 400 || status >= 500) {
				t.Errorf("status %d is taken for a refusal: %v", status, err)
			}
			return
		}
		u, err := url.Parse(s.PayURL)
		if !isAuthority(s.ID) || status < 200 || status > 201 || err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(s.PayURL, "\r\n") {
			t.Errorf("%d %q: %+v, %v", status, body, s, err)
		}
	})
}

func isAuthority(s string) bool { id, ok := wire.UUID(s); return ok && id == s }
