package worker

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

func TestNothingIsSeenBeforeItIsDurable(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		f.want()
		f.send("a", message(2, protocol.Awareness, testkit.Present(8, 1, "{}")))
		f.want("a: all Awareness") // doesn't wait
		f.send("a", message(2, protocol.SyncStep1, []byte{0}))
		f.want() // for the append in progress
		f.write("a", 2, typed(8, 0))
		f.want()
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.join("a", 3)
		f.want("a: 3 Awareness")
		if n := f.calls(faulty.Append); n != 1 {
			t.Fatalf("%d appends at once", n)
		}
		gate.Release <- nil
		f.want("a: all Update", "a: 2 SyncStep2")
		f.wantStored("a", typed(7, 0))
		gate.Release <- nil
		f.want("a: all Update", "a: all Update", "a: 3 SyncStep1")
		f.wantStored("a", typed(7, 0), typed(7, 1), typed(8, 0))
		if n := f.calls(faulty.Append); n != 2 {
			t.Errorf("%d appends, want 2: updates that wait are merged", n)
		}
	})
}

func TestNothingIsDeliveredAfterALeave(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		f.send("a", message(2, protocol.SyncStep1, []byte{0}))
		synctest.Wait()
		f.leave("a", 2)
		synctest.Wait()
		gate.Release <- nil
		f.want("a: all Update")
	})
}

func TestAppendThatFails(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.write("a", 1, typed(7, 2)) // waits for the append, and is dropped when that fails
		f.join("a", 3)
		synctest.Wait()
		gate.Release <- errFault
		f.want("a: 1 Close 1013", "a: 2 Close 1013", "a: 3 Close 1013")
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, "could not be saved") || !strings.Contains(log, errFault.Error()) {
			t.Errorf("logged: %s", log)
		}
		f.leave("a", 1)
		f.store.Set(nil, faulty.Append)
		if n := f.calls(faulty.Append); n != 2 {
			t.Errorf("%d appends, want 2", n)
		}
		f.wantStored("a", typed(7, 0))

		f.rest()
		f.pair("a")
		if n := f.calls(faulty.Load); n != 2 {
			t.Errorf("loaded %d times, want 2", n)
		}
		f.write("a", 1, typed(7, 1)) // sent again
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0), typed(7, 1))
	})
}

// fill sends inputs to a room until one is refused because the room is full, and
// returns how many were taken, which are at most most.
func (f *fixture) fill(name string, most int, input func(sent int) event.Input) (sent int) {
	f.t.Helper()
	for ; sent < most; sent++ {
		err := f.trySend(name, input(sent))
		synctest.Wait()
		if errors.Is(err, layer.ErrFull) {
			break
		} else if err != nil {
			f.t.Fatal(err)
		}
	}
	return sent
}

// nthQuery returns a query of a program of its own for each n.
func nthQuery(n int) event.Input {
	return event.Input{Kind: event.InputRequest, Conn: event.ConnID(1000 + n), Request: &event.Request{Kind: event.RequestQuery}}
}

func TestWhatWaitsForTheStoreIsBounded(t *testing.T) {
	run(t, Settings{MailboxInputs: 10, MailboxBytes: 100}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		sent := f.fill("a", 1000, func(sent int) event.Input { return message(1, protocol.Update, typed(7, uint64(sent))) })
		if sent < 10 || sent > 30 {
			t.Errorf("%d updates were taken while the store does not answer", sent)
		}
		f.want()
		f.store.Set(nil, faulty.Append)
		gate.Release <- nil
		var want [][]byte
		for i := range sent {
			want = append(want, typed(7, uint64(i)))
		}
		f.wantStored("a", want...)
		f.write("a", 1, typed(7, uint64(sent)))
		f.wantStored("a", append(want, typed(7, uint64(sent)))...)
	})
}

func TestResponsesThatWaitAreBounded(t *testing.T) {
	run(t, Settings{MailboxInputs: 10, MailboxBytes: 100}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		sent := f.fill("a", 1000, nthQuery)
		if sent < 10 || sent > 30 {
			t.Errorf("%d queries were taken while the store does not answer", sent)
		}
		f.want()
		gate.Release <- nil
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if answered := len(f.outs) - 1; answered != sent { // beside the update
			t.Errorf("%d of %d queries were answered", answered, sent)
		}
	})
}
