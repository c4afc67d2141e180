package sandbox

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"testing"
)

func TestInvoice(t *testing.T) {
	r := newRig(t, Options{})
	values := url.Values{"api_key": {"k"}, "amount": {"15000"}, "return_url": {"http://shop.test/r?o=1"}}
	for _, base := range []string{"/24pal/invoice", "/poolam/invoice", "/invoice/invoice", "/invoice"} {
		t.Run(base, func(t *testing.T) {
			m := r.form(base+"/request/", values).json(t)
			key, _ := m["invoice_key"].(string)
			if text(m["status"]) != "1" || key == "" {
				t.Fatalf("create: %v", m)
			}
			check := func(want string) {
				t.Helper()
				for range 2 {
					if g := r.form(base+"/check/"+key, url.Values{"api_key": {"k"}}); g.status != 200 || g.body != want {
						t.Errorf("check: %d %s, want %s", g.status, g.body, want)
					}
				}
			}
			unpaid := `{"status":0,"errorCode":201,"errorDescription":"پرداخت انجام نشده است"}`
			check(unpaid)
			if g := r.do("GET", base+"/pay/"+key, ""); g.status != 200 {
				t.Errorf("pay page: %d", g.status)
			}
			check(unpaid)
			g := r.click(base+"/pay/"+key, "cancel")
			if want := "http://shop.test/r?o=1&invoice_key=" + key + "&status=202"; g.header.Get("Location") != want {
				t.Errorf("cancel: %s", g.header.Get("Location"))
			}
			check(`{"status":0,"errorCode":202,"errorDescription":"پرداخت کنسل شده است یا خطایی در مراحل پرداخت رخ داده است"}`)
			g = r.click(base+"/pay/"+key, "pay")
			if want := "http://shop.test/r?o=1&invoice_key=" + key + "&status=0"; g.header.Get("Location") != want {
				t.Errorf("pay: %s", g.header.Get("Location"))
			}
			p := r.payment(key)
			check(`{"status":1,"amount":15000,"bank_code":"` + p.BankReference + `"}`)
			if p = r.payment(key); p.Settled != 15000 || p.Verify.First != 1 || p.Verify.Again != 1 || p.Verify.Refused != 6 {
				t.Errorf("ledger: %+v", p)
			}
			other := url.Values{"api_key": {"other"}}
			wrong := `{"status":0,"errorCode":200,"errorDescription":"شناسه پرداخت صحیح نیست"}`
			if g := r.form(base+"/check/"+key, other); g.body != wrong {
				t.Errorf("another key: %s", g.body)
			}
		})
	}
	key := r.sb.Ledger("24pal", "", "").Payments[0].ID
	if g := r.form("/invoice/check/"+key, url.Values{"api_key": {"k"}}); text(g.json(t)["errorCode"]) != "200" {
		t.Errorf("24pal's invoice was found at another host: %s", g.body)
	}
}

func TestInvoiceErrors(t *testing.T) {
	r := newRig(t, Options{})
	for _, c := range []struct{ method, body, want string }{
		{"GET", "", `{"status":0,"errorCode":100,"errorDescription":"نوع درخواست باید POST باشد"}`},
		{"POST", "amount=1000&return_url=http://s/", `{"status":0,"errorCode":101,"errorDescription":"api_key ارسال نشده است یا صحیح نیست"}`},
		{"POST", "api_key=invalid&amount=1000", `{"status":0,"errorCode":101,"errorDescription":"api_key ارسال نشده است یا صحیح نیست"}`},
		{"POST", "api_key=k&amount=999", `{"status":0,"errorCode":102,"errorDescription":"مبلغ ارسال نشده است یا کمتر از ۱۰۰۰ ریال است"}`},
		{"POST", "api_key=k", `{"status":0,"errorCode":102,"errorDescription":"مبلغ ارسال نشده است یا کمتر از ۱۰۰۰ ریال است"}`},
		{"POST", "api_key=k&amount=1000", `{"status":0,"errorCode":103,"errorDescription":"آدرس بازگشت ارسال نشده است"}`},
	} {
		r.want(r.do(c.method, "/24pal/invoice/request", c.body, "Content-Type", "application/x-www-form-urlencoded"), 200, c.want)
	}
	r.want(r.do("POST", "/24pal/invoice/request", `{"api_key":"k","amount":1000,"return_url":"http://s/"}`), 200,
		`{"status":0,"errorCode":101,"errorDescription":"api_key ارسال نشده است یا صحیح نیست"}`) // JSON of no type
	r.fault(`{"provider":"24pal","kind":"error","code":"301","count":1}`)
	r.want(r.form("/24pal/invoice/request", nil), 200,
		`{"status":0,"errorCode":301,"errorDescription":"خطایی در برقراری با سرور بانک رخ داده است"}`)
}

func TestInvoiceBodies(t *testing.T) {
	r := newRig(t, Options{})
	var buf bytes.Buffer
	mw := multipart.NewWriter(&buf)
	for k, v := range map[string]string{"api_key": "k", "amount": "1000", "return_url": "http://shop.test/x?a=b&c=d"} {
		mw.WriteField(k, v)
	}
	mw.Close()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct{ name, kind, body string }{
		{"once encoded", form, "api_key=k&amount=1000&return_url=http%3A%2F%2Fshop.test%2Fx%3Fa%3Db%26c%3Dd"},
		{"twice encoded", form, "api_key=k&amount=1000&return_url=http%253A%252F%252Fshop.test%252Fx%253Fa%253Db%2526c%253Dd"},
		{"json", "application/json", `{"api_key":"k","amount":1000,"return_url":"http://shop.test/x?a=b&c=d"}`},
		{"json, encoded", "application/json; charset=utf-8", `{"api_key":"k","amount":"1000","return_url":"http%3A%2F%2Fshop.test%2Fx%3Fa%3Db%26c%3Dd"}`},
		{"multipart", mw.FormDataContentType(), buf.String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := r.do("POST", "/invoice/request", c.body, "Content-Type", c.kind)
			key, _ := g.json(t)["invoice_key"].(string)
			if key == "" {
				t.Fatalf("create: %s", g.body)
			}
			if got := r.payment(key).Callback; got != "http://shop.test/x?a=b&c=d" {
				t.Errorf("callback %s", got)
			}
		})
	}
}

func TestReturnStyles(t *testing.T) {
	fields := object{{"a", "1"}, {"b", "x y"}}
	for _, c := range []struct{ callback, join, want string }{
		{"http://s/p", "", "http://s/p?a=1&b=x+y"},
		{"http://s/p?", "", "http://s/p?a=1&b=x+y"},
		{"http://s/p?q=%20[]&q", "proper", "http://s/p?q=%20[]&q&a=1&b=x+y"},
		{"http://s/p?q=1#top", "", "http://s/p?q=1&a=1&b=x+y#top"},
		{"http://s/p?q=1", "blind", "http://s/p?q=1?a=1&b=x+y"},
		{"http://s/p?q=1", "amp", "http://s/p?q=1&amp;a=1&amp;b=x+y"},
	} {
		if got := appendQuery(c.callback, fields, c.join); got != c.want {
			t.Errorf("%s (%s): got %s, want %s", c.callback, c.join, got, c.want)
		}
	}
	r := newRig(t, Options{Return: "bare"})
	id, _ := r.idpayNew("1", "1000")
	acted, err := r.sb.Act(id, ActionPay)
	if err != nil || acted.Return.URL != "http://shop.test/cb?wc-api=idpay" {
		t.Errorf("bare: %+v %v", acted.Return, err)
	}
}
