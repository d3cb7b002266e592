package consumer

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"github.com/yroom/yroom/internal/outbox"
)

// attempt is a write that doesn't wait.
type attempt struct {
	buffer [writeBuffer]byte
	data   []byte                // what is to be written: a frame, or several in the buffer
	wrote  int                   // how many bytes of it were written
	failed error                 // of write
	write  func(fd uintptr) bool // a.tryWrite, made once so that an attempt allocates nothing
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.write = a.tryWrite
	return a
}}

// fill sets data to the frames, and reports whether they are small enough.
func (a *attempt) fill(frames []*outbox.Frame) bool {
	if len(frames) == 1 && frames[0].Body == nil && len(frames[0].Head) <= writeBuffer {
		a.data = frames[0].Head
		return true
	}
	a.data = a.buffer[:0]
	for _, f := range frames {
		if len(a.data)+len(f.Head)+len(f.Body) > writeBuffer {
			a.data = nil
			return false
		}
		a.data = append(append(a.data, f.Head...), f.Body...)
	}
	return true
}

// run writes the data as far as the system takes it, and returns how many bytes that was.
func (a *attempt) run(raw syscall.RawConn) (int, error) {
	a.wrote, a.failed = 0, nil
	if err := raw.Write(a.write); err != nil {
		return 0, err
	}
	return a.wrote, a.failed
}

func (a *attempt) tryWrite(fd uintptr) bool {
	n, err := writeNow(fd, a.data)
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		a.failed = os.NewSyscallError("write", err)
	}
	a.wrote = n
	return true
}
