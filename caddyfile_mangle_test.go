package payments

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var wordForm = regexp.MustCompile(`\S+|\n`)

// Whatever slips into a good file, reading it ends, never panics, and a mistake
// in a block of ours is blamed on a line.
func TestCaddyfileMangled(t *testing.T) {
	files, err := filepath.Glob("testdata/caddyfile/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	var inputs [][]string
	var all []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		input, _, _ := strings.Cut(string(raw), dashes)
		words := wordForm.FindAllString(input, -1)
		inputs, all = append(inputs, words), append(all, words...)
	}
	all = append(all, `""`, "{}", "*", "@", "/", "{", "}", "\n", `"{"`, "`", "{order}", "\\\n", "۱۲", "<<EOF")
	rapid.Check(t, func(t *rapid.T) {
		words := append([]string(nil), rapid.SampledFrom(inputs).Draw(t, "file")...)
		for range rapid.IntRange(1, 4).Draw(t, "slips") {
			at := rapid.IntRange(0, len(words)-1).Draw(t, "at")
			other := rapid.SampledFrom(all).Draw(t, "word")
			switch rapid.SampledFrom([]string{"drop", "replace", "insert"}).Draw(t, "slip") {
			case "drop":
				words = append(words[:at], words[at+1:]...)
			case "replace":
				words[at] = other
			case "insert":
				words = append(words[:at], append([]string{other}, words[at:]...)...)
			}
		}
		input := strings.Join(words, " ")
		_, err := adapt("Shopfile", input)
		// Some of Caddy's own errors, about matchers for instance, name no line.
		if err != nil && strings.Contains(err.Error(), "tokens for 'payments'") && !strings.Contains(err.Error(), "at Shopfile:") {
			t.Errorf("%s\nno line in: %v", input, err)
		}
	})
}
