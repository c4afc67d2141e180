package caddyfile_test

import (
	"strings"
	"testing"
)

// What is wrong with a relay or observe line is told with the line, and what to write
// instead.
func TestRelayLines(t *testing.T) {
	site := func(lines string) string {
		return `{
	payments {
		provider zarinpal {
			merchant_id {env.ZARINPAL_MERCHANT}
		}
	}
}
shop.example.com {
	payments {
		` + lines + `
	}
}
`
	}
	for lines, want := range map[string]string{
		"relay /-/pay/{env.SECRET}":                                                        "",
		"relay /-/pay/{env.SECRET} zarinpal {\n allow 10.0.0.0/8\n}":                       "",
		"relay /pay {\n unknown 504\n when_down refuse\n allow unix\n}":                    "",
		"observe /back zarinpal":                                                           "",
		"observe /back zarinpal {\n refused redirect /cart*\n rescue off\n orders once\n}": "",
		"relay":                  "wrong argument count",
		"relay /":                "a path of its own",
		"relay pay":              "begins with '/'",
		"relay /pay*":            "one plain path",
		"relay /pay/{env.SECRET": "",
		"relay /pay zarinpall":   "did you mean 'zarinpal'",
		"relay /pay {\n allow shop.example.com\n}": "allow takes addresses",
		"relay /pay {\n unknown 500\n}":            "504",
		"relay /pay {\n when_down forward\n}":      "",
		"relay /pay {\n when_down ignore\n}":       "must be refuse or forward",
		"relay /pay {\n alow 10.0.0.1\n}":          "allow",
		"observe zarinpal":                         "needs a path or a matcher",
		"observe /back zarinpal {\n ack header\n paid_when redirect */done/*\n paid_when status 201\n}":   "",
		"observe /back zarinpal {\n refused preset woocommerce edd\n refused redirect /x*\n ack relay\n}": "",
		"observe /back zarinpal {\n refused preset wocommerce\n}":                                         "did you mean 'woocommerce'",
		"observe /back zarinpal {\n refused preset\n}":                                                    "edd, opencart, prestashop",
		"observe /back zarinpal {\n paid_when preset edd\n}":                                              "redirect, status or header",
		"observe /back zarinpal {\n paid_when redirect\n}":                                                "what the shop answers when it is paid",
		"observe /back zarinpal {\n paid_when redirect *\n}":                                              "every redirect",
		"observe /back zarinpal {\n ack redirect *\n}":                                                    "any redirect",
		"observe /back zarinpal {\n ack maybe\n}":                                                         "ack must be",
		"verify /back zarinpal {\n expect intent\n ack relay\n refused preset edd\n}":                     "",
		"verify /back zarinpal {\n mode plugin\n}":                                                        "use the relay",
		"verify /back zarinpal {\n mode plugin\n expect intent\n}":                                        "leave out `mode plugin` or `expect intent`",
		"verify /back zarinpal {\n mode plugin\n deliver once\n}":                                         "leave out `mode plugin` or `deliver once`",
		"verify /back zarinpal {\n mode pluggin\n}":                                                       "plugin",
		"observe /back":                                    "needs a provider as its last word",
		"observe /back zibal":                              "not defined",
		"observe /back zarinpal {\n rescue maybe\n}":       "off",
		"observe /back zarinpal {\n refused redirect *\n}": "every redirect",
		"observe /back zarinpal {\n expect none\n}":        "unrecognised option",
	} {
		if strings.Contains(lines, "{env.SECRET") && !strings.Contains(lines, "{env.SECRET}") {
			continue // Caddy's own lexer takes it
		}
		_, err := adapt("Caddyfile", site(lines))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  %v\n  want %q", lines, err, want)
		}
	}
}
