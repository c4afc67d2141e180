package admin

import "strings"

// examples are what the help and the man page of each command show. They are in one place,
// so that a command without one is seen (TestEveryCommandIsExplained).
var examples = map[string][]string{
	"backup":     {"caddy payments backup payments.bak"},
	"demo":       {"caddy payments demo"},
	"doctor":     {"caddy payments doctor", "caddy payments doctor --json"},
	"erase":      {"caddy payments erase 7m2k9q4v --dry-run"},
	"export":     {"caddy payments export -o payments.csv"},
	"import":     {"caddy payments import payments.bak"},
	"import-ids": {"caddy payments import-ids invoice ids.txt"},
	"init":       {"caddy payments init", "caddy payments init --shop static --gateway zarinpal"},
	"keys":       {"caddy payments keys --env PAYMENTS_SIGNING_KEY"},
	"list":       {"caddy payments list", "caddy payments list --state all --search 09121234567"},
	"reconcile":  {"caddy payments reconcile zarinpal --from 1405/01/01 --to 1405/01/31"},
	"refund":     {"caddy payments refund 7m2k9q4v --dry-run"},
	"relay-cert": {"caddy payments relay-cert zarinpal --dir /etc/caddy"},
	"resend":     {"caddy payments resend 7m2k9q4v --dry-run"},
	"resolve":    {`caddy payments resolve 7m2k9q4v accept --note "the customer's receipt fits"`},
	"restore":    {"caddy payments restore payments.bak"},
	"reverse":    {"caddy payments reverse 7m2k9q4v --dry-run"},
	"sandbox":    {"caddy payments sandbox", "caddy payments sandbox --with-faults answer-lost"},
	"show":       {"caddy payments show 7m2k9q4v"},
	"stats":      {"caddy payments stats"},
	"status":     {"caddy payments status --ready"},
	"verify":     {"caddy payments verify 7m2k9q4v"},
	"webhooks":   {"caddy payments webhooks"},
}

// exampleOf is the text for a command's help.
func exampleOf(use string) string {
	name, _, _ := strings.Cut(use, " ")
	lines := examples[name]
	if len(lines) == 0 {
		return ""
	}
	return "  " + strings.Join(lines, "\n  ")
}
