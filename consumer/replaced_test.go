package consumer

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// tab is a client with a document, which answers as stock clients do.
type tab struct {
	client

	mu       sync.Mutex
	doc      *blocks.Store
	received int   // bytes of updates
	err      error // the reason why it stopped reading
}

func (c *client) tab() *tab {
	p := &tab{client: *c, doc: blocks.New()}
	go p.run()
	p.write(protocol.Message{Type: protocol.SyncStep1, Data: p.doc.StateVector()})
	return p
}

func (p *tab) write(m protocol.Message) {
	_ = p.Send(plain.Append(nil, m)) // run detects that the connection is lost
}

func (p *tab) run() {
	for {
		op, payload, err := p.Read()
		if err == nil && op == ws.OpClose {
			_ = p.Write(wsclient.Frame(ws.OpClose, true, payload))
			err = fmt.Errorf("close frame %q", payload)
		}
		if err == nil && op == ws.OpPing {
			err = p.Write(wsclient.Frame(ws.OpPong, true, payload))
		}
		if err == nil && op == ws.OpBinary {
			err = p.take(payload)
		}
		if err != nil {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
			_ = p.Close()
			return
		}
	}
}

func (p *tab) take(frame []byte) error {
	m, _, _, err := plain.Next(frame)
	if err != nil {
		return err
	}
	p.mu.Lock()
	var reply []byte
	switch m.Type {
	case protocol.SyncStep1:
		reply, err = p.doc.Diff(m.Data, blocks.V1)
	case protocol.SyncStep2, protocol.Update:
		p.received += len(m.Data)
		_, err = p.doc.Apply(m.Data, blocks.V1)
	}
	p.mu.Unlock()
	if reply != nil {
		go p.write(protocol.Message{Type: protocol.SyncStep2, Data: reply})
	}
	return err
}

// edit applies an update and sends it, in the background.
func (p *tab) edit(update []byte) {
	p.mu.Lock()
	_, err := p.doc.Apply(update, blocks.V1)
	p.mu.Unlock()
	if err != nil {
		p.t.Error(err)
	}
	go p.write(protocol.Message{Type: protocol.Update, Data: bytes.Clone(update)})
}

func (p *tab) state() ([]byte, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doc.Encode(blocks.V1), p.received, p.err
}

// startWorker runs a worker until stop is called, which waits for its end.
func startWorker(t *testing.T, l layer.Layer, s store.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	w := worker.New(worker.Config{Layer: l, Store: s, Logger: slog.New(slog.DiscardHandler)})
	go func() { ended <- w.Run(ctx) }()
	synctest.Wait()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the worker has ended with %v", err)
		}
	}
}

// withWorker runs f in a bubble with a consumer on l, and clients.
func withWorker(t *testing.T, l layer.Layer, f func(dial func() *tab)) {
	t.Helper()
	c, err := New(Config{Layer: l, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: c, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(p)
	}()
	f(func() *tab {
		t.Helper()
		return p.connect(t, "/doc").tab()
	})
	if err := c.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	_ = server.Close()
	<-ended
}

// wantSame expects that no socket was closed and all documents are equal and hold
// the updates.
func wantSame(t *testing.T, tabs []*tab, updates ...[]byte) {
	t.Helper()
	first, _, _ := tabs[0].state()
	for i, p := range tabs {
		got, _, err := p.state()
		if err != nil {
			t.Errorf("client %d was closed: %v", i, err)
		}
		if !bytes.Equal(got, first) {
			t.Errorf("clients 0 and %d have other documents", i)
		}
		for _, u := range updates {
			if held, err := p.doc.Contains(u, blocks.V1); !held || err != nil {
				t.Errorf("client %d lacks an update: %v", i, err)
			}
		}
	}
}

// withoutVectors is a layer that removes state vectors from outputs.
type withoutVectors struct{ layer.Layer }

type backWithoutVectors struct{ layer.Back }

func (l withoutVectors) Serve(h layer.BackHandler) (layer.Back, error) {
	b, err := l.Layer.Serve(h)
	return backWithoutVectors{b}, err
}

func (b backWithoutVectors) Deliver(outs []layer.Output) {
	for _, o := range outs {
		o.Vector = nil
		b.Back.Deliver([]layer.Output{o})
	}
}

// A worker is replaced while clients stay connected: no socket is closed, and what
// clients and others wrote meanwhile arrives. With state vectors, little else is sent
// to the clients.
func TestWorkerIsReplaced(t *testing.T) {
	large := testkit.Typed(1, 0, string(bytes.Repeat([]byte("text "), 20<<10)))
	for name, tc := range map[string]struct {
		wrap  func(layer.Layer) layer.Layer
		whole bool
	}{
		"with vectors":    {func(l layer.Layer) layer.Layer { return l }, false},
		"without vectors": {func(l layer.Layer) layer.Layer { return withoutVectors{l} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, s := tc.wrap(memlayer.New()), memstore.New()
				if _, err := s.Append(t.Context(), "doc", store.Entry{Encoding: store.V1, Data: large}); err != nil {
					t.Fatal(err)
				}
				withWorker(t, l, func(dial func() *tab) {
					stop := startWorker(t, l, s)
					tabs := []*tab{dial(), dial(), dial()}
					time.Sleep(time.Second)
					tabs[0].edit(testkit.Typed(2, 0, "before"))
					time.Sleep(time.Second)
					wantSame(t, tabs, large, testkit.Typed(2, 0, "before"))
					var before []int
					for _, p := range tabs {
						_, n, _ := p.state()
						before = append(before, n)
					}
					stop()
					tabs[1].edit(testkit.Typed(3, 0, "meanwhile"))
					if _, err := s.Append(t.Context(), "doc", store.Entry{Encoding: store.V1, Data: testkit.Typed(4, 0, "elsewhere")}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(3 * time.Second)
					stop = startWorker(t, l, s)
					time.Sleep(time.Second)
					tabs[2].edit(testkit.Typed(5, 0, "after"))
					time.Sleep(time.Second)
					wantSame(t, tabs, testkit.Typed(3, 0, "meanwhile"), testkit.Typed(4, 0, "elsewhere"), testkit.Typed(5, 0, "after"))
					for i, p := range tabs {
						_, n, _ := p.state()
						if n -= before[i]; (n >= len(large)) != tc.whole {
							t.Errorf("client %d was sent %d bytes by the new worker", i, n)
						}
					}
					stop()
				})
			})
		})
	}
}

// While a layer loses, repeats, reorders and delays messages and workers are replaced,
// no socket is closed, and all clients have the same document in the end.
func TestFaultyLayer(t *testing.T) {
	if testkit.UnderRace {
		t.Skip("many timers in a synctest bubble crash the race detector of Go 1.26: golang.org/issue/78156")
	}
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := layertest.Inject(memlayer.New(), layertest.Faults{Lose: 5, Duplicate: 5, Reorder: 5, Delay: 20, Seed: seed})
				s := memstore.New()
				withWorker(t, l, func(dial func() *tab) {
					stop := startWorker(t, l, s)
					var tabs []*tab
					for range 4 {
						tabs = append(tabs, dial())
					}
					var updates [][]byte
					for i := range uint64(60) {
						u := testkit.Typed(1+i%4, i/4, "x")
						updates = append(updates, u)
						tabs[i%4].edit(u)
						time.Sleep(100 * time.Millisecond)
						switch i % 20 {
						case 10:
							stop()
							time.Sleep(time.Second)
							stop = startWorker(t, l, s)
						case 15:
							l.Cut(500 * time.Millisecond)
						}
					}
					l.Stop()
					time.Sleep(20 * time.Second)
					wantSame(t, tabs, updates...)
					stop()
				})
			})
		})
	}
}
