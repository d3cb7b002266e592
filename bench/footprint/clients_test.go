package footprint_test

import (
	"bufio"
	"cmp"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// crowd is clients that read what arrives and answer pings, as browsers do.
type crowd struct {
	clients []*client
	reading sync.WaitGroup
}

type client struct {
	conn  net.Conn
	clock uint64 // of its awareness
}

// connect connects n clients, each to its address.
func connect(b *testing.B, n int, url func(client int) string) *crowd {
	b.Helper()
	c := new(crowd)
	b.Cleanup(c.close)
	for i := range n {
		conn, early, _, err := ws.Dial(b.Context(), url(i))
		if err != nil {
			b.Fatal(err)
		}
		c.clients = append(c.clients, &client{conn: conn})
		var in io.Reader = conn
		if early != nil {
			in = early
		}
		c.reading.Go(func() { answer(conn, in) })
	}
	return c
}

// answer reads until the connection ends, and answers pings.
func answer(conn net.Conn, from io.Reader) {
	in := bufio.NewReaderSize(from, 512)
	for {
		h, err := ws.ReadHeader(in)
		if err != nil {
			return
		}
		if h.OpCode == ws.OpPing {
			_, err = conn.Write(wsclient.Frame(ws.OpPong, true, nil)) // the server's pings have no payload
		}
		if err != nil {
			return
		}
		if _, err := in.Discard(int(h.Length)); err != nil {
			return
		}
	}
}

// send sends messages of a client.
func (c *crowd) send(b *testing.B, client int, messages ...[]byte) {
	b.Helper()
	for _, m := range messages {
		if _, err := c.clients[client].conn.Write(wsclient.Frame(ws.OpBinary, true, m)); err != nil {
			b.Fatal(err)
		}
	}
}

// present returns the message by which a client shows itself, or renews its awareness.
func (c *crowd) present(client int) []byte {
	c.clients[client].clock++
	const state = `{"user":{"name":"Ada Lovelace","color":"#30bced"},"cursor":null}`
	return testkit.Awareness(testkit.Present(uint64(client+1), c.clients[client].clock, state))
}

// renew makes each client renew its awareness every 15 seconds, one after the other, until
// stop is closed.
func (c *crowd) renew(stop chan struct{}) {
	ticker := time.NewTicker(cmp.Or(renewEvery/time.Duration(len(c.clients)), 1))
	defer ticker.Stop()
	begin := time.Now()
	for sent := 0; ; {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			for ; sent < int(now.Sub(begin)*time.Duration(len(c.clients))/renewEvery); sent++ {
				i := sent % len(c.clients)
				// An error means that the server has ended the connection, which its log says.
				_, _ = c.clients[i].conn.Write(wsclient.Frame(ws.OpBinary, true, c.present(i)))
			}
		}
	}
}

// close ends the connections.
func (c *crowd) close() {
	for _, client := range c.clients {
		_ = client.conn.Close() // the server may have closed it
	}
	c.reading.Wait()
}
