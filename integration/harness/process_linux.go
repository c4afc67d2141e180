package harness

import "syscall"

// diesWithUs makes a child end with the test that started it, however that ends.
func diesWithUs(s syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: s}
}
