package pgtest

import (
	"os/exec"
	"syscall"
)

// diesWithUs makes a server shut down at once when its test ends, however that
// ends.
func diesWithUs(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT }
