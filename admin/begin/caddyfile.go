package begin

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// caddyfile is the first configuration, as `caddy fmt` would write it.
func (s *Shop) caddyfile() []byte {
	w := &writer{lang: s.Lang}
	w.note("", lang.Text{
		"A beginning, made by `caddy payments init`. After each change:\n\n\tcaddy validate --config Caddyfile --envfile " + EnvName + "\n\nand then `caddy reload`, with the same two flags.",
		"آغاز کار، ساختهٔ `caddy payments init`. پس از هر تغییر:\n\n\tcaddy validate --config Caddyfile --envfile " + EnvName + "\n\nو سپس `caddy reload` با همین دو گزینه.",
	})
	s.global(w)
	w.line("")
	w.line(s.Address + " {")
	w.line("\troot " + quote(filepath.ToSlash(s.Root)))
	w.line("")
	switch {
	case s.Kind == Static:
		s.static(w)
	case s.Relayed():
		s.plugin(w)
	default:
		s.program(w)
	}
	w.line("\tfile_server")
	w.line("}")
	s.sandboxSite(w)
	return w.bytes()
}

func (s *Shop) global(w *writer) {
	w.line("{")
	w.line("\tpayments {")
	if s.Kind != Static {
		w.note("\t\t", signingLine)
		w.line("\t\tsigning_key {env.PAYMENTS_SIGNING_KEY}")
		w.line("")
	}
	w.note("\t\t", lang.Text{
		"Who takes the payments. Keys are in " + EnvName + ", never here.",
		"درگاه پرداخت. کلیدها در " + EnvName + " هستند، نه اینجا.",
	})
	if t, ok := Closed(s.Gateway); ok {
		w.note("\t\t", lang.Text{s.Gateway + ": " + t[0] + ".", s.Gateway + ": " + t[1] + "."})
	}
	w.line("\t\tprovider " + s.Gateway + " {")
	for _, option := range s.needs {
		if option != "base_url" {
			w.line("\t\t\t" + option + " {env." + variable(s.Gateway, option) + "}")
		}
	}
	if s.BaseURL != "" {
		if s.tried {
			w.note("\t\t\t", goLiveBase)
		}
		w.lines(s.tried, "\t\t\t", "base_url "+quote(s.BaseURL))
	}
	if s.known {
		if s.tried {
			w.note("\t\t\t", triedLine)
		} else {
			w.note("\t\t\t", tryLine)
		}
		w.lines(!s.tried, "\t\t\t", "base_url "+s.sandboxURL()+"/"+s.Gateway)
	}
	w.line("\t\t}")
	w.line("\t}")
	w.line("}")
}

func (s *Shop) sandboxURL() string { return "http://localhost:" + strconv.Itoa(s.sandbox) }

func (s *Shop) sandboxSite(w *writer) {
	if !s.known {
		return
	}
	w.line("")
	if s.tried {
		w.note("", triedSite)
	} else {
		w.note("", trySite)
	}
	w.lines(!s.tried, "", s.sandboxURL()+" {", "\tpayment_sandbox", "}")
}

// static is a site that sells without a program.
func (s *Shop) static(w *writer) {
	w.line("\tpayments {")
	w.note("\t\t", itemsNote)
	w.line("\t\tcheckout /buy " + s.Gateway + " {")
	w.line("\t\t\titem sample 120000toman " + lang.Text{`"A sample"`, `"کالای نمونه"`}.In(s.Lang))
	w.line("\t\t\treturn " + s.path())
	w.line("\t\t}")
	w.line("")
	w.note("\t\t", thanksNote)
	w.line("\t\tverify " + s.path() + " " + s.Gateway + " {")
	w.line("\t\t\texpect intent")
	w.line("\t\t\tduplicate pass")
	w.line("\t\t}")
	w.line("\t}")
	w.line("")
	w.line("\trewrite " + s.path() + " /thanks.html")
	w.line("\ttemplates /thanks.html")
}

// plugin is a shop system whose plugin calls the gateway through the relay: nothing
// changes in it but the gateway's address.
func (s *Shop) plugin(w *writer) {
	matcher := s.matcher(w)
	w.line("\tpayments {")
	w.note("\t\t", relayNote)
	w.line("\t\trelay /-/pay/{env." + RelayName + "} " + s.Gateway)
	w.line("")
	w.note("\t\t", observeNote)
	if preset := s.preset(); preset != "" {
		w.line("\t\tobserve " + matcher + " " + s.Gateway + " {")
		w.note("\t\t\t", refusedNote)
		w.line("\t\t\trefused preset " + preset)
		w.line("\t\t}")
	} else {
		w.line("\t\tobserve " + matcher + " " + s.Gateway)
	}
	w.line("\t}")
	w.line("")
	w.note("\t", fpmNote)
	w.line("\tphp_fastcgi " + quote(s.FPM) + " {")
	w.line("\t\tenv " + RelayName + " {env." + RelayName + "}")
	w.line("\t}")
}

// program is a site with PHP: the owner's own, or a shop system with a plugin.
func (s *Shop) program(w *writer) {
	matcher := s.matcher(w)
	w.line("\tpayments {")
	w.note("\t\t", verifyNote)
	w.line("\t\tverify " + matcher + " " + s.Gateway + " {")
	w.note("\t\t\t", expectNote)
	w.line("\t\t\texpect intent")
	w.note("\t\t\t", ackNote)
	w.line("\t\t\tdeliver idempotent")
	w.line("\t\t\tack header")
	if s.Kind == Plugin {
		w.note("\t\t\t", declinedNote)
		w.line("\t\t\tdeclined pass")
		if preset := s.preset(); preset != "" {
			w.note("\t\t\t", refusedNote)
			w.line("\t\t\trefused preset " + preset)
		}
	}
	w.line("\t\t}")
	w.line("\t}")
	w.line("")
	w.note("\t", fpmNote)
	w.line("\tphp_fastcgi " + quote(s.FPM) + " {")
	w.line("\t\tenv PAYMENT_RECEIPT_KEY {env.PAYMENT_RECEIPT_KEY}")
	w.line("\t\tenv PAYMENT_AUDIENCE " + s.Address)
	w.line("\t}")
}

// preset is how the shop system of a plugin says that it does not take a payment, as its
// return address shows which one it is; empty where it doesn't show.
func (s *Shop) preset() string {
	u, err := url.Parse(s.Return)
	if err != nil {
		return ""
	}
	query, path := u.Query(), strings.ToLower(u.Path)
	switch {
	case query.Has("wc-api"), strings.HasPrefix(path, "/wc-api/"):
		return "woocommerce"
	case query.Has("edd-listener"):
		return "edd"
	case strings.HasPrefix(query.Get("route"), "extension/"), strings.HasPrefix(query.Get("route"), "payment/"):
		return "opencart"
	case query.Get("fc") == "module", strings.HasPrefix(path, "/module/"):
		return "prestashop"
	case strings.HasPrefix(path, "/modules/gateways/"):
		return "whmcs"
	}
	return ""
}

func (s *Shop) path() string {
	u, err := url.Parse(s.Return)
	if err != nil || u.Path == "" {
		return "/"
	}
	return quote(u.Path)
}

// matcher is what `verify` takes: a path or, where the return address has a query,
// a named matcher, which is written here.
func (s *Shop) matcher(w *writer) string {
	u, err := url.Parse(s.Return)
	if err != nil || u.RawQuery == "" {
		return s.path()
	}
	w.note("\t", returnNote)
	w.line("\t@return {")
	if name := u.Query().Get("wc-api"); name != "" {
		// WooCommerce has two spellings of the same address.
		name = strings.ToLower(strings.NewReplacer(`"`, "", "`", "", `\`, "").Replace(name))
		w.line("\t\texpression `{query.wc-api}.lowerAscii() == \"" + name + "\" || {path}.lowerAscii().startsWith(\"/wc-api/" + name + "\")`")
	} else {
		w.line("\t\tpath " + s.path())
		query := u.Query()
		for _, name := range slices.Sorted(maps.Keys(query)) {
			w.line("\t\tquery " + quote(name+"="+query.Get(name)))
		}
	}
	w.line("\t}")
	w.line("")
	return "@return"
}

// quote writes a word as it is, or in backquotes where it holds a blank or a quote.
// (Shop.Complete has refused backquotes.)
func quote(word string) string {
	if word == "" || strings.ContainsAny(word, " \t\"{}#\\") {
		return "`" + word + "`"
	}
	return word
}
