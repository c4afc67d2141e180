package returns_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
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

// A shop starts payments by a script and JSON, and announces nothing; its customer
// comes back by a cross-site POST, without cookies, and leaves at once. The sale is still
// the affiliate's whose link it began with, whatever compresses the JSON and in however
// many pieces it is written.
func TestAttributionOfAShopThatAnswersJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Return: sandbox.ReturnPost}, "")
	site, shop := w.site("payments {\ntrack\nverify /back idpay {\nexpect none\ndeliver idempotent\n}\n}\nencode gzip zstd {\nmatch {\nstatus 2xx\n}\n}\nreverse_proxy SHOP {\nflush_interval -1\n}")
	made := make(chan string, 1)
	shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/confirm" {
			return
		}
		bill, err := create(w.url, "idpay", r.URL.Query().Get("order"), 50_000, site+"/back")
		if err != nil {
			t.Error(err)
		}
		made <- bill.ID
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		escaped, _ := json.Marshal(bill.Link)
		text := fmt.Sprintf(`{"image":"https:\/\/cdn.test\/a.png","redirect":%s,"text":%q}`, strings.ReplaceAll(string(escaped), "/", `\/`), strings.Repeat("long ", 300))
		piece := 20
		if r.Header.Get("Accept-Encoding") != "identity" {
			piece = 700 // less isn't compressed
		}
		for text != "" {
			n := min(len(text), piece)
			_, _ = io.WriteString(rw, text[:n])
			_ = http.NewResponseController(rw).Flush()
			text = text[n:]
		}
	})
	w.start()
	tracks := make(map[string]string)
	for i, coding := range []string{"identity", "gzip", "zstd"} {
		b := harness.NewBrowser(t)
		track := fmt.Sprintf("064ee72930404724974761b0b41e9e4%d", i)
		b.Get(site+"/product?track_id="+track, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
		if a := b.Get(fmt.Sprintf("%s/confirm?order=A%d", site, i), "Accept-Encoding", coding); a.Header.Get("Content-Encoding") != strings.TrimPrefix(coding, "identity") {
			t.Fatalf("%s: %v", coding, a.Header)
		}
		come(harness.NewBrowser(t), w.act(<-made, "pay"), "Accept", "application/xml") // nobody stays for the bounce
		tracks[coding] = track
	}
	for coding, track := range tracks {
		harness.Wait(t, "the sale is reported: "+coding, 90*time.Second, func() bool {
			return slices.ContainsFunc(w.box.Ledger("", "", "").Conversions, func(c sandbox.Conversion) bool { return c.TrackID == track })
		})
	}
}

// Whoever is about to pay for what this browser has bought is told so; whoever only
// began to pay, or looks from elsewhere, is not.
func TestWhatIsBoughtIsSaidBeforeItIsPaidAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.plain("checkout /buy idpay {\nitem mug 120000toman\nitem cup 90000toman\nreturn /thanks\n}\nverify /thanks idpay")
	w.start()
	b := harness.NewBrowser(t)
	said := func(b *harness.Browser, sku string) bool {
		return strings.Contains(b.Get(site+"/buy/"+sku).Body, "You have bought this before")
	}
	link := b.Post(site+"/buy/mug", nil).Location(t)
	if said(b, "mug") {
		t.Error("it is not paid yet")
	}
	status(t, come(b, w.act(link[strings.LastIndexByte(link, '/')+1:], "pay")), http.StatusOK)
	if !said(b, "mug") {
		t.Error("the buyer is not told")
	}
	if said(b, "cup") || said(harness.NewBrowser(t), "mug") {
		t.Error("it is said of something else, or to somebody else")
	}
}
