package attacks_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/sandbox"
)

// secrets: what logs, metrics and dumps say. All pages of all trials are
// searched too, at the end of TestAttacks.
func secrets() []attack {
	const says = "there is nothing of ours to search in it"
	return []attack{
		{
			id: "A56", name: "log_and_metric_injection", title: "line ends, ANSI, format verbs and many values, into log and metrics", none: says, ours: []string{announced, silent},
			run: func(x *trial) {
				b := x.stranger()
				for _, evil := range []string{"A56canary%0a{\"level\":\"error\"}", "A56canary%1b[31m", "A56canary%25s%25n%25d", "A56canary%0d%0aSet-Cookie:%20x=1"} {
					x.get(b, x.back+"?status=10&id="+evil+"&order_id="+evil, "User-Agent", "A56canary %s%n")
				}
				for range 5 {
					x.send(b, x.forged(x.invented(), "A56canary"+x.invented()))
				}
				lines := bufio.NewScanner(strings.NewReader(x.w.Log()))
				lines.Buffer(nil, 1<<20)
				for lines.Scan() {
					if strings.Contains(lines.Text(), "A56canary") {
						var entry map[string]any
						x.ours(json.Unmarshal(lines.Bytes(), &entry) == nil && !strings.Contains(lines.Text(), "\x1b"), "%q", lines.Text())
					}
				}
				x.ours(!strings.Contains(x.admin("/metrics"), "A56canary"), "a visitor's value is a label")
			},
		},
		{
			id: "A57", name: "secrets_hunt", title: "API key, signing key, token and card numbers in logs, pages, dumps, files", none: says, alone: true, provider: "\t\t\ttimeout 1s\n",
			run: func(x *trial) {
				b := x.customer()
				for _, f := range []sandbox.Fault{{}, {Kind: "reset"}, {Kind: "status", Status: 500}, {Kind: "html"}, {Kind: "truncate"}, {Kind: "after", MS: 1200}} {
					id, order, ret := x.paid(b, 50_000)
					if f.Kind != "" {
						f.Operation, f.Payment, f.Count = "verify", id, 1
						x.fault(f)
					}
					x.come(b, ret)
					x.ends(b, ret, order)
				}
				x.get(b, x.back+"?id=%00")
				for _, s := range x.runs() {
					for _, field := range []any{s.Get, s.Post, s.Request} {
						if fields, ok := field.(map[string]any); ok {
							x.ours(fields["hashed_card_no"] == nil, "the hash of a card reached PHP")
						}
					}
				}
				x.rest()
				x.w.hunt()
				x.ours(!strings.Contains(x.w.Log(), "hashed_card"), "the hash of a card stands in the log")
				x.w.Caddy.Start() // for the judge
			},
		},
		{
			id: "A58", name: "configuration_dump", title: "the admin endpoint, the autosave and adapt show the configuration", none: says, ours: []string{announced},
			run: func(x *trial) {
				out, err := x.w.Run("adapt", "--config", x.w.Config(), "--adapter", "caddyfile")
				x.ours(err == nil, "adapt: %v", err)
				for _, text := range []string{x.admin("/config/"), x.admin("/payments/doctor"), out} {
					for name, secret := range x.w.Canaries() {
						if strings.Contains(text, secret) {
							x.say(leak, "%s", name)
						}
					}
				}
				x.ours(strings.Contains(out, "{env.API_KEY_"+x.name+"}") && !strings.Contains(out, x.apiKey), "adapt shows no placeholder")
			},
		},
	}
}

// admin is a page of Caddy's admin endpoint.
func (x *trial) admin(path string) string {
	x.Helper()
	res, err := http.Get("http://" + x.w.Admin + path)
	if err != nil {
		x.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		x.Fatal(err)
	}
	return string(text)
}
