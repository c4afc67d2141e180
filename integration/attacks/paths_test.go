package attacks_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// paths: what is guarded, by another name.
func paths() []attack {
	return []attack{
		{
			id: "A82", name: "return_by_another_path", title: "a forged return to the same script by another path: a slash more, path info, the affiliate network's form of a link, escapes; the same torn over address and body, or by another method", plugins: []string{believing},
			block: "\t\ttrack",
			run: func(x *trial) {
				for _, behind := range []string{"/", "/x", "%2f", "//", "/track_id=abcdefgh", "/track_id=abcdefgh/", "/."} {
					order := x.order(50_000)
					_, query, _ := strings.Cut(x.query(x.forged(x.invented(), order), ""), "?")
					p := x.get(x.stranger(), x.back+behind+"?"+query)
					x.status(p, http.StatusBadRequest, http.StatusPaymentRequired)
					first, second, _ := strings.Cut(query, "&")
					for _, torn := range [][2]string{{"?" + first, second}, {"?" + second, first}, {"", query}} {
						for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
							p, err := x.ask(x.stranger(), method, x.site+x.back+behind+torn[0], torn[1], "Content-Type", formType)
							x.ours(err == nil && p.Status >= http.StatusBadRequest && p.Status < http.StatusInternalServerError, "%s of it torn: %d %v", method, p.Status, err)
						}
					}
				}
				x.ours(len(x.runs()) == 0, "PHP ran %d times", len(x.runs()))
			},
		},
		{
			id: "A83", name: "paid_content_by_another_path", title: "paid content by another path, extension, header or error page, by dots that lead back up, and by the plain spelling of an escaped pattern", none: "it guards no page",
			block: "\t\ttrack\n\t\trequire /careful.php /vip/* /c%2B%2B/* {\n\t\t\titem course\n\t\t}",
			run: func(x *trial) {
				b := x.stranger()
				for _, path := range []string{
					"/careful.php", "/careful.php/", "/careful.php/x", "/careful.php%2f", "/CAREFUL.php", "//careful.php", "/careful", "/careful.php.gz", "/careful.php/track_id=abcdefgh", "/track_id=abcdefgh/careful.php",
					"/index.php/careful.php", "/vip", "/vip/", "/vip/a", "/index.php/vip/a", "/vip%2fa", "/x/../vip/a", "/vip/x/..", "/vip/x/%2e%2e", "/vip/x/..;", "/careful.php/..", "/careful.php/x/..", "/c++/a", "/c%2b%2B/a", "/C%2b+",
				} {
					p := x.get(b, path)
					x.status(p, http.StatusPaymentRequired)
					x.ours(strings.Contains(p.Header.Get("Cache-Control"), "no-store") && p.Header.Get("Etag") == "", "%s: %v", path, p.Header)
				}
				x.ours(len(x.runs()) == 0, "PHP ran %d times", len(x.runs()))
				u, _ := url.Parse(x.site)
				p := x.get(b, "/index.php", "X-Original-URL", "/vip/a", "X-Rewrite-URL", "/vip/a")
				for _, run := range x.runs() {
					for name := range run.Server {
						x.ours(!strings.Contains(name, "ORIGINAL_URL") && !strings.Contains(name, "REWRITE_URL"), "%s%s: PHP sees %s", u.Host, p.URL, name)
					}
				}
			},
		},
		{
			// PHP as the official images ship it has no php.ini: a cookie hides the
			// field of the same name.
			id: "A84", name: "cookies_named_as_parameters", title: "a cookie named as a parameter of the return, which PHP's $_REQUEST takes before it",
			plugins: []string{tolerant, strict, authority, believing}, php: "request_order=GPC", ours: []string{announced, silent, sama},
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				dear := x.order(50_000)
				header := []string{"Cookie", "order_id=" + dear + "; order.id=" + dear + "; invoice=kept"}
				if !x.us {
					header[1] = "order_id=" + dear + "; invoice=" + dear
				}
				x.status(x.send(b, ret, header...), http.StatusOK)
				x.ours(x.credited(order) == 1 && x.credited(dear) == 0, "%+v", x.credits())
				for _, run := range x.runs() {
					_, there := run.Cookie["order_id"]
					x.ours(run.Cookie["invoice"] == "kept" && (x.provider == sandbox.ProviderSama || !there), "PHP has %v", run.Cookie)
				}
			},
		},
		{
			id: "A85", name: "presses_of_pay", title: "presses of Pay by the hundred, so that the provider is asked and records are kept for each", none: "its shop's own forms start payments",
			ours: []string{announced}, alone: true,
			block: "\t\tcheckout /buy NAME {\n\t\t\titem mug 120000toman\n\t\t\treturn /back\n\t\t}",
			run: func(x *trial) {
				codes := x.all(300, func(n int) (harness.Page, error) {
					return x.ask(x.stranger(), http.MethodPost, x.site+"/buy/mug", "")
				})
				x.ours(codes[http.StatusSeeOther] <= 30 && codes[http.StatusSeeOther]+codes[http.StatusTooManyRequests] == 300, "%v", codes)
				if made := len(x.rows()); made > 30 {
					x.say(flood, "%d records of %v", made, codes)
				}
				// Who has paid, and who wants to, wait for nobody.
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				x.status(x.press(b, "/buy/mug"), http.StatusSeeOther)
				x.status(x.come(b, ret), http.StatusOK)
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
	}
}

// press posts the form of our page.
func (x *trial) press(b *harness.Browser, path string) harness.Page {
	x.Helper()
	p, err := x.ask(b, http.MethodPost, x.site+path, "")
	if err != nil {
		x.Fatal(err)
	}
	return p
}
