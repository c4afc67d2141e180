package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// countedOnly are events that only counters hear.
var countedOnly = []string{"payment_starting", "return_answered", "delivery_ended", "verification_counted"}

// lookedUp is what an operator looks up in the manual: how its names stand in the sources,
// and how the first column of its table in docs/operating.md names them.
type lookedUp struct {
	section, persian string
	files            []string
	name             *regexp.Regexp
	// prefix is what the manual writes before a name, and least how many there are.
	prefix string
	least  int
}

// TestOperatorsTables: each code of `doctor`, each metric and each event has a row in the manual,
// in both languages, and each row is about something that exists.
func TestOperatorsTables(t *testing.T) {
	all := manual(t)
	for _, x := range []lookedUp{
		{"## doctor", "## عیب‌یابی (doctor)", []string{"../app/*.go", "../operate/doctor/*.go", "../handlers/*.go", "../storage/badger/*.go", "../engine/*.go"},
			regexp.MustCompile(`(?:Code: |add\(h, |finding\()"([a-z_]+)"|(?m)^\tEvent(?:RelayStranger|RelayCall|RelayDown|NeedsSession|MissedReturn|ForeignReturn) += "([a-z_]+)"`), "", 40},
		{"## Metrics", "## متریک‌ها", []string{"../operate/meters/*.go"},
			regexp.MustCompile(`(?:desc|counter|gauge|opts|histogram)\("([a-z_]+)"`), "caddy_payments_", 16},
		{"## Events", "## رویدادها", []string{"../engine/*.go"},
			regexp.MustCompile(`(?m)^\tEvent\w+ += "([a-z_]+)"`), "", 30},
	} {
		var names []string
		for _, pattern := range x.files {
			files, err := filepath.Glob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if strings.HasSuffix(file, "_test.go") {
					continue
				}
				for _, m := range x.name.FindAllStringSubmatch(source(t, strings.TrimPrefix(filepath.ToSlash(file), "../")), -1) {
					name := x.prefix + strings.Join(m[1:], "") // one of the groups
					if !slices.Contains(names, name) && !slices.Contains(countedOnly, name) {
						names = append(names, name)
					}
				}
			}
		}
		if len(names) < x.least {
			t.Errorf("%s: only %v were found in the sources", x.section, names)
		}
		for page, heading := range map[string]string{"docs/operating.md": x.section, "docs/fa/operating.md": x.persian} {
			rows := firstColumn(all[page], heading)
			for _, name := range names {
				if !slices.Contains(rows, name) {
					t.Errorf("%s, %s: no row for `%s`", page, heading, name)
				}
			}
			for _, row := range rows {
				if !slices.Contains(names, row) {
					t.Errorf("%s, %s: there is no `%s`", page, heading, row)
				}
			}
		}
	}
}

// firstColumn are the names in the first column of a section's table.
func firstColumn(text, heading string) (names []string) {
	_, section, _ := strings.Cut(text, "\n"+heading+"\n")
	if end := regexp.MustCompile(`(?m)^## `).FindStringIndex(section); end != nil {
		section = section[:end[0]]
	}
	for line := range strings.SplitSeq(section, "\n") {
		if !strings.HasPrefix(line, "| ") || !strings.Contains(strings.Split(line, "|")[1], "`") {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
			names = append(names, m[1])
		}
	}
	return names
}
