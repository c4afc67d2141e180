package returns_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A57, A58: secrets written as placeholders stand in no log, page, dump or
// adapted configuration, whatever goes wrong.
func TestSecretsStandNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	w.text = strings.Replace(w.text, "\tadmin {{admin}}", "\tadmin {{admin}}\n\tdebug", 1)
	for _, p := range []string{"idpay", "sama", "24pal", "invoice"} {
		w.text = strings.Replace(w.text, "provider "+p+" {", "provider "+p+" {\n\t\t\ttimeout 1s", 1)
	}
	w.behindProxy()
	site, _ := w.site(`log
payments {
	track /product/*
	checkout /idpay idpay {
		item mug 50000rial
		return /back/idpay
	}
	checkout /sama sama {
		item mug 50000rial
		return /back/sama
	}
	checkout /24pal 24pal {
		item mug 50000rial
		return /back/24pal
	}
	checkout /invoice invoice {
		item mug 50000rial
		return /back/invoice
	}
	verify /back/idpay idpay
	verify /back/sama sama
	verify /back/24pal 24pal
	verify /back/invoice invoice
}
reverse_proxy SHOP`)
	w.start()
	var pages strings.Builder
	keep := func(p harness.Page) harness.Page {
		pages.WriteString(p.Body)
		for name, values := range p.Header {
			pages.WriteString(name + ": " + strings.Join(values, ",") + "\n")
		}
		return p
	}
	b := harness.NewBrowser(t)
	keep(b.Get(site + "/product/mug?track_id=064ee72930404724974761b0b41e9e49"))
	for i, p := range []string{"idpay", "sama", "24pal", "invoice"} {
		from := "203.0.113." + strconv.Itoa(i) // one client presses Pay so often in a minute
		faults := []sandbox.Fault{
			{}, {Kind: "reset"}, {Kind: "status", Status: 500}, {Kind: "html"}, {Kind: "truncate"}, {Kind: "after", MS: 1200},
			{Kind: "redirect", Location: w.url + "/nowhere"},
		}
		for _, f := range faults {
			pay := keep(b.Post(site+"/"+p+"/mug", nil, "X-Forwarded-For", from)).Location(t)
			id := pay[strings.LastIndexByte(pay, '/')+1:]
			if f.Kind != "" {
				f.Operation, f.Payment, f.Count = "verify", id, 1
				w.fault(f)
			}
			ret := w.act(id, "pay")
			keep(come(b, ret))
			keep(come(b, ret))
			keep(b.Get(ret.URL, "Accept", "application/problem+json, */*"))
		}
		w.fault(sandbox.Fault{Kind: "status", Status: 500, Provider: p, Operation: "create", Count: 1})
		keep(b.Post(site+"/"+p+"/mug", nil, "X-Forwarded-For", from))
		keep(b.Get(site + "/back/" + p))
		keep(b.Get(site + "/back/" + p + "?id=" + url.QueryEscape("\x00")))
	}
	w.Hunt(pages.String())
	if strings.Contains(pages.String(), "hashed_card") {
		t.Error("the hash of a card stands in a page")
	}
}

// A15: a malformed JSON configuration is printed by Caddy itself, with all that
// stands in it, unless we find the mistake first.
func TestMalformedJSONTellsNothing(t *testing.T) {
	t.Parallel()
	const secret = "CANARY-d41d8cd98f00b204e9800998ecf8427e"
	app := func(payments string) string {
		return `{"admin":{"disabled":true},"apps":{"payments":` + payments + `}}`
	}
	for name, config := range map[string]string{
		"a provider without type":          app(`{"providers":{"idpay":{"api_key":"` + secret + `"}}}`),
		"a provider of unknown type":       app(`{"providers":{"idpay":{"type":"nope","api_key":"` + secret + `"}}}`),
		"a type that is no text":           app(`{"providers":{"idpay":{"type":7,"api_key":"` + secret + `"}}}`),
		"an option that is not there":      app(`{"providers":{"idpay":{"type":"idpay","api_keyy":"` + secret + `"}}}`),
		"an option of another kind":        app(`{"providers":{"idpay":{"type":"idpay","api_key":["` + secret + `"]}}}`),
		"a provider that is no object":     app(`{"providers":{"idpay":"` + secret + `"}}`),
		"providers that are a list":        app(`{"providers":[{"type":"idpay","api_key":"` + secret + `"}]}`),
		"an affiliate without type":        app(`{"affiliates":{"hamekar":{"store_token":"` + secret + `"}}}`),
		"a signing key of another kind":    app(`{"signing_keys":["` + secret + `"]}`),
		"a signing key that is too short":  app(`{"signing_keys":[{"secret":"CANARY-short"}]}`),
		"a storage without module":         app(`{"storage":{"dsn":"` + secret + `"}}`),
		"an app option that is not there":  app(`{"signing_key":"` + secret + `"}`),
		"a provider with an unknown field": app(`{"providers":{"24pal":{"type":"24pal","api_key":"` + secret + `","secret":"` + secret + `"}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.New(t, "")
			path := filepath.Join(c.Dir, "config.json")
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, cmd := range []string{"validate", "run"} {
				out, err := c.Run(cmd, "--config", path)
				if err == nil {
					t.Errorf("%s accepted it", cmd)
				}
				if strings.Contains(out, "CANARY") {
					t.Errorf("%s prints it:\n%s", cmd, out)
				}
			}
		})
	}
}
