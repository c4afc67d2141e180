package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// endpoint is where the admin endpoint is.
//
// Invariant: with --config no other Caddy is asked than the one that this
// configuration is for: what says no admin endpoint has none, and whoever
// answers must keep the same ledger.
func (c *cli) endpoint() (string, error) {
	if c.admin != "" {
		return c.admin, nil
	}
	addr := c.address
	if c.config == "" {
		if addr == "" {
			addr = caddy.DefaultAdminListen
			c.hint(addr)
		}
		c.admin = addr
		return addr, nil
	}
	config, err := c.quietConfig()
	if err != nil {
		return "", fmt.Errorf("finding the admin endpoint: %w", err)
	}
	said, err := readAdmin(config)
	if err != nil {
		return "", fmt.Errorf("finding the admin endpoint in %s: %w", c.config, err)
	}
	if addr == "" {
		if addr, err = said.address(); err != nil {
			return "", fmt.Errorf("%s %w", c.config, err)
		}
	}
	if err := c.sameLedger(addr, said.Apps.Payments.Storage); err != nil {
		return "", err
	}
	c.admin = addr
	return addr, nil
}

// adminConfig is what a configuration says of its admin endpoint, ledger and providers.
type adminConfig struct {
	Admin struct {
		Disabled bool   `json:"disabled"`
		Listen   string `json:"listen"`
	} `json:"admin"`
	Apps struct {
		Payments struct {
			Storage   any            `json:"storage"`
			Providers map[string]any `json:"providers"`
		} `json:"payments"`
	} `json:"apps"`
}

func readAdmin(config []byte) (adminConfig, error) {
	var said adminConfig
	// Caddy's own text may quote the configuration, so the error is not passed on.
	if json.Unmarshal(config, &said) != nil {
		return said, fmt.Errorf("it is no configuration of Caddy's")
	}
	return said, nil
}

// address is where the endpoint listens; the error says why it can't be asked.
func (a adminConfig) address() (string, error) {
	if a.Admin.Disabled {
		return "", fmt.Errorf("has no admin endpoint (`admin off`), so nothing can be asked: give it one, such as `admin unix//run/caddy-admin.sock`; or name another Caddy with --address, without --config")
	}
	if a.Admin.Listen == "" {
		return caddy.DefaultAdminListen, nil
	}
	addr, err := caddy.NewReplacer().ReplaceOrErr(a.Admin.Listen, true, true)
	if err != nil {
		return "", fmt.Errorf("has an admin address that cannot be read here, %s: set what it names, or give --address", a.Admin.Listen)
	}
	parsed, err := caddy.ParseNetworkAddress(addr)
	if err != nil {
		return "", fmt.Errorf("has an admin address that is not valid, %s", addr)
	}
	if parsed.IsFdNetwork() {
		return "", fmt.Errorf("takes its admin endpoint from another program (%s), which only that one can ask: give --address", addr)
	}
	return addr, nil
}

// sameLedger refuses a Caddy that runs with another ledger. One that doesn't
// show its configuration, or has no payments, says so itself when it is asked.
func (c *cli) sameLedger(addr string, want any) error {
	wait := c.wait(patience)
	resp, err := c.inquire(addr, http.MethodGet, "/config/apps/payments/storage", nil, nil, wait, false)
	if s := (*silent)(nil); errors.As(err, &s) {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // the request that follows tells it better
	}
	defer resp.Body.Close()
	defer time.AfterFunc(wait, func() { _ = resp.Body.Close() }).Stop()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	var got any
	if err != nil || json.Unmarshal(text, &got) != nil || reflect.DeepEqual(got, want) {
		return nil //nolint:nilerr // as above
	}
	return fmt.Errorf("the Caddy at %s keeps another ledger than %s says, so it is not asked: it is another Caddy's endpoint, or the storage in the file was changed and Caddy not restarted yet; --address %s without --config asks it all the same", addr, c.config, addr)
}

// hint says when the Caddyfile at hand is for another endpoint than the one that
// is asked without --config.
func (c *cli) hint(addr string) {
	const file = "Caddyfile"
	text, err := os.ReadFile(file)
	adapter := caddyconfig.GetAdapter("caddyfile")
	if err != nil || adapter == nil {
		return
	}
	config, _, err := adapter.Adapt(text, map[string]any{"filename": file})
	if err != nil {
		return
	}
	said, err := readAdmin(config)
	if err != nil {
		return
	}
	if its, err := said.address(); err != nil || its != addr {
		fmt.Fprintf(c.err, "note: this asks the Caddy at %s; the %s here says another admin endpoint (--config %s asks that one)\n", addr, file, file)
	}
}

// quietConfig is the configuration of --config as JSON, read once and quietly:
// [caddycmd.LoadConfig] writes to the log. A file is a Caddyfile by the same
// names as in Caddy.
func (c *cli) quietConfig() ([]byte, error) {
	in, err := c.input(c.config, "the configuration")
	if err != nil {
		return nil, err
	}
	defer in.Close()
	config, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	name, adapter := strings.ToLower(filepath.Base(c.config)), c.adapter
	ext := filepath.Ext(name)
	if adapter == "" && ext != ".json" && (strings.HasPrefix(name, "caddyfile") || ext == ".caddyfile") {
		adapter = "caddyfile"
	}
	if adapter == "" {
		if !json.Valid(config) {
			return nil, fmt.Errorf("%s is not JSON; is --adapter missing?", c.config)
		}
		return config, nil
	}
	a := caddyconfig.GetAdapter(adapter)
	if a == nil {
		return nil, fmt.Errorf("there is no adapter %q", adapter)
	}
	config, _, err = a.Adapt(config, map[string]any{"filename": c.config})
	if err != nil {
		return nil, fmt.Errorf("adapting %s: %w", c.config, err)
	}
	return config, nil
}
