package redislayer

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dialer opens the connections of one client, and closes all of them at once, without
// waiting for the answers of the server as the client's own Close does.
type dialer struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	conns map[*tracked]bool
}

// tracked is a connection that its dialer closes.
type tracked struct {
	net.Conn

	dialer *dialer
}

// Close closes the connection.
func (t *tracked) Close() error {
	t.dialer.mu.Lock()
	delete(t.dialer.conns, t)
	t.dialer.mu.Unlock()
	return t.Conn.Close()
}

// newDialer returns a dialer that also closes its connections when closed is closed.
func newDialer(closed <-chan struct{}) *dialer {
	d := &dialer{conns: make(map[*tracked]bool)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go func() {
		select {
		case <-closed:
			d.close()
		case <-d.ctx.Done():
		}
	}()
	return d
}

// dial opens a connection.
func (d *dialer) dial(ctx context.Context, address string, n *net.Dialer, secure *tls.Config) (conn net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, n.Timeout)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)() //nolint:contextcheck // either context ends it
	if secure != nil {
		conn, err = (&tls.Dialer{NetDialer: n, Config: secure}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = n.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ctx.Err(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	t := &tracked{conn, d}
	d.conns[t] = true
	return t, nil
}

// close closes all connections. After it, dial fails.
func (d *dialer) close() {
	d.cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	for t := range d.conns {
		_ = t.Conn.Close()
	}
	clear(d.conns)
}
