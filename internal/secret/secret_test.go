package secret

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
	s := New(canary)
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

func TestResolve(t *testing.T) {
	t.Setenv("TEST_SECRET_SECRET", canary)
	t.Setenv("TEST_SECRET_EMPTY", "")
	t.Setenv("TEST_SECRET_NEWLINE", canary+"\r\n\n")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for raw, literal := range map[string]bool{
		"{env.TEST_SECRET_SECRET}": false, "{env.TEST_SECRET_NEWLINE}": false, "{file." + file + "}": false, canary: true,
	} {
		if s, l, err := Resolve("api_key", raw); err != nil || s.Reveal() != canary || l != literal {
			t.Errorf("%s: %v, %v", raw, l, err)
		}
	}
	for _, raw := range []string{
		"", " ", "{env.TEST_SECRET_UNSET}", "{env.TEST_SECRET_EMPTY}", "{file./nonexistent}", "{nonsense." + canary + "}", canary + "{x}",
		"…", "...", "****", "<your key>", "IDPAY…", canary + "\n" + canary, canary + "\x00", strings.Repeat(canary, 1000),
	} {
		if s, _, err := Resolve("api_key", raw); err == nil || !strings.HasPrefix(err.Error(), "api_key ") || strings.Contains(err.Error(), canary) || s.Reveal() != "" {
			t.Errorf("%.40q: %v", raw, err)
		}
	}
	// Which variable is missing is said; a value that isn't a placeholder never is.
	if _, _, err := Resolve("api_key", "{env.TEST_SECRET_UNSET}"); !strings.Contains(err.Error(), "{env.TEST_SECRET_UNSET}") {
		t.Error(err)
	}
}

func TestAccountID(t *testing.T) {
	one, again, other := New(canary), New(canary+" "), New(canary+"2")
	id := one.AccountID("p")
	if id == "" || id != again.AccountID("p") || id == other.AccountID("p") || id == one.AccountID("q") {
		t.Error("accounts are not told apart by their secrets and protocols")
	}
	if (Secret{}).AccountID("p") != "" {
		t.Error("there is no account without a secret")
	}
	if strings.Contains(id, canary) {
		t.Error("it shows the secret")
	}
	// It outlives every process: receipts are unique by it.
	if got := New("a key").AccountID("idpay"); got != "f8073c0fa5951d6d471a" {
		t.Errorf("the account has another name than in the ledgers that there are: %s", got)
	}
}
