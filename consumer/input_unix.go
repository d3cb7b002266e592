//go:build unix

package consumer

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// rawConn returns what input.wait waits with, or nil if conn isn't a connection of the system,
// as with TLS.
func rawConn(conn net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	switch c := conn.(type) { // of these types alone: one that embeds them may have another Read
	case *net.TCPConn:
		raw, _ = c.SyscallConn()
	case *net.UnixConn:
		raw, _ = c.SyscallConn()
	}
	return raw
}

// tryRead reads into in.into, and reports whether something has arrived. The first call of a wait
// reads, because what has arrived before the wait is reported by no later event. The second call
// follows an event: then the next Read gets all that has arrived at once.
func (in *input) tryRead(fd uintptr) bool {
	if in.waits && in.tried {
		return true
	}
	in.tried = true
	n, err := readNow(fd, in.into)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil:
		in.failed = os.NewSyscallError("read", err)
	case n == 0:
		in.failed = io.EOF
	}
	in.read = n
	return true
}
