package harness

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Canaries are what must stand nowhere.
func (c *Caddy) Canaries() map[string]string {
	c.t.Helper()
	return map[string]string{
		"the API key": APIKey, "the merchant id": MerchantID, "the store token": StoreToken,
		"the signing key": Secret, "the return key": ReturnKey(c.t, Secret),
	}
}

func (c *Caddy) tellsNothing(where, text string) {
	c.t.Helper()
	for name, secret := range c.Canaries() {
		if strings.Contains(text, secret) {
			c.t.Errorf("%s stands in %s", name, where)
		}
	}
}

// Hunt looks for secrets in these pages, in all that the admin endpoint, the
// commands and the log say, and, once it has stopped Caddy, in all its files.
func (c *Caddy) Hunt(pages string) {
	c.t.Helper()
	c.tellsNothing("a page", pages)
	// The sandbox sees the keys; nobody else does.
	for _, path := range []string{"/config/", "/payments/", "/payments/list", "/payments/doctor", "/payments/export", "/metrics", "/debug/vars"} {
		res, err := http.Get("http://" + c.Admin + path)
		if err != nil {
			c.t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		c.tellsNothing(path, string(body))
	}
	out, err := c.Run("adapt", "--config", c.Config(), "--adapter", "caddyfile", "--pretty")
	if err != nil {
		c.t.Errorf("adapt: %v", err)
	}
	c.tellsNothing("adapt", out)
	for _, cmd := range [][]string{{"payments", "list"}, {"payments", "doctor"}, {"payments", "export"}} {
		out, _ := c.Run(append(cmd, "--address", c.Admin)...)
		c.tellsNothing(strings.Join(cmd, " "), out)
	}
	time.Sleep(300 * time.Millisecond)
	c.Stop()
	c.tellsNothing("the log", c.Log())
	err = filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path) //nolint:gosec // a directory of the test's own
		if err == nil {
			c.tellsNothing(filepath.Base(path), string(b))
		}
		return err
	})
	if err != nil {
		c.t.Error(err)
	}
}
