package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens addr, which the operator sets with flag. See listenAddress for open.
func listen(ctx context.Context, flag, addr string, open bool) (net.Listener, error) {
	tcp, err := listenAddress(addr, open)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", tcp.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program; choose another address with %s", tcp, flag)
	}
	return listener, err
}

// listenAddress returns the address to listen on. open means that the server has a login, or
// that the operator wants none. Otherwise an address that other machines can reach is
// refused.
func listenAddress(addr string, open bool) (*net.TCPAddr, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("can't listen on %q: %w; write an address and a port, such as 127.0.0.1:8000", addr, err)
	}
	if !open && !tcp.IP.IsLoopback() {
		return nil, fmt.Errorf("%s can be reached from other machines, and this server has no login.\n"+
			"Listen on a loopback address such as 127.0.0.1:%d, with an authenticating proxy in front,\n"+
			"admit clients by tokens (--jwt-key-file, --jwt-keys-url) or by your app (--forward-auth),\n"+
			"or use --open to let everyone who can reach it read and change every room", addr, tcp.Port)
	}
	return tcp, nil
}

// home returns the address to open in a browser on this machine, and reports
// whether only this machine can reach it.
func home(addr net.Addr) (url string, loopback bool) {
	host, port, _ := net.SplitHostPort(addr.String()) // a listener's address always has both
	ip := net.ParseIP(host)
	if ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/", ip.IsLoopback()
}
