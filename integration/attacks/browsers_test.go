package attacks_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A page's reference is different on each.
var reference = regexp.MustCompile(`[0-9a-z]{26}|<code>[^<]*</code>`)

// browsers: what a page can do to its visitor, and other pages through it. What
// a real Chromium does with cookies is integration/browser's.
func browsers() []attack {
	return []attack{
		{
			id: "A44", name: "post_without_cookies", title: "the bank's cross-site POST, which brings no cookie",
			none: "the money is not touched; that the session is lost shows integration/browser (TestReturnByPostLosesTheSessionWithoutUs)",
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				p := x.bounced(b, ret, "Origin", x.boxURL, "Sec-Fetch-Site", "cross-site")
				x.ours(p.Status == http.StatusOK && len(x.runs()) == 0 && x.truth(id).Verify.Calls == 1, "%d, PHP ran %d times", p.Status, len(x.runs()))
				action, fields := p.Form(x.T)
				p, err := x.ask(b, http.MethodPost, action, fields.Encode(), "Cookie", "PHPSESSID=canary; "+cookies(b, x.site))
				runs := x.runs()
				x.ours(err == nil && p.Status == http.StatusOK && len(runs) == 1 && runs[0].Cookie["PHPSESSID"] == "canary", "%d, PHP ran %d times", p.Status, len(runs))
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
		{
			id: "A45", name: "script_in_the_bounce_page", title: "HTML and JavaScript in the parameters of the page that sends the return on", none: "it has no such page",
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				ret.URL += "&next=" + url.QueryEscape(`"><script>alert(45)</script>`)
				ret.Form["track_id"] = `"><script>alert(45)</script>`
				p := x.bounced(b, ret)
				policy := p.Header.Get("Content-Security-Policy")
				x.ours(!strings.Contains(p.Body, "<script>alert(45)"), "%s", p.Body)
				x.ours(strings.Contains(policy, "default-src 'none'") && strings.Contains(policy, "form-action") && !strings.Contains(policy, "unsafe-inline"), "%s", policy)
				x.ours(p.Status != http.StatusOK || strings.Contains(p.Body, "<button"), "no button:\n%s", p.Body)
				delete(ret.Form, "track_id")
				ret.Form["track_id"] = x.truth(x.idOf(order)).TrackID
				x.ends(b, ret, order)
			},
		},
		{
			id: "A46", name: "bounce_used_again", title: "the bounce's pointer used twice, stolen, on another site", none: "it has no such page",
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				p := x.bounced(b, ret)
				action, fields := p.Form(x.T)
				for _, who := range []*harness.Browser{x.stranger(), b, b, x.stranger()} {
					p, err := x.ask(who, http.MethodPost, action, fields.Encode())
					x.ours(err == nil && p.Status < 500, "%d %v", p.Status, err)
				}
				x.ours(x.credited(order) == 1, "%+v", x.credits())
				bad := url.Values{}
				for name := range fields {
					bad.Set(name, "eyJhbGciOiJub25lIn0.e30.")
				}
				p, err := x.ask(b, http.MethodPost, action, bad.Encode())
				x.ours(err == nil && (p.Status == http.StatusNotFound || p.Status == http.StatusBadRequest), "a forged one: %d %v", p.Status, err)
			},
		},
		{
			id: "A47", name: "open_redirect", title: "return_url, next, callback to //evil, javascript:",
			run: func(x *trial) {
				b := x.customer()
				for _, to := range []string{"https://evil.example/", "//evil.example", `\evil.example`, "javascript:alert(47)"} {
					_, order, ret := x.paid(b, 50_000)
					for _, name := range []string{"return_url", "next", "callback", "redirect"} {
						ret.URL += "&" + name + "=" + url.QueryEscape(to)
					}
					for range 2 {
						p := x.come(b, ret)
						if at := p.Header.Get("Location"); strings.Contains(at, "evil") || strings.HasPrefix(at, "javascript") {
							x.harm(leak)
						}
					}
					x.ours(x.credited(order) == 1, "%+v", x.credits())
				}
			},
		},
		{
			id: "A48", name: "forged_by_the_victims_browser", title: "another page posts the attacker's receipt from the victim's browser", plugins: []string{tolerant, strict, authority},
			run: func(x *trial) {
				victim := x.customer()
				mine := x.order(50_000)
				x.begin(victim, mine)
				_, order, ret := x.paid(x.stranger(), 50_000)
				x.come(victim, ret)
				x.ours(x.credited(order) == 1 && x.credited(mine) == 0, "%+v", x.credits())
			},
		},
		{
			id: "A49", name: "forged_cookies", title: "our cookies forged, changed, huge, shadowed", none: "it sets no cookie", block: "track /product/*",
			run: func(x *trial) {
				for _, line := range []string{
					"payment_track=forged", "payment_track=" + strings.Repeat("a", 8<<10), "__Host-payment_track=x; ..Host-payment_track=y; payment_track=eyJhbGciOiJub25lIn0.e30.",
					"payment_bounce=x; payment_paid=x; payment_track=",
				} {
					b := x.customer()
					_, order, ret := x.paid(b, 50_000)
					x.forget()
					x.send(b, ret, "Cookie", line)
					x.ends(b, ret, order)
					for _, s := range x.runs() {
						x.ours(s.text("HTTP_X_PAYMENT_TRACK_ID") == "", "a track from %.40s", line)
					}
				}
				p := x.get(x.customer(), "/product/mug?track_id=064ee72930404724974761b0b41e9e49")
				set := strings.Join(p.Header.Values("Set-Cookie"), "\n")
				x.ours(strings.Contains(set, "HttpOnly") && strings.Contains(set, "SameSite=Lax") && strings.Contains(set, "Path=/"), "%s", set)
			},
		},
		{
			id: "A50", name: "framed_cached_or_referred", title: "our pages in a frame, in a cache, in a Referer", none: "the page is the shop's theme's",
			run: func(x *trial) {
				b := x.customer()
				order := x.order(50_000)
				id := x.begin(b, order)
				_, _, ret := x.paid(b, 50_000)
				bounce := x.bounced(b, ret)
				x.come(b, ret)
				for what, p := range map[string]harness.Page{
					"not paid": x.send(b, x.forged(id, order)), "malformed": x.get(b, x.back+"?id=1"), "bounce": bounce, "again": x.send(x.stranger(), ret),
				} {
					referrer := "no-referrer"
					if what == "bounce" {
						referrer = "same-origin" // its form must say where it comes from
					}
					x.ours(strings.Contains(p.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") && strings.Contains(p.Header.Get("Cache-Control"), "no-store") &&
						p.Header.Get("Referrer-Policy") == referrer, "%s: %d %v", what, p.Status, p.Header)
				}
			},
		},
		{
			id: "A51", name: "enumeration", title: "whether an order or a receipt exists, by what strangers are told (CVE-2026-0656)", plugins: []string{tolerant, strict, authority},
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				s := x.stranger()
				told := make(map[string]string)
				tell := func(what string, ret *sandbox.Return) {
					p := x.send(s, ret)
					told[what] = p.Header.Get("Content-Type") + " " + http.StatusText(p.Status) + reference.ReplaceAllString(p.Body, "")
				}
				tell("an invented id for an order that exists", x.forged(x.invented(), order))
				tell("for one that does not", x.forged(x.invented(), "A51-77"))
				tell("a receipt for an order that does not", x.forged(id, "A51-78"))
				if x.provider == sandbox.ProviderIDPay {
					first := told["for one that does not"]
					for what, text := range told {
						if text != first {
							x.say(leak, "%s is told otherwise:\n%.300s\n%.300s", what, text, first)
						}
					}
				} else if told["an invented id for an order that exists"] != told["for one that does not"] {
					x.say(leak, "orders that exist are told otherwise")
				}
				x.ends(b, ret, order)
			},
		},
	}
}

func cookies(b *harness.Browser, site string) string {
	u, err := url.Parse(site)
	if err != nil {
		return ""
	}
	var all []string
	for _, c := range b.Client.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// idOf is an order's last payment.
func (x *trial) idOf(order string) string {
	x.Helper()
	return harness.ReadFile(x.T, x.card("token", order))
}
