//go:build !linux

package load

import (
	"context"
	"net"
)

// dialFrom returns the function with which the client of a number connects.
func dialFrom(int) func(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext
}
