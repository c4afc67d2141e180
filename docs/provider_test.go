package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Who adds a provider finds in the manual every helper that three providers use.
func TestNewProviderNamesWhatWireHas(t *testing.T) {
	page, err := os.ReadFile("new-provider.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../providers/*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	helper := regexp.MustCompile(`\bwire\.([A-Z]\w*)`)
	users := make(map[string]map[string]bool)
	for _, file := range files {
		dir := filepath.Base(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || dir == "wire" || dir == "providertest" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range helper.FindAllStringSubmatch(string(text), -1) {
			if users[m[1]] == nil {
				users[m[1]] = make(map[string]bool)
			}
			users[m[1]][dir] = true
		}
	}
	if len(users["ParseBlock"]) < 3 {
		t.Fatalf("the providers are not found: %v", users)
	}
	for name, by := range users {
		if len(by) >= 3 && !regexp.MustCompile(`\b`+name+`\b`).Match(page) {
			t.Errorf("new-provider.md doesn't name wire.%s, which %d providers use", name, len(by))
		}
	}
}
