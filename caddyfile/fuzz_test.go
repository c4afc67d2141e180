package caddyfile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"pgregory.net/rapid"
)

// outside is what reads files or the environment, or has a meaning of its own
// to Caddy before any block of ours is looked at.
var outside = regexp.MustCompile(`import|\{\$|<<`)

var blamed = regexp.MustCompile(`Shopfile:[0-9]+`)

// blocks are the inner lines of all payments blocks that the golden files and
// the examples have, the global ones first.
func blocks(f *testing.F) (global, site []string) {
	f.Helper()
	files, _ := filepath.Glob("testdata/caddyfile/*.caddyfiletest")
	more, _ := filepath.Glob("../examples/*/Caddyfile")
	for _, file := range append(files, append(more, "../examples/Caddyfile")...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		text, _, _ := strings.Cut(string(raw), dashes)
		for {
			_, rest, found := strings.Cut(text, "\tpayments {\n")
			if !found {
				break
			}
			before := text[:len(text)-len(rest)]
			end, depth := 0, 1
			for ; end < len(rest) && depth > 0; end++ {
				switch rest[end] {
				case '{':
					depth++
				case '}':
					depth--
				}
			}
			inner := rest[:max(0, end-1)]
			if strings.HasPrefix(before, "{") && strings.Contains(inner, "provider") {
				global = append(global, inner)
			} else {
				site = append(site, inner)
			}
			text = rest[end:]
		}
	}
	if len(global) == 0 || len(site) == 0 {
		f.Fatal("no blocks to begin with")
	}
	return global, site
}

var placeholder = regexp.MustCompile(`\{[a-z]+(\.[A-Za-z0-9_-]+)*\}`)

// tame reports whether Caddy's own formatter leaves the meaning of a text
// alone: no quotes or comments in odd places, and braces only where blocks begin
// and end. (It takes the key in `api_key }` for the end of a block.)
func tame(input string) bool {
	if strings.ContainsAny(input, "\"`\\\r#") || regexp.MustCompile(`[^\x20-\x7e\n\t]`).MatchString(input) {
		return false
	}
	for line := range strings.SplitSeq(placeholder.ReplaceAllString(input, "x"), "\n") {
		line = strings.TrimSpace(line)
		if strings.ContainsAny(strings.TrimSuffix(line, " {"), "{}") && line != "{" && line != "}" {
			return false
		}
	}
	return true
}

// adapts checks what holds of any text: reading it ends without a panic, the
// error of a mistake of ours names file and line, and what is accepted means the
// same when it is read again and when `caddy fmt` was at it.
func adapts(t interface {
	Helper()
	Fatalf(string, ...any)
}, input string) {
	t.Helper()
	out, err := adapt("Shopfile", input)
	if err != nil {
		if strings.Contains(err.Error(), "tokens for 'payments'") && !blamed.MatchString(err.Error()) {
			t.Fatalf("%s\nno line in: %v", input, err)
		}
		return
	}
	if again, err := adapt("Shopfile", input); err != nil || again != out {
		t.Fatalf("%s\nread again: %v\n%s\nwas\n%s", input, err, again, out)
	}
	if !tame(input) {
		return
	}
	if again, err := adapt("Shopfile", string(caddyfile.Format([]byte(input)))); err != nil || again != out {
		t.Fatalf("%s\nformatted: %v\n%s\nwas\n%s", input, err, again, out)
	}
}

// FuzzCaddyfileApp tries the lines of the global block.
func FuzzCaddyfileApp(f *testing.F) {
	global, _ := blocks(f)
	for _, inner := range global {
		f.Add(inner)
	}
	f.Add("signing_key 0123456789abcdef0123456789abcdef kid\npublic_url https://shop.example\nstorage badger /x\n")
	f.Fuzz(func(t *testing.T, inner string) {
		if len(inner) > 4096 || outside.MatchString(inner) {
			return
		}
		adapts(t, "{\n\tpayments {\n"+inner+"\n\t}\n}\nhttp://shop.test {\n\tpayments\n}\n")
	})
}

// FuzzCaddyfileSite tries the lines of a site's block.
func FuzzCaddyfileSite(f *testing.F) {
	_, site := blocks(f)
	for _, inner := range site {
		f.Add(inner)
	}
	f.Add("verify /cb idpay {\nexpect lookup https://a.test/{order}\nbind wc_order\nack redirect */order-received/*\n}\ntrack @return {\nttl 3d\n}")
	f.Fuzz(func(t *testing.T, inner string) {
		if len(inner) > 4096 || outside.MatchString(inner) {
			return
		}
		adapts(t, head+inner+"\n}\n}\n")
	})
}

// FuzzCaddyfileMangled is TestCaddyfileMangled with a memory for what is new.
func FuzzCaddyfileMangled(f *testing.F) {
	inputs, all := words(f)
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { adapts(t, mangled(t, inputs, all)) }))
}
