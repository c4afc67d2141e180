package browser_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A buyer without JavaScript walks the whole way: paid page, price of three, what is
// missing, bank, thank-you page, receipt, and the link on another device.
func TestWholeWayWithoutJavaScript(t *testing.T) {
	t.Parallel()
	_, boxURL := harness.Sandbox(t, sandbox.Options{})
	site := "http://stall.localhost:" + strconv.Itoa(harness.Port(t))
	file := filepath.Join(t.TempDir(), "goods.csv")
	if err := os.WriteFile(file, []byte("sku,price,title_fa,title_en\ncourse,890000toman,دورهٔ خوشنویسی,A course\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	harness.Start(t, harness.Global(boxURL)+site+` {
	payments {
		checkout /buy idpay sama {
			catalogue `+file+`
			quantity 5
			buyer name
			buyer mobile required
			receipt
		}
		verify /thanks/idpay idpay {
			expect intent
		}
		verify /thanks/sama sama {
			expect intent
		}
		require /course/* {
			item course
			checkout /buy
		}
		brand "کارگاه نارنج"
	}
	respond /course/* "<!doctype html><title>course</title><h1>course</h1>" {
		close
	}
	header Content-Type text/html
	respond /thanks/* "<!doctype html><title>thanks</title><h1 id=order>{http.payments.order}</h1><p id=amount>{http.payments.amount}</p>"
}
`, harness.Environment()...)
	english := settings{Language: "en", NoScript: true}
	p := arrive(t, english)
	p.open(site + "/course/1")
	if p.status() != http.StatusPaymentRequired {
		t.Fatalf("status %d\n%s", p.status(), p.where())
	}
	p.press("#en a.button")
	p.at("/buy/course")
	p.press("button[name=total]") // of one
	p.see("#pieces-en")
	p.write("#pieces-en", "3")
	p.press("#en button[name=total]")
	p.until("the total of three", "document.querySelector('#en .sum').innerText.includes('2,670,000')")
	p.fill("#name-en", "Sara")
	p.fill("#mobile-en", "0912")
	p.press("#en form button")
	p.see("#mobile-wrong-en")
	if p.status() != http.StatusUnprocessableEntity {
		t.Errorf("a wrong mobile: %d", p.status())
	}
	judge(p, "stall-wrong", look{"en", english})
	p.write("#mobile-en", "09121234567")
	p.press("#en input[value=sama]")
	p.press("#en form button")
	p.press("button[value=pay]")
	p.until("the shop's page", "document.title==='thanks'||document.querySelector('main.msg form button')!==null")
	if read[bool](p, "document.title!=='thanks'") {
		p.press("main.msg form button")
	}
	p.until("the thank-you page", "document.title==='thanks'")
	if got := p.text("#amount"); got != "26700000" {
		t.Errorf("paid %s rials", got)
	}
	order := p.text("#order")
	p.open(site + "/course/1")
	p.until("the course", "document.title==='course'")

	other := arrive(t, english)
	other.open(site + "/course/1")
	other.press("#en a.quiet")
	other.at("/buy/receipt")
	other.fill("#number-en", order)
	other.fill("#mobile-en", "+98 912 123 4567")
	judge(other, "stall-find", look{"en", english})
	other.press("#en form button")
	other.see("#en code.copy")
	judge(other, "stall-receipt", look{"en", english})
	other.open(other.text("#en code.copy"))
	judge(other, "stall-open", look{"en", english})
	other.press("#en form button")
	other.until("the course", "document.title==='course'")
	p.onlyAsked(site, boxURL)
	other.onlyAsked(site)
}

// write replaces what stands in a field.
func (p *person) write(selector, text string) {
	p.t.Helper()
	p.see(selector)
	read[string](p, "document.querySelector("+quote(selector)+").value="+quote(text))
}
