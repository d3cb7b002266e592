package consumer

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// synced joins and delivers the state 1.seq to the client, with a state vector.
func (h *harness) synced(path, room string, seq uint64, vector []byte) (*client, event.ConnID) {
	h.t.Helper()
	c, id := h.join(path)
	h.worker.outputVector(room, id, seq, vector, protocol.Message{Type: protocol.SyncStep2, Data: []byte{0}})
	c.want("00010100")
	synctest.Wait()
	return c, id
}

func update(b byte) protocol.Message { return protocol.Message{Type: protocol.Update, Data: []byte{b}} }

// When the worker is replaced, the connections join again at the next one, each with
// the state that it has. Messages that a client sends meanwhile wait for the Join.
func TestLost(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		a, ida := h.synced("/doc", "doc", 10, []byte("ten"))
		b, idb := h.synced("/other", "other", 20, nil)
		h.worker.output("doc", event.Everyone, 11, update(1))
		a.want("00020101")
		synctest.Wait()
		h.worker.log = nil
		h.worker.stop(t)
		a.send(ws.OpBinary, []byte{0, 2, 1, 7})
		time.Sleep(3 * time.Second)
		if got := h.worker.lines(); got != "" {
			t.Errorf("without a worker:\n%s", got)
		}
		h.worker.epoch = 2
		h.worker.serve(t)
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		lines := map[event.ConnID][]string{}
		for i, line := range h.worker.log {
			in := h.worker.inputs[len(h.worker.inputs)-len(h.worker.log)+i]
			if in.Kind == event.InputJoin && in.Access != event.AccessWrite|event.AccessPresent {
				t.Errorf("joined with %+v", in)
			}
			lines[in.Conn] = append(lines[in.Conn], line)
		}
		want := map[event.ConnID][]string{ida: {`rejoin 1.b "ten"`, "message 3 07"}, idb: {`rejoin 1.14 ""`}}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		h.worker.output("doc", event.Everyone, 3, update(3)) // before the answer, which includes it
		h.worker.output("doc", ida, 3, protocol.Message{Type: protocol.SyncStep2, Data: []byte{9}})
		h.worker.output("doc", event.Everyone, 4, update(4))
		a.want("00010109")
		a.want("00020104")
		a.close()
		b.close()
	})
}

// Only the connections of the rooms concerned join again.
func TestLostRooms(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		h.join("/doc")
		h.join("/other")
		h.lost(func(room string) bool { return room == "other" })
		synctest.Wait()
		if got := h.worker.lines(); got != "join\njoin\nrejoin 0.0 \"\"" || h.worker.inputs[2].Room != "other" {
			t.Errorf("the worker got:\n%s", got)
		}
	})
}

// After a Rejoin, a connection that exists joins again, and a Leave is sent for one
// that doesn't exist or has ended.
func TestOutputRejoin(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		_, id := h.synced("/doc", "doc", 10, []byte("ten"))
		h.join("/doc")
		ended, endedID := h.join("/doc")
		h.worker.end(endedID) // the client doesn't answer the close frame yet
		synctest.Wait()
		h.worker.log = nil
		h.worker.outputRejoin("doc", id)
		synctest.Wait()
		wantLines(t, h.worker.lines(), `rejoin 1.a "ten"`)
		h.worker.outputRejoin("doc", endedID)
		h.worker.outputRejoin("doc", 7)
		h.worker.outputRejoin("elsewhere", id)
		synctest.Wait()
		wantLines(t, h.worker.lines(), `rejoin 1.a "ten"`, "leave", "leave", "leave")
		var left []layer.Input
		for _, in := range h.worker.inputs[len(h.worker.inputs)-3:] {
			left = append(left, layer.Input{Room: in.Room, Input: event.Input{Conn: in.Conn}})
		}
		want := []layer.Input{
			{Room: "doc", Input: event.Input{Conn: endedID}},
			{Room: "doc", Input: event.Input{Conn: 7}},
			{Room: "elsewhere", Input: event.Input{Conn: id}},
		}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		ended.wantClose(protocol.ClosePolicy, "")
	})
}

// A connection that joins again sends the state of its client again, but not those of
// others that it has forwarded.
func TestRejoinShowsClient(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		a, id := h.join("/doc")
		own, moved, forwarded := testkit.Present(7, 1, "{}"), testkit.Present(7, 2, "1"), testkit.Present(8, 9, "{}")
		for _, update := range [][]byte{own, moved, forwarded} {
			a.send(ws.OpBinary, testkit.Awareness(update))
		}
		synctest.Wait()
		h.worker.log = nil
		h.worker.outputRejoin("doc", id)
		synctest.Wait()
		wantLines(t, h.worker.lines(), `rejoin 0.0 ""`, fmt.Sprintf("message 4 %x", moved))
	})
}

// A Leave for a connection that doesn't exist is sent again until the room takes it.
func TestLeaveForUnknownIsNotLost(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		full := time.Now().Add(time.Minute)
		h.worker.handle = func(layer.Input) error {
			if time.Now().Before(full) {
				return layer.ErrFull
			}
			return nil
		}
		h.worker.outputRejoin("doc", 7)
		time.Sleep(2 * time.Minute)
		wantLines(t, h.worker.lines(), "leave")
	})
}

// Each kind of input waits while its room has no worker.
func TestNoWorkerForAWhile(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		h.worker.stop(t)
		c := h.dial("/doc")
		time.Sleep(9 * time.Second)
		h.worker.serve(t)
		time.Sleep(time.Second)
		wantLines(t, h.worker.lines(), "join")
		h.worker.stop(t)
		c.send(ws.OpBinary, []byte{0, 2, 1, 7})
		time.Sleep(9 * time.Second)
		h.worker.serve(t)
		time.Sleep(time.Second)
		wantLines(t, h.worker.lines(), "join", `rejoin 0.0 ""`, "message 3 07")
		h.worker.stop(t)
		start := time.Now()
		c.wantClose(protocol.CloseTryLater, "no server runs the room")
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("closed after %v", took)
		}
		synctest.Wait()
		wantLines(t, h.worker.lines(), "join", `rejoin 0.0 ""`, "message 3 07")
	})
}

// The answer to a Resync may be lost with its worker.
func TestLostResync(t *testing.T) {
	var events struct{ behind, resynced, rejoined atomic.Int64 }
	cfg := Config{Events: Events{
		Behind:   func(*Conn) { events.behind.Add(1) },
		Resynced: func(*Conn) { events.resynced.Add(1) },
		Rejoined: func(*Conn) { events.rejoined.Add(1) },
	}}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		c, id := h.synced("/doc", "doc", 10, nil)
		want := func(behind, resynced, rejoined int64) {
			t.Helper()
			if b, s, j := events.behind.Load(), events.resynced.Load(), events.rejoined.Load(); b != behind || s != resynced || j != rejoined {
				t.Errorf("%d behind, %d resynced, %d rejoined; want %d, %d, %d", b, s, j, behind, resynced, rejoined)
			}
		}
		h.worker.output("doc", event.Everyone, 12, update(12)) // 11 is missing
		synctest.Wait()
		wantLines(t, h.worker.lines(), "join", "resync 1.a")
		want(1, 0, 0)
		h.worker.outputRejoin("doc", id)
		synctest.Wait()
		wantLines(t, h.worker.lines(), "join", "resync 1.a", `rejoin 1.a ""`)
		h.worker.output("doc", id, 12, protocol.Message{Type: protocol.SyncStep2, Data: []byte{12}})
		c.want("0001010c")
		want(1, 0, 1)
		synctest.Wait()
		h.worker.output("doc", event.Everyone, 12, update(12)) // a duplicate
		h.worker.output("doc", event.Everyone, 14, update(14)) // 13 is missing
		synctest.Wait()
		h.worker.output("doc", id, 14, update(99))
		c.want("00020163")
		want(2, 1, 1)
		wantLines(t, h.worker.lines(), "join", "resync 1.a", `rejoin 1.a ""`, "resync 1.c")
		c.close()
	})
}
