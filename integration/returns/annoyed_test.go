package returns_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A return that can't be read is one line of the log, with the payment that it names.
func TestAMalformedReturnIsOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.plain("verify /back idpay {\nexpect intent\n}")
	w.start()
	id := randomID()
	status(t, harness.NewBrowser(t).Get(site+"/back?status=10&track_id=1&order_id=71&order_id=72&id="+id), http.StatusBadRequest)
	if !w.said("return_malformed", id, `"71"`) {
		t.Error("it is not logged with id and order")
	}
	n := 0
	for line := range strings.Lines(w.Log()) {
		if strings.Contains(line, "malformed") || strings.Contains(line, id) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines\n%s", n, w.Log())
	}
}

// A program that looks at links opens the return first: the buyer is thanked all the
// same, or led to the page that the shop thanked with.
func TestALinkPreviewComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	files, _ := w.site("payments {\ncheckout /buy idpay {\nitem mug 120000toman\nreturn /thanks\n}\nverify /thanks idpay {\nexpect intent\n}\n}\nrespond /thanks \"the page\"")
	own, shop := w.plain("verify /back idpay {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: own + "/back"}
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Payment-Status") == "verified" {
			http.Redirect(rw, r, "/order-received/7", http.StatusSeeOther)
			return
		}
		k.ServeHTTP(rw, r)
	})
	w.start()
	b := harness.NewBrowser(t)
	link := b.Post(files+"/buy/mug", nil).Location(t)
	ret := w.act(link[strings.LastIndexByte(link, '/')+1:], "pay")
	if p := come(harness.NewBrowser(t), ret); p.Body != "the page" {
		t.Fatalf("the preview: %d %s", p.Status, p.Body)
	}
	if p := come(b, ret, "Accept-Language", "en"); p.Status != http.StatusOK || !strings.Contains(p.Body, "Thank you") {
		t.Errorf("the buyer: %d\n%s", p.Status, p.Body)
	}
	if p := come(harness.NewBrowser(t), ret, "Accept-Language", "en"); !strings.Contains(p.Body, "already settled") {
		t.Errorf("a stranger: %d\n%s", p.Status, p.Body)
	}
	id, _ := begin(t, b, own, "7", 50_000)
	ret = w.act(id, "pay")
	status(t, come(harness.NewBrowser(t), ret), http.StatusSeeOther)
	if p := come(b, ret); p.Status != http.StatusSeeOther || p.Location(t) != own+"/order-received/7" {
		t.Errorf("the buyer: %d %v", p.Status, p.Header)
	}
	if p := come(harness.NewBrowser(t), ret); p.Status != http.StatusOK || strings.Contains(p.Body, "order-received") {
		t.Errorf("a stranger: %d", p.Status)
	}
}

// A11: a shop starts payments by a script and JSON, and announces nothing; its customer
// comes back by a cross-site POST, without cookies, and leaves at once. The sale is still
// the affiliate's whose link it began with.
func TestAttributionOfAShopThatAnswersJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Return: sandbox.ReturnPost}, "")
	site, shop := w.plain("track\nverify /back idpay {\nexpect none\ndeliver idempotent\n}")
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/confirm" {
			return
		}
		bill, err := create(w.url, "idpay", r.URL.Query().Get("order"), 50_000, site+"/back")
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		escaped, _ := json.Marshal(bill.Link)
		_, _ = fmt.Fprintf(rw, `{"image":"https:\/\/cdn.test\/a.png","redirect":%s,"id":%q}`, strings.ReplaceAll(string(escaped), "/", `\/`), bill.ID)
	})
	w.start()
	b := harness.NewBrowser(t)
	const track = "064ee72930404724974761b0b41e9e49"
	b.Get(site+"/product?track_id="+track, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(b.Post(site+"/confirm?order=A11", url.Values{}).Body), &made); err != nil {
		t.Fatal(err)
	}
	ret := w.act(made.ID, "pay")
	come(harness.NewBrowser(t), ret, "Accept", "application/xml") // nobody stays for the bounce
	harness.Wait(t, "the sale is reported", 30*time.Second, func() bool { return len(w.box.Ledger("", "", "").Conversions) == 1 })
	if c := w.box.Ledger("", "", "").Conversions[0]; c.TrackID != track {
		t.Errorf("%+v", c)
	}
}
