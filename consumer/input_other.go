//go:build !unix

package consumer

import (
	"net"
	"syscall"
)

func rawConn(net.Conn) syscall.RawConn { return nil }

func (in *input) tryRead(uintptr) bool { return true }
