//go:build !linux

package harness

import "syscall"

// diesWithUs is Linux's alone: elsewhere a test that is killed leaves its
// programs behind.
func diesWithUs(syscall.Signal) *syscall.SysProcAttr { return new(syscall.SysProcAttr) }
