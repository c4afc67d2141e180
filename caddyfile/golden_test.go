package caddyfile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
)

var update = flag.Bool("update", false, "write what the golden Caddyfiles adapt to")

const dashes = "----------\n"

// adapt gives indented JSON. The file's name stands in errors.
func adapt(name, input string) (string, error) {
	out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": name})
	if err != nil {
		return "", err
	}
	var pretty bytes.Buffer
	err = json.Indent(&pretty, out, "", "\t")
	return pretty.String() + "\n", err
}

// goldens are the files in testdata/caddyfile: a Caddyfile, a line of dashes,
// and the JSON it adapts to.
func goldens(t *testing.T, each func(t *testing.T, file, input, want string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/caddyfile/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), dashes)
			each(t, file, input, want)
		})
	}
}

func TestCaddyfileGolden(t *testing.T) {
	goldens(t, func(t *testing.T, file, input, want string) {
		got, err := adapt("Caddyfile", input)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, []byte(input+dashes+got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if got != want {
			t.Errorf("adapts to\n%s\nwant\n%s", got, want)
		}
		// Whoever reads these files learns from them, so they are well formatted.
		if f := string(caddyfile.Format([]byte(input))); f != input {
			t.Errorf("caddy fmt makes of it\n%s", f)
		}
	})
}

// What people copy must adapt, and look as `caddy fmt` would have it.
func TestCaddyfileExamples(t *testing.T) {
	found := 0
	err := filepath.WalkDir("../examples", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != "Caddyfile" {
			return err
		}
		found++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if out, err := adapt(path, string(raw)); err != nil {
			t.Errorf("%s: %v", path, err)
		} else if !strings.Contains(out, `"handler": "payments"`) {
			t.Errorf("%s: no payments handler in %s", path, out)
		}
		if !bytes.Equal(caddyfile.Format(raw), raw) {
			t.Errorf("%s: not as caddy fmt would have it", path)
		}
		return nil
	})
	if err != nil || found < 7 {
		t.Errorf("%d examples, %v", found, err)
	}
}

// adapted is a Caddyfile as Caddy loads it.
func adapted(t *testing.T, input string) *caddy.Config {
	t.Helper()
	out, err := adapt("Caddyfile", input)
	if err != nil {
		t.Fatal(err)
	}
	cfg := new(caddy.Config)
	if err := json.Unmarshal([]byte(out), cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// What adapts must also load: the names of the JSON, and what only the modules
// themselves can check.
func TestCaddyfileGoldenValidates(t *testing.T) {
	for _, name := range []string{"IDPAY_KEY", "SAMA_MERCHANT_ID", "PAL24_KEY", "POOLAM_KEY", "HAMEKAR_TOKEN", "ZARINPAL_MERCHANT_ID", "ZIBAL_MERCHANT", "NEXTPAY_KEY", "PAYPING_TOKEN", "VANDAR_KEY"} {
		t.Setenv(name, "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	}
	t.Setenv("IDPAY_KEY_2", "0c1d2e3f-0000-4412-a972-6dfb7cd253a4")
	for i, name := range []string{"SIGNING_KEY", "OLD_SIGNING_KEY", "SHOP_KEY"} {
		t.Setenv(name, strings.Repeat(string(rune('a'+i)), 32))
	}
	goldens(t, func(t *testing.T, _, input, _ string) {
		if err := caddy.Validate(adapted(t, input)); err != nil {
			t.Error(err)
		}
	})
}
