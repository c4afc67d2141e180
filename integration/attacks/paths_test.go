package attacks_test

import (
	"net/http"
	"net/url"
	"strings"
)

// paths: what is guarded, by another name.
func paths() []attack {
	return []attack{
		{
			id: "A82", name: "return_by_another_path", title: "a forged return to the same script by another path: a slash more, path info, the affiliate network's form of a link, escapes", plugins: []string{believing},
			block: "\t\ttrack",
			run: func(x *trial) {
				for _, behind := range []string{"/", "/x", "%2f", "//", "/track_id=abcdefgh", "/track_id=abcdefgh/", "/."} {
					order := x.order(50_000)
					_, query, _ := strings.Cut(x.query(x.forged(x.invented(), order), ""), "?")
					p := x.get(x.stranger(), x.back+behind+"?"+query)
					x.status(p, http.StatusBadRequest, http.StatusPaymentRequired)
				}
				x.ours(len(x.runs()) == 0, "PHP ran %d times", len(x.runs()))
			},
		},
		{
			id: "A83", name: "paid_content_by_another_path", title: "paid content by another path, extension, header or error page", none: "it guards no page",
			block: "\t\ttrack\n\t\trequire /careful.php /vip/* {\n\t\t\titem course\n\t\t}",
			run: func(x *trial) {
				b := x.stranger()
				for _, path := range []string{
					"/careful.php", "/careful.php/", "/careful.php/x", "/careful.php%2f", "/CAREFUL.php", "//careful.php", "/careful", "/careful.php.gz", "/careful.php/track_id=abcdefgh", "/track_id=abcdefgh/careful.php",
					"/index.php/careful.php", "/vip", "/vip/", "/vip/a", "/index.php/vip/a", "/vip%2fa", "/x/../vip/a",
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
	}
}
