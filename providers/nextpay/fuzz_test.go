package nextpay

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
	f.Add(sampleID, "7")
	f.Add(strings.ToUpper(sampleID), "")
	f.Add("../x", "۷\x00")
	p := new(Provider)
	f.Fuzz(func(t *testing.T, id, order string) {
		m := map[string]string{paramID: id, paramOrder: order}
		c, err := p.ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if again, ok := wire.UUID(c.ID); !ok || again != c.ID || c.Order != order || c.Hint != payment.HintNone {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(without))
	f.Add(200, []byte(named))
	f.Add(200, []byte(`{"code":-49,"amount":1}`))
	f.Add(400, []byte(`{"code":"-4"}`))
	p := new(Provider)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		a := p.verifyAnswer(wire.ReadReply(status, http.Header{}, body, now, now))
		switch a.Outcome {
		case payment.OutcomePaid:
			if status != 200 || a.Receipt == nil || a.Receipt.Amount <= 0 || a.Receipt.Amount%10 != 0 || a.Code != "0" {
				t.Errorf("%+v", a)
			}
		case payment.OutcomeAgain:
			if a.Receipt == nil || !a.Receipt.Again || a.Receipt.Amount < 0 || a.Code != "-49" {
				t.Errorf("%+v", a)
			}
		case payment.OutcomeUnknown:
			if a.Err == nil || a.Receipt != nil {
				t.Errorf("%+v", a)
			}
		default:
			if a.Receipt != nil || status >= 500 {
				t.Errorf("%d: %+v", status, a)
			}
		}
		if len(a.Code) > wire.MaxCode || (a.Receipt != nil && strings.Trim(a.Receipt.Card, "0123456789*") != "") {
			t.Errorf("%+v", a)
		}
	})
}

// FuzzCreate: a payment is only begun with an id that the return can carry.
func FuzzCreate(f *testing.F) {
	f.Add(200, []byte(`{"code":-1,"trans_id":"`+sampleID+`"}`))
	f.Add(200, []byte(`{"code":-33,"message":"CANARY"}`))
	p := provider(f, "", 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		s, err := p.started(wire.ReadReply(status, http.Header{}, body, now, now))
		if err != nil {
			if !reflect.DeepEqual(s, payment.Started{}) || strings.Contains(err.Error(), "CANARY") || errors.Is(err, payment.ErrRefused) && status >= 500 {
				t.Errorf("%+v, %v", s, err)
			}
			return
		}
		u, err := url.Parse(s.PayURL)
		if id, ok := p.PayPage(u); err != nil || status != 200 || !ok || id != s.ID {
			t.Errorf("%d %q: %+v, %v", status, body, s, err)
		}
	})
}
