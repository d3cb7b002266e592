package load_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// relay is a server with one room, in which a test plants faults.
type relay struct {
	// deliver returns what is sent to a connection in place of the update that another
	// connection has sent as the server's n-th.
	deliver func(n int, to int, update []byte) [][]byte
	// answer returns what is sent as the document.
	answer func(document []byte) []byte

	mu    sync.Mutex
	doc   *blocks.Store
	conns []*relayed
	n     int
}

type relayed struct {
	mu   sync.Mutex
	conn interface{ Write(b []byte) (int, error) }
}

func (c *relayed) send(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = wsutil.WriteServerBinary(c.conn, message) // the client may be gone
}

// serve starts the relay, and returns its address.
func (s *relay) serve(t *testing.T) string {
	t.Helper()
	s.doc = blocks.New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	c := &relayed{conn: conn}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	c.send(testkit.SyncStep1([]byte{0}))
	for {
		frame, err := wsutil.ReadClientBinary(conn)
		if err != nil {
			return
		}
		m, _, _, _ := protocol.Plain{}.Next(frame)
		switch m.Type {
		case protocol.SyncStep1:
			s.mu.Lock()
			document, _ := s.doc.Diff(m.Data, blocks.V1)
			s.mu.Unlock()
			if s.answer != nil {
				document = s.answer(document)
			}
			c.send(testkit.SyncStep2(document))
		case protocol.SyncStep2, protocol.Update:
			s.broadcast(c, m.Data)
		}
	}
}

func (s *relay) broadcast(from *relayed, update []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added, err := s.doc.Apply(update, blocks.V1)
	if err != nil || added == nil {
		return
	}
	s.n++
	for i, c := range s.conns {
		if c == from {
			continue
		}
		updates := [][]byte{added}
		if s.deliver != nil {
			updates = s.deliver(s.n, i, added)
		}
		for _, u := range updates {
			c.send(testkit.Update(u))
		}
	}
}
