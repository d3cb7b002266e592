//go:build unix

package load

import (
	"fmt"
	"syscall"
)

// spareFiles is how many files a process has open besides the connections of its clients.
const spareFiles = 50

// checkFiles returns an error if the process may not open as many connections. The runtime
// of Go has raised the limit as far as the process may.
func checkFiles(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil //nolint:nilerr // without the limit, the clients find out
	}
	most := uint64(limit.Cur) //nolint:unconvert // it is signed on FreeBSD
	if uint64(connections)+spareFiles > most {
		return fmt.Errorf("%d connections need more than the %d files that this process may open: raise the limit (ulimit -Hn), or take fewer", connections, most)
	}
	return nil
}
