package app_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

// Two shops share an account behind a relay that can't tell them apart. Doctor says so also
// after a reload in which neither has created a payment, and until the new configuration
// watches the returns of both, or has such a relay no more.
func TestSharedRelayAfterReload(t *testing.T) {
	w, gate := newRelayed(t)
	const account = "5d3f0d43-0e7a-4c0b-9a52-6f1f5a4f9b11" // no other test's: the process knows who used one
	w.text = strings.ReplaceAll(w.text, harness.APIKey, account)
	gate.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"data":{"code":100,"message":"Success","authority":"A00000000000000000000000000217885159"},"errors":[]}`))
	})
	site, relay := w.text, "http://127.0.0.1:"+strconv.Itoa(harness.Port(t))
	w.text += relay + " {\n\tpayment_relay\n}\n"
	w.must(w.load())
	warned := func() string {
		found := w.app().Doctor(t.Context(), lang.EN)
		i := slices.IndexFunc(found, func(f operate.Finding) bool { return f.Code == "relay_shared" })
		if i < 0 {
			return ""
		}
		return found[i].Text
	}
	for _, shop := range []string{"a.test", "b.test"} {
		body := `{"merchant_id":"` + account + `","amount":50000,"callback_url":"https://` + shop + `/return","description":"order"}`
		res, err := http.Post(relay+"/zarinpal/pg/v4/payment/request.json", "application/json", strings.NewReader(body))
		w.must(err)
		_ = res.Body.Close()
	}
	const both, one = "customers of a.test and b.test return", "customers of b.test return"
	if got := warned(); !strings.Contains(got, both) {
		t.Fatalf("before a reload: %q", got)
	}
	port := ":" + strconv.Itoa(harness.Port(t))
	for _, c := range []struct{ what, text, warns string }{
		{"the same again", w.text + "# changed\nhttp://c.test" + port + " {\n}\n", both},
		{"one is watched", w.text + "http://a.test, http://a.test" + port + " {\n\tpayments {\n\t\tpublic_url https://a.test\n\t}\n}\n", one},
		{"both are watched", w.text + "http://a.test" + port + " {\n\tpayments {\n\t\tpublic_url https://a.test\n\t}\n}\nhttp://b.test" + port + " {\n\tpayments {\n\t\tpublic_url https://b.test\n\t}\n}\n", ""},
		{"as before", w.text, both},
		{"without that relay", site, ""},
	} {
		w.text = c.text
		w.must(w.load())
		if got := warned(); got == "" != (c.warns == "") || !strings.Contains(got, c.warns) {
			t.Errorf("%s: %q", c.what, got)
		}
	}
}
