package returns_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A job announces a payment at the admin endpoint: it meets the checks of an announced
// redirect, is on disk when it is answered, and is delivered though nobody comes back.
func TestIntentsByTheAdminEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\nack header\n}\nverify /sama sama {\nexpect intent\n}")
	other, _ := w.plain("verify /back sama {\nexpect intent\n}")
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Payment-Ack", r.Header.Get("X-Payment-Id"))
	})
	w.start()
	name, second := strings.TrimPrefix(site, "http://"), strings.TrimPrefix(other, "http://")
	send := func(body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.Admin+"/payments/intents", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	bill := w.made("idpay", "101", 50_000, site+"/back")
	whole := fmt.Sprintf(`{"site":%q,"provider":"idpay","id":%q,"order":"101","amount":50000,"return":%q}`, name, bill.ID, site+"/back?cart=7")
	for range 2 {
		if code, text := send(whole); code != http.StatusCreated || !strings.Contains(text, `"ref":"`) || strings.Contains(text, "unasked") {
			t.Fatalf("%d %s", code, text)
		}
	}
	for what, c := range map[string]struct {
		body string
		code int
		says string
	}{
		"another amount": {strings.Replace(whole, "50000", "60000", 1), 409, "announced with another order or amount"},
		"another order":  {strings.Replace(whole, `"101"`, `"102"`, 1), 409, "announced with another order or amount"},
		"no amount":      {strings.Replace(whole, `"amount":50000,`, "", 1), 400, "amount is missing"},
		"an amount text": {strings.Replace(whole, "50000", `"50000"`, 1), 400, "JSON"},
		"a fraction":     {strings.Replace(whole, "50000", "50000.5", 1), 400, "JSON"},
		"nothing":        {strings.Replace(whole, "50000", "0", 1), 400, "whole rials above zero"},
		"less":           {strings.Replace(whole, "50000", "-1", 1), 400, "whole rials above zero"},
		"unknown field":  {strings.Replace(whole, "{", `{"colour":1,`, 1), 400, "colour"},
		"no order":       {strings.Replace(whole, `"order":"101"`, `"order":""`, 1), 400, "order is"},
		"a long order":   {strings.Replace(whole, `"order":"101"`, `"order":"`+strings.Repeat("x", 65)+`"`, 1), 400, "order is"},
		"no id":          {strings.Replace(whole, bill.ID, "", 1), 400, "id is"},
		"an odd id":      {strings.Replace(whole, bill.ID, "a b", 1), 400, "id is"},
		"no such site":   {strings.Replace(whole, `"site":"`+name, `"site":"shop.invalid`, 1), 400, "site is"},
		"no site":        {strings.Replace(whole, `"site":"`+name+`",`, "", 1), 201, ""},
		"several sites":  {`{"provider":"sama","id":"K1","order":"1","amount":50000}`, 400, "site is missing"},
		"no provider":    {strings.Replace(whole, `"provider":"idpay",`, "", 1), 400, "provider is missing"},
		"no such one":    {strings.Replace(whole, `"provider":"idpay"`, `"provider":"idpai"`, 1), 400, "did you mean 'idpay'?"},
		"only one":       {`{"site":"` + second + `","id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","order":"9","amount":50000}`, 201, "unasked"},
		"another's path": {strings.Replace(whole, "/back?cart=7", "/elsewhere", 1), 400, "no verify route of idpay takes"},
		"another's host": {strings.Replace(whole, site, "https://evil.example", 1), 400, "no name of this site"},
		"two objects":    {whole + whole, 400, "goes on after"},
		"an empty body":  {"", 400, "amount is missing"},
		"not an object":  {"[]", 400, "JSON"},
	} {
		if code, text := send(c.body); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", what, code, text)
		}
	}
	if code, _ := send(whole, "Content-Type", "text/plain"); code != http.StatusUnsupportedMediaType {
		t.Errorf("a form of any page: %d", code)
	}
	for query, want := range map[string]int{"state=all&order=101": 200, "stat=all": 400, "order=1&order=2": 400, "lang=fa": 200, "colour=1": 400} {
		res, err := http.Get("http://" + w.Admin + "/payments/list?" + query)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want || query == "stat=all" && !strings.Contains(string(text), `\"stat\"; did you mean state?; there are search, from, to, state, site`) {
			t.Errorf("list?%s: %d %s", query, res.StatusCode, text)
		}
	}
	ret := w.act(bill.ID, "pay")
	come(harness.NewBrowser(t), ret, "Accept", "application/xml") // nobody stays
	harness.Wait(t, "it is delivered", 90*time.Second, func() bool { return w.record(bill.ID).State == "delivered" })
	if told := shop.Told(); len(told) != 1 || told[0].Header.Get("X-Payment-Order") != "101" || told[0].Header.Get("X-Payment-Amount-Checked") != "intent" {
		t.Errorf("%+v", told)
	}
}
