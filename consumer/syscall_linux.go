package consumer

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow read and write without waiting, at a descriptor that doesn't block: the
// error is syscall.EAGAIN if nothing can be read or written now.
//
// They don't tell the scheduler of the call. A scheduler that is told of one wakes the thread that
// watches how long it takes. In a process that sleeps between two messages, that costs more than
// the call.

func readNow(fd uintptr, b []byte) (int, error) { return call(syscall.SYS_READ, fd, b) }

func writeNow(fd uintptr, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b) }

func call(number, fd uintptr, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))) //nolint:gosec // the system reads or writes b during the call only
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
