package sqlitestore

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks file until it is closed, or returns errLocked if it is locked. Only a byte far
// after its end is locked, because no other process could read a locked part.
func lock(file *os.File) error {
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}
