package doors

import (
	"fmt"
	"slices"
	"strings"
)

// providerNames are the names in the global block; idpay and idpay2 are two
// accounts of one gateway.
var providerNames = []string{"24pal", "idpay", "idpay2", "inv", "sama"}

const (
	keyOne        = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4"
	keyTwo        = "0c1d2e3f-1111-4412-a972-6dfb7cd253a4"
	keyThree      = "1f2e3d4c-2222-4412-a972-6dfb7cd253a4"
	zibalMerchant = "6a7f99eb7c204412a9726dfb"
	merchant      = "GXyXvV72.woCX6cvclOvIvFB0KkR5OUbLMadMlIqg"
	secret        = "0123456789abcdef0123456789abcdef"
)

// places are the addresses that a Caddyfile needs: the bank, and each block's
// upstream, FastCGI responder and root.
type places struct {
	bank              string
	proxy, php, roots []string
	pages             string // templates in place of ours
}

// writer indents.
type writer struct {
	strings.Builder
	depth int
}

func (w *writer) line(format string, a ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, a...), " ")
	if strings.HasPrefix(text, "}") {
		w.depth--
	}
	w.WriteString(strings.Repeat("\t", w.depth) + text + "\n")
	if strings.HasSuffix(text, "{") {
		w.depth++
	}
}

// caddyfile is the world's configuration as a person would write it.
func (p *plan) caddyfile(at places) string {
	w := new(writer)
	w.line("{")
	w.line("auto_https off")
	if p.Front {
		w.line("servers {")
		w.line("trusted_proxies static private_ranges")
		w.line("}")
	}
	w.line("payments {")
	if p.Keys {
		w.line("signing_key %s", secret)
	}
	w.line("affiliate hamekar {")
	w.line("store_token shop-token")
	w.line("base_url %s/hamekar", at.bank)
	w.line("}")
	for _, name := range providerNames {
		if slices.ContainsFunc(p.Blocks, func(b block) bool { return b.uses(name) }) {
			provider(w, name, at.bank)
		}
	}
	for _, name := range append([]string{"idpay3"}, pluginNames...) {
		if slices.ContainsFunc(p.Blocks, func(b block) bool { return b.uses(name) }) {
			provider(w, name, at.bank)
		}
	}
	w.line("}")
	w.line("}")
	if slices.ContainsFunc(p.Blocks, func(b block) bool { return b.Plugin != nil && b.Plugin.Listener }) {
		w.line("http://127.0.0.1:%s {", relayPort)
		w.line("payment_relay")
		w.line("}")
	}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if b.has("invoke") {
			w.line("&(shop%d) {", b.Number)
			w.line("route {")
			b.body(w, at)
			w.line("}")
			w.line("}")
		}
	}
	mall := false
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if b.Prefix != "" {
			if !mall {
				w.line("http://%s {", b.Hosts[0])
			}
			mall = true
			if b.Under {
				w.line("handle_path %s/* {", b.Prefix)
			} else {
				w.line("handle %s/* {", b.Prefix)
			}
			b.body(w, at)
			w.line("}")
		}
	}
	if mall {
		w.line("}")
	}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if b.Prefix != "" {
			continue
		}
		var names []string
		for _, h := range b.Hosts {
			n := "http://" + h
			if b.Port != "80" {
				n += ":" + b.Port
			}
			names = append(names, n)
		}
		if b.Twin != "" && b.has("invoke") {
			w.line("http://%s {", strings.TrimSuffix(b.Twin+":"+b.Port, ":80"))
			p.guard(w)
			w.line("invoke shop%d", b.Number)
			w.line("}")
		}
		w.line("%s {", strings.Join(names, ", "))
		if b.has("invoke") {
			p.guard(w)
			w.line("invoke shop%d", b.Number)
			b.errors(w, at)
		} else {
			b.body(w, at)
			b.errors(w, at)
		}
		w.line("}")
	}
	return w.String()
}

// guard is the empty block that error routes need where all else stands in a
// named route.
func (p *plan) guard(w *writer) {
	if slices.ContainsFunc(p.Blocks, func(b block) bool { return b.has("errors") || b.has("bad-errors") }) {
		w.line("payments")
	}
}

func provider(w *writer, name, bank string) {
	kind, _ := kindOf(name)
	if kind == name {
		w.line("provider %s {", kind)
	} else {
		w.line("provider %s %s {", kind, name)
	}
	switch kind {
	case "sama":
		w.line("merchant_id %s", merchant)
	case "zarinpal":
		w.line("merchant_id %s", accountID)
	case "zibal":
		w.line("merchant %s", zibalMerchant)
	default:
		w.line("api_key %s", apiKey(name))
	}
	w.line("base_url %s/%s", bank, kind)
	if kind == "invoice" || kind == "24pal" {
		w.line("used_ids none")
	}
	w.line("}")
}

// kindOf is a provider's type, and the names of its return's parameters.
func kindOf(name string) (kind string, params []string) {
	switch name {
	case "idpay", "idpay2", "idpay3":
		return "idpay", []string{"status", "track_id", "id", "order_id"}
	case "sama":
		return "sama", []string{"Authority", "Status"}
	case "zarinpal":
		return "zarinpal", []string{"Authority", "Status"}
	case "zibal":
		return "zibal", []string{"success", "trackId"}
	case "inv":
		return "invoice", []string{"invoice_key", "status"}
	}
	return name, []string{"invoice_key", "status"}
}

func apiKey(name string) string {
	switch name {
	case "idpay2":
		return keyTwo
	case "idpay3":
		return keyThree
	}
	return keyOne
}

func (b *block) has(what string) bool { return slices.Contains(b.Around, what) }

// body is what a site block holds, error routes apart.
func (b *block) body(w *writer, at places) {
	root := at.roots[b.Number]
	for i, r := range b.Requires {
		if r.Matcher {
			w.line("@paid%d path %s", i, strings.Join(b.all(r.Paths), " "))
		}
	}
	for i, v := range b.Verifies {
		if v.Query != "" {
			w.line("@return%d query %s", i, v.Query)
		}
	}
	if b.Plugin != nil && b.Plugin.Query != "" {
		w.line("@plugin {")
		w.line("path %s", b.in("/"))
		w.line("query %s", b.Plugin.Query)
		w.line("}")
	}
	b.payments(w, at)
	w.line("root * %s", root)
	if b.has("encode") {
		w.line("encode zstd gzip")
	}
	if b.has("auth") {
		w.line("forward_auth %s {", at.proxy[b.Number])
		w.line("uri /auth")
		w.line("copy_headers X-User")
		w.line("}")
	}
	if b.has("alias") {
		w.line("rewrite /alias /lesson.html")
		w.line("rewrite /alias2 /book.pdf")
	}
	if b.has("strip") {
		w.line("uri strip_prefix /v2")
	}
	if b.has("suffix") {
		w.line("uri strip_suffix .dl")
	}
	if b.has("replace") {
		w.line("uri replace /zip/ /course/")
	}
	if b.has("regexp") {
		w.line("uri path_regexp ^/old-(.*)$ /$1")
	}
	if b.has("statused") {
		w.line("intercept {")
		w.line("@none status 404")
		w.line("replace_status @none 200")
		w.line("}")
	}
	if b.has("intercept") {
		w.line("intercept {")
		w.line("@gone status 404")
		w.line("handle_response @gone {")
		w.line("rewrite * /members/secret.txt")
		w.line("file_server")
		w.line("}")
		w.line("}")
	}
	under := b.has("under")
	if under {
		w.line("handle_path /dl/* {")
		w.line("file_server")
		w.line("}")
	}
	if under {
		w.line("handle {")
	}
	if b.has("nested") {
		w.line("route {")
		w.line("handle /zz/* {")
		w.line("respond \"nothing\" 404")
		w.line("}")
		w.line("handle {")
	}
	b.serve(w, at)
	if b.has("nested") {
		w.line("}")
		w.line("}")
	}
	if under {
		w.line("}")
	}
}

func (b *block) serve(w *writer, at places) {
	if b.Said {
		w.line("respond %s \"%s%s\"", b.in("/said"), saidMark, saidAll)
	}
	switch b.Serve {
	case "proxy":
		if !b.has("accel") && !b.Said {
			w.line("reverse_proxy %s", at.proxy[b.Number])
			return
		}
		w.line("reverse_proxy %s {", at.proxy[b.Number])
		if b.Said {
			w.line("header_up %s \"%s\"", saidHeader, saidAll)
		}
		if b.has("accel") {
			w.line("@accel header X-Accel-Redirect *")
			w.line("handle_response @accel {")
			w.line("rewrite * {rp.header.X-Accel-Redirect}")
			w.line("file_server")
			w.line("}")
		}
		w.line("}")
	case "php":
		if b.Said {
			w.line("php_fastcgi %s {", at.php[b.Number])
			w.line("env %s \"%s\"", saidVariable, saidAll)
			w.line("}")
		} else {
			w.line("php_fastcgi %s", at.php[b.Number])
		}
		w.line("file_server")
	default:
		if b.Said {
			w.line("header %s \"%s\"", saidHeader, saidAll)
		}
		if b.Try {
			w.line("try_files {path} {path}.html {path}/index.html")
		}
		if !b.Loose && !b.Precompressed {
			w.line("file_server")
			return
		}
		w.line("file_server {")
		if b.Loose {
			w.line("disable_canonical_uris")
		}
		if b.Precompressed {
			w.line("precompressed gzip")
		}
		w.line("}")
	}
}

func (b *block) errors(w *writer, at places) {
	if !b.has("errors") && !b.has("bad-errors") {
		return
	}
	w.line("handle_errors {")
	w.line("root * %s", at.roots[b.Number])
	if b.has("bad-errors") {
		w.line("rewrite * /members/secret.txt")
	} else {
		w.line("rewrite * /errors/{err.status_code}.html")
	}
	w.line("file_server")
	w.line("}")
}

func (b *block) payments(w *writer, at places) {
	w.line("payments {")
	if b.Public != "" {
		w.line("public_url %s", b.Public)
	}
	if b.Track != nil {
		where := strings.Join(b.all(b.Track), " ")
		if b.Keep {
			w.line("track %s {", where)
			w.line("keep store")
			w.line("}")
		} else {
			w.line("track %s", where)
		}
	}
	for _, c := range b.Checkouts {
		w.line("checkout %s %s {", b.in(c.Path), strings.Join(c.Providers, " "))
		for _, sku := range c.Items {
			w.line("item %s %drial", sku, prices[sku])
		}
		w.line("return %s", b.in(c.Return))
		w.line("}")
	}
	for i, v := range b.Verifies {
		where := b.in(v.Path)
		if v.Query != "" {
			where = fmt.Sprintf("@return%d", i)
		}
		w.line("verify %s %s {", where, v.Provider)
		if v.Expect == "lookup" {
			w.line("expect lookup http://%s/lookup?order={order}", at.proxy[b.Number])
		} else {
			w.line("expect %s", v.Expect)
		}
		for _, o := range [][2]string{{"deliver", v.Deliver}, {"ack", v.Ack}, {"declined", v.Declined}, {"duplicate", v.Duplicate}, {"bounce", v.Bounce}} {
			if o[1] != "" {
				w.line("%s %s", o[0], o[1])
			}
		}
		if b.Many {
			w.line("orders many")
		}
		if v.Bind != "" {
			w.line("bind %s", v.Bind)
		}
		w.line("}")
	}
	if b.Plugin != nil {
		b.Plugin.lines(w, b)
	}
	for i, r := range b.Requires {
		if r.Matcher {
			w.line("require @paid%d {", i)
		} else {
			w.line("require %s {", strings.Join(b.all(r.Paths), " "))
		}
		w.line("item %s", strings.Join(r.Items, " "))
		if r.Devices > 0 {
			w.line("devices %d", r.Devices)
		}
		w.line("}")
	}
	if b.Brand {
		w.line("brand \"%s\" {", b.name())
		w.line("color e67e22")
		w.line("support \"tel:+982100000%d\"", b.Number)
		w.line("home /free.html")
		w.line("}")
	}
	if b.Pages {
		w.line("pages %s", at.pages)
	}
	if b.NoAnnounce {
		w.line("announce off")
	}
	if b.ErrorsCaddy {
		w.line("errors caddy")
	}
	w.line("}")
}

// all are paths of the shop as its block has them.
func (b *block) all(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, b.in(p))
	}
	return out
}
