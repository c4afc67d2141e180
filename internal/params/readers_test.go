package params

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// reader is one way in which a shop may read a text: names and values as it sees
// them, all of them.
type reader func(text string) []pair

// readers are PHP's, that of readers which split at ";" too, and that of readers
// which only decode.
func readers(separators string) map[string]reader {
	split := func(text, at string, name func(string) string) (found []pair) {
		for _, raw := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(at, r) }) {
			n, v, _ := strings.Cut(raw, "=")
			found = append(found, pair{name(n), phpDecode(v)})
		}
		return found
	}
	php := func(n string) string {
		folded, array := phpName(strings.TrimLeft(n, " \t\n\v\f\r"))
		if array {
			folded += "[]"
		}
		return folded
	}
	return map[string]reader{
		"php":            func(t string) []pair { return split(t, separators, func(n string) string { return php(phpDecode(n)) }) },
		"php, raw names": func(t string) []pair { return split(t, separators, php) },
		"semicolons":     func(t string) []pair { return split(t, separators+";", phpDecode) },
		"php, semicolons": func(t string) []pair {
			return split(t, separators+";", func(n string) string { return php(phpDecode(n)) })
		},
	}
}

// caseless is what readers that ignore case compare names by.
func caseless(name string) string {
	return strings.ToLower(strings.ToUpper(strings.TrimSuffix(strings.TrimLeft(name, " "), "[]")))
}

func cookieLine() *rapid.Generator[string] {
	name := rapid.SampledFrom([]string{
		"id", "order_id", "order.id", "order id", "order+id", "order%5fid", "order_id[]", "order_id[x]", "order[id", "Order_ID", "ORDER.ID", "%6Frder_id",
		"wc_order", "wc.order", "WC_Order", "wc_order[]", "payment_order", "payment.order", "PAYMENT_x", "__Host-payment_browser", "PHPSESSID", "wp-settings-1", "_ga_X.Y", "", "a[b", "id%00x",
	})
	return rapid.Custom(func(t *rapid.T) string {
		var parts []string
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			p := rapid.SampledFrom([]string{"", " ", "  ", "\t"}).Draw(t, "space") + name.Draw(t, "cookie")
			if rapid.IntRange(0, 9).Draw(t, "eq") > 0 {
				p += "=" + rapid.SampledFrom([]string{"999", "", "a=b", `"q"`, "x%3By", "NOK"}).Draw(t, "value")
			}
			parts = append(parts, p)
		}
		return strings.Join(parts, rapid.SampledFrom([]string{";", "; "}).Draw(t, "glue"))
	})
}

// TestReadersAgree: whatever query, body and cookies are, and whatever address
// they came to, each reader finds of a guarded name the verified value, or what
// the shop wrote into its own address; and of a bound one the value that was
// compared.
func TestReadersAgree(t *testing.T) {
	names := NewNames(append(guardedNames, "payment_*")...).Bind("wc_order").Lend("id", "order_id", "status")
	verified := map[string]string{"payment_order": "V", "payment_amount": "V"}
	for _, n := range guardedNames {
		verified[n] = "V"
	}
	guards := func(key string) bool {
		return strings.HasPrefix(key, "payment_") || slices.Contains(guardedNames, key)
	}
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		bind := rapid.SampledFrom([]string{"", "wc_order=1", "wc_order=1;x", "WC_Order=2", "wc.order=2", "x=1;wc_order=2"})
		known := ""
		if rapid.Bool().Draw(t, "is known") {
			known = query().Draw(t, "known")
		}
		q := strings.Trim(known+rapid.SampledFrom([]string{"&", "?"}).Draw(t, "glue")+query().Draw(t, "query"), "&")
		if b := bind.Draw(t, "bound"); b != "" {
			q += "&" + b
		}
		body := query().Draw(t, "body")
		s, err := ParseKnown(q, []byte(body), formType, names, known)
		if err != nil {
			return
		}
		read++
		bound, ok := s.Shop("wc_order")
		own := names.own(known)
		rewritten, newBody, _ := s.Rewrite(verified)
		cookies := names.Cookies([]string{cookieLine().Draw(t, "cookies"), cookieLine().Draw(t, "more cookies")})
		for where, text := range map[string]string{"query": rewritten, "body": string(newBody), "cookies": strings.Join(cookies, ";")} {
			separators := "&"
			if where == "cookies" {
				separators = ";"
			}
			for who, reader := range readers(separators) {
				for _, p := range reader(text) {
					key := caseless(p.name)
					switch {
					case guards(key) && where == "cookies":
						t.Fatalf("%s: a cookie %q is left in %q", who, p.name, text)
					case guards(key) && !strings.HasPrefix(key, "payment_") && p.value != "V" && !shops(own, p, where):
						t.Fatalf("%s: %s %q (known %q): %s is %q in %q", who, where, q, known, p.name, p.value, text)
					case ok && key == "wc_order" && (p.value != bound || where == "cookies"):
						t.Fatalf("%s: %s: bound is %q, read as %q in %q", who, where, bound, p.value, text)
					}
				}
			}
		}
	})
	if read == 0 {
		t.Error("nothing was accepted: the test is blind")
	}
}

// shops reports whether what a reader found stands in the address that we know.
func shops(own []pair, p pair, where string) bool {
	if where != "query" {
		return false
	}
	for _, o := range own {
		for _, reader := range readers("&") {
			for _, x := range reader(o.name + "=" + o.value) {
				if caseless(x.name) == caseless(p.name) {
					return true
				}
			}
		}
	}
	return false
}

func TestCookies(t *testing.T) {
	names := NewNames("Status", "order_id").Bind("wc_order")
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a=1; b=2", "a=1; b=2"},
		{"a=1;b=2 ;  c", "a=1;b=2 ;  c"},
		{"Status=NOK; order.id=999", ""},
		{"a=1; Status=NOK; b=2", "a=1; b=2"},
		{"a=1; Status=NOK", "a=1"},
		{"Status=NOK;a=1", "a=1"},
		{"status=1; ORDER_ID=2; order%5Fid=3; order_id[]=4; order[id=5; order+id=6; order id=7; order_id=8; keep.me=9", "keep.me=9"},
		{"wc.order=1; wc_orders=2", "wc_orders=2"},
		{"order_id", ""},
		{" order_id =1; a=1", "a=1"},
		{"order_id%00x=1; %00order_id=2", "%00order_id=2"},
	} {
		got := ""
		if kept := names.Cookies([]string{c.in}); len(kept) > 0 {
			got = kept[0]
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	if got := strings.Join(names.Cookies([]string{"a=1", "Status=NOK", "b=2; order_id=3", "c=4"}), "|"); got != "a=1|b=2|c=4" {
		t.Error(got)
	}
}

// TestCookiesCost: where none is dropped nothing is allocated.
func TestCookiesCost(t *testing.T) {
	names := NewNames("status", "track_id", "id", "order_id", "amount", "card_no", "hashed_card_no", "date", "payment_ref", "payment_bounce").Bind("wc_order")
	lines := []string{
		"PHPSESSID=0123456789abcdef; wp-settings-1=mfold%3Do; wp-settings-time-1=1764300000; _ga=GA1.2.1; _ga_ABC=GS1.1; woocommerce_items_in_cart=1",
		"woocommerce_cart_hash=ab; wp_woocommerce_session_1=x; __Host-payment_browser=abc; __Host-payment_track=def; tk_ai=1; sbjs_migrations=1418474375998%3D1",
	}
	if n := testing.AllocsPerRun(100, func() { names.Cookies(lines) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
