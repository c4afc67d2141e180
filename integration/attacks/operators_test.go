package attacks_test

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const noOptions = "its options are a form"

// operators: what the people who run it do wrong.
func operators() []attack {
	return []attack{
		{
			id: "A78", name: "configurations_that_are_refused", title: "a key missing, empty or too short, two of one name, a misspelt option", none: noOptions, ours: []string{announced},
			run: func(x *trial) {
				idpay := "\t\tprovider idpay {\n\t\t\tapi_key {env.API_KEY}\n\t\t}\n"
				for say, c := range map[string][2]string{
					"api_key":     {"\t\tprovider idpay {\n\t\t}\n", ""},
					"api_key ":    {"\t\tprovider idpay {\n\t\t\tapi_key {env.NO_SUCH_KEY}\n\t\t}\n", ""},
					"signing_key": {idpay + "\t\tsigning_key only-28-bytes-long-012345678\n", ""},
					"idpay":       {idpay + idpay, ""},
					"api_key  ":   {"\t\tprovider idpay {\n\t\t\tapi_kei {env.API_KEY}\n\t\t}\n", ""},
					"idpay ":      {idpay, "verify /back idpey"},
				} {
					out := x.invalid(say, c[0], c[1])
					x.ours(strings.Contains(out, strings.TrimSpace(say)), "the error does not speak of %s:\n%s", say, out)
				}
			},
		},
		{
			id: "A79", name: "unbound_provider", title: "a provider whose answer names no order, and nothing else that does", none: noOptions, ours: []string{announced},
			run: func(x *trial) {
				for provider, key := range map[string]string{"sama": "merchant_id {env.MERCHANT_ID}", "24pal": "api_key {env.API_KEY}\n\t\t\tused_ids none"} {
					for _, expect := range []string{"", " {\n\t\t\texpect none\n\t\t}"} {
						x.invalid(provider+expect, "\t\tprovider "+provider+" {\n\t\t\t"+key+"\n\t\t}\n", "verify /back "+provider+expect)
					}
				}
			},
		},
		{
			id: "A80", name: "operator_presses_twice", title: "a person decides twice, or two at once", none: "it has no list for a person", ours: []string{announced},
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.fault(sandbox.Fault{Kind: "wrong_amount", Operation: "verify", Payment: id, Count: 1})
				x.come(b, ret)
				x.waitState(id, order, "review")
				ref := x.record(id, order).Ref
				var taken atomic.Int32
				x.all(8, func(int) (harness.Page, error) {
					res, err := http.Post("http://"+x.w.Admin+"/payments/resolve/"+ref, "application/json", strings.NewReader(`{"decision":"accept","by":"test","note":"seen in the panel"}`))
					if err != nil {
						return harness.Page{}, err
					}
					_ = res.Body.Close()
					if res.StatusCode == http.StatusOK {
						taken.Add(1)
					}
					return harness.Page{Status: res.StatusCode}, nil
				})
				x.ends(b, ret, order)
				x.ours(taken.Load() == 1 && x.credited(order) == 1, "taken %d times, credited %d times", taken.Load(), x.credited(order))
			},
		},
	}
}

// invalid has Caddy check a configuration that it must refuse, and returns what
// it says.
func (x *trial) invalid(what, payments, verify string) string {
	x.Helper()
	site := ""
	if verify != "" {
		site = harness.Site(x.T) + " {\n\tpayments {\n\t\t" + verify + "\n\t}\n}\n"
	}
	c := harness.New(x.T, "{\n\tadmin {{admin}}\n\tpayments {\n"+payments+"\t}\n}\n"+site, harness.Environment()...)
	out, err := c.Run("validate", "--config", c.Config(), "--adapter", "caddyfile")
	x.ours(err != nil, "%s was accepted:\n%s", what, out)
	return out
}

// signed is A38 for the shop's own signature, return-v2.
func (x *trial) signed() {
	x.Helper()
	b := x.customer()
	key := harness.ReturnKey(x.T, harness.Secret)
	id, order, ret := x.paid(b, 50_000)
	good := harness.Sign(key, x.site, x.back, x.name, order, 50_000, inAnHour())
	bad := func(change func(string) string) string {
		v := cut(good, "payment_signature")
		v.Set("payment_signature", change(good.Get("payment_signature")))
		return v.Encode()
	}
	for what, query := range map[string]string{
		"stripped": cut(good, "payment_signature").Encode(), "unsigned": "x=1", "empty": bad(func(string) string { return "" }), "cut": bad(func(s string) string { return s[:20] }),
		"capitals": bad(strings.ToUpper), "of another key": harness.Sign(strings.Repeat("0", 64), x.site, x.back, x.name, order, 50_000, inAnHour()).Encode(),
		"of another site":  harness.Sign(key, "http://sister.localhost", x.back, x.name, order, 50_000, inAnHour()).Encode(),
		"of another route": harness.Sign(key, x.site, "/other", x.name, order, 50_000, inAnHour()).Encode(), "of another provider": harness.Sign(key, x.site, x.back, "sama", order, 50_000, inAnHour()).Encode(),
		"for less": strings.Replace(good.Encode(), "payment_amount=50000", "payment_amount=1000", 1),
	} {
		p := x.send(b, &sandbox.Return{Method: http.MethodPost, URL: ret.URL + "&" + query, Form: ret.Form})
		x.ours(p.Status == http.StatusBadRequest || p.Status == http.StatusPaymentRequired, "%s: %d", what, p.Status)
	}
	x.ours(x.truth(id).Verify.Calls == 0 && x.credited(order) == 0, "%+v", x.truth(id).Verify)
	ret.URL += "&" + good.Encode()
	x.ends(b, ret, order)
}
