// Package docs_test keeps the manual honest: every link leads somewhere, and
// every Caddyfile, JSON config and PHP snippet in it is understood by the
// programs that it is for.
package docs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
	_ "github.com/rahgir/caddy-payments/handlers/dashboard"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/payment"
)

// manual is every page, by its path from the repository's root.
func manual(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, pattern := range []string{"*.md", "sandbox/*.md", "packaging/*.md", "bench/*.md"} {
		names, err := filepath.Glob(filepath.Join("..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			read(t, all, name)
		}
	}
	if err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".md" {
			read(t, all, filepath.Join("..", "docs", name))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d pages were found", len(all))
	}
	return all
}

func read(t *testing.T, all map[string]string, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all[filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))] = string(b)
}

// fence is a block of code.
type fence struct {
	page string
	line int
	info string
	text string
}

func (f fence) String() string { return fmt.Sprintf("%s:%d", f.page, f.line) }

// fences are the blocks of a page, and the page without them.
func fences(page, text string) (found []fence, rest string) {
	var open *fence
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		info, isFence := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		switch {
		case isFence && open == nil:
			open = &fence{page: page, line: i + 1, info: strings.TrimSpace(info)}
		case isFence:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			out.WriteString(line + "\n")
		}
	}
	if open != nil {
		found = append(found, fence{page: page, line: open.line, info: "unclosed"})
	}
	return found, out.String()
}

func eachFence(t *testing.T, language string, do func(t *testing.T, f fence, kind string)) {
	t.Helper()
	n := 0
	for page, text := range manual(t) {
		found, _ := fences(page, text)
		for _, f := range found {
			if f.info == "unclosed" {
				t.Errorf("%s: a block of code is not closed", f)
			}
			first, kind, _ := strings.Cut(f.info, " ")
			if first != language {
				continue
			}
			n++
			t.Run(f.String(), func(t *testing.T) { do(t, f, kind) })
		}
	}
	if n == 0 {
		t.Errorf("the manual has no %s", language)
	}
}

// around are the surroundings in which a piece of a Caddyfile is tried, by the
// word behind the language: "```caddyfile verify". Without a word it is whole.
var around = map[string][2]string{
	"global":   {"{\n\tpayments {\n", "\n\t}\n}\nhttp://localhost {\n\tpayments\n}\n"},
	"provider": {"{\n\tpayments {\n", "\n\t}\n}\nhttp://localhost {\n\tpayments\n}\n"},
	"site":     {standard + "shop.example.com {\n", "\n}\n"},
	"payments": {standard + "shop.example.com {\n\t@return query wc-api=*\n\tpayments {\n", "\n\t}\n}\n"},
	"verify":   {standard + "shop.example.com {\n\tpayments {\n\t\tverify /callback idpay {\n", "\n\t\t}\n\t}\n}\n"},
	// "relayed" is a site of a shop whose plugin calls a relay.
	"relayed": {standard, ""},
	"track":   {standard + "shop.example.com {\n\tpayments {\n\t\ttrack /product/* {\n", "\n\t\t}\n\t}\n}\n"},
}

const standard = `{
	payments {
		signing_key {env.PAYMENTS_SIGNING_KEY}
		provider zarinpal {
			merchant_id {env.ZARINPAL_MERCHANT}
		}
		provider zibal {
			merchant {env.ZIBAL_MERCHANT}
		}
		provider idpay {
			api_key {env.IDPAY_KEY}
		}
		provider sama {
			merchant_id {env.SAMA_MERCHANT_ID}
		}
		provider 24pal {
			api_key {env.PAL24_KEY}
			used_ids none
		}
		provider invoice poolam {
			api_key {env.POOLAM_KEY}
			base_url https://poolam.ir
			used_ids none
		}
		affiliate hamekar {
			store_token {env.HAMEKAR_TOKEN}
		}
	}
}
`

// TestCaddyfiles: every Caddyfile of the manual is adapted by Caddy with this
// module, and whole ones are loaded as far as `caddy validate` does.
func TestCaddyfiles(t *testing.T) {
	eachFence(t, "caddyfile", func(t *testing.T, f fence, kind string) {
		text := f.text
		if kind != "" {
			frame, ok := around[kind]
			if !ok {
				t.Fatalf("%s: nothing is known about %q", f, f.info)
			}
			text = frame[0] + text + frame[1]
		}
		config := adapt(t, f, text)
		if kind == "" {
			if want := string(caddyfile.Format([]byte(text))); want != text {
				t.Errorf("%s: `caddy fmt` would write:\n%s", f, want)
			}
			validate(t, f, config)
		}
	})
}

func adapt(t *testing.T, f fence, text string) []byte {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": f.String()})
	if err != nil {
		t.Fatalf("%s: %v\n%s", f, err, text)
	}
	return config
}

var environment = regexp.MustCompile(`\{env\.([A-Z0-9_]+)\}`)

// validate provisions a config, with something plausible for every secret.
func validate(t *testing.T, f fence, config []byte) {
	t.Helper()
	if strings.Contains(string(config), "{file.") {
		return // secrets of the reader's own machine
	}
	for _, m := range environment.FindAllSubmatch(config, -1) {
		value := strings.Repeat("0123456789abcdef", 4)
		if strings.HasPrefix(string(m[1]), "WEBHOOK_") {
			value = "whsec_" + value // it has a form of its own
		}
		t.Setenv(string(m[1]), value)
	}
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	if err := caddy.Validate(&c); err != nil {
		t.Errorf("%s: %v", f, err)
	}
}

// TestJSON: what is called JSON is JSON, and what is called a config loads.
func TestJSON(t *testing.T) {
	eachFence(t, "json", func(t *testing.T, f fence, kind string) {
		if !json.Valid([]byte(f.text)) {
			t.Fatalf("%s is not JSON", f)
		}
		if kind == "config" {
			validate(t, f, []byte(f.text))
		}
	})
}

// TestPHP: PHP can parse what is printed.
func TestPHP(t *testing.T) {
	if _, err := exec.LookPath("php"); err != nil {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") == "1" {
			t.Fatal("no php")
		}
		t.Skip("no php")
	}
	eachFence(t, "php", func(t *testing.T, f fence, _ string) {
		text := f.text
		switch {
		case strings.HasPrefix(text, "public function"):
			text = "<?php\nclass Snippet {\n" + text + "}\n"
		case !strings.HasPrefix(text, "<?php"):
			text = "<?php\n" + text
		}
		name := filepath.Join(t.TempDir(), "snippet.php")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "php", "-l", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", f, out)
		}
	})
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
	anchor  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"></a>`)
	code    = regexp.MustCompile("`[^`]*`")
)

// TestLinks: every relative link leads to a file, and every anchor to a
// heading.
func TestLinks(t *testing.T) {
	all := manual(t)
	for page, text := range all {
		_, prose := fences(page, text)
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(prose, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path, fragment, _ := strings.Cut(target, "#")
			to := page
			if path != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
			}
			if strings.HasPrefix(to, "docs/images/") {
				continue // pictures are made by the tests in a browser
			}
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: there is no %s", page, target)
				continue
			}
			if fragment != "" && !anchors(all[to])[fragment] {
				t.Errorf("%s: there is no heading for %s", page, target)
			}
		}
	}
}

// anchors are the ids that a page's headings get, and those it names itself.
func anchors(text string) map[string]bool {
	_, prose := fences("", text)
	found := make(map[string]bool)
	for _, m := range anchor.FindAllStringSubmatch(prose, -1) {
		found[m[1]] = true
	}
	for _, m := range heading.FindAllStringSubmatch(prose, -1) {
		var id strings.Builder
		for _, r := range strings.ToLower(strings.ReplaceAll(m[1], "`", "")) {
			switch {
			case r == ' ':
				id.WriteByte('-')
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
				id.WriteRune(r)
			}
		}
		found[id.String()] = true
	}
	return found
}

// TestAnswers: the problem details of every answer point to a heading.
func TestAnswers(t *testing.T) {
	all := manual(t)
	for _, page := range []string{"docs/answers.md", "docs/fa/answers.md"} {
		found := anchors(all[page])
		for _, k := range pages.Kinds() {
			if !found[string(k)] {
				t.Errorf("%s says nothing about %s", page, k)
			}
		}
	}
}

// option is a word of the parsers' own synopses.
var option = regexp.MustCompile(`(?m)^//\t+([a-z][a-z0-9_]+)(?: |$)`)

// TestOptions: every option that a parser's synopsis has stands in the
// reference of its directive, in English and in Persian.
func TestOptions(t *testing.T) {
	all := manual(t)
	want := make(map[string][]string) // a page's name, and what it must have
	add := func(page, file, text string) {
		words := option.FindAllStringSubmatch(text, -1)
		if len(words) == 0 {
			t.Errorf("%s has no synopsis", file)
		}
		for _, m := range words {
			want[page] = append(want[page], m[1])
		}
	}
	for file, page := range map[string]string{
		"caddyfile/global.go": "directives/global.md", "storage/badger/caddy.go": "directives/global.md",
		"handlers/dashboard/caddyfile.go": "directives/payment_dashboard.md",
		"sandbox/caddyfile.go":            "directives/payment_sandbox.md",
		"handlers/relay/handler.go":       "directives/relay.md",
		"affiliates/hamekar/module.go":    "affiliates.md",
	} {
		add(page, file, source(t, file))
	}
	guests, err := filepath.Glob("../providers/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range guests {
		file = strings.TrimPrefix(filepath.ToSlash(file), "../")
		if text := source(t, file); strings.Contains(text, "// UnmarshalCaddyfile sets up the provider") {
			add("gateways/"+strings.Split(file, "/")[1]+".md", file, text)
		}
	}
	directive := ""
	for _, m := range siteOption.FindAllStringSubmatch(source(t, "caddyfile/site.go"), -1) {
		if len(m[1]) == 2 {
			directive = m[2]
			if slices.Contains([]string{"signing_key", "public_url", "formerly"}, directive) {
				want["directives/site.md"] = append(want["directives/site.md"], directive)
			} else {
				want["directives/"+directive+".md"] = append(want["directives/"+directive+".md"], directive)
			}
			continue
		}
		want["directives/"+directive+".md"] = append(want["directives/"+directive+".md"], m[2])
	}
	if len(want) < 15 {
		t.Errorf("only %d pages were looked for", len(want))
	}
	for page, words := range want {
		for _, lang := range languages {
			text, ok := all[lang+page]
			if !ok {
				t.Errorf("there is no %s", lang+page)
			}
			if strings.HasPrefix(page, "gateways/") {
				text += all[lang+"directives/global.md"] // what all providers take
			}
			for _, word := range words {
				if !strings.Contains(text, "`"+word) && !regexp.MustCompile(`(?m)^\s*`+word+`( |$)`).MatchString(text) {
					t.Errorf("%s says nothing about `%s`", lang+page, word)
				}
			}
		}
	}
}

// siteOption is a line of the synopsis of a site's block, whose depth says what
// it belongs to.
var siteOption = regexp.MustCompile(`(?m)^//(\t{2,3})([a-z][a-z0-9_]+)(?: |$)`)

// languages are the directories of the manual's languages.
var languages = []string{"docs/", "docs/fa/"}

func source(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var reason = regexp.MustCompile(`Reason = "([a-z0-9_]+)"`)

// TestReasons: the manual explains every state and every reason that a payment
// can stand for, in both languages.
func TestReasons(t *testing.T) {
	all := manual(t)
	names, err := filepath.Glob("../payment/*.go")
	if err != nil {
		t.Fatal(err)
	}
	operating := []string{"docs/operating.md", "docs/fa/operating.md"}
	n := 0
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reason.FindAllStringSubmatch(string(b), -1) {
			n++
			for _, page := range operating {
				if !strings.Contains(all[page], "`"+m[1]+"`") {
					t.Errorf("%s says nothing about %s", page, m[1])
				}
			}
		}
	}
	for _, state := range payment.States() {
		for _, page := range operating {
			if !strings.Contains(all[page], "| `"+string(state)+"`") && !strings.Contains(all[page], "| **`"+string(state)+"`") {
				t.Errorf("%s has no row for %s", page, state)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d reasons were found", n)
	}
}

// TestHearts: what a page prints as the heart of an example stands in its file,
// line by line and in this order.
func TestHearts(t *testing.T) {
	file, err := os.ReadFile("../examples/woocommerce/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	var heart string
	found, _ := fences("docs/shops/woocommerce.md", manual(t)["docs/shops/woocommerce.md"])
	for _, f := range found {
		if heart == "" && f.info == "caddyfile site" {
			heart = f.text
		}
	}
	if !strings.Contains(heart, "verify @return idpay") {
		t.Fatal("docs/shops/woocommerce.md has no such block any more")
	}
	rest := strings.Split(string(file), "\n")
	for _, line := range strings.Split(strings.TrimSpace(heart), "\n") {
		at := slices.IndexFunc(rest, func(s string) bool { return strings.TrimSpace(s) == strings.TrimSpace(line) })
		if at < 0 {
			t.Fatalf("examples/woocommerce/Caddyfile lacks, or has elsewhere: %s", line)
		}
		rest = rest[at+1:]
	}
}

// idpayPages are the pages that may show IDPay in a block: its own, and those of shop systems,
// where it is the plugin that was tried.
var idpayPages = []string{
	"docs/architecture.md", "docs/receipt.md", "docs/directives/payment_sandbox.md", "docs/fa/directives/payment_sandbox.md", "docs/gateways/idpay.md", "docs/fa/gateways/idpay.md",
	"docs/shops/opencart.md", "docs/fa/shops/opencart.md", "docs/shops/whmcs.md", "docs/fa/shops/whmcs.md", "docs/shops/woocommerce.md", "docs/fa/shops/woocommerce.md", "xcaddy.md",
}

// A reader's first example is of a gateway that takes new shops: IDPay is reported closed.
func TestFirstExamplesAreOfAGatewayThatLives(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```\\w[^\n]*\n(.*?)^```")
	for name, text := range manual(t) {
		name = filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))
		if slices.Contains(idpayPages, name) || strings.HasPrefix(name, "sandbox/") || name == "CHANGELOG.md" {
			continue
		}
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			if strings.Contains(strings.ToLower(m[1]), "idpay") {
				t.Errorf("%s shows IDPay:\n%s", name, m[1])
			}
		}
	}
}

// Every picture is shown somewhere: one that nobody sees is taken anew by nobody either.
func TestEveryPictureIsShown(t *testing.T) {
	var text strings.Builder
	for _, page := range manual(t) {
		text.WriteString(page)
	}
	pictures, err := filepath.Glob(filepath.Join("images", "*"))
	if err != nil || len(pictures) < 10 {
		t.Fatal(len(pictures), err)
	}
	for _, name := range pictures {
		if !strings.Contains(text.String(), "images/"+filepath.Base(name)+")") {
			t.Errorf("no page shows %s", name)
		}
	}
}
