package idpay

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
	f.Add("10", sampleID, "101")
	f.Add("۱۰", sampleID, "سفارش ۱")
	f.Add("-1", "../x", "a\x00b")
	p := new(Provider)
	f.Fuzz(func(t *testing.T, status, id, order string) {
		m := map[string]string{"status": status, "id": id, "order_id": order}
		c, err := p.ReadReturn(func(n string) string { return m[n] })
		if err != nil {
			if !errors.Is(err, payment.ErrMalformed) || c != (payment.Claimed{}) {
				t.Errorf("%v, %+v", err, c)
			}
			return
		}
		if c.ID != id || c.Order != order || !checkID(id) || payment.CheckOrder(order) != nil {
			t.Errorf("%+v", c)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(fixture(f, "verify_answer.json")))
	f.Add(406, []byte(fixture(f, "verify_error.json")))
	f.Add(405, []byte(`{"error_code":54}`))
	f.Add(200, []byte("\xef\xbb\xbf{\"status\":\"۱۰۱\",\"payment\":[]}"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		now := time.Unix(1_700_000_000, 0)
		r := wire.ReadReply(status, http.Header{}, body, now, now)
		for _, a := range []payment.Answer{verifyAnswer(r), inquiryAnswer(r)} {
			switch a.Outcome {
			case payment.OutcomePaid, payment.OutcomeAgain:
				if status != 200 || a.Receipt == nil || a.Receipt.Amount <= 0 || a.Receipt.ID == "" || a.Receipt.Number == "" && a.Outcome == payment.OutcomePaid || a.Receipt.Order == "" || a.Err != nil {
					t.Errorf("%+v", a)
				}
			case payment.OutcomeDoubt:
				if r.Object == nil || status >= 500 || a.Receipt != nil && a.Receipt.Number != "" {
					t.Errorf("%d: %+v", status, a)
				}
			case payment.OutcomeRefused, payment.OutcomeClosed, payment.OutcomeOperator, payment.OutcomeOpen:
				if r.Object == nil || a.Receipt != nil || status >= 500 {
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
		}
	})
}

// FuzzCreate: a payment is only begun with an id that the return can carry,
// and a browser is only sent to a web address.
func FuzzCreate(f *testing.F) {
	f.Add(201, []byte(`{"id":"`+sampleID+`","link":"https://idpay.ir/p/ws/`+sampleID+`"}`))
	f.Add(201, []byte(`{"id":"`+sampleID+`","link":"javascript:alert(1)"}`))
	f.Add(403, []byte(`{"error_code":11,"error_message":"CANARY"}`))
	f.Add(406, []byte(`{"error_code":"۳۴","error_message":"CANARY"}`))
	p := provider(f, "", 0, false)
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
		if !checkID(s.ID) || status < 200 || status > 201 || err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(s.PayURL, "\r\n") {
			t.Errorf("%d %q: %+v, %v", status, body, s, err)
		}
	})
}
