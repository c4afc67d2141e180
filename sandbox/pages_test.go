package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever a shop writes into a payment, no page of the sandbox is a template: a Caddy with
// `templates` would run it.
func TestNoPageIsATemplate(t *testing.T) {
	const attack = "{{`KEY`|env}}{{{{ {{.}}"
	r := newRig(t, Options{})
	link := r.form("/invoice/request", url.Values{"api_key": {"k"}, "amount": {"1000"}, "return_url": {"http://s.test/?" + attack}, "factorNumber": {attack}, "description": {attack}}).json(t)
	id, _ := r.idpayNew("{{order}}", "10000")
	r.form("/hamekar/", url.Values{"x": {attack}})
	shown := 0
	for _, path := range []string{"/", "/hamekar/", "/_control/", "/idpay/p/ws/" + id, "/idpay/p/ws/" + attack, "/" + attack, "/invoice/" + attack} {
		g := r.do(http.MethodGet, (&url.URL{Path: path}).EscapedPath(), "")
		shown += strings.Count(g.body, "{&#123;")
		if strings.HasPrefix(g.header.Get("Content-Type"), "text/") && strings.Contains(g.body, "{{") {
			t.Errorf("%s has two braces in a row", path)
		}
	}
	if shown == 0 {
		t.Errorf("nothing of it was shown: %v", link)
	}
	if strings.Contains(styleSheet+autoSubmit, "{{") {
		t.Error("the style or the script has two braces in a row")
	}
}
