//go:build unix && !linux

package consumer

import (
	"errors"
	"syscall"
)

func readNow(fd uintptr, b []byte) (int, error) { return again(syscall.Read, fd, b) }

func writeNow(fd uintptr, b []byte) (int, error) { return again(syscall.Write, fd, b) }

// again calls f until no signal interrupts it.
func again(f func(fd int, b []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := f(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
