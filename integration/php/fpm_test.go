package php_test

import (
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// shared is the php-fpm of nearly all tests; each has its own log and shop.
var shared struct {
	once sync.Once
	fpm  *harness.FPM
	dir  string
	err  error
}

func sharedFPM(t *testing.T) *harness.FPM {
	t.Helper()
	program := harness.FPMProgram(t)
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "payments-php-")
		if err == nil {
			shared.dir = dir
			shared.fpm, err = harness.NewFPM(program, dir, 8)
		}
		if err == nil {
			err = shared.fpm.Start()
		}
		shared.err = err
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.fpm
}

func TestMain(m *testing.M) {
	harness.AsPeopleRun()
	code := m.Run()
	if shared.fpm != nil {
		shared.fpm.Stop()
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}
