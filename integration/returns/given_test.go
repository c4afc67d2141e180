package returns_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// give decides that a payment in review is credited.
func (w *world) give(id string) {
	w.t.Helper()
	if out, err := w.Run("payments", "resolve", w.record(id).Ref, "accept", "--note", "seen in the panel", "--address", w.Admin); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	harness.Wait(w.t, "it is handed over", 30*time.Second, func() bool { s := w.record(id).State; return s == "delivered" || s == "parked" })
}

// What a person gives although the amounts differ is handed over with what was
// verified, so that a shop never hears of money that it doesn't have.
func TestGivenForAnotherAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\ndeliver idempotent\n}")
	w.start()
	for order, c := range map[string]struct {
		asked, paid           string
		cost                  int64
		amount, sum, how, why string
	}{
		"less":    {"9000000", "50000", 50_000, "50000", "50000", "no", "amount_differs"},
		"more":    {"50000", "9000000", 9_000_000, "50000", "9000000", "intent", "amount_differs"},
		"a tenth": {"500000", "50000", 50_000, "50000", "50000", "no", "rial_toman"},
	} {
		bill := w.made("idpay", order, c.cost, site+"/back")
		shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/pay" {
				rw.Header().Set("X-Payment-Order", order)
				rw.Header().Set("X-Payment-Amount", c.asked)
				http.Redirect(rw, r, bill.Link, http.StatusFound)
			}
		})
		b := harness.NewBrowser(t)
		status(t, b.Get(site+"/pay"), http.StatusFound)
		status(t, come(b, w.act(bill.ID, "pay")), http.StatusConflict)
		if r := w.record(bill.ID); r.State != "review" || r.Reason != c.why {
			t.Fatalf("%s: %+v", order, r)
		}
		before := len(shop.Told())
		w.give(bill.ID)
		told := shop.Told()[before:]
		if r := w.record(bill.ID); r.State != "delivered" || len(told) != 1 {
			t.Errorf("%s: %s, told %d times", order, r.State, len(told))
			continue
		}
		h := told[0].Header
		for name, want := range map[string]string{
			"X-Payment-Order": order, "X-Payment-Amount": c.amount, "X-Payment-Paid": c.sum, "X-Payment-Amount-Checked": c.how,
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", order, name, got, want)
			}
		}
	}
}

// A static site's payment that a person gives is handed over as the GET of its
// page, though its customer came back by POST.
func TestGivenToFilesAfterAPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Return: sandbox.ReturnPost}, "")
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "thanks.html"), []byte("thank you"), 0o600); err != nil {
		t.Fatal(err)
	}
	site, _ := w.site("root " + root + "\npayments {\ncheckout /buy idpay {\nitem mug 120000toman\nreturn /thanks.html\n}\nverify /thanks.html idpay\n}\nfile_server")
	w.start()
	b := harness.NewBrowser(t)
	link := b.Post(site+"/buy/mug", nil).Location(t)
	id := link[strings.LastIndexByte(link, '/')+1:]
	ret := w.act(id, "pay")
	// Somebody else verifies it first: a person must look.
	body, _ := json.Marshal(map[string]string{"id": id, "order_id": w.ledger(id).Order})
	req, err := http.NewRequest(http.MethodPost, w.url+"/idpay/v1.1/payment/verify", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-API-KEY", harness.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	status(t, come(harness.NewBrowser(t), ret), http.StatusConflict)
	w.give(id)
	if r := w.record(id); r.State != "delivered" || r.Deliveries != 1 {
		t.Errorf("%+v", r)
	}
}
