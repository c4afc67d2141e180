package admin

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/rahgir/caddy-payments/operate/operatetest"
)

func TestCompletion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(`{"apps":{"payments":{"providers":{"sama":{},"poolam":{}}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := serve(t, operatetest.New(t))
	for words, want := range map[string]string{
		"resolve x ":                             "accept reject credited redeliver repaid",
		"resolve ":                               "",
		"list --state ":                          "attention open abandoned all created verifying unknown verified delivering delivered declined expired review parked reversed",
		"list --state parked,rev":                "parked,review parked,reversed",
		"list --conversion ":                     "open sent rejected perhaps parked withdrawn",
		"export --format ":                       "csv xlsx jsonl",
		"resend x --what ":                       "delivery conversion",
		"init --shop ":                           "static php plugin",
		"sandbox --return ":                      "get post bare",
		"sandbox --with-faults ":                 "times-out-once answers-after-settling answer-lost wrong-amount says-again down",
		"demo ":                                  "",
		"list --config " + file + " --provider ": "poolam sama",
		"import-ids --config " + file + " ":      "poolam sama",
		"import-ids --address " + addr + " ":     "",
	} {
		var in, out bytes.Buffer
		root := tree(&cli{in: &in, out: &out, err: io.Discard})
		root.SetOut(&out)
		root.SetErr(io.Discard)
		root.SetArgs(append([]string{cobra.ShellCompNoDescRequestCmd, "payments"}, strings.Split(words, " ")...))
		if err := root.Execute(); err != nil {
			t.Errorf("%q: %v", words, err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ":") && !strings.HasPrefix(line, "Completion ended") {
				got = append(got, line)
			}
		}
		for _, w := range strings.Fields(want) {
			if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
				t.Errorf("%q offers %q, not %s", words, got, w)
			}
		}
		if len(got) != len(strings.Fields(want)) {
			t.Errorf("%q offers %q, want %q", words, got, want)
		}
	}
}

// tree is the command below Caddy's.
func tree(c *cli) *cobra.Command {
	root := &cobra.Command{Use: "caddy"}
	cmd := &cobra.Command{Use: "payments COMMAND"}
	c.build(cmd)
	root.AddCommand(cmd)
	return root
}

// The man page is made of Markdown, which drops what looks like HTML.
func TestManPagesNameTheArguments(t *testing.T) {
	var in bytes.Buffer
	cmd, _, err := tree(&cli{in: &in, out: &in, err: &in}).Find([]string{"payments"})
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range cmd.Commands() {
		if strings.ContainsAny(sub.UseLine(), "<>") {
			t.Errorf("%s: a man page loses what stands in <>", sub.UseLine())
		}
		var page bytes.Buffer
		if err := doc.GenMan(sub, nil, &page); err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(strings.ReplaceAll(sub.Use, "|", " ")) {
			if !strings.Contains(page.String(), strings.ReplaceAll(word, "-", "\\-")) && !strings.Contains(page.String(), word) {
				t.Errorf("the man page of %s lacks %s", sub.Name(), word)
			}
		}
	}
}
