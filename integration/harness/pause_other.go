//go:build !unix

package harness

// Pause skips the test: nothing makes a process stand still here.
func (c *Caddy) Pause() {
	c.t.Helper()
	c.t.Skip("no process can be made to stand still on this system")
}

// Resume is Pause's other half.
func (c *Caddy) Resume() {}
