package block

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"pgregory.net/rapid"
)

// values is what a block of every kind of option says.
type values struct {
	text, word string
	texts      []string
	on, flag   bool
	wait       caddy.Duration
	number     int
	line       string
	nested     []string
}

func (v *values) options() []Option {
	required := String("text", &v.text).Checked(&v.text, func() error {
		if v.text == "" {
			return errMissing
		}
		return nil
	})
	return []Option{
		required,
		Word("word", &v.word, "left", "right"),
		Strings("texts", &v.texts),
		Switch("switch", func(on bool) { v.on = on }),
		Flag("flag", &v.flag),
		Duration("wait", &v.wait, time.Hour, "10s"),
		Number("number", &v.number, 2, 9),
		Value("line", func(s string) error {
			if v.line != "" {
				return ErrTwice
			}
			v.line = s
			return nil
		}),
		{Name: "nested", Many: true, Block: true, Read: func(d *caddyfile.Dispenser) error {
			return Parse(d, "nested", []Option{Strings("in", &v.nested)})
		}},
		{Name: "elsewhere", Hidden: true, Read: func(d *caddyfile.Dispenser) error { return d.Err("elsewhere belongs elsewhere") }},
	}
}

type errText string

func (e errText) Error() string { return string(e) }

const errMissing = errText("text is required")

func parse(text string) (values, error) {
	var v values
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	return v, Parse(d, "a test", v.options())
}

func TestParse(t *testing.T) {
	var v values
	d := caddyfile.NewTestDispenser("block {\n text a\n word right\n texts b c\n texts d\n switch\n flag\n wait 30s\n number 9\n line l\n nested {\n  in x\n }\n nested {\n  in y z\n }\n}")
	d.Next()
	if err := Parse(d, "a test", v.options()); err != nil {
		t.Fatal(err)
	}
	if v.text != "a" || v.word != "right" || strings.Join(v.texts, "") != "bcd" || !v.on || !v.flag ||
		v.wait != caddy.Duration(30*time.Second) || v.number != 9 || v.line != "l" || strings.Join(v.nested, "") != "xyz" {
		t.Errorf("%+v", v)
	}
}

// Each mistake names its line and says what to write; nothing that is left over on a
// line is shown.
func TestMistakes(t *testing.T) {
	for lines, want := range map[string]string{
		"flag":                              "text is required, at Testfile:1",
		"text {env.X}\n flag secret":        "wrong argument count: too much follows flag, at Testfile:3",
		"text a\n text b":                   "text is already specified, at Testfile:3",
		"text a\n txet b":                   "unrecognised option 'txet' of a test; did you mean 'text'?, at Testfile:3",
		"xyzzyxyzzy":                        "there is only text, word, texts, switch, flag, wait, number, line and nested",
		"text":                              "wrong argument count: text needs a value",
		`text ""`:                           "the argument must not be empty",
		"texts":                             "wrong argument count: texts needs a value",
		"word":                              "word needs one of: left or right",
		"word rigth":                        "word must be left or right, not 'rigth'; did you mean 'right'?",
		"switch maybe":                      "switch must be on or off, at",
		"wait soon":                         "wait must be a duration up to 1h0m0s such as 10s, at",
		"wait 61m":                          "wait must be a duration up to",
		"wait 0s":                           "wait must be a duration up to",
		"number 1":                          "number must be a number from 2 to 9, not '1'",
		"number 10":                         "number must be a number from 2 to 9, not '10'",
		"line a\n line b":                   "line is already specified",
		"flag {\n deeper\n }":               "flag takes no block",
		"nested {\n out x\n }":              "unrecognised option of nested; there is only in",
		"elsewhere x":                       "elsewhere belongs elsewhere",
		"text a secret\n":                   "too much follows text",
		"text a\n number 3 secret\n flag\n": "too much follows number",
	} {
		_, err := parse("block {\n " + lines + "\n}")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Testfile:") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", lines, err, want)
		}
	}
}

// Whatever is written: an error or values within their bounds, and no panic.
func TestAnyBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"text", "word", "texts", "switch", "flag", "wait", "number", "line", "nested", "in", "left", "on", "9", "10", "5s", `""`, "{", "}", "\n", "{env.X}", "é"})
		text := "block {\n" + strings.Join(rapid.SliceOf(word).Draw(t, "words"), " ") + "\n}"
		v, err := parse(text)
		if err == nil && v.number != 0 && (v.number < 2 || v.number > 9) {
			t.Fatalf("%q gave %d", text, v.number)
		}
	})
}
