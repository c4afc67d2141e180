//go:build unix

package harness

import "syscall"

// Pause makes the process stand still.
func (c *Caddy) Pause() { c.Signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (c *Caddy) Resume() { c.Signal(syscall.SIGCONT) }
