package worker

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

func TestDrainSavesWhatWasTaken(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.pair("b")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.stop()
		synctest.Wait()
		if err := f.trySend("a", event.Input{Kind: event.InputJoin, Conn: 3}); !errors.Is(err, layer.ErrNoOwner) {
			t.Errorf("Send after the end: %v", err)
		}
		for range 2 {
			select {
			case err := <-f.ended:
				t.Fatalf("Run returned %v during an append", err)
			case gate.Release <- nil:
			}
			synctest.Wait()
		}
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.want("a: all Update", "a: all Update", "a: 1 Rejoin", "a: 2 Rejoin", "b: 1 Rejoin", "b: 2 Rejoin")
		f.wantStored("a", typed(7, 0), typed(7, 1))
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestDrainTakesTheMailbox(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.join("b", 1)
		f.write("b", 1, typed(8, 0)) // b is being loaded
		f.write("a", 1, typed(7, 0)) // the turn may not have begun
		f.stop()
		synctest.Wait()
		gate.Release <- nil
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.want("a: all Update", "a: 1 Rejoin", "b: 1 SyncStep1", "b: all Update", "b: 1 Rejoin")
		f.wantStored("a", typed(7, 0))
		f.wantStored("b", typed(8, 0))
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestDrainTimeout(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.store.Set(gate.Wait, faulty.Load)
		f.write("a", 1, typed(7, 0))
		f.join("b", 1)
		synctest.Wait()
		begin := time.Now()
		f.stop()
		if err := <-f.ended; !errors.Is(err, ErrDrainTimeout) {
			t.Errorf("Run: %v, want ErrDrainTimeout", err)
		}
		if passed := time.Since(begin); passed != 10*time.Second {
			t.Errorf("Run returned after %v", passed)
		}
		f.want("a: 1 Close 1012", "a: 2 Close 1012", "b: 1 Close 1012")
		if log := f.logged(); !strings.Contains(log, "room=a") || !strings.Contains(log, "room=b") {
			t.Errorf("logged: %s", log)
		}
	})
}

// A worker that drains handles all inputs that wait, however many turns that takes, before it
// hands over the room.
func TestDrainWithABacklog(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		gate := make(chan struct{})
		f.find("a").mail.Post(func() { <-gate })
		synctest.Wait()
		for range 100 { // which are nothing to store
			f.send("a", message(1, protocol.QueryAwareness, nil))
		}
		f.write("a", 1, typed(7, 0))
		f.stop()
		synctest.Wait()
		close(gate)
		<-f.ended
		f.wantStored("a", typed(7, 0))
	})
}
