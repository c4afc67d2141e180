package php_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A customer doesn't wait for a slow gateway: closes the tab, or reloads the page, once or a few
// times. PHP works on without them. Whoever is credited is on record as that, and nobody has to look.
func TestRelayCustomerLeaves(t *testing.T) {
	t.Parallel()
	t.Run("php-fpm", func(t *testing.T) { t.Parallel(); leave(slowWorld(t, "", "")) })
	// A web server notices when its client goes.
	t.Run("web server", func(t *testing.T) {
		t.Parallel()
		leave(slowWorld(t, webServer(t), ""))
	})
}

// webServer is a site with PHP behind a web server of its own.
func webServer(t *testing.T) string {
	at := "http://localhost:" + strconv.Itoa(harness.Port(t))
	return "{{site}} {\n\tpayments {\n\t\t{{payments}}\n\t}\n\treverse_proxy " + at + "\n}\n" +
		strings.Replace(strings.Replace(plainSite, "{{site}}", at, 1), "\tpayments {\n\t\t{{payments}}\n\t}\n", "", 1)
}

// Beside a relay the shop's answer alone tells that a payment is paid. It is seen also when its
// customer has left.
func TestObservedCustomerLeaves(t *testing.T) {
	t.Parallel()
	for name, site := range map[string]string{"php-fpm": "", "web server": webServer(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{
				site: site, payments: "observe /plugin.php zarinpal {\n\t\t\tpaid_when redirect /order-received/*\n\t\t\tpaid_when status 200\n\t\t}",
				php:    "env GATEWAY {{box}}/zarinpal\n\t\tenv SHOP_ORIGIN {{site}}",
				global: []string{"provider idpay {", zarinpalToo},
			})
			w.behave(map[string]any{"pages": map[string]int{"672": 100_000}})
			var both sync.WaitGroup
			for _, order := range []string{"671", "672"} {
				id := w.begin(order)
				ret := w.act(id, "pay")
				f := delay(2500, "after", 1)
				f.Payment = id
				if _, err := w.box.SetFault(f); err != nil {
					t.Fatal(err)
				}
				both.Go(func() { w.leaves(order, id, ret, []time.Duration{time.Second}, false) })
			}
			both.Wait()
		})
	}
}

func leave(w *world) {
	t := w.t
	var all sync.WaitGroup
	var want []string
	pages := make(map[string]int)
	for _, c := range []struct {
		order string
		ms    int64
		// leaves are after how long the customer breaks each of the first requests off.
		leaves []time.Duration
		stays  bool // the last one is waited for
		words  int  // how long the plugin's own page is; 0: it redirects
	}{
		{"651", 4000, []time.Duration{time.Second}, false, 0},
		{"652", 12000, []time.Duration{time.Second}, false, 0},
		{"653", 4000, []time.Duration{time.Second}, true, 0},
		{"654", 12000, []time.Duration{time.Second}, true, 0},
		{"655", 12000, []time.Duration{time.Second, 2 * time.Second, 500 * time.Millisecond}, true, 0},
		{"656", 9000, []time.Duration{50 * time.Millisecond, 50 * time.Millisecond}, true, 0},
		{"657", 9000, []time.Duration{3 * time.Second, 3 * time.Second}, false, 0},
		// What a browser that has left does not take tells nothing of the shop.
		{"658", 3000, []time.Duration{time.Second}, false, 10},
		{"659", 3000, []time.Duration{time.Second}, false, 100_000},
		{"660", 4000, []time.Duration{time.Second, time.Second}, true, 100_000},
	} {
		id := w.start(c.order)
		ret := w.act(id, "pay")
		f := delay(c.ms, "after", 0)
		f.Payment = id
		if _, err := w.box.SetFault(f); err != nil {
			t.Fatal(err)
		}
		want, pages[c.order] = append(want, c.order), c.words
		w.behave(map[string]any{"pages": pages})
		all.Go(func() { w.leaves(c.order, id, ret, c.leaves, c.stays) })
	}
	all.Wait()
	credits := w.credits()
	slices.Sort(credits)
	if !slices.Equal(credits, want) {
		t.Errorf("credited are %v, not %v", credits, want)
	}
}

func (w *world) leaves(order, id string, ret *sandbox.Return, leaves []time.Duration, stays bool) {
	b := harness.NewBrowser(w.t)
	for _, after := range leaves {
		b.Client.Timeout = after
		if _, err := b.Try(http.MethodGet, ret.URL, ""); err == nil {
			w.t.Errorf("order %s: the tab was not closed", order)
		}
	}
	if stays {
		b.Client.Timeout = time.Minute
		p, err := b.Try(http.MethodGet, ret.URL, "")
		w.t.Logf("order %s: %v %d %s", order, err, p.Status, strings.TrimSpace(p.Header.Get("Location")))
	}
	w.waitState(id, "delivered")
}
