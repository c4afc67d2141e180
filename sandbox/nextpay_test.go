package sandbox

import (
	"net/url"
	"strings"
	"testing"
)

func TestNextPay(t *testing.T) {
	r := newRig(t, Options{})
	ask := func(op string, v url.Values) map[string]any { return r.form("/nextpay/nx/gateway/"+op, v).json(t) }
	code := func(m map[string]any) string { return text(m["code"]) }
	create := url.Values{"api_key": {"k"}, "order_id": {"7"}, "amount": {"5000"}, "callback_uri": {"http://shop.test/r?o=1"}}
	m := ask("token", create)
	id := text(m["trans_id"])
	if code(m) != "-1" || !isUUID(id) {
		t.Fatalf("create: %v", m)
	}
	verify := url.Values{"api_key": {"k"}, "trans_id": {strings.ToUpper(id)}, "amount": {"5000"}}
	with := func(v url.Values, name, value string) url.Values {
		out := url.Values{name: {value}}
		for k, e := range v {
			if k != name {
				out[k] = e
			}
		}
		return out
	}
	page := "/nextpay/nx/gateway/payment/" + id
	if m := ask("verify", verify); code(m) != "-1" {
		t.Errorf("not at the bank yet: %v", m)
	}
	r.do("GET", page, "")
	if m := ask("verify", verify); code(m) != "-3" {
		t.Errorf("at the bank: %v", m)
	}
	r.click(page, "cancel")
	if m := ask("verify", verify); code(m) != "-4" {
		t.Errorf("cancelled: %v", m)
	}
	g := r.click(page, "pay")
	if want := "http://shop.test/r?o=1&trans_id=" + id + "&order_id=7&amount=5000"; g.header.Get("Location") != want {
		t.Errorf("return: %s", g.header.Get("Location"))
	}
	for want, v := range map[string]url.Values{
		"-24": with(verify, "amount", "50000"), "-37": with(verify, "api_key", "other"), "-33": with(verify, "api_key", "wrong"),
		"-20": with(verify, "api_key", ""), "-34": with(verify, "trans_id", "x"), "-21": with(verify, "trans_id", ""), "-22": with(verify, "amount", ""),
	} {
		if m := ask("verify", v); code(m) != want {
			t.Errorf("want %s: %v", want, m)
		}
	}
	if m := ask("verify", with(with(verify, "currency", "IRR"), "amount", "50000")); code(m) != "0" || text(m["amount"]) != "50000" || text(m["order_id"]) != "7" {
		t.Errorf("the first verify, in rials: %v", m)
	}
	if m := ask("verify", verify); code(m) != "-49" {
		t.Errorf("the second verify: %v", m)
	}
	for want, v := range map[string]url.Values{
		"-36": with(create, "order_id", ""), "-23": with(create, "callback_uri", ""), "-32": with(create, "callback_uri", "x"), "-30": with(create, "amount", "99"), "-24": with(create, "amount", "1.5"),
	} {
		if m := ask("token", v); code(m) != want {
			t.Errorf("want %s: %v", want, m)
		}
	}
}

func TestNextPayReverses(t *testing.T) {
	r := newRig(t, Options{})
	m := r.form("/nextpay/nx/gateway/token", url.Values{"api_key": {"k"}, "order_id": {"7"}, "amount": {"5000"}, "callback_uri": {"http://shop.test/"}}).json(t)
	id := text(m["trans_id"])
	r.click("/nextpay/nx/gateway/payment/"+id, "close")
	r.control("POST", "clock", `{"advance":"11m"}`)
	if m := r.form("/nextpay/nx/gateway/verify", url.Values{"api_key": {"k"}, "trans_id": {id}, "amount": {"5000"}}).json(t); text(m["code"]) != "-90" {
		t.Errorf("after the window: %v", m)
	}
	if p := r.payment(id); p.State != StateReversed || p.Amount != 50_000 {
		t.Errorf("%+v", p)
	}
}
