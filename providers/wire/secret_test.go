package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const canary = "s3cr3t-canary"

func TestSecretNeverPrints(t *testing.T) {
	type holder struct {
		Name   string
		Key    Secret
		hidden Secret
		m      map[string]Secret
	}
	s := NewSecret(canary)
	h := &holder{"n", s, s, map[string]Secret{"k": s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%10s", "%!"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, *h)
		fmt.Fprintf(&out, verb, h)
	}
	j, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	l := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zapcore.DebugLevel))
	l.Info("x", zap.Any("s", s), zap.Any("h", h), zap.Stringer("t", s), zap.Reflect("r", h))
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "h", h)
	shown := out.String()
	if strings.Contains(shown, canary) || strings.Contains(shown, fmt.Sprintf("%x", canary)) || strings.Contains(shown, fmt.Sprintf("%X", canary)) {
		t.Error(shown)
	}
	if !strings.Contains(string(j), `"Key":"REDACTED"`) || s.Reveal() != canary || (Secret{}).Reveal() != "" {
		t.Errorf("%s", j)
	}
}

func TestResolveSecret(t *testing.T) {
	t.Setenv("TEST_WIRE_SECRET", canary)
	t.Setenv("TEST_WIRE_EMPTY", "")
	t.Setenv("TEST_WIRE_NEWLINE", canary+"\r\n\n")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for raw, literal := range map[string]bool{
		"{env.TEST_WIRE_SECRET}": false, "{env.TEST_WIRE_NEWLINE}": false, "{file." + file + "}": false, canary: true,
	} {
		if s, l, err := ResolveSecret("api_key", raw); err != nil || s.Reveal() != canary || l != literal {
			t.Errorf("%s: %v, %v", raw, l, err)
		}
	}
	for _, raw := range []string{
		"", " ", "{env.TEST_WIRE_UNSET}", "{env.TEST_WIRE_EMPTY}", "{file./nonexistent}", "{nonsense." + canary + "}", canary + "{x}",
		"…", "...", "****", "<your key>", "IDPAY…", canary + "\n" + canary, canary + "\x00", strings.Repeat(canary, 1000),
	} {
		if s, _, err := ResolveSecret("api_key", raw); err == nil || !strings.HasPrefix(err.Error(), "api_key ") || strings.Contains(err.Error(), canary) || s.Reveal() != "" {
			t.Errorf("%.40q: %v", raw, err)
		}
	}
	// Which variable is missing is said; a value that isn't a placeholder never is.
	if _, _, err := ResolveSecret("api_key", "{env.TEST_WIRE_UNSET}"); !strings.Contains(err.Error(), "{env.TEST_WIRE_UNSET}") {
		t.Error(err)
	}
}
