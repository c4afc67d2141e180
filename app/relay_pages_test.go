package app_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// A redirect to a relay's pay page becomes one to the provider's: its customer learns no
// secret path, and is led to no address that only this machine can reach. Every other
// redirect of the shop stays as it is.
func TestNoCustomerIsSentToARelay(t *testing.T) {
	w := newBrought(t)
	w.text += "http://127.0.0.1:" + strconv.Itoa(harness.Port(t)) + " {\n\tpayment_relay\n}\n"
	w.must(w.load())
	const id = "A00000000000000000000000000217885159"
	page := w.boxURL + "/zarinpal/pg/StartPay/" + id
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for from, to := range map[string]string{
		w.site + "/-/pay/secret/zarinpal/pg/StartPay/" + id:                page,
		w.site + "/-/pay/secret/zarinpal/pg/StartPay/" + id + "/ZarinGate": page,
		"/-/pay/secret/zarinpal/pg/StartPay/" + id:                         page,
		"http://127.0.0.1:9180/zarinpal/pg/StartPay/" + id:                 page,
		"http://10.0.0.5:9180/zarinpal/pg/StartPay/" + id:                  page,
		"http://caddy:9180/zarinpal/pg/StartPay/" + id:                     page,
		"https://other.test/-/pay/secret/zarinpal/pg/StartPay/" + id:       "",
		"https://other.test/zarinpal/pg/StartPay/" + id:                    "",
		"http://203.0.113.5/zarinpal/pg/StartPay/" + id:                    "",
		"https://payment.zarinpal.com/pg/StartPay/" + id:                   "",
		"http://127.0.0.1:9180/idpay/p/ws/" + id:                           "",
		w.site + "/-/pay/secret/zarinpal/pg/v4/payment/verify.json":        "",
		w.site + "/-/pay/secret/zarinpal/pg/StartPay/":                     "",
		w.site + "/-/pay/secrets/zarinpal/pg/StartPay/" + id:               "",
		w.site + "/order-received/1":                                       "",
		"javascript:alert(1)":                                              "",
	} {
		w.shop.SetAnswer(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", from)
			rw.WriteHeader(http.StatusFound)
		})
		res, err := client.Get(w.site + "/pay")
		w.must(err)
		_ = res.Body.Close()
		if to == "" {
			to = from
		}
		if got := res.Header.Get("Location"); got != to {
			t.Errorf("%s becomes %s", strings.Replace(from, w.site, "", 1), got)
		}
	}
}
