package php_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// TestFolding: A25–A28. A name that PHP reads as one of the provider's, beside
// it, and two values in two places: refused before the provider or PHP
// hears of it.
func TestFolding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay"})
	b := harness.NewBrowser(t)
	id, ret := w.pay("idpay", "101", 50000, "/callback.php?wc=1")
	_, true1, _ := strings.Cut(ret.URL, "?")
	other := strings.Repeat("f", 32)

	for _, twin := range harness.Twins(other) {
		for what, query := range map[string]string{
			"behind": true1 + "&" + twin, "before": twin + "&" + true1, "?": true1 + "?" + twin, "&amp;": true1 + "&amp;" + twin,
		} {
			p := b.Get(w.site + "/callback.php?" + query)
			if p.Status != http.StatusBadRequest {
				t.Errorf("%s %s: status %d", what, twin, p.Status)
			}
		}
	}
	if n, v := len(w.seen()), w.truth(id).Verify.Calls; n != 0 || v != 0 {
		t.Fatalf("PHP ran %d times, the provider was asked %d times", n, v)
	}
	// Equal copies count as one, and PHP gets one value.
	p := b.Get(ret.URL + "&order_id=101&order%5Fid=101&id=" + id)
	if p.Status != http.StatusOK {
		t.Fatalf("equal copies: %d\n%s", p.Status, p.Body)
	}
	same(t, "order_id", w.last().Get.(map[string]any)["order_id"], "101")
}

// post sends a body as it is written.
func post(b *harness.Browser, address, body string, header ...string) (harness.Page, error) {
	return b.Try(http.MethodPost, address, body, header...)
}

// TestQueryAgainstBody: A27, A28.
func TestQueryAgainstBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{payments: "verify /callback.php idpay"})
	b := harness.NewBrowser(t)
	id, ret := w.pay("idpay", "101", 50000, "/callback.php")
	u, _ := url.Parse(ret.URL)
	body := "status=10&track_id=" + w.truth(id).TrackID + "&id=" + id + "&order_id=101"
	refused := func(what, query, body string, header ...string) {
		t.Helper()
		p, err := post(b, w.site+"/callback.php?"+query, body, header...)
		if err != nil {
			t.Fatal(err)
		}
		if p.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d", what, p.Status)
		}
	}
	refused("another order in the query", "order_id=9", body)
	refused("another id in the query", "id="+strings.Repeat("f", 32), body)
	refused("another status in the query", "status=2", body)
	refused("a folded order in the query", "order.id=101", body)
	refused("an array in the query", "order_id[]=101", body)
	refused("JSON", "", `{"status":10,"id":"`+id+`","order_id":"101"}`, "Content-Type", "application/json")
	refused("multipart", u.RawQuery, "--x\r\nContent-Disposition: form-data; name=\"order_id\"\r\n\r\n9\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
	refused("UTF-7", "", body, "Content-Type", "application/x-www-form-urlencoded; charset=utf-7")
	refused("no type", "", body, "Content-Type", "")
	refused("too many", "", body+strings.Repeat("&a=1", 100))
	refused("too long", "", body+"&a="+strings.Repeat("a", 64<<10))
	if n, v := len(w.seen()), w.truth(id).Verify.Calls; n != 0 || v != 0 {
		t.Errorf("PHP ran %d times, the provider was asked %d times", n, v)
	}
	// The same values in both places are one.
	p, err := post(b, ret.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	p = w.bounce(b, p)
	if p.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", p.Status, p.Body)
	}
	s := w.last()
	same(t, "$_REQUEST", s.Request.(map[string]any)["order_id"], "101")
	same(t, "credits", w.credits(), []string{"idpay " + id + " 1"})
}
