package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// dialFrom returns the function with which the client of a number connects. All of
// 127.0.0.0/8 is this machine, so the clients of a server on it have as many source
// addresses as they need ports.
func dialFrom(client int) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		if to, err := netip.ParseAddrPort(address); err == nil && to.Addr().Is4() && to.Addr().IsLoopback() {
			if n := client / portsPerAddress(); n > 0 {
				d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n))}
				d.Control = choosePortLate
			}
		}
		return d.DialContext(ctx, network, address)
	}
}

// choosePortLate lets the system choose the port of a socket when it connects, and not when
// it is bound to its address. Then only connections to the same server count, and no port is
// kept from others for a minute after its connection has ended.
func choosePortLate(_, _ string, raw syscall.RawConn) error {
	const bindAddressNoPort = 24 // IP_BIND_ADDRESS_NO_PORT, which package syscall lacks
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = os.NewSyscallError("setsockopt", syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, bindAddressNoPort, 1))
	})
	return errors.Join(err, failed)
}

// portsPerAddress returns how many clients connect from one address. Some ports are left
// for connections that have just ended, and for other programs.
var portsPerAddress = sync.OnceValue(func() int {
	low, high := 32768, 60999
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(string(text), &low, &high) // the usual range, if it can't be read
	}
	return max((high-low)/2, 1)
})
