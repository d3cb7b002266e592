package worker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// errFault is a fault of the store that doesn't pass, so that nothing is repeated.
var errFault = fmt.Errorf("%w: the disk is on fire", store.ErrClosed)

func TestTwoConnections(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0))
		f.send("a", message(2, protocol.SyncStep1, []byte{0}))
		f.want("a: 2 SyncStep2")
		f.send("a", message(2, protocol.Awareness, testkit.Present(8, 1, "{}")))
		f.want("a: all Awareness")
		f.leave("a", 2)
		f.want("a: all Awareness")
		f.leave("a", 1)
		f.want()
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestOnlyAJoinOpensARoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		for _, kind := range []event.InputKind{event.InputMessage, event.InputLeave, event.InputResync} {
			f.send("a", event.Input{Kind: kind, Conn: 1})
		}
		f.want("a: 1 Rejoin", "a: 1 Rejoin") // the Leave needs no answer
		if n := f.calls(faulty.Load); n != 0 {
			t.Errorf("opened %d times", n)
		}
		f.join("a", 1)
		if n := f.calls(faulty.Load); n != 1 {
			t.Errorf("opened %d times", n)
		}
	})
}

func TestThousandRooms(t *testing.T) {
	const rooms = 1000
	name := func(i int) string { return fmt.Sprint("room ", i) }
	run(t, Settings{}, func(f *fixture) {
		for i := range rooms {
			f.join(name(i), 1, 2)
			for clock := range uint64(3) {
				f.write(name(i), 1, typed(7, clock))
			}
		}
		synctest.Wait()
		for i := range rooms {
			f.wantStored(name(i), typed(7, 0), typed(7, 1), typed(7, 2))
			f.leave(name(i), 1)
			if i%2 == 0 {
				f.leave(name(i), 2)
			}
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if n := len(f.all()); n != rooms/2 {
			t.Errorf("%d rooms are open, want %d", n, rooms/2)
		}
	})
}
