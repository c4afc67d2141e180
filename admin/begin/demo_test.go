package begin_test

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/rahgir/caddy-payments/admin/begin"
)

func adapt(t *testing.T, text []byte) map[string]any {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(config, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The demo is examples/Caddyfile: at the same ports and paths, and without the lines
// that a run without traces needs, it is the same configuration.
func TestDemoIsTheExample(t *testing.T) {
	example, err := os.ReadFile("../../examples/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	d := begin.Demo{Dir: "examples", Port: begin.DemoPort, Admin: "localhost:2019", Verbose: true, Remote: true}
	text, err := d.Caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	demo := bytes.ReplaceAll(text, []byte("`examples/ledger`"), []byte("payments-demo"))
	for _, line := range []string{"\tadmin localhost:2019\n", "\tpersist_config off\n", "\tauto_https off\n", "\tgrace_period 2s\n", "\tservers {\n\t\tprotocols h1\n\t}\n", "\t\tallow_remote\n"} {
		if bytes.Count(demo, []byte(line)) != 1 {
			t.Errorf("the demo lacks %q", line)
		}
		demo = bytes.Replace(demo, []byte(line), nil, 1)
	}
	want := adapt(t, bytes.Replace(example, []byte("\tbind 127.0.0.1\n"), nil, 1)) // --remote leaves it out
	got, _ := json.Marshal(adapt(t, demo))
	if w, _ := json.Marshal(want); !bytes.Equal(got, w) {
		t.Errorf("the demo is\n%s\nand the example\n%s", got, w)
	}
}

// No address of the example is left in a demo on other ports.
func TestDemoOnOtherPorts(t *testing.T) {
	d := begin.Demo{Dir: filepath.Join(t.TempDir(), "a demo"), Port: 9110, Admin: "localhost:2020"}
	config, err := d.Config()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range []string{"shop/index.html", "shop/en/product/mug.html", "shop/thanks.html"} {
		b, err := os.ReadFile(filepath.Join(d.Dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		seen += bytes.Count(b, []byte("localhost:9111"))
		config = append(config, b...)
	}
	for _, old := range []string{"localhost:9100", "localhost:9101", "localhost:9102", ":9100", `"examples/`} {
		if strings.Contains(string(config), old) {
			t.Errorf("%s is left", old)
		}
	}
	if seen < 3 {
		t.Errorf("the pages link to the sandbox %d times", seen)
	}
}

func TestFreePorts(t *testing.T) {
	for _, host := range []string{"127.0.0.1", ""} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		taken := l.Addr().(*net.TCPAddr).Port
		if begin.Free(taken) {
			t.Errorf("%s is free", l.Addr())
		}
		if got, err := begin.FreePorts(taken-1, 3); err == nil && got <= taken && got+3 > taken {
			t.Errorf("from %d on: %d, though %d is taken", taken-1, got, taken)
		}
		l.Close()
	}
	if _, err := begin.FreePorts(1<<16-2, 3); err == nil {
		t.Error("there is no port 65536")
	}
}

func TestReader(t *testing.T) {
	for _, c := range []struct{ all, messages, lang, want string }{
		{"", "", "fa_IR.UTF-8", "fa"}, {"", "", "en_US.UTF-8", "en"}, {"", "", "", "en"}, {"", "", "C", "en"}, {"", "", "de_DE", "en"},
		{"en_GB", "", "fa_IR", "en"}, {"", "fa_IR@x", "en_US", "fa"}, {"", "fa", "en_US", "fa"}, {"fa.UTF-8", "", "", "fa"},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_MESSAGES", c.messages)
		t.Setenv("LANG", c.lang)
		if got := string(begin.Reader()); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
