package returns_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A return that cannot be genuine gets 400 and costs nothing: no provider is
// asked and nothing is written (INV8, A19–A30).
func TestMalformedReturnsCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay")
	w.start()
	b := harness.NewBrowser(t)
	bill, _ := w.paid("idpay", "101", 50_000, site+"/back")
	id := bill.ID
	good := "status=10&id=" + id + "&order_id=101"
	long := strings.Repeat("a", 1025)
	for name, query := range map[string]string{
		"no id":                        "status=10&order_id=101",
		"no status":                    "order_id=101&id=" + id,
		"no order":                     "status=10&id=" + id,
		"empty id":                     "status=10&order_id=101&id=",
		"id without value":             "status=10&order_id=101&id",
		"A25 two ids":                  good + "&id=" + strings.Repeat("0", 32),
		"A25 two orders":               good + "&order_id=102",
		"A25 two statuses":             good + "&status=7",
		"A26 order.id":                 good + "&order.id=102",
		"A26 order id, plus":           good + "&order+id=102",
		"A26 order id, percent":        good + "&order%20id=102",
		"A26 order[id":                 good + "&order[id=102",
		"A26 order_id[]":               good + "&order_id[]=102",
		"A26 order_id[x]":              good + "&order_id%5Bx%5D=102",
		"A26 the twin alone":           "status=10&id=" + id + "&order.id=101",
		"A20 Persian digits in id":     "status=10&order_id=101&id=" + url.QueryEscape("۱۲۳۴۵۶۷۸"),
		"A20 zero-width in id":         "status=10&order_id=101&id=" + url.QueryEscape(id+"\u200b"),
		"A20 right-to-left mark":       "status=10&order_id=101&id=" + url.QueryEscape("\u200f"+id),
		"A21 NUL in id":                "status=10&order_id=101&id=" + id + "%00",
		"A21 NUL in order":             "status=10&order_id=101%00&id=" + id,
		"A21 CR LF in order":           "status=10&order_id=101%0d%0aX-Payment-Status:%20verified&id=" + id,
		"A21 LF in status":             "status=10%0a&order_id=101&id=" + id,
		"A21 not UTF-8":                "status=10&order_id=%ff%fe&id=" + id,
		"A21 overlong UTF-8":           "status=10&order_id=%c0%ae&id=" + id,
		"A21 half an escape":           "status=10&order_id=101&id=" + id + "%",
		"A21 no escape":                "status=10&order_id=%zz&id=" + id,
		"A21 a long value":             "status=10&order_id=" + long + "&id=" + id,
		"A21 a long id":                "status=10&order_id=101&id=" + long,
		"A19 status 1e1":               "status=1e1&order_id=101&id=" + id,
		"A19 status -1":                "status=-1&order_id=101&id=" + id,
		"A19 status with space":        "status=%2010&order_id=101&id=" + id,
		"A24 path in id":               "status=10&order_id=101&id=../../../etc/passwd",
		"A24 markup in id":             "status=10&order_id=101&id=%3Cscript%3Ealert(1)%3C/script%3E",
		"a reference that is not ours": good + "&payment_ref=AAAAAAAAAAAAAAAAAAAAAA.00000000000000000000000000000000",
		"A29 65 parameters":            good + strings.Repeat("&x=1", 62),
		"an escaped name twice":        good + "&%69d=" + strings.Repeat("0", 32),
	} {
		p := b.Get(site + "/back?" + query)
		if p.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, p.Status)
		}
		if strings.Contains(p.Body, "alert(1)") || strings.Contains(p.Body, id) {
			t.Errorf("%s: the page repeats what was sent", name)
		}
	}
	posts := []struct{ name, query, body, kind string }{
		{"A27 query against body", "?id=" + strings.Repeat("0", 32), good, formType},
		{"A27 twin in the body", "?order.id=102", good, formType},
		{"A27 order in query and body", "?" + good, "order_id=102", formType},
		{"A28 JSON", "", `{"status":"10","id":"` + id + `","order_id":"101"}`, "application/json"},
		{"A28 multipart", "", "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n" + id + "\r\n--b--\r\n", "multipart/form-data; boundary=b"},
		{"A28 text", "", good, "text/plain"},
		{"A28 no type", "", good, ""},
		{"A28 UTF-7", "", good, formType + "; charset=utf-7"},
		{"A28 a type twice", "", good, formType + ", application/json"},
		{"A28 a body beside a good query", "?" + good, "{}", "application/json"},
		{"A29 70 KiB of body", "", good + "&x=" + strings.Repeat("y", 70<<10), formType},
		{"A29 65 in both", "?" + strings.TrimPrefix(strings.Repeat("&x=1", 40), "&"), good + strings.Repeat("&y=1", 23), formType},
	}
	for _, c := range posts {
		p, err := b.Try(http.MethodPost, site+"/back"+c.query, c.body, "Content-Type", c.kind)
		if err != nil || p.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %v", c.name, p.Status, err)
		}
	}
	// More than 64 KiB of query; Caddy may refuse it before we do.
	if p := b.Get(site + "/back?" + good + "&x=" + strings.Repeat("y", 70<<10)); p.Status != 400 && p.Status != 414 && p.Status != 431 {
		t.Errorf("A29 70 KiB of query: status %d", p.Status)
	}
	// A forged or foreign pointer leads nowhere.
	status(t, b.Get(site+"/back?payment_bounce=eyJhbGciOiJub25lIn0.e30."), http.StatusNotFound)
	if n := w.asked(); n != 0 {
		t.Errorf("a provider was asked %d times", n)
	}
	if n := w.writes(site); n != 0 {
		t.Errorf("%d records were written", n)
	}
	if n := len(shop.Seen()); n != 0 {
		t.Errorf("the shop saw %d requests", n)
	}
	if n := strings.Count(w.Log(), "return_malformed"); n < len(posts) {
		t.Errorf("only %d alerts", n)
	}
	// What carries nothing of a return is none: scripts that start and end a
	// payment in one file are asked for the start.
	status(t, b.Get(site+"/back"), http.StatusOK)
	if p, err := b.Try(http.MethodPost, site+"/back", "", "Content-Type", formType); err != nil || p.Status != http.StatusOK {
		t.Errorf("an empty form: status %d, %v", p.Status, err)
	}
	if n := len(shop.Told()); n != 0 {
		t.Errorf("the shop was told of %d payments", n)
	}
	// All that was wrong was the form: as a genuine return it is taken.
	status(t, b.Get(site+"/back?"+good), http.StatusOK)
	if len(shop.Told()) != 1 {
		t.Errorf("the genuine return was delivered %d times", len(shop.Told()))
	}
}

const formType = "application/x-www-form-urlencoded"

// What small scripts do to an address is understood, and equal copies are one.
func TestUnusualReturnsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay")
	w.start()
	b := harness.NewBrowser(t)
	n := 0
	for name, send := range map[string]func(id, order string) harness.Page{
		"equal copies": func(id, order string) harness.Page {
			return b.Get(site + "/back?id=" + id + "&status=10&order_id=" + order + "&id=" + id + "&status=10")
		},
		"equal copies in query and body": func(id, order string) harness.Page {
			return b.Post(site+"/back?wc-api=x&id="+id, url.Values{"id": {id}, "status": {"10"}, "order_id": {order}})
		},
		"64 parameters": func(id, order string) harness.Page {
			return b.Get(site + "/back?id=" + id + "&status=10&order_id=" + order + strings.Repeat("&x=1", 61))
		},
		"Persian digits in status": func(id, order string) harness.Page {
			return b.Get(site + "/back?id=" + id + "&status=" + url.QueryEscape("۱۰") + "&order_id=" + order)
		},
		"semicolons are no separators": func(id, order string) harness.Page {
			return b.Get(site + "/back?x=1;y=0&id=" + id + "&status=10&order_id=" + order)
		},
		"charset": func(id, order string) harness.Page {
			p, err := b.Try(http.MethodPost, site+"/back", "id="+id+"&status=10&order_id="+order, "Content-Type", formType+"; charset=UTF-8")
			if err != nil {
				t.Fatal(err)
			}
			return p
		},
	} {
		n++
		order := "90" + string(rune('0'+n))
		bill, _ := w.paid("idpay", order, 50_000, site+"/back")
		p := send(bill.ID, order)
		if p.Status != http.StatusOK {
			t.Errorf("%s: status %d\n%s", name, p.Status, clip(p.Body))
		}
		if got := w.ledger(bill.ID).Verify.Calls; got != 1 {
			t.Errorf("%s: %d verify calls", name, got)
		}
	}
	for join, callback := range map[string]string{"blind": "/back?wc-api=WC_IDPay&wc_order=5", "amp": "/back?wc-api=WC_IDPay&wc_order=5"} {
		bill := w.made("idpay", "join-"+join, 50_000, site+callback)
		if err := w.box.SetPaymentSettings(bill.ID, sandbox.Settings{Join: join}); err != nil {
			t.Fatal(err)
		}
		ret := w.act(bill.ID, "pay")
		p := come(b, ret)
		if p.Status != http.StatusOK {
			t.Errorf("%s: %s: status %d", join, ret.URL, p.Status)
			continue
		}
		told := shop.Told()
		got, err := url.ParseRequestURI(told[len(told)-1].URI)
		if err != nil {
			t.Fatal(err)
		}
		q := got.Query()
		for name, want := range map[string]string{"wc-api": "WC_IDPay", "wc_order": "5", "id": bill.ID, "order_id": "join-" + join} {
			if q.Get(name) != want {
				t.Errorf("%s: the shop reads %s=%q of %s", join, name, q.Get(name), got)
			}
		}
	}
}
