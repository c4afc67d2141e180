package php_test

import (
	"net/http"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// TestCookiesDoNotOverride: a PHP without a php.ini lets cookies win in $_REQUEST.
// Of a verified parameter and of a bound one it finds no cookie; the session and
// all others are there.
func TestCookiesDoNotOverride(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		php:      helperEnv(t) + "\n\t\tenv PHP_VALUE request_order=GPC",
		payments: "verify /callback.php idpay {\n\t\t\texpect intent\n\t\t\tbind wc_order\n\t\t}",
	})
	b := harness.NewBrowser(t)
	id := w.create("idpay", "101", 50000, w.site+"/callback.php?wc_order=101")
	w.announce(b, id, "101", "50000", "")
	p := b.Get(w.act(id, "pay").URL, "Cookie", "PHPSESSID=abc; order_id=999; id=x; WC.Order=1; wc_order=dear; wc_order[]=dear; keep=1")
	if p.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", p.Status, p.Body)
	}
	s := w.last()
	request, _ := s.Request.(map[string]any)
	cookie, _ := s.Cookie.(map[string]any)
	same(t, "order_id", request["order_id"], any("101"))
	same(t, "id", request["id"], any(id))
	same(t, "wc_order", request["wc_order"], any("101"))
	same(t, "keep", request["keep"], any("1"))
	same(t, "PHPSESSID", request["PHPSESSID"], any("abc"))
	for _, name := range []string{"WC_Order", "order_id", "wc_order"} {
		if v, ok := cookie[name]; ok {
			t.Errorf("$_COOKIE[%s] is %v", name, v)
		}
	}
}
