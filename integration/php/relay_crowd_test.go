package php_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// However many ask about one payment at the same time, the provider settles once, one of
// them hears "first", and all others hear "already verified".
func TestRelayedCrowd(t *testing.T) {
	w := pluginWorld(t, "")
	address := w.site + "/-/pay/relay-secret-canary-77/zarinpal/pg/v4/payment/verify.json"
	for i, n := range []int{1, 256, 257, 1000} {
		id := w.start(fmt.Sprint(901 + i))
		w.act(id, "pay")
		body := `{"merchant_id":"` + harness.APIKey + `","amount":50000,"authority":"` + id + `"}`
		var first, again, other atomic.Int64
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				res, err := http.Post(address, "application/json", strings.NewReader(body))
				if err != nil {
					other.Add(1)
					return
				}
				defer res.Body.Close()
				text, _ := io.ReadAll(res.Body)
				switch {
				case strings.Contains(string(text), `"code":100,`):
					first.Add(1)
				case strings.Contains(string(text), `"code":101,`):
					again.Add(1)
				default:
					t.Logf("%d %s", res.StatusCode, text)
					other.Add(1)
				}
			})
		}
		all.Wait()
		if first.Load() != 1 || again.Load() != int64(n-1) || other.Load() != 0 {
			t.Errorf("%d asks: %d first, %d again, %d else", n, first.Load(), again.Load(), other.Load())
		}
		w.waitState(id, "delivered")
		if got := w.truth(id).Verify; got.First != 1 || got.Calls != 1 {
			t.Errorf("%d asks: the provider was asked %+v", n, got)
		}
	}
}
