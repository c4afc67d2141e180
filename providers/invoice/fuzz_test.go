package invoice

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
	f.Add(sampleID)
	f.Add("../x")
	f.Add("۱۲۳")
	p := provider(f, "https://pay.example/x", 0)
	f.Fuzz(func(t *testing.T, key string) {
		c, err := p.ReadReturn(func(string) string { return key })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		// What is let through needs no escaping in a path.
		if c.ID != key || (key != "" && wire.EscapeSegment(key) != key) {
			t.Errorf("%+v, escaped %q", c, wire.EscapeSegment(key))
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"status":1,"amount":50000,"bank_code":"123456"}`))
	f.Add(200, []byte(`{"status":"۰","errorCode":"۲۰۱","errorDescription":"x"}`))
	f.Add(200, []byte(`{"status":1,"invoice_key":"K"}`))
	p := provider(f, "https://pay.example/x", 0)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		a := checkAnswer(r, sampleID)
		switch a.Outcome {
		case payment.OutcomePaid:
			if status != 200 || a.Receipt == nil || a.Receipt.Amount <= 0 || a.Err != nil {
				t.Errorf("%+v", a)
			}
		case payment.OutcomeRefused, payment.OutcomeOperator:
			if r.Object == nil || a.Receipt != nil || status >= 500 {
				t.Errorf("%d: %+v", status, a)
			}
		case payment.OutcomeUnknown:
			if a.Err == nil || a.Receipt != nil {
				t.Errorf("%+v", a)
			}
		case payment.OutcomeBusy:
		default:
			t.Errorf("%+v", a)
		}
		if st, err := p.started(r); (err == nil) != (st.ID != "") || (err == nil && !checkKey(st.ID)) {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// FuzzCreate: a payment is only begun with a key that the return can carry, and
// a browser is only sent to the script's own page.
func FuzzCreate(f *testing.F) {
	f.Add(200, []byte(`{"status":1,"invoice_key":"8c1d43","text":"CANARY"}`))
	f.Add(200, []byte(`{"status":0,"errorCode":102,"errorDescription":"CANARY"}`))
	f.Add(200, []byte(`{"status":"۱","invoice_key":"../x"}`))
	f.Add(500, []byte(`{"status":0,"errorCode":"100"}`))
	p := provider(f, "https://pay.example/x", 0)
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
		if !checkKey(s.ID) || status/100 != 2 || err != nil {
			t.Fatalf("%d %q: %+v, %v", status, body, s, err)
		}
		if id, ok := p.PayPage(u); !ok || id != s.ID {
			t.Errorf("%q is no page of %q: %q", s.PayURL, s.ID, id)
		}
	})
}
