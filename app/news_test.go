package app

import (
	"strconv"
	"testing"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/affiliates/webhook"
)

// However many turns a webhook was not told of, the newest are kept.
func TestNewsAreBounded(t *testing.T) {
	for _, count := range []int{1, maxNews - 1, maxNews, maxNews + 1, 10 * maxNews} {
		n := newNews()
		for i := range count {
			n.put([]*webhook.Hook{{Name: "crm"}}, webhook.ProviderDown, strconv.Itoa(i), zap.NewNop())
		}
		if len(n.items) != min(count, maxNews) || n.items[len(n.items)-1].message.Data != strconv.Itoa(count-1) {
			t.Errorf("of %d there are %d, the last is %v", count, len(n.items), n.items[len(n.items)-1].message.Data)
		}
	}
}
