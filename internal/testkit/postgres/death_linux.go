package postgres

import (
	"os/exec"
	"syscall"
)

// endWithTest makes the system end the process if the test process ends without its
// cleanup, as after a timeout.
func endWithTest(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
}
