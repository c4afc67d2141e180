package caddyfile_test

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
	inputs, all := words(t)
	// Some of Caddy's own errors, about matchers for instance, name no line.
	rapid.Check(t, func(t *rapid.T) { adapts(t, mangled(t, inputs, all)) })
}

// words are those of the golden files, file by file, and all that may slip in.
func words(t testing.TB) (inputs [][]string, all []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/caddyfile/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		input, _, _ := strings.Cut(string(raw), dashes)
		words := wordForm.FindAllString(input, -1)
		inputs, all = append(inputs, words), append(all, words...)
	}
	return inputs, append(all, `""`, "{}", "*", "@", "/", "{", "}", "\n", `"{"`, "`", "{order}", "\\\n", "۱۲", "<<EOF")
}

// mangled is a good file after some slips.
func mangled(t *rapid.T, inputs [][]string, all []string) string {
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
	// Without spaces at the ends of lines: what `caddy fmt` takes away there makes
	// a here-document of `<<EOF `.
	return strings.ReplaceAll(strings.Join(words, " "), " \n", "\n")
}
