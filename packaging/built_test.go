//go:build packaging

package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// These need more than Go: `go test -tags packaging ./packaging`.

// systemd's own reader finds nothing to say.
func TestUnitIsVerified(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze")
	}
	// It looks for the program, too.
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, unit := range []string{"caddy-payments.service", "caddy-payments-retention.service", "caddy-payments-retention.timer"} {
		name := filepath.Join(dir, unit)
		text := strings.ReplaceAll(read(t, "systemd/"+unit), "/usr/bin/caddy-payments", "/bin/true")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "caddy-payments") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A package that was built before (PACKAGING_DEB) has its files, and none of the
// package caddy.
func TestDebianPackage(t *testing.T) {
	deb := os.Getenv("PACKAGING_DEB")
	if deb == "" {
		t.Skip("PACKAGING_DEB names no package")
	}
	out, err := exec.CommandContext(t.Context(), "dpkg-deb", "-c", deb).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		" ./usr/bin/caddy-payments\n", " ./usr/lib/systemd/system/caddy-payments.service\n", " ./usr/lib/systemd/system/caddy-payments-retention.timer\n", " ./etc/caddy-payments/Caddyfile\n",
		" ./usr/share/caddy-payments/caddy.service.d/payments.conf\n", " ./usr/share/doc/caddy-payments/copyright\n",
		" ./usr/share/caddy-payments/php/payment-announce.php\n", " ./usr/share/caddy-payments/php/payment-receipt.php\n", " ./usr/share/caddy-payments/php/payment-key.php\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it lacks%s", want)
		}
	}
	for _, other := range []string{" ./usr/bin/caddy\n", " ./etc/caddy/", "/caddy.service\n"} {
		if strings.Contains(string(out), other) {
			t.Errorf("it has%s, which is the package caddy's", other)
		}
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "dpkg-deb", "-x", deb, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for _, args := range [][]string{{"version"}, {"validate", "--adapter", "caddyfile", "--config", filepath.Join(dir, "etc/caddy-payments/Caddyfile")}} {
		if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "usr/bin/caddy-payments"), args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
}
