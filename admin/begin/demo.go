package begin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/rahgir/caddy-payments/examples"
)

// The ports that examples/Caddyfile has, and the first of a row of three.
const (
	DemoPort  = 9100
	demoPorts = 3
)

// Demo is the demo shop of examples/Caddyfile, in a directory and on ports of its
// own.
type Demo struct {
	// Dir has the shop's files and the ledger. Whoever made the demo removes it.
	Dir string
	// Port is the shop's; the next one is the sandbox's, the one after it the
	// dashboard's.
	Port int
	// Admin is the address of the admin endpoint.
	Admin string
	// Remote opens all of it to other machines.
	Remote bool
	// Verbose keeps Caddy's own messages about ordinary things.
	Verbose bool
}

// Shop is the shop's address.
func (d Demo) Shop() string { return d.url(0) }

// Sandbox is the address of the make-believe providers.
func (d Demo) Sandbox() string { return d.url(1) }

// Dashboard is the address of the staff's page.
func (d Demo) Dashboard() string { return d.url(2) }

func (d Demo) url(n int) string { return "http://localhost:" + strconv.Itoa(d.Port+n) }

// Config writes the shop's files and returns the configuration, as JSON.
func (d Demo) Config() ([]byte, error) {
	if err := d.unpack(); err != nil {
		return nil, err
	}
	text, err := d.Caddyfile()
	if err != nil {
		return nil, err
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": "demo"})
	if err != nil {
		return nil, fmt.Errorf("adapting the demo's Caddyfile: %w", err)
	}
	return config, nil
}

// unpack writes what examples/Caddyfile names, with the ports of this demo.
func (d Demo) unpack() error {
	ports := d.ports()
	return fs.WalkDir(examples.Demo, ".", func(name string, e fs.DirEntry, err error) error {
		to := filepath.Join(d.Dir, filepath.FromSlash(name))
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return os.MkdirAll(to, 0o700)
		}
		b, err := examples.Demo.ReadFile(name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".html" {
			b = []byte(ports.Replace(string(b)))
		}
		return os.WriteFile(to, b, 0o600)
	})
}

// ports moves the three addresses of the example at once, so that none is moved
// twice.
func (d Demo) ports() *strings.Replacer {
	var pairs []string
	for n := range demoPorts {
		pairs = append(pairs, "localhost:"+strconv.Itoa(DemoPort+n), "localhost:"+strconv.Itoa(d.Port+n))
	}
	return strings.NewReplacer(pairs...)
}

// errDrift is the examples' fault: the program and its example are one build.
var errDrift = errors.New("examples/Caddyfile no longer has what the demo changes in it")

// secretFile is how the example names its keys.
var secretFile = regexp.MustCompile(`\{file\.examples/(demo-secrets/[a-z0-9-]+)\}`)

// Caddyfile is examples/Caddyfile with other paths and ports, and with what a run
// that should leave nothing behind needs in its global options.
func (d Demo) Caddyfile() ([]byte, error) {
	b, err := examples.Demo.ReadFile("Caddyfile")
	if err != nil {
		return nil, err
	}
	// A Caddyfile quotes with backquotes what may hold blanks and backslashes.
	at := func(elem ...string) string {
		return filepath.ToSlash(filepath.Join(append([]string{d.Dir}, elem...)...))
	}
	text, err := replaceAll(string(b),
		"storage badger payments-demo", "storage badger `"+at("ledger")+"`",
		"root examples/shop", "root `"+at("shop")+"`",
		"\n{\n", "\n{\n"+d.globals(),
	)
	if err != nil {
		return nil, err
	}
	if !secretFile.MatchString(text) {
		return nil, errDrift
	}
	text = secretFile.ReplaceAllStringFunc(text, func(word string) string {
		return "`{file." + at(secretFile.FindStringSubmatch(word)[1]) + "}`"
	})
	if d.Remote {
		if text, err = replaceAll(text, "\tpayment_sandbox {\n", "\tpayment_sandbox {\n\t\tallow_remote\n", "\tbind 127.0.0.1\n", ""); err != nil {
			return nil, err
		}
	}
	return []byte(d.ports().Replace(text)), nil
}

func (d Demo) globals() string {
	var s strings.Builder
	s.WriteString("\tadmin " + d.Admin + "\n\tpersist_config off\n\tauto_https off\n\tgrace_period 2s\n\tservers {\n\t\tprotocols h1\n\t}\n")
	if !d.Remote {
		s.WriteString("\tdefault_bind " + strings.Join(Loopback(), " ") + "\n")
	}
	if !d.Verbose {
		s.WriteString("\tlog {\n\t\tlevel WARN\n\t}\n")
	}
	return s.String()
}

// replaceAll replaces pairs, each of which must occur once.
func replaceAll(text string, pairs ...string) (string, error) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			return "", fmt.Errorf("%w: %q", errDrift, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text, nil
}
