package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// TestPagePictures takes the manual's pictures of our own pages: a shop with a catalogue, as
// its customers see it.
func TestPagePictures(t *testing.T) {
	if !*updateImages {
		return // only with -update-images
	}
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	site, root := harness.Site(t), absolute(t, "../../examples/shop")
	goods := filepath.ToSlash(filepath.Join(t.TempDir(), "goods.csv"))
	if err := os.WriteFile(goods, []byte("sku,price,title,title_en,picture\n"+
		"mug,120000toman,لیوان نارنج,Narenj mug,/img/mug.svg\nebook,45000toman,کتاب الکترونیکی «دم‌نوش‌ها»,\"Herbal Teas, an e-book\",/img/ebook.svg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gateways := fmt.Sprintf("\t\tprovider zarinpal {\n\t\t\tmerchant_id 72397f71-ed58-409b-82e6-81072225ece3\n\t\t\tbase_url %[1]s/zarinpal\n\t\t}\n"+
		"\t\tprovider zibal {\n\t\t\tmerchant 65f2c1d4a7b8c9d0e1f2a3b4\n\t\t\tbase_url %[1]s/zibal\n\t\t}\n\t\tprovider idpay {", boxURL)
	harness.Start(t, strings.Replace(harness.Global(boxURL), "\t\tprovider idpay {", gateways, 1)+strings.NewReplacer("ROOT", root, "GOODS", goods).Replace(site+` {
	root ROOT
	payments {
		brand "کارگاه نارنج" {
			logo /favicon.svg
			color 1f5d4c
			support https://shop.example.com/contact
		}
		checkout /buy zarinpal zibal {
			catalogue GOODS
			quantity 5
			buyer name
			buyer mobile required
			receipt
		}
		verify /thanks/zarinpal zarinpal {
			expect intent
			timeout 1s
		}
		verify /thanks/zibal zibal {
			expect intent
			timeout 1s
		}
		require /download/* {
			item ebook
			checkout /buy
		}
	}
	file_server
}
`), harness.Environment()...)

	p := arrive(t, settings{})
	keep := func(name string) {
		t.Helper()
		p.see("main")
		p.until("the pictures are there", "document.fonts.status==='loaded'&&[...document.images].every(i=>i.complete)")
		p.noProblems(name)
		image(t, "page-"+name, p.picture())
	}
	buy := func(sku, gateway, press string) {
		t.Helper()
		p.open(site + "/buy/" + sku)
		p.fill("main input[name=mobile]", "09121234567")
		p.press("main input[name=gateway][value=" + gateway + "]")
		p.press("main form button")
		p.press("button[value=" + press + "]")
		p.at("/thanks/" + gateway)
	}

	p.set(settings{Language: "fa"})
	p.screen(phoneWidth, 1330, 1.5)
	p.open(site + "/buy/mug?quantity=2")
	keep("stall-fa")
	p.screen(phoneWidth, phoneHeight, 1.5)
	p.open(site + "/download/ebook.html")
	keep("for-sale-fa")
	buy("ebook", "zibal", "cancel")
	keep("cancelled-fa")
	if _, err := box.SetFault(sandbox.Fault{Provider: "zarinpal", Operation: sandbox.OpVerify, Kind: "status", Status: http.StatusBadGateway}); err != nil {
		t.Fatal(err)
	}
	buy("ebook", "zarinpal", "pay")
	keep("confirming-fa")
	p.press("#fa nav a")
	keep("confirming-en")
	box.ClearFaults()
	p.set(settings{Language: "en"})
	buy("ebook", "zibal", "pay")
	keep("thanks-en")
	p.set(settings{Language: "en", Dark: true})
	p.screen(800, 1000, 1)
	p.open(site + "/buy/mug")
	keep("checkout-dark")
}

// absolute is the whole path of a file.
func absolute(t *testing.T, name string) string {
	t.Helper()
	whole, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(whole)
}
