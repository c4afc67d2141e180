package caddyfile_test

import (
	"fmt"
	"strings"
	"testing"
)

// head is what the lines below are tried in: a global block and the beginning
// of a site.
const head = `{
	payments {
		provider idpay {
			api_key {env.IDPAY_KEY}
		}
		provider sama {
			merchant_id {env.SAMA_MERCHANT_ID}
		}
		provider 24pal {
			api_key {env.PAL24_KEY}
		}
		provider invoice poolam {
			api_key {env.POOLAM_KEY}
			base_url https://poolam.ir
		}
		provider invoice counted {
			api_key {env.POOLAM_KEY}
			base_url https://counted.example.com
			used_ids none
		}
		affiliate hamekar {
			store_token {env.HAMEKAR_TOKEN}
		}
	}
}
http://shop.test {
	@return query wc-api=WC_IDPay
	@empty {
	}
	@everything {
		path /x /*
		method GET POST
	}
	@unlike not path /admin/*
	payments {
`

var headLines = strings.Count(head, "\n")

// Every mistake in a site's block is told with its line, counted from the
// block's first, and what is right instead.
func TestCaddyfileSiteErrors(t *testing.T) {
	for _, c := range []struct {
		lines string
		line  int
		want  string
	}{
		{"verfy /cb idpay", 1, "unrecognised option 'verfy' of payments; did you mean 'verify'?"},
		{"xyzzyxyzzy", 1, "unrecognised option of payments; there is only track, checkout, verify, require, observe, relay, brand, pages, announce, errors, signing_key, public_url and formerly"},
		{"provider idpay", 1, "provider belongs in the `payments` block of the global options, first in the file"},
		{"storage badger", 1, "storage belongs in the `payments` block of the global options"},
		{"affiliate hamekar", 1, "affiliate belongs in the `payments` block of the global options"},

		{"brand", 1, "brand needs the shop's name: brand \"My shop\""},
		{"brand My shop", 1, "put several words in quotes: brand \"My shop\""},
		{"brand x {\nlogo logo.svg\n}", 1, "logo: it must be a path of the site, such as /logo.svg"},
		{"brand x {\ncolor orange\n}", 1, "color: it is no colour: write six hexadecimal digits, such as e67e22"},
		{"brand x {\nlgoo /x\n}", 2, "unrecognised option 'lgoo' of brand; did you mean 'logo'?"},
		{"brand x\nbrand y", 2, "brand is already specified"},
		{"announce", 1, "announce needs one of: off or on"},
		{"announce of", 1, "announce must be off or on, not 'of'; did you mean 'off'?"},
		{"announce off\nannounce off", 2, "announce is already specified"},
		{"announce off on", 1, "wrong argument count"},
		{"announce off {\nx\n}", 2, "announce takes no block"},
		{"errors page", 1, "errors must be caddy, at"},
		{"errors caddy\nerrors caddy", 2, "errors is already specified"},
		{"signing_key", 1, "signing_key takes a secret"},
		{"signing_key a b c", 1, "signing_key takes a secret"},
		{"signing_key {env.A} na/me", 1, "the name of a signing_key is"},
		{"signing_key secret", 1, "signing_key is 6 bytes long and must be at least 32"},
		{"signing_key {env.A}\nsigning_key {env.A}", 2, "this signing_key is already specified"},
		{"signing_key {env.A} k\nsigning_key {env.B} k", 2, "signing_key 'k' is there already"},
		{"public_url", 1, "wrong argument count"},
		{"public_url shop.test", 1, "public_url must be an address such as https://shop.example.com or, where several shops share a host, https://mall.example.com/shop1, at"},
		{"public_url https://shop.test/x/../y", 1, "public_url must be an address"},
		{"public_url https://shop.test//x", 1, "public_url must be an address"},
		{"public_url https://shop.test/x?a=1", 1, "public_url must be an address"},
		{"public_url https://shop.test/x;y", 1, "public_url must be an address"},
		{"public_url https://shop.test/%2e", 1, "public_url must be an address"},
		{"public_url https://*.shop.test", 1, "public_url must be an address"},
		{"public_url https://me@shop.test", 1, "public_url must be an address"},
		{"public_url https://{host}", 1, "public_url must be an address"},
		{"formerly", 1, "wrong argument count"},
		{"formerly https://a.test shop.test", 1, "formerly takes earlier addresses of this shop, each of which must be an address such as"},
		{"formerly https://a.test\nformerly https://b.test https://a.test", 2, "formerly has the same value already"},
		{"public_url https://a.test\npublic_url https://b.test", 2, "public_url is already specified"},

		{"track *.pdf", 1, "track: '*.pdf' takes paths by their end, which needs a named matcher: `@end path *.pdf` in the site, and track @end"},
		{"track product", 1, "track: a path begins with '/': did you mean '/product'?"},
		{"track https://shop.test/product", 1, "this is an address; the site's own block says which host, so write only '/product'"},
		{"track @retrun", 1, "unrecognized matcher name: @retrun: define it in the site's block"},
		{"track @empty", 1, "matcher 'empty' is empty: it would take every request"},
		{"track @return @return", 1, "track takes one matcher"},
		{"track @return /x", 1, "track takes a matcher or paths, not both"},
		{"track * @return", 1, "track takes a matcher or paths, not both"},
		{"track /a{b}", 1, "a path has no placeholders, not even unfilled ones; a named matcher may"},
		{"track /?utm=x", 1, "'/?…' is no path: for a query write a named matcher"},
		{"track /x#y", 1, "'/x#…' is no path"},
		{"track /x%2Fy", 1, "track: '/x%2Fy' has an escape that stands for '/', which in a path pattern means something else: write '/' if you mean that"},
		{"track /x/../y", 1, "track: '/x/../y' takes no request as it is written"},
		{"require //dl/* {\nitem a\n}", 1, "write '/dl/*'"},
		{"require /dl/%* {\nitem a\n}", 1, "require: '/dl/%*' has a '%' that begins no escape"},
		{"observe /%D8 idpay", 1, "observe: the escapes of '/%D8' are no UTF-8: write the path's letters themselves"},
		{"verify /cb%5Bx idpay", 1, "verify: '/cb%5Bx' has an escape that stands for '['"},
		{"checkout /%D8%AE%D8%B1%DB%8C%D8%AF idpay", 1, "checkout takes its path without escapes: write '/خرید'"},
		{"checkout /a%20b idpay", 1, "checkout takes one plain path such as /buy, not '/a%20b'"},
		{"track {\nkeeep cookie\n}", 2, "unrecognised option 'keeep' of track; did you mean 'keep'?"},
		{"track {\nkeep cokie\n}", 2, "keep must be cookie or store, not 'cokie'; did you mean 'cookie'?"},
		{"track {\nkeep cookie\nkeep store\n}", 3, "keep is already specified"},
		{"track {\nttl month\n}", 2, "ttl must be a duration above zero such as 30d, at"},
		{"track {\nttl 0s\n}", 2, "ttl must be a duration above zero"},
		{"track {\nttl\n}", 2, "wrong argument count"},
		{"track {\naffiliate hamkar\n}", 2, "affiliate 'hamkar' is not defined; did you mean 'hamekar'?"},
		{"track {\nattribution lsat\n}", 2, "attribution must be last or first, not 'lsat'; did you mean 'last'?"},
		{"track {\nparam a=b\n}", 2, "param takes the name of a parameter, such as order_id, without any of ="},
		{"track {\nparam \"\"\n}", 2, "the argument must not be empty"},
		{"track {\npattern [a-z\n}", 2, "pattern: missing closing ]"},
		{"track {\nparam a b\n}", 2, "wrong argument count"},

		{"checkout /buy", 1, "checkout takes a path and a provider, or several of which the buyer chooses: checkout /buy <provider>..."},
		{"checkout /buy idpay extra", 1, "a provider of this line is not defined; there is only 24pal"},
		{"checkout /buy idpay idpay {\nitem a 1000rial\n}", 1, "names provider 'idpay' twice"},
		{"checkout /buy idpay {\nitem a 1000rial\nbuyer phone\n}", 3, "buyer must be name, mobile or email, at"},
		{"checkout /buy idpay {\nitem a 1000rial\nbuyer mobile always\n}", 3, "may be followed by 'required'"},
		{"checkout /buy idpay {\nitem a 1000rial\nbuyer mobile\nbuyer mobile required\n}", 4, "buyer mobile is already specified"},
		{"checkout /buy idpay {\nitem a 1000rial\nquantity 0\n}", 3, "quantity must be a number from 1 to 1000, not '0'"},
		{"checkout /buy idpay {\nitem a 1000rial\nquantity 1001\n}", 3, "from 1 to 1000"},
		{"checkout /buy idpay {\nitem a 1000rial\nreceipt\n}", 1, "ask for it: buyer mobile required"},
		{"checkout /buy idpay {\ncatalogue shop.xlsx\n}", 2, "must end in .csv or .json"},
		{"checkout /buy idpay {\nitem a 1000rial {\npicture javascript:x\n}\n}", 3, "is no picture"},
		{"checkout /buy idpay {\nitem a 1000rial {\ntitle_de x\n}\n}", 3, "unrecognised option 'title_de' of item"},
		{"checkout buy idpay", 1, "checkout takes a path, which begins with '/': did you mean '/buy'?"},
		{"checkout https://shop.test/buy idpay", 1, "checkout takes a path, which begins with '/': this is an address; the site's own block says which host, so write only '/buy'"},
		{"checkout /buy/* idpay", 1, "checkout takes one plain path such as /buy, not '/buy/*'"},
		{"checkout //buy idpay", 1, "checkout takes one plain path"},
		{"checkout /buy/ idpay", 1, "checkout /buy/ ends with '/': did you mean '/buy'?"},
		{"checkout / idpay", 1, "checkout needs a path of its own, such as /buy"},
		{"checkout /buy 24pall", 1, "provider '24pall' is not defined; did you mean '24pal'?"},
		{"checkout /buy idpay", 1, "checkout /buy sells nothing: it needs an `item <sku> <amount>`, a `catalogue <file>` or a `donate <min> <max>`"},
		{"checkout /buy idpay {\nitem mug\n}", 2, "item takes a sku and an amount: item <sku> <amount> [<title>]"},
		{"checkout /buy idpay {\nitem mug 1000rial a mug\n}", 2, "put a title of several words in quotes"},
		{"checkout /buy idpay {\nitem mug 120000 toman \"A mug\"\n}", 2, "write the amount and its unit as one word: 120000toman"},
		{"checkout /buy idpay {\nitem mug 120000 rial a mug\n}", 2, "write the amount and its unit as one word: 120000rial"},
		{"checkout /buy idpay {\nitem mug 120000toman 5 mugs\n}", 2, "put a title of several words in quotes"},
		{"verify /cb idpay {\nexpect announce\n}", 2, "what the shop announces is called an intent: write `expect intent`"},
		{"checkout /buy idpay {\nitem mug 120000 toman\n}", 2, "write the amount and its unit as one word: 120000toman"},
		{"checkout /buy idpay {\nitem mug dear\n}", 2, "not an amount: write 120000toman or 1200000rial"},
		{"checkout /buy idpay {\nitem mug 0rial\n}", 2, "not an amount"},
		{"checkout /buy idpay {\nitem mug 99999999999999999rial\n}", 2, "is too large: at most 9007199254740992 rials (2^53) fit"},
		{"checkout /buy idpay {\nitem a/b 1000rial\n}", 2, "'a/b' is no sku"},
		{"checkout /buy idpay {\nitem mug 1000rial\nitem mug 2000rial\n}", 3, "item 'mug' is already specified in this checkout"},
		{"checkout /buy idpay {\nitems mug 1000\n}", 2, "unrecognised option 'items' of checkout; did you mean 'item'?"},
		{"checkout /buy idpay {\ndonate 1000rial\n}", 2, "donate takes the least and the most"},
		{"checkout /buy idpay {\ndonate 1000 toman 5000 toman\n}", 2, "write the amount and its unit as one word: 1000toman"},
		{"checkout /buy idpay {\ndonate 1000toman 5000 toman\n}", 2, "write the amount and its unit as one word: 5000toman"},
		{"checkout /buy idpay {\ndonate 1000toman 5000\n}", 2, "the amount has no unit: write 5000toman (50,000 rials) or 5000rial (500 toman), not \"5000\""},
		{"checkout /buy idpay {\nitem mug 120000\n}", 2, "the amount has no unit: write 120000toman (1,200,000 rials) or 120000rial (12,000 toman), not \"120000\""},
		{"checkout /buy idpay {\nitem mug 120,000 \"A mug\"\n}", 2, "write 120000toman (1,200,000 rials) or 120000rial (12,000 toman)"},
		{"checkout /buy idpay {\nitem mug 12,00,0toman\n}", 2, "commas group digits in threes: 120,000toman"},
		{"checkout /buy idpay {\ndonate few 1000rial\n}", 2, "not an amount"},
		{"checkout /buy idpay {\ndonate 1000toman 5000rial\n}", 2, "the least, 1000toman, is more than the most, 5000"},
		{"checkout /buy idpay {\ndonate 1000rial 2000rial\ndonate 1000rial 2000rial\n}", 3, "donate is already specified"},
		{"checkout /buy idpay {\nreturn thanks\n}", 2, "return takes a path, which begins with '/': did you mean '/thanks'?"},
		{"checkout /buy idpay {\nreturn https://shop.test/thanks\n}", 2, "so write only '/thanks'"},
		{"checkout /buy idpay {\nreturn /?x\n}", 2, "return takes one plain path"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /cb idpay\ncheckout /buy sama {\nitem a 1000rial\n}", 5, "checkout /buy is already specified in line 36"},
		{"checkout /buy idpay {\nitem a 1000rial\n}", 1, "checkout /buy has no way back: add `verify <path> idpay` to this block"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify @return idpay", 1, "checkout /buy must say where its customers come back to: return <path>"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /cb/* idpay", 1, "checkout /buy must say where its customers come back to: return <path>"},
		{"checkout /buy idpay {\nitem a 1000rial\nreturn /thanks\n}\nverify /thank idpay\nverify /cb idpay", 1, "no verify line of idpay takes its return /thanks; they take /thank and /cb"},

		{"verify", 1, "verify needs a provider as its last word: verify <path> <provider>"},
		{"verify /cb", 1, "verify needs a provider as its last word"},
		{"verify @return", 1, "verify needs a provider as its last word"},
		{"verify idpay", 1, "verify needs a path or a matcher before the provider: verify <path> idpay; without one every page would be taken for a return"},
		{"verify * idpay", 1, "verify needs a path or a matcher"},
		{"verify / idpay", 1, "verify / takes the home page, which customers open with a payment under way: write the path that the bank sends customers back to"},
		{"verify /* idpay", 1, "verify /* takes every page of the site: write the path that the bank sends customers back to, such as /callback"},
		{"verify /cb //* idpay", 1, "verify //* takes every page of the site"},
		{"verify @everything idpay", 1, "verify its matcher takes every page of the site"},
		{"verify @unlike idpay", 1, "verify its matcher takes every page of the site"},
		{"verify /cb idpay sama", 1, "verify takes one provider, as its last word; write one verify line for each"},
		{"verify https://shop.test/cb idpay", 1, "verify: a path begins with '/': this is an address; the site's own block says which host, so write only '/cb'"},
		{"verify http://shop.test idpay", 1, "write only '/'"},
		{"verify shop.test/cb idpay", 1, "write only '/cb'"},
		{"verify localhost:8080/cb idpay", 1, "write only '/cb'"},
		{"verify https://shop.test/?wc-api=x idpay", 1, "write only '/?…'"},
		{"verify callback.php idpay", 1, "did you mean '/callback.php'?"},
		{"verify cb:x idpay", 1, "write it as browsers show it behind the host, such as /buy"},
		{"verify cb idpay", 1, "verify: a path begins with '/': did you mean '/cb'?"},
		{"verify /?wc-api=x idpay", 1, "for a query write a named matcher, such as `@return query wc-api=*`, and verify @return"},
		{"verify /cb 24pall", 1, "provider '24pall' is not defined; did you mean '24pal'?"},
		{"verify /cb stripe-eu", 1, "a provider of this line is not defined; there is only 24pal, counted, idpay, poolam and sama"},
		{"verify /cb invoice", 1, "provider 'invoice' is not defined; did you mean 'counted', which is of that type?"},
		{"verify /cb idpay {\ntiemout 8s\n}", 2, "unrecognised option 'tiemout' of verify; did you mean 'timeout'?"},
		{"verify /cb idpay {\ntimeout fast\n}", 2, "timeout must be a duration above zero such as 8s, at"},
		{"verify /cb idpay {\nexpect\n}", 2, "expect needs one of: intent, lookup, signed or none"},
		{"verify /cb idpay {\nexpect inten\n}", 2, "expect must be intent, lookup, signed or none, not 'inten'; did you mean 'intent'?"},
		{"verify /cb idpay {\nexpect intent\nexpect none\n}", 3, "expect is already specified"},
		{"verify /cb idpay {\nexpect intent now\n}", 2, "wrong argument count"},
		{"verify /cb idpay {\nexpect lookup\n}", 2, "expect lookup needs the address to ask: expect lookup <url>, with {order} in its path or query"},
		{"verify /cb idpay {\nexpect lookup https://a.test/o\n}", 2, "{order} must be once in the path or query of the address"},
		{"verify /cb idpay {\nexpect lookup https://a.test/{order}/{order}\n}", 2, "{order} must be once"},
		{"verify /cb idpay {\nexpect lookup https://a.test/o#{order}\n}", 2, "in its path or query"},
		{"verify /cb idpay {\nexpect lookup https://{order}.test/\n}", 2, "in its path or query"},
		{"verify /cb idpay {\nexpect lookup /orders/{order}\n}", 2, "must be an absolute address, such as https://shop.example.com/orders/{order}"},
		{"verify /cb idpay {\nexpect lookup https://{env.SHOP}/{order}\n}", 2, "{order} is the only placeholder that the address can have"},
		{"verify /cb idpay {\nexpect lookup https://a:b@shop.test/{order}\n}", 2, "must not carry a user name or password"},
		{"verify /cb idpay {\nexpect lookup http://a.test/{order}\n}", 2, "must be https; plain http is for loopback hosts only"},
		{"verify /cb idpay {\nexpect lookup ftp://a.test/{order}\n}", 2, "must be an absolute address"},
		{"verify /cb sama {\nexpect lookup https://a.test/{order}\n}", 1, "expect lookup needs `order <placeholder>`, such as order {query.order}: the return of sama does not name the order itself"},
		{"verify /cb sama", 1, "say how order and amount are known, because the answer of sama does not name the order: expect intent|lookup, at "},
		{"verify /cb sama {\nexpect none\n}", 1, "and that of sama does not: expect intent|lookup, at "},
		{"verify /cb poolam", 1, "say how order and amount are known, because the answer of poolam (invoice) does not name the order: expect intent|lookup|signed"},
		{"verify /cb 24pal {\nexpect none\n}", 1, "expect none is only for providers whose answer names the order, and that of 24pal does not: expect intent|lookup|signed"},
		{"verify /cb sama {\nexpect signed\n}", 1, "expect signed is refused for sama"},
		{"verify /cb 24pal {\nexpect signed\n}", 1, "expect signed needs `used_ids imported|none` in the block `provider 24pal`"},
		{"verify /cb poolam {\nexpect signed\n}", 1, "expect signed needs `used_ids imported|none` in the block `provider invoice poolam`"},
		{"verify /cb counted {\nexpect signed\n}", 1, "expect signed needs a `signing_key`, here or in the global payments block"},
		{"verify /cb idpay {\norder query.order\n}", 2, "order takes a placeholder: did you mean '{query.order}'?"},
		{"verify /cb idpay {\norder order\n}", 2, "order takes a placeholder, such as {query.order}, at"},
		{"verify /cb idpay {\norder {query.a}{query.b}\n}", 2, "order takes a placeholder, such as {query.order}"},
		{"verify /cb idpay {\norder {env.ORDER}\n}", 2, "order takes a placeholder of the request, such as {query.order}, at"},
		{"verify /cb idpay {\nbind\n}", 2, "wrong argument count"},
		{"verify /cb idpay {\nbind a&b\n}", 2, "bind takes the name of a parameter"},
		{"verify /cb idpay {\nbind a\nbind a\n}", 3, "bind a is already specified"},
		{"verify /cb idpay {\ndeliver onec\n}", 2, "deliver must be once or idempotent, not 'onec'; did you mean 'once'?"},
		{"verify /cb idpay {\nack heder\n}", 2, "ack must be status, header, redirect or relay, not 'heder'; did you mean 'header'?"},
		{"verify /cb idpay {\nack header x\n}", 2, "wrong argument count"},
		{"verify /cb idpay {\nack redirect\n}", 2, "ack redirect needs a pattern"},
		{"verify /cb idpay {\nack redirect /a *\n}", 2, "ack redirect '*' would take any redirect for a proof"},
		{"verify /cb idpay {\nack redirect \"\"\n}", 2, "the argument must not be empty"},
		{"verify /cb idpay {\norders twice\n}", 2, "orders must be once or many, not 'twice'"},
		{"verify /cb idpay {\ndeclined pgae\n}", 2, "declined must be page, pass or redirect, not 'pgae'; did you mean 'page'?"},
		{"verify /cb idpay {\ndeclined redirect\n}", 2, "declined redirect needs where to: a path or an absolute address"},
		{"verify /cb idpay {\ndeclined redirect cart\n}", 2, "'cart' must be a path or an absolute address: did you mean '/cart'?"},
		{"verify /cb idpay {\ndeclined redirect shop.test/cart\n}", 2, "did you mean 'https://shop.test/cart'?"},
		{"verify /cb idpay {\nduplicate redirect //evil.test\n}", 2, "it must be a path such as /cart"},
		{"verify /cb idpay {\nduplicate redirect javascript:x\n}", 2, "must be a path such as /cart or an address"},
		{"verify /cb idpay {\nduplicate page /x\n}", 2, "wrong argument count"},
		{"verify /cb idpay {\nabsent parked\n}", 2, "absent must be deliver or park, not 'parked'; did you mean 'park'?"},
		{"verify /cb idpay {\nbounce on\n}", 2, "bounce must be auto, redirect, resubmit or off, not 'on'"},
		{"verify /cb idpay\nverify /x /cb sama {\nexpect intent\n}", 2, "verify /cb is already specified in line 36, for idpay"},
		{"verify /cb idpay\nverify /CB/ idpay {\nexpect intent\n}", 2, "verify /CB/ is already specified in line 36, for idpay"},
		{"verify /cb idpay\nverify /c%62 sama {\nexpect intent\n}", 2, "verify /c%62 is already specified in line 36, for idpay"},
		{"verify /c%2B%2B/cb idpay {\nexpect intent\n}\ncheckout /buy idpay {\nitem a 1000rial\nreturn /c/cb\n}", 4, "no verify line of idpay takes its return /c/cb"},
		{"verify /cb idpay\nverify /%63b sama {\nexpect intent\n}", 2, "verify /%63b is already specified in line 36, for idpay"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /buy idpay", 4, "verify /buy takes what the checkout of line 36 sells"},

		{"require {\nitem a\n}", 1, "require needs a path or a matcher"},
		{"require * {\nitem a\n}", 1, "`/*` is all of them"},
		{"require /x", 1, "require needs an `item <sku>`: what must have been bought?"},
		{"require /x {\nitem\n}", 2, "wrong argument count"},
		{"require /x {\nitem a a\n}", 2, "item a is already specified"},
		{"require /x {\nitem a?b\n}", 2, "'a?…' is no sku"},
		{"require /x {\nitem a\ncheckout buy\n}", 3, "checkout takes a path, which begins with '/': did you mean '/buy'?"},
		{"require /x {\nitem a\ndevices none\n}", 3, "devices must be a number from 1 to 1000, at"},
		{"require /x {\nitem a\ndevices 0\n}", 3, "devices must be a number from 1 to 1000"},
		{"require /x {\nitems a\n}", 2, "unrecognised option 'items' of require; did you mean 'item'?"},
		{"checkout /buy idpay {\nitem ebook 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem ebok\ncheckout /buy\n}", 5, "checkout /buy does not sell ebok; did you mean 'ebook'?"},
		{"checkout /buy idpay {\nitem ebook 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem ebok\n}", 5, "require: no checkout of this site sells ebok; did you mean 'ebook'?"},
		{"checkout /buy idpay {\nitem ebook 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem course\n}", 5, "require: no checkout of this site sells course; there is only ebook"},
		{"checkout /give idpay {\ndonate 1000rial 2000rial\n}\nverify /cb idpay\nrequire /x {\nitem course\n}", 5, "require: no checkout of this site sells course; it takes donations only"},
		{"checkout /give idpay {\ndonate 1000rial 2000rial\n}\nverify /cb idpay\nrequire /x {\nitem a b\ncheckout /give\n}", 5, "checkout /give does not sell a or b; it takes donations only"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem a\ncheckout /bui\n}", 5, "require: there is no checkout /bui in this block; did you mean '/buy'?"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem a\ncheckout /BUY\n}", 5, "did you mean '/buy'?"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem a\ncheckout /shop/articles\n}", 5, "there is no checkout /shop/articles in this block; there is only /buy"},
		{"checkout /buy idpay {\nitem a 1000rial\n}\nverify /cb idpay\nrequire /x {\nitem b\ncheckout /buy/\n}", 5, "checkout /buy does not sell b"},
	} {
		_, err := adapt("Shopfile", head+c.lines+"\n}\n}\n")
		expectError(t, c.lines, err, c.want, fmt.Sprintf("at Shopfile:%d", headLines+c.line))
	}
}

// Mistakes in the global block, whose first line is line 3.
func TestCaddyfileGlobalErrors(t *testing.T) {
	for _, c := range []struct {
		lines string
		line  int
		want  string
	}{
		{"provder idpay", 1, "unrecognised option 'provder' of payments; did you mean 'provider'?"},
		{"xyzzyxyzzy", 1, "there is only storage, provider, affiliate, webhook, notify, signing_key, ledger_key and public_url"},
		{"verify /cb idpay", 1, "verify belongs in the `payments` block of a site, not in the global options"},
		{"storage", 1, "storage needs a module: "},
		{"storage bagder", 1, "there is no storage of type 'bagder' in this build of Caddy; "},
		{"provider", 1, "provider needs a type: "},
		{"provider idpy {\n}", 1, "there is no provider of type 'idpy' in this build of Caddy; did you mean 'idpay'?"},
		{"provider idpay {env.IDPAY_KEY}", 1, "the name of a provider is up to 64 letters, digits and any of '._-'; its options go into a block"},
		{"provider idpay a b", 1, "a provider has a type and at most a name"},
		{"provider idpay {\napi_key {env.A}\n}\nprovider idpay {\napi_key {env.B}\n}", 4, "provider 'idpay' is already defined; give this one a name of its own: provider <type> <name>"},
		{"provider sama idpay {\nmerchant_id {env.A}\n}\nprovider idpay {\napi_key {env.B}\n}", 4, "provider 'idpay' is already defined"},
		{"provider idpay shop {\napikey {env.A}\n}", 2, "did you mean 'api_key'?"},
		{"affiliate hamkar {\n}", 1, "there is no affiliate of type 'hamkar' in this build of Caddy; did you mean 'hamekar'?"},
		{"affiliate hamekar {\nstore_token {env.A}\n}\naffiliate hamekar {\nstore_token {env.A}\n}", 4, "affiliate 'hamekar' is already defined"},
		{"signing_key short", 1, "signing_key is 5 bytes long"},
		{"ledger_key", 1, "ledger_key takes only `off`"},
		{"ledger_key on", 1, "ledger_key takes only `off`"},
		{"ledger_key off off", 1, "ledger_key takes only `off`"},
		{"signing_key {env.A} {\nx\n}", 2, "signing_key takes no block"},
		{"public_url https://a.test\npublic_url https://a.test", 2, "public_url is already specified"},
		{"public_url https://a.test https://b.test", 1, "wrong argument count"},
		{"public_url a.test", 1, "public_url must be an address"},
		{"formerly https://a.test", 1, "formerly belongs in the `payments` block of a site"},

		// What a block needs is missed in the line that opens it.
		{"provider idpay", 1, "api_key is not usable: it is missing; write {env.NAME} or {file./path}"},
		{"provider idpay {\n}", 1, "api_key is not usable: it is missing"},
		{"public_url https://a.test\nprovider idpay shop {\nsandbox\n}", 2, "api_key is not usable: it is missing"},
		{"provider idpay {\napi_key \" \"\n}", 2, "api_key is not usable: it is missing"},
		{"provider sama", 1, "merchant_id is not usable: it is missing"},
		{"provider 24pal second", 1, "api_key is not usable: it is missing"},
		{"provider invoice poolam {\napi_key {env.A}\n}", 1, "base_url is not a usable address: it is required"},
		{"affiliate hamekar", 1, "store_token is not usable: it is missing"},
		{"affiliate hamekar {\ntimeout 2s\n}", 1, "store_token is not usable: it is missing"},

		// An address is judged in its own line, once all of the block is read.
		{"provider idpay {\napi_key {env.A}\nbase_url http://api.idpay.ir\nsandbox\n}", 3, "base_url is not a usable address: plain http would send secrets in clear; write https, or insecure_http"},
		{"provider idpay {\napi_key {env.A}\npay_url idpay.ir\n}", 3, "pay_url is not a usable address: it must begin with https://"},
		{"provider idpay {\napi_key {env.A}\nproxy_url 10.0.0.5:3128\n}", 3, "proxy_url is not a usable address: write http://host:port"},
		{"provider sama {\npay_url http://sama.test/{authority}\nmerchant_id {env.A}\n}", 2, "pay_url is not a usable address: plain http"},
		{"provider sama {\npay_url https://sama.test?id={authority}\nmerchant_id {env.A}\n}", 2, "pay_url is not a usable address: {authority} must be in its path"},
		{"provider invoice {\napi_key {env.A}\nbase_url http://poolam.ir\ninsecure_http off\n}", 3, "base_url is not a usable address: plain http"},
		{"affiliate hamekar {\nstore_token {env.A}\nbase_url ftp://hamekar.test\n}", 3, "base_url is not a usable address: it must begin with https://"},
	} {
		_, err := adapt("Shopfile", "{\npayments {\n"+c.lines+"\n}\n}\n")
		expectError(t, c.lines, err, c.want, fmt.Sprintf("at Shopfile:%d", 2+c.line))
	}
}

// What only the loaded config can know is left to it, and what is written on
// purpose stands.
func TestCaddyfileGlobalLeavesPlaceholders(t *testing.T) {
	for _, lines := range []string{
		"provider idpay {\napi_key {env.A}\nbase_url {env.B}\npay_url http://{env.C}\nproxy_url {file./run/proxy}\n}",
		"provider idpay {\napi_key {file./run/key}\nbase_url http://127.0.0.1:9101/idpay\n}",
		"provider idpay {\napi_key {env.A}\nbase_url http://api.idpay.ir\ninsecure_http\n}",
		"provider sama {\nmerchant_id {env.A}\npay_url https://{env.B}/start/{authority}\n}",
		"provider sama {\nmerchant_id {env.A}\npay_url https://sama.test/start/{authority}\n}",
		"provider invoice {\napi_key {env.A}\nbase_url {env.B}\n}",
		"affiliate hamekar {\nstore_token {env.A}\nbase_url http://localhost:9101/hamekar\n}",
	} {
		if _, err := adapt("Shopfile", "{\npayments {\n"+lines+"\n}\n}\n"); err != nil {
			t.Errorf("%s\n%v", lines, err)
		}
	}
}

// What spans more than one block.
func TestCaddyfileBlockErrors(t *testing.T) {
	for input, wants := range map[string][]string{
		"http://a.test {\npayments {\nverify /cb idpay\n}\n}":                      {"verify needs a `payments` block in the global options, first in the file", "at Shopfile:3"},
		"http://a.test {\npayments {\ncheckout /buy idpay\n}\n}":                   {"checkout needs a `payments` block", "at Shopfile:3"},
		"http://a.test {\npayments {\ntrack\n}\n}":                                 {"track needs a `payments` block", "at Shopfile:3"},
		"http://a.test {\npayments {\nrequire /x\n}\n}":                            {"require needs a `payments` block", "at Shopfile:3"},
		"http://a.test {\npayments {\nverify /cb idpay\n}\n}\n{\npayments {\n}\n}": {"first in the file", "at Shopfile:3"},
		"{\npayments {\n}\n}\nhttp://a.test {\npayments {\nverify /cb idpay\n}\n}": {"the global payments block has no provider", "at Shopfile:7"},
		"{\npayments {\n}\n}\nhttp://a.test {\npayments {\ntrack\n}\n}":            {"track needs an affiliate in the global payments block", "at Shopfile:7"},
		"{\norder payments before respond\n}\nhttp://a.test {\npayments\n}":        {"the global option `order` puts payments behind", "leave payments where it is", "at Shopfile:5"},
		"{\npayments x {\n}\n}":                   {"the global payments block has no argument", "at Shopfile:2"},
		"http://a.test {\npayments /shop {\n}\n}": {"payments takes no matcher and no other word: its guard is for every request of the site", "at Shopfile:2"},
		"{\npayments {\nsigning_key {env.A}\n}\npayments {\nsigning_key {env.A}\n}\n}":                                                       {"this signing_key is already specified", "at Shopfile:6"},
		"{\npayments {\npublic_url https://a.test\n}\npayments {\npublic_url https://a.test\n}\n}":                                           {"public_url is already specified", "at Shopfile:6"},
		"{\npayments {\nprovider idpay {\napi_key {env.A}\n}\n}\npayments {\nprovider idpay {\n}\n}\n}":                                      {"provider 'idpay' is already defined", "at Shopfile:8"},
		"(s) {\npayments {\nverify /{args[0]} idpay {\ndeliver onec\n}\n}\n}\n" + head + "}\nimport s cb\n}":                                 {"did you mean 'once'?", "at Shopfile:4", "import chain ['Shopfile:"},
		"(s) {\npayments {\nverify /{args[1]} idpay\n}\n}\n" + head + "}\nimport s cb\n}":                                                    {"not even unfilled ones; a named matcher may"},
		"(aff) {\npayments {\naffiliate hamekar two {\nstore_token {env.A}\n}\n}\n}\n" + two(head) + "track\n}\n}":                           {"track must say which affiliate it is for: affiliate hamekar or two"},
		"(aff) {\npayments {\naffiliate hamekar two {\nstore_token {env.A}\n}\n}\n}\n" + two(head) + "track {\naffiliate another\n}\n}\n}\n": {"an affiliate of this line is not defined; there is only hamekar and two"},
	} {
		_, err := adapt("Shopfile", input)
		expectError(t, input, err, wants...)
	}
}

// two imports a second affiliate into the global block.
func two(head string) string { return strings.Replace(head, "{\n", "{\nimport aff\n", 1) }

// A secret must not be shown by the error about it.
func TestCaddyfileErrorsHideSecrets(t *testing.T) {
	for _, line := range []string{
		"signing_key CANARY", "signing_key CANARYCANARYCANARYCANARYCANARYCANARY CANARY/", "signing_key CANARY CANARY CANARY",
		"signing_key {env.A}\nsigning_key CANARY-{env.A}\nsigning_key CANARY-{env.A}",
	} {
		for _, input := range []string{"{\npayments {\n" + line + "\n}\n}\n", head + line + "\n}\n}\n"} {
			_, err := adapt("Shopfile", input)
			if err == nil || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

func expectError(t *testing.T, input string, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s\nadapts, want %q", input, wants)
		return
	}
	for _, want := range wants {
		at := strings.Index(err.Error(), want)
		if at < 0 {
			t.Errorf("%s\n%v\nwant %q", input, err, want)
			continue
		}
		// Shopfile:3 is not Shopfile:31.
		rest := err.Error()[at+len(want):]
		if strings.HasPrefix(want, "at ") && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			t.Errorf("%s\n%v\nwant %q", input, err, want)
		}
	}
}
