// Package packaging_test reads what other programs will run: what can be tried without
// them is tried here. (packaging/tools reads the same files with the readers of Docker,
// Compose and goreleaser.)
package packaging_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var setting = regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`)

// settings are the lines of a unit, in order.
func settings(text string) (found [][2]string) {
	for _, m := range setting.FindAllStringSubmatch(text, -1) {
		found = append(found, [2]string{m[1], m[2]})
	}
	return found
}

func last(found [][2]string, name string) string {
	value := ""
	for _, s := range found {
		if s[0] == name {
			value = s[1]
		}
	}
	return value
}

var drain = regexp.MustCompile(`drainExit\s+= (\d+) \* time\.Second`)

// A service that is killed while a payment is being verified leaves it to the next
// start: systemd has to wait longer than we do.
func TestUnits(t *testing.T) {
	m := drain.FindStringSubmatch(read(t, "../app/lifecycle.go"))
	if m == nil {
		t.Fatal("app/lifecycle.go has no drainExit")
	}
	ours, err := time.ParseDuration(m[1] + "s")
	if err != nil {
		t.Fatal(err)
	}
	for name, secrets := range map[string]string{"caddy-payments.service": "-/etc/caddy-payments/payments.env", "payments.conf": "/etc/caddy/payments.env"} {
		unit := settings(read(t, "systemd/"+name))
		stop, err := time.ParseDuration(last(unit, "TimeoutStopSec"))
		if err != nil || stop < 3*ours {
			t.Errorf("%s: TimeoutStopSec %v is not well above the drain of %v (%v)", name, stop, ours, err)
		}
		for setting, want := range map[string]string{"LimitNOFILE": "1048576", "EnvironmentFile": secrets} {
			if got := last(unit, setting); got != want {
				t.Errorf("%s: %s=%s, want %s", name, setting, got, want)
			}
		}
		if last(unit, "ReadWritePaths") == "" {
			t.Errorf("%s: the ledger's directory can't be written", name)
		}
		start, reload := last(unit, "ExecStart"), last(unit, "ExecReload")
		if strings.Contains(start, "environ") || !strings.HasPrefix(start, "/usr/bin/caddy-payments run ") {
			t.Errorf("%s: ExecStart=%s", name, start)
		}
		if !strings.HasSuffix(reload, " --force") {
			t.Errorf("%s: ExecReload=%s", name, reload)
		}
	}
	// A drop-in adds a second command unless it clears the first.
	dropIn := settings(read(t, "systemd/payments.conf"))
	for _, name := range []string{"ExecStart", "ExecReload"} {
		if i := slices.Index(dropIn, [2]string{name, ""}); i < 0 || dropIn[i+1][0] != name {
			t.Errorf("payments.conf doesn't clear %s", name)
		}
	}
}

// The retention's timer starts a command that there is, with a note, for the config of the service.
func TestRetentionUnits(t *testing.T) {
	unit := settings(read(t, "systemd/caddy-payments-retention.service"))
	start := last(unit, "ExecStart")
	for _, want := range []string{"/usr/bin/caddy-payments payments erase ", " --before ${KEEP} ", " --note ", " --config /etc/caddy-payments/Caddyfile"} {
		if !strings.Contains(start, want) {
			t.Errorf("ExecStart=%s lacks %q", start, want)
		}
	}
	if last(unit, "User") != last(settings(read(t, "systemd/caddy-payments.service")), "User") {
		t.Error("it runs as another user than the service")
	}
	timer := settings(read(t, "systemd/caddy-payments-retention.timer"))
	if last(timer, "Persistent") != "true" || last(timer, "OnCalendar") == "" {
		t.Errorf("%v", timer)
	}
}

func TestMaintainerScripts(t *testing.T) {
	for _, name := range []string{"postinst", "prerm", "postrm"} {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", "debian/"+name).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
		text := read(t, "debian/"+name)
		if !strings.Contains(text, "\nset -e\n") || strings.Contains(text, "rm -r") {
			t.Errorf("%s goes on after an error, or removes a ledger", name)
		}
	}
}

// Each is what Caddy accepts, formatted.
func TestCaddyfiles(t *testing.T) {
	for name, value := range map[string]string{"PAYMENTS_DB_PASSWORD": "x", "PAYMENTS_SIGNING_KEY": strings.Repeat("x", 32), "ZARINPAL_MERCHANT": "72397f71-ed58-409b-82e6-81072225ece3"} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"Caddyfile", "php/Caddyfile"} {
		text := []byte(read(t, name))
		if string(caddyfile.Format(text)) != string(text) {
			t.Errorf("%s: caddy fmt would change it", name)
		}
		config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": name})
		if err != nil {
			t.Fatal(err)
		}
		var c caddy.Config
		if err := json.Unmarshal(config, &c); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the build in the image doesn't get is nothing that it compiles or embeds.
func TestImageHasItsSource(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the go command")
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{range .EmbedFiles}}{{$.ImportPath}}/{{.}}
{{end}}{{range .GoFiles}}{{$.ImportPath}}/{{.}}
{{end}}{{end}}{{end}}`, "../cmd/caddy")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 {
		t.Fatalf("only %d files", len(files))
	}
	for line := range strings.Lines(read(t, "Dockerfile.dockerignore")) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		for _, f := range files {
			f = strings.TrimPrefix(f, "github.com/rahgir/caddy-payments/")
			for part, rest := f, f; part != ""; part, rest = cut(rest) {
				pattern, anywhere := strings.CutPrefix(line, "**/")
				if ok, _ := filepath.Match(pattern, part); ok && (anywhere || strings.HasPrefix(f, part)) {
					t.Errorf("%s is left out by %q", f, line)
				}
			}
		}
	}
}

// cut drops the last element of a path, then gives what is left.
func cut(path string) (part, rest string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", ""
	}
	return path[:i], path[:i]
}
