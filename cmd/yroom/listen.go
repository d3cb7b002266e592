package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens addr. Where not everybody is to be let in, it refuses what
// other machines can reach, because nothing here asks people who they are.
func listen(ctx context.Context, addr string, open bool) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("can't listen on %q: %w", addr, err)
	}
	if !open && !tcp.IP.IsLoopback() {
		return nil, fmt.Errorf("%s can be reached from other machines, and this server asks nobody who they are.\n"+
			"Listen on a loopback address such as 127.0.0.1:%d, with something in front that lets people in,\n"+
			"or say --open to let everybody who can reach it read and change every room", addr, tcp.Port)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", tcp.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program; choose another address with --listen", tcp)
	}
	return listener, err
}

// home is the address to open in a browser on this machine, and tells whether
// only this machine can.
func home(addr net.Addr) (url string, loopback bool) {
	host, port, _ := net.SplitHostPort(addr.String()) // a listener's address always has both
	ip := net.ParseIP(host)
	if ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/", ip.IsLoopback()
}
