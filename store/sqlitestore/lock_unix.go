//go:build !windows

package sqlitestore

import (
	"errors"
	"os"
	"syscall"
)

// lock locks file until it is closed, or returns errLocked if it is locked. It uses flock,
// because the locks that SQLite uses end when the process closes any descriptor of the
// file.
func lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		default:
			return err
		}
	}
}
