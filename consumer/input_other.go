//go:build !unix

package consumer

import (
	"net"
	"syscall"
)

func rawConn(net.Conn) syscall.RawConn { return nil }

func (in *input) tryRead(uintptr) bool { return true }

func writeNow(uintptr, []byte) (int, error) { return 0, syscall.EAGAIN }
