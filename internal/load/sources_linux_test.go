package load

import (
	"net"
	"syscall"
	"testing"
)

// A client with an address of its own takes no port that clients of other servers could use.
func TestPortIsChosenLate(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	conn, err := dialFrom(2*portsPerAddress())(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if ip := conn.LocalAddr().(*net.TCPAddr).IP.String(); ip != "127.0.0.3" {
		t.Errorf("the client connects from %s", ip)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var late int
	if err := raw.Control(func(fd uintptr) { late, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, 24) }); err != nil {
		t.Fatal(err)
	}
	if err != nil || late != 1 {
		t.Errorf("the port was chosen when the socket was bound (%d, %v)", late, err)
	}
}
