package harness

import "strings"

// Hunt looks for secrets in these pages and in all that the admin endpoint and
// the commands say, and stops Caddy. What is left then, its log and its files,
// is looked through at the end of every test.
func (c *Caddy) Hunt(pages string) {
	c.t.Helper()
	TellsNothing(c.t, "a page", pages)
	c.searchAdmin()
	for _, args := range [][]string{
		{"adapt", "--config", c.Config(), "--adapter", "caddyfile", "--pretty"}, {"validate", "--config", c.Config(), "--adapter", "caddyfile"},
		{"payments", "list", "--address", c.Admin}, {"payments", "doctor", "--address", c.Admin}, {"payments", "export", "--address", c.Admin},
		{"payments", "show", "nothing", "--address", c.Admin},
	} {
		out, err := c.Run(args...)
		if err != nil && args[0] != "payments" {
			c.t.Errorf("%s: %v", args[0], err)
		}
		TellsNothing(c.t, strings.Join(args[:2], " "), out)
	}
	c.Stop()
}
