package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Whatever a client sends for several documents, while admissions take their time, rooms are
// full and end connections: the updates of each document arrive in order and once, each
// connection that has joined leaves, and nothing is left at the end.
func TestHocuspocusRandom(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			pause := func() { time.Sleep(time.Duration(rand.N(20)) * time.Millisecond) }
			cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
				pause()
				return tokens(ctx, r)
			}}}
			withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
				h.worker.handle = func(layer.Input) error {
					if rand.N(4) == 0 {
						return layer.ErrFull
					}
					return nil
				}
				read := make(chan struct{})
				go func() { // until the end
					defer close(read)
					for {
						if op, _, err := p.Read(); err != nil || op == ws.OpClose {
							return
						}
					}
				}()
				for n := range uint64(300) {
					address := fmt.Sprint(rnd.IntN(4))
					switch rnd.IntN(12) {
					case 0, 1:
						p.send(ws.OpBinary, p.frame(address, auth([]string{"in", "in", "reader", "no"}[rnd.IntN(4)])))
					case 2:
						p.send(ws.OpBinary, p.frame(address, bodyClose))
					case 3:
						pause()
					case 4:
						h.worker.endAny(address, rnd)
					case 5:
						p.send(ws.OpBinary, p.frame(address, bodyStep1))
					default:
						frame := append(p.frame(address, "00 02"), lib0.AppendBytes(nil, lib0.AppendUint(nil, n))...)
						p.send(ws.OpBinary, frame)
					}
				}
				time.Sleep(2 * time.Second)
				p.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
				<-read
				_ = p.Close()
				time.Sleep(time.Second)
				synctest.Wait()
				h.checkOrder(t)
				if n := h.incoming.used.Load(); n != 0 || h.gate.open != 0 || len(h.conns)+len(h.rooms)+len(h.sockets) != 0 {
					t.Errorf("%d bytes, %d connections, %d Conns, %d rooms and %d sockets are left", n, h.gate.open, len(h.conns), len(h.rooms), len(h.sockets))
				}
			})
		})
	}
}

// endAny ends one of the connections that have joined a room.
func (w *fakeWorker) endAny(room string, rnd *rand.Rand) {
	w.mu.Lock()
	var ids []event.ConnID
	for _, in := range w.inputs {
		if in.Kind == event.InputJoin && in.Room == room {
			ids = append(ids, in.Conn)
		}
	}
	w.mu.Unlock()
	if len(ids) > 0 {
		w.output(room, ids[rnd.IntN(len(ids))], 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
	}
}

// checkOrder checks what has arrived at the worker.
func (h *harness) checkOrder(t *testing.T) {
	t.Helper()
	last, updates := map[string]uint64{}, 0
	joined := map[event.ConnID]bool{}
	for _, in := range h.worker.inputs {
		switch {
		case in.Kind == event.InputJoin:
			joined[in.Conn] = true
		case in.Kind == event.InputLeave:
			delete(joined, in.Conn)
		case !joined[in.Conn]:
			t.Errorf("%+v arrived from a connection that isn't in the room", in)
		case in.Message.Type == protocol.Update:
			r := lib0.NewReader(in.Message.Data)
			n := r.Uint()
			if before, ok := last[in.Room]; ok && n <= before {
				t.Errorf("update %d arrived after %d", n, before)
			}
			last[in.Room] = n
			updates++
		}
	}
	if len(joined) > 0 || updates < 10 {
		t.Errorf("%d connections have not left; %d updates have arrived", len(joined), updates)
	}
}
