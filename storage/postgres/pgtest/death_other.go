//go:build !linux

package pgtest

import "os/exec"

// diesWithUs is Linux's alone.
func diesWithUs(*exec.Cmd) {}
