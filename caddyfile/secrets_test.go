package caddyfile_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// canaries are secrets as they are given out, or chosen.
var canaries = []string{
	"72397f71-ed58-409b-82e6-81072225ece3", "SECRETxyz0123456789abcdefghijklmnopq", "Zm9vYmFyL2Jhei9x+Q/==", "4820957316",
	"p4ssw0rd!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "correcthorsebatterystaple", "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
}

// holders are blocks of ours with %s where a line of theirs is.
var holders = []string{
	"{\npayments {\n%s\n}\n}\nhttp://shop.test {\npayments\n}\n",
	"{\npayments {\nstorage badger {\n%s\n}\n}\n}\nhttp://shop.test {\npayments\n}\n",
	"{\npayments {\nstorage postgres {\n%s\n}\n}\n}\nhttp://shop.test {\npayments\n}\n",
	"{\npayments {\nwebhook https://h.example/x {\n%s\n}\n}\n}\nhttp://shop.test {\npayments\n}\n",
	"{\npayments {\nnotify sms {\n%s\n}\n}\n}\nhttp://shop.test {\npayments\n}\n",
	head + "%s\n}\n}\n", head + "track {\n%s\n}\n}\n}\n", head + "brand x {\n%s\n}\n}\n}\n",
	head + "checkout /buy idpay {\n%s\n}\n}\n}\n", head + "checkout /buy idpay {\nitem a 1000rial {\n%s\n}\n}\n}\n}\n",
	head + "verify /cb idpay {\n%s\n}\n}\n}\n", head + "require /x {\n%s\n}\n}\n}\n", head + "observe /cb idpay {\n%s\n}\n}\n}\n",
	head + "relay /-/pay {\n%s\n}\n}\n}\n", head + "}\npayment_relay {\n%s\n}\n}\n", head + "}\npayment_dashboard {\n%s\n}\n}\n", head + "}\npayment_sandbox {\n%s\n}\n}\n",
}

var offered = regexp.MustCompile(`there is only (.*), at Shopfile`)

// optionsOf asks a block for its options: a word that it doesn't know makes it tell.
func optionsOf(t *testing.T, holder string) []string {
	_, err := adapt("Shopfile", fmt.Sprintf(holder, "~~~~~~~~~~~~"))
	m := offered.FindStringSubmatch(fmt.Sprint(err))
	if m == nil {
		t.Fatalf("%s\ntells no options: %v", holder, err)
	}
	return strings.Split(strings.ReplaceAll(m[1], " and ", ", "), ", ")
}

// slips are how a secret gets where it doesn't belong: %[1]s is the option, %[2]s the secret.
var slips = []string{
	"%[1]s=%[2]s", "%[1]s:%[2]s", "%[1]s: %[2]s", "%[1]s = %[2]s", "%[1]s =%[2]s", "%[1]s%[2]s", "\"%[1]s %[2]s\"", "'%[1]s'=%[2]s", "-%[1]s=%[2]s", "%[1]s\u200b%[2]s",
	"%[2]s", "%[2]s %[1]s", "%[1]s %[2]s", "%[1]s \"%[2]s x\"", "%[1]s %[2]s %[2]s", "%[1]s %[2]s %[2]s %[2]s %[2]s", "%[1]s {%[2]s}", "%[1]s {\n%[2]s\n}",
	"%[1]s %[2]s {\n%[2]s\n}", "%[1]s %[2]s\n%[1]s %[2]s", "%[1]s %[2]s;", "%[1]s <%[2]s>", "%[1]s @%[2]s", "%[1]s *%[2]s", "%[1]s x/%[2]s", "%[1]s /x?key=%[2]s", "%[1]s key=%[2]s",
	"%[1]s https://u:%[2]s@h.example/", "%[1]s //u:%[2]s@h.example/x", "%[1]s ftp://u:%[2]s@h.example/", "%[1]s postgres://u:%[2]s@h/db", "%[1]s=postgres://u:%[2]s@h/db", "%[1]s u:%[2]s@h",
	"%[1]s https://h.example/?key=%[2]s", "%[1]s \"host=h password=%[2]s sslmode=bogus\"", "%[1]s a %[2]s", "%[1]s redirect %[2]s", "%[1]s header %[2]s", "%[1]s status %[2]s", "%[1]s preset %[2]s",
	"%[1]s POST %[2]s", "%[1]s json %[2]s %[2]s", "%[1]s lookup %[2]s", "%[1]s lookup https://u:%[2]s@h.example/{order}", "%[1]s %[2]s 1000rial", "%[1]s a %[2]s toman", "%[1]s /x %[2]s", "%[1]s idpay %[2]s",
}

// The errors' promise: whatever slips into whatever line of ours, no error shows what may
// be a secret, and it names file and line all the same; where a value has become one with
// its option, the option, too.
func TestNoErrorShowsASecret(t *testing.T) {
	all := slices.Clone(holders)
	for _, m := range caddy.GetModules("payments.providers") {
		all = append(all, "{\npayments {\nprovider "+m.ID.Name()+" {\n%s\n}\n}\n}\nhttp://shop.test {\npayments\n}\n")
	}
	for _, m := range caddy.GetModules("payments.affiliates") {
		all = append(all, "{\npayments {\naffiliate "+m.ID.Name()+" {\n%s\n}\n}\n}\nhttp://shop.test {\npayments\n}\n")
	}
	tried, refused := 0, 0
	for _, holder := range all {
		for _, option := range optionsOf(t, holder) {
			for i, slip := range slips {
				canary := canaries[(tried+i)%len(canaries)]
				line := fmt.Sprintf(slip, option, canary)
				if i == 10 {
					line = canary // the option is forgotten
				}
				_, err := adapt("Shopfile", fmt.Sprintf(holder, line))
				tried++
				if err == nil {
					continue
				}
				refused++
				said := err.Error()
				if strings.Contains(said, "heredoc") {
					continue // Caddy's own
				}
				if shows(said, canary) {
					t.Errorf("%s\nwith\n%s\nshows the secret: %s", holder, line, said)
				}
				if !strings.Contains(said, "Shopfile:") {
					t.Errorf("%q names no line: %s", line, said)
				}
				if i < 2 && !strings.Contains(said, option+line[len(option):len(option)+1]+"…") || i < 2 && !strings.Contains(said, "write a space between "+option+" and its value") {
					t.Errorf("%q: %s", line, said)
				}
			}
		}
	}
	if refused < 2000 {
		t.Errorf("only %d of %d slips are refused", refused, tried)
	}
	t.Log(tried, refused)
}

// shows reports whether a part of a secret is told that helps to guess it.
func shows(said, secret string) bool {
	said = strings.ToLower(said)
	for i := 0; i+8 <= len(secret); i++ {
		if strings.Contains(said, strings.ToLower(secret[i:i+8])) {
			return true
		}
	}
	return strings.Contains(said, strings.ToLower(secret))
}
