package returns_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// mangled are the ways in which something between bank and shop may spoil a return:
// each parameter is lost, emptied, doubled, changed or renamed, or all of them are lost.
func mangled(query string) map[string]string {
	all := map[string]string{"nothing": query, "all lost": ""}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		with := func(instead ...string) string {
			return strings.Join(slices.Concat(pairs[:i:i], instead, pairs[i+1:]), "&")
		}
		all[name+" lost"] = with()
		all[name+" emptied"] = with(name + "=")
		all[name+" doubled"] = with(pair, name+"=55")
		all[name+" doubled before"] = with(name+"=55", pair)
		all[name+" doubled as PHP folds it"] = with(pair, "%20"+name+"=55")
		all[name+" in other case"] = with(strings.ToUpper(name)+"="+value, pair)
		all[name+" with a broken escape"] = with(pair, name+"=%zz")
		all[name+" behind a second ?"] = with("x=1?" + pair)
		all[name+" behind &amp;"] = with("x=1&amp;" + pair)
	}
	return all
}

// A customer whose payment we know is never told that the return is incomplete or was
// changed, however it comes back, as long as anything in it or in the browser says
// which payment it is; and the shop is told of the payment or a person is.
func TestAKnownPaymentIsNeverCalledIncomplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	own, shop := w.plain("verify /back idpay {\nexpect intent\norders many\n}")
	files, _ := w.plain("checkout /buy idpay {\nitem mug 120000toman\nreturn /thanks\n}\nverify /thanks idpay {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: own + "/back", with: func(h http.Header) { h.Set("X-Payment-Return", own+"/back") }}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	n, bought := 0, 0
	try := func(kind, how, id string, b *harness.Browser, mangle func(string) string) {
		ret := w.act(id, "pay")
		at, query, _ := strings.Cut(ret.URL, "?")
		p := b.Get(at+"?"+mangle(query), "Accept-Language", "en")
		if _, to, on := strings.Cut(p.Body, `http-equiv="refresh" content="1; url=`); on && p.Status == http.StatusBadRequest {
			if strings.Contains(p.Body, "was changed") {
				t.Errorf("%s, %s: the page that goes on calls it changed:\n%s", kind, how, clip(p.Body))
			}
			to, _, _ = strings.Cut(to, `"`)
			p = b.Get(p.URL.Scheme+"://"+p.URL.Host+strings.ReplaceAll(to, "&amp;", "&"), "Accept-Language", "en")
		}
		if p.Status == http.StatusBadRequest || strings.Contains(p.Body, "was changed") || strings.Contains(p.Body, "Nothing was paid") {
			t.Errorf("%s, %s: %d\n%s", kind, how, p.Status, clip(p.Body))
		}
		if r := w.record(id); r.State != "delivered" && r.State != "review" && r.State != "parked" && p.Status != http.StatusAccepted {
			t.Errorf("%s, %s: %d, and it is %s", kind, how, p.Status, r.State)
		}
	}
	_, ret := w.paid("idpay", "sample", 50_000, own+"/back")
	_, query, _ := strings.Cut(ret.URL, "?")
	for how := range mangled(query) {
		n++
		mangle := func(query string) string { return mangled(query)[how] }
		b := harness.NewBrowser(t)
		id, _ := begin(t, b, own, fmt.Sprintf("m%d", n), 50_000)
		try("announced", how, id, b, mangle)
		if bought++; how == "all lost" || bought > 9 {
			continue // nothing names it then; and presses of Pay are bounded
		}
		b = harness.NewBrowser(t)
		pay := b.Post(files+"/buy/mug", nil).Location(t)
		try("bought", how, pay[strings.LastIndexByte(pay, '/')+1:], b, mangle)
	}
}
