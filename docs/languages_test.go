package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// englishOnly are the pages that no shop owner has to read. Every other page of
// the manual exists in both languages.
var englishOnly = []string{
	"docs/architecture.md", "docs/attacks.md", "docs/json.md", "docs/new-provider.md", "docs/receipt.md", "docs/scaling.md",
}

// TestLanguages: a page exists in both languages, with the same sections and the
// same blocks of code, in the same order. So what is added in one language is
// missed in the other.
func TestLanguages(t *testing.T) {
	all := manual(t)
	pairs := map[string]string{"README.md": "README.fa.md"}
	for page := range all {
		rest, ok := strings.CutPrefix(page, "docs/")
		if !ok || strings.HasPrefix(rest, "adr/") || slices.Contains(englishOnly, page) {
			continue
		}
		if persian, ok := strings.CutPrefix(rest, "fa/"); ok {
			pairs["docs/"+persian] = page
		} else {
			pairs[page] = "docs/fa/" + rest
		}
	}
	if len(pairs) < 40 {
		t.Errorf("only %d pages were found", len(pairs))
	}
	for english, persian := range pairs {
		switch {
		case all[english] == "":
			t.Errorf("%s is missing: %s exists in Persian only", english, persian)
		case all[persian] == "":
			t.Errorf("%s is missing: %s exists in English only (pages that no shop owner reads stand in englishOnly)", persian, english)
		default:
			if a, b, same := firstDifference(shape(all[english]), shape(all[persian])); !same {
				t.Errorf("%s and %s differ: %s, in Persian %s", english, persian, a, b)
			}
		}
	}
}

var level = regexp.MustCompile(`^(#{1,6}) +(.*)`)

// part is a heading or a block of code: its kind is the same in both languages.
type part struct{ kind, about string }

func (p part) String() string { return fmt.Sprintf("%q", strings.TrimSpace(p.kind+" "+p.about)) }

func shape(text string) []part {
	var parts []part
	fenced := false
	for line := range strings.SplitSeq(text, "\n") {
		if info, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "```"); ok {
			if fenced = !fenced; fenced {
				parts = append(parts, part{kind: "```" + strings.TrimSpace(info)})
			}
			continue
		}
		if m := level.FindStringSubmatch(line); m != nil && !fenced {
			parts = append(parts, part{m[1], m[2]})
		}
	}
	return parts
}

// firstDifference are the first parts that differ in kind.
func firstDifference(a, b []part) (inA, inB part, same bool) {
	for i := range max(len(a), len(b)) {
		var x, y part
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x.kind != y.kind {
			return x, y, false
		}
	}
	return part{}, part{}, true
}

// code in a Persian paragraph that begins or ends with a sign is turned round by
// the bidirectional algorithm: `<dsn>` is shown as `<dsn<`. A mark on both sides
// keeps it.
var span = regexp.MustCompile("(\u200e?)(`+)([^`]+)(`+)(\u200e?)")

func TestPersianCodeKeepsItsDirection(t *testing.T) {
	seen := 0
	for page, text := range manual(t) {
		if !strings.HasPrefix(page, "docs/fa/") && page != "README.fa.md" {
			continue
		}
		_, prose := fences(page, text)
		for line := range strings.SplitSeq(prose, "\n") {
			if strings.HasPrefix(line, "#") || strings.Contains(line, "`` ") {
				continue
			}
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				inner := strings.TrimSpace(m[3])
				if word(inner[0]) && word(inner[len(inner)-1]) {
					continue
				}
				if seen++; m[1] == "" || m[5] == "" {
					t.Errorf("%s: `%s` needs U+200E on both sides", page, inner)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d pieces of code were looked at", seen)
	}
}

// word says whether a byte is a letter or a digit, of whatever script.
func word(b byte) bool {
	return b >= 0x80 || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// persianWords: one thing has one Persian word, on pages, in the manual and at the command
// line. A reader who meets another takes it for another thing.
var persianWords = map[string]string{
	"ارائه‌دهنده": "درگاه", "سرآیند": "هدر", "پردازه": "پروسه", "پزشک": "عیب‌یابی", "سنجه": "متریک", "جانگهدار": "placeholder",
	"درِ ورودی": "تأیید امن پرداخت", "اسکریپت فاکتور": "اسکریپت صورت‌حساب", "کد پیگیری ما": "شناسهٔ پرداخت",
}

func TestPersianWords(t *testing.T) {
	read := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(name, "_test.go") || !slices.Contains([]string{".go", ".md", ".html"}, filepath.Ext(name)):
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		read++
		for wrong, right := range persianWords {
			if strings.Contains(string(b), wrong) {
				t.Errorf("%s: write «%s», not «%s»", name, right, wrong)
			}
		}
		return nil
	})
	if err != nil || read < 500 {
		t.Errorf("%d files were read: %v", read, err)
	}
}
