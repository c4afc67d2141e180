package handlers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
)

// hearing is an app that hears of catalogues.
type hearing struct {
	selling
	told atomic.Int32
}

func (h *hearing) Observe(e engine.Event) {
	if e.Name == engine.EventCatalogue && e.Alert {
		h.told.Add(1)
	}
}

// A catalogue is followed while it is sold from: what is sold is always the whole of one
// good file, a broken one is told of once, and quantities stay within what the gateway
// takes. Prices at, above and far above the gateway's most.
func TestStockFollowsItsFile(t *testing.T) {
	every := catalogueEvery
	catalogueEvery = 5 * time.Millisecond
	t.Cleanup(func() { catalogueEvery = every })
	file := filepath.Join(t.TempDir(), "goods.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	goods := func(n int) string {
		var b strings.Builder
		b.WriteString("sku,price\n")
		for i := range 50 {
			fmt.Fprintf(&b, "s%d,%drial\n", i, 1000*n)
		}
		return b.String()
	}
	write(goods(1))
	app := new(hearing)
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	h := &Handler{app: app, log: zap.NewNop()}
	c := &Checkout{Path: "/buy", Providers: []string{"bank"}, Catalogue: file, Quantity: 1000}
	if err := c.provision(ctx, h); err != nil {
		t.Fatal(err)
	}
	price := func() int64 {
		t.Helper()
		items := c.items()
		if len(items) != 50 {
			t.Fatalf("%d items are sold", len(items))
		}
		for _, it := range items {
			if it.Price != items[0].Price || int64(it.most)*int64(it.Price) > 1_000_000 || it.most < 1 {
				t.Fatalf("%+v beside %+v", it, items[0])
			}
		}
		return int64(items[0].Price)
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	for _, n := range []int{2, 999, 1000, 3} {
		write(goods(n))
		until("the new price", func() bool { return price() == int64(1000*n) })
	}
	for _, broken := range []string{goods(1001), goods(5) + "s1,1000rial\n", "sku,price\n", "", strings.Replace(goods(5), "rial", "", 1)} {
		told := app.told.Load()
		write(broken)
		until("it is told", func() bool { return app.told.Load() == told+1 && c.conf.stock.wrong.Load() != nil })
		time.Sleep(10 * catalogueEvery)
		if c.conf.stock.wrong.Load() == nil {
			t.Errorf("%.40q: doctor has forgotten it", broken)
		}
		if price() != 3000 || app.told.Load() != told+1 {
			t.Errorf("%.40q: sold for %d, told %d times", broken, price(), app.told.Load()-told)
		}
	}
	// The end of an upload that stopped inside a line is waited for.
	write(strings.TrimSuffix(goods(700), "00rial\n"))
	time.Sleep(20 * catalogueEvery)
	if price() != 3000 {
		t.Errorf("a table that ends inside a line is sold for %d", price())
	}
	write(strings.TrimSuffix(goods(4), "\n"))
	time.Sleep(20 * catalogueEvery)
	rested := time.Now().Add(-time.Minute)
	if err := os.Chtimes(file, rested, rested); err != nil {
		t.Fatal(err)
	}
	until("a table without a last line's end that has rested", func() bool { return price() == 4000 })
	write(goods(3))
	until("the old price", func() bool { return price() == 3000 })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	until("the file is missed", func() bool { w := c.conf.stock.wrong.Load(); return w != nil && strings.Contains(*w, "no such file") })
	write(goods(7))
	until("all is well", func() bool { return price() == 7000 && c.conf.stock.wrong.Load() == nil })
}

// A start with a catalogue that can't be read keeps no site down: what the Caddyfile names is
// sold, whatever only the file could name is 503, and the file is taken up when it is mended.
// A fault of the Caddyfile's own is refused all the same.
func TestStartWithoutItsCatalogue(t *testing.T) {
	every := catalogueEvery
	catalogueEvery = 5 * time.Millisecond
	t.Cleanup(func() { catalogueEvery = every })
	for name, text := range map[string]string{"goods.csv": "sku,price\nmug,120000\n", "goods.json": `[{"sku":"mug","pri`, "none.csv": ""} {
		file := filepath.Join(t.TempDir(), name)
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		app := new(hearing)
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		t.Cleanup(cancel)
		h := &Handler{app: app, log: zap.NewNop()}
		broken := &Checkout{Path: "/buy", Providers: []string{"bank"}, Catalogue: file, Items: []Item{{SKU: "pen", Amount: 1005}}}
		if err := broken.provision(ctx, h); err == nil || !strings.Contains(err.Error(), "multiple of 10") {
			t.Errorf("%s: the Caddyfile's own fault: %v", name, err)
		}
		c := &Checkout{Path: "/buy", Providers: []string{"bank"}, Catalogue: file, Items: []Item{{SKU: "pen", Amount: 1000}}}
		if err := c.provision(ctx, h); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for path, unread := range map[string]bool{"/buy/mug": true, "/buy/nothing/at-all": true, "/buy/": false, "/buy": false, "/buyer": false, "/": false} {
			if _, _, sold := c.item(path); sold || c.unread(path) != unread {
				t.Errorf("%s: %s: sold %v, unread %v", name, path, sold, c.unread(path))
			}
		}
		if _, _, sold := c.item("/buy/pen"); !sold {
			t.Errorf("%s: the Caddyfile's item is not sold", name)
		}
		until := func(what string, ok func() bool) {
			t.Helper()
			for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: waited in vain: %s", name, what)
				}
			}
		}
		until("it is told", func() bool {
			w := c.conf.stock.wrong.Load()
			return app.told.Load() == 1 && w != nil && strings.Contains(c.meanwhile(), "nothing from it is sold")
		})
		good := "sku,price\nmug,10000rial\n"
		if filepath.Ext(name) == ".json" {
			good = `[{"sku": "mug", "price": "10000rial"}]`
		}
		if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
		until("the mended file is sold", func() bool { _, _, sold := c.item("/buy/mug"); return sold && !c.unread("/buy/nothing") })
	}
}
