package returns_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// hour is a moment until which a price may stand.
func hour() time.Time { return time.Now().Add(time.Hour) }

func TestExpectSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain(`verify /back idpay {
	expect signed
}
verify /other idpay {
	expect signed
}
verify /script 24pal {
	expect signed
}`)
	w.start()
	key := harness.ReturnKey(t, harness.Secret)
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	// pay makes and pays a payment whose callback carries these parameters.
	pay := func(t *testing.T, provider, route, order string, amount int64, v url.Values) (string, *sandbox.Return) {
		bill, ret := w.paid(provider, order, amount, site+route+"?"+v.Encode())
		return bill.ID, ret
	}
	asked := func(t *testing.T, id string, want int) {
		t.Helper()
		if n := w.ledger(id).Verify.Calls; n != want {
			t.Errorf("%d verify calls, want %d", n, want)
		}
	}
	t.Run("valid", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "idpay", "/back", "1", 50_000, harness.Sign(key, site, "/back", "idpay", "1", 50_000, later))
		status(t, come(b, ret), http.StatusOK)
		h := shop.Told()[len(shop.Told())-1]
		if h.Header.Get("X-Payment-Amount-Checked") != "signed" || strings.Contains(h.URI, "payment_signature") {
			t.Errorf("%v %s", h.Header, h.URI)
		}
		asked(t, id, 1)
	})
	t.Run("32 digits, and the script", func(t *testing.T) {
		b := harness.NewBrowser(t)
		v := harness.Sign(key, site, "/script", "24pal", "2", 50_000, later)
		v.Set("payment_signature", v.Get("payment_signature")[:32])
		_, ret := pay(t, "24pal", "/script", "", 50_000, v)
		status(t, come(b, ret), http.StatusOK)
	})
	t.Run("A16 the cart grew", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "idpay", "/back", "3", 50_000, harness.Sign(key, site, "/back", "idpay", "3", 9_000_000, later))
		status(t, come(b, ret), http.StatusConflict)
		if r := w.record(id); r.State != "review" || r.Reason != "amount_differs" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("M10 intact but expired, and paid", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "idpay", "/back", "4", 50_000, harness.Sign(key, site, "/back", "idpay", "4", 50_000, past))
		before := len(shop.Seen())
		status(t, come(b, ret), http.StatusConflict)
		if r := w.record(id); r.State != "review" || r.Reason != "late" {
			t.Errorf("%+v", r)
		}
		if len(shop.Seen()) != before {
			t.Error("the shop saw it")
		}
		asked(t, id, 1)
	})
	t.Run("M10 intact but expired, not paid", func(t *testing.T) {
		b := harness.NewBrowser(t)
		bill := w.made("idpay", "5", 50_000, site+"/back")
		v := harness.Sign(key, site, "/back", "idpay", "5", 50_000, past)
		refused(t, b.Get(site+"/back?status=10&order_id=5&id="+bill.ID+"&"+v.Encode()))
	})
	t.Run("not the shop's signature", func(t *testing.T) {
		n := 0
		for name, v := range map[string]url.Values{
			"tampered amount":    with(harness.Sign(key, site, "/back", "idpay", "60", 50_000, later), "payment_amount", "5000"),
			"tampered expiry":    with(harness.Sign(key, site, "/back", "idpay", "60", 50_000, past), "payment_expires", strconv.FormatInt(later.Unix(), 10)),
			"31 digits":          short(harness.Sign(key, site, "/back", "idpay", "60", 50_000, later), 31),
			"65 digits":          with(harness.Sign(key, site, "/back", "idpay", "60", 50_000, later), "payment_signature", strings.Repeat("0", 65)),
			"none":               with(harness.Sign(key, site, "/back", "idpay", "60", 50_000, later), "payment_signature", ""),
			"upper case":         upper(harness.Sign(key, site, "/back", "idpay", "60", 50_000, later)),
			"another route":      harness.Sign(key, site, "/other", "idpay", "60", 50_000, later),
			"another provider":   harness.Sign(key, site, "/back", "24pal", "60", 50_000, later),
			"another site":       harness.Sign(key, "http://sister.localhost", "/back", "idpay", "60", 50_000, later),
			"another key":        harness.Sign(harness.ReturnKey(t, strings.Repeat("x", 32)), site, "/back", "idpay", "60", 50_000, later),
			"the secret itself":  harness.Sign(harness.Secret, site, "/back", "idpay", "60", 50_000, later),
			"an empty key":       harness.Sign("", site, "/back", "idpay", "60", 50_000, later),
			"without signature":  {},
			"only the signature": {"payment_signature": harness.Sign(key, site, "/back", "idpay", "60", 50_000, later)["payment_signature"]},
		} {
			n++
			b := harness.NewBrowser(t)
			id, ret := pay(t, "idpay", "/back", "60", 50_000, v)
			p := come(b, ret)
			if p.Status != http.StatusPaymentRequired && p.Status != http.StatusBadRequest {
				t.Errorf("%s: status %d", name, p.Status)
			}
			asked(t, id, 0)
			for _, r := range rows(t, w.Caddy, "id="+id) {
				// It is paid at the bank, so a person is told of it; nothing is credited.
				if r.State != "review" || r.Reason != "unannounced" || r.Deliveries != 0 {
					t.Errorf("%s: written: %+v", name, r)
				}
			}
		}
	})
	t.Run("signed with what a look-up's question carries", func(t *testing.T) {
		v := harness.Sign(harness.LookupKey(t, harness.Secret), site, "/back", "idpay", "62", 1_000, later)
		id, ret := pay(t, "idpay", "/back", "62", 1_000, v)
		refused(t, come(harness.NewBrowser(t), ret))
		asked(t, id, 0)
	})
	t.Run("the signed order is not the provider's", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "idpay", "/back", "70", 50_000, harness.Sign(key, site, "/back", "idpay", "71", 50_000, later))
		status(t, come(b, ret), http.StatusBadRequest)
		asked(t, id, 0)
	})
	t.Run("a signature on the wrong path", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "idpay", "/other", "72", 50_000, harness.Sign(key, site, "/back", "idpay", "72", 50_000, later))
		refused(t, come(b, ret))
		asked(t, id, 0)
	})
	t.Run("signed parameters twice", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "idpay", "/back", "73", 50_000, harness.Sign(key, site, "/back", "idpay", "73", 50_000, later))
		for _, more := range []string{"&payment_amount=1", "&payment.amount=1", "&payment_order=74", "&payment_order[]=74"} {
			status(t, b.Get(ret.URL+more), http.StatusBadRequest)
		}
		asked(t, id, 0)
	})
	t.Run("M6 a used receipt of the script under a new order", func(t *testing.T) {
		b := harness.NewBrowser(t)
		id, ret := pay(t, "24pal", "/script", "", 50_000, harness.Sign(key, site, "/script", "24pal", "80", 50_000, later))
		status(t, come(b, ret), http.StatusOK)
		before := len(shop.Told())
		again := harness.Sign(key, site, "/script", "24pal", "81", 50_000, later)
		again.Set("invoice_key", id)
		again.Set("status", "0")
		status(t, b.Get(site+"/script?"+again.Encode()), http.StatusConflict)
		if len(shop.Told()) != before {
			t.Error("one receipt paid for two orders")
		}
	})
}

func with(v url.Values, name, value string) url.Values {
	v.Set(name, value)
	if value == "" {
		v.Del(name)
	}
	return v
}

func short(v url.Values, n int) url.Values {
	v.Set("payment_signature", v.Get("payment_signature")[:n])
	return v
}

func upper(v url.Values) url.Values {
	v.Set("payment_signature", strings.ToUpper(v.Get("payment_signature")))
	return v
}

// What cannot be made safe does not start: A79 and the rules about `used_ids`.
func TestUnsafeExpectationsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ verify, global, say string }{
		"signed with Sama":             {"verify /back sama {\nexpect signed\n}", "", "sama"},
		"signed without used_ids":      {"verify /back 24pal {\nexpect signed\n}", "\t\t\tused_ids none\n", "used_ids"},
		"signed without a key":         {"verify /back idpay {\nexpect signed\n}", "\t\tsigning_key {env.SIGNING_KEY}\n", "signing_key"},
		"none with the script":         {"verify /back 24pal {\nexpect none\n}", "", "24pal"},
		"A79 nothing with Sama":        {"verify /back sama", "", "expect"},
		"lookup over plain http":       {"verify /back idpay {\nexpect lookup http://shop.example/{order}\n}", "", "https"},
		"lookup with order in host":    {"verify /back idpay {\nexpect lookup https://{order}.example/\n}", "", "{order}"},
		"an unknown provider":          {"verify /back 24pall {\nexpect intent\n}", "", "24pal"},
		"ack redirect to anywhere":     {"verify /back idpay {\nexpect intent\nack redirect *\n}", "", "ack"},
		"A78 an empty key":             {"verify /back idpay {\nexpect intent\n}", "empty", "api_key"},
		"A78 a short signing key":      {"verify /back idpay {\nexpect intent\n}", "short", "signing_key"},
		"A53 plain http to a provider": {"verify /back idpay {\nexpect intent\n}", "http", "http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			w.plain(c.verify)
			switch c.global {
			case "":
			case "empty":
				w.text = strings.ReplaceAll(w.text, "{env.API_KEY}", "{env.NO_SUCH_KEY}")
			case "short":
				w.text = strings.Replace(w.text, "{env.SIGNING_KEY}", "only-31-bytes-long-0123456789abc", 1)
				w.text = strings.Replace(w.text, "0123456789abc", "0123456789", 1)
			case "http":
				w.text = strings.Replace(w.text, w.url+"/idpay", "http://192.0.2.1/idpay", 1)
			default:
				w.text = strings.ReplaceAll(w.text, c.global, "")
			}
			caddy := harness.New(t, w.text, w.env...)
			out, err := caddy.Run("validate", "--config", caddy.Config(), "--adapter", "caddyfile")
			if err == nil {
				t.Fatalf("it was accepted:\n%s", out)
			}
			if !strings.Contains(out, c.say) {
				t.Errorf("the error does not speak of %s:\n%s", c.say, out)
			}
		})
	}
}

// M11, M12: a receipt of one site's order 101 must not pay another site's. Where
// sites stand is known when they start, not when the file is read.
func TestExpectNoneIsForOneSite(t *testing.T) {
	t.Parallel()
	for name, verify := range map[string]string{"written": "verify /back idpay {\nexpect none\n}", "by default": "verify /back idpay"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			w.plain(verify)
			w.plain("verify /back idpay {\nexpect intent\n}")
			c := harness.New(t, w.text, w.env...)
			if err := c.TryStart(); err == nil {
				t.Fatal("it started")
			}
			if !strings.Contains(c.Log(), "is used by") {
				t.Errorf("the error does not say why:\n%s", clip(c.Log()))
			}
		})
	}
}
