package begin

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// check does what `caddy validate` does, with some environment variables set.
func check(text []byte, env map[string]string) error {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": CaddyfileName})
	if err != nil {
		return err
	}
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return fmt.Errorf("reading the adapted configuration: %w", err)
	}
	// Its messages are not about the person's question.
	c.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}}
	for name, value := range env {
		old, was := os.LookupEnv(name)
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("trying the keys: %w", err)
		}
		defer func() {
			if was {
				_ = os.Setenv(name, old)
			} else {
				_ = os.Unsetenv(name)
			}
		}()
	}
	return caddy.Validate(&c)
}
