package worker

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// eventLog records events.
type eventLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *eventLog) addf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// take returns the events since the last call.
func (l *eventLog) take() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

func (l *eventLog) events() Events {
	return Events{
		Loaded: func(i LoadInfo) { l.addf("%s loaded %d entries, %t, %v", i.Room, i.Entries, i.Bytes > 0, i.Duration) },
		Turn:   func(i TurnInfo) { l.addf("%s turn of %d, adds %d, %v", i.Room, i.Inputs, i.Added, i.Duration) },
		Appended: func(i AppendInfo) {
			l.addf("%s appended %d of %d bytes, %v, %v", i.Room, i.Turns, i.Bytes, i.Duration, i.Err)
		},
		Merged: func(i MergeInfo) { l.addf("%s merged %d of %d bytes", i.Room, i.Entries, i.Bytes) },
		Compacted: func(i CompactInfo) {
			l.addf("%s compacted %d, %t, %v, %v", i.Room, i.Entries, i.Bytes > 0, i.Duration, i.Err)
		},
		Evicted: func(room string) { l.addf("%s evicted", room) },
		Failed:  func(i FailInfo) { l.addf("%s failed with %d: %v", i.Room, i.Close.Code, i.Err) },
		Clashed: func(i ClashInfo) {
			l.addf("%s: %d clashes, the last at %d of %d", i.Room, i.Updates, i.Clock, i.Client)
		},
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l eventLog
		f := start(t, Config{
			Events: l.events(),
			Room:   func(string) Settings { return Settings{RemoveDelay: time.Second, AutosaveDelay: time.Hour} },
		})
		synctest.Wait()
		want := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, l.take()); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", what, diff)
			}
		}
		size := len(typed(7, 0))
		f.store.Set(faulty.Delay(2*time.Second), faulty.Load)
		f.join("a", 1)
		time.Sleep(2 * time.Second)
		want("a Join", "a loaded 0 entries, false, 2s", "a turn of 1, adds 0, 0s")
		f.store.Set(nil, faulty.Load)

		f.store.Set(faulty.Delay(3*time.Second), faulty.Append)
		f.write("a", 1, typed(7, 0))
		time.Sleep(3 * time.Second)
		want("an update", fmt.Sprintf("a turn of 1, adds %d, 0s", size), fmt.Sprintf("a appended 1 of %d bytes, 3s, <nil>", size))
		f.store.Set(nil, faulty.Append)

		if _, err := f.store.Store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(9, 0)}); err != nil {
			t.Fatal(err)
		}
		f.write("a", 1, typed(8, 0))
		want("a write of another worker", fmt.Sprintf("a turn of 1, adds %d, 0s", size), fmt.Sprintf("a appended 1 of %d bytes, 0s, <nil>", size),
			fmt.Sprintf("a merged 2 of %d bytes", 2*size))

		f.leave("a", 1)
		want("a Leave", "a turn of 1, adds 0, 0s")
		time.Sleep(time.Second)
		want("the end", "a compacted 3, true, 0s, <nil>", "a evicted")

		f.join("a", 1)
		want("a Join", "a loaded 1 entries, true, 0s", "a turn of 1, adds 0, 0s")
		f.store.Set(faulty.Fail(errFault), faulty.Append)
		f.write("a", 1, typed(7, 1))
		got := l.take()
		if len(got) != 3 || got[2] != fmt.Sprintf("a failed with %d: %v", protocol.CloseTryLater, errFault) {
			t.Errorf("events of an append that fails: %q", got)
		}
		f.rest()
		want("the end", "a evicted")
		f.logged()
		f.stop()
		<-f.ended
		f.front.Close()
	})
}

// TestClash checks that what a client writes with the client id of another one is dropped,
// counted each time, and logged once a room.
func TestClash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l eventLog
		f := start(t, Config{Events: Events{Clashed: l.events().Clashed}})
		synctest.Wait()
		for _, name := range []string{"a", "b"} {
			f.pair(name)
			f.write(name, 1, testkit.Typed(7, 0, "abc"))
			f.want(name + ": all Update")
			f.write(name, 1, testkit.Typed(7, 1, "b")) // sent again
			f.want()
			for range 2 {
				f.write(name, 2, testkit.Typed(7, 1, "xy"))
				f.want()
			}
			f.wantStored(name, testkit.Typed(7, 0, "abc"))
			want := name + ": 1 clashes, the last at 1 of 7"
			if diff := cmp.Diff([]string{want, want}, l.take()); diff != "" {
				t.Errorf("events (-want +got)\n%s", diff)
			}
			log := f.logged()
			if strings.Count(log, "\n") != 1 || !strings.Contains(log, "room="+name) || !strings.Contains(log, "client=7 clock=1") {
				t.Errorf("logged: %s", log)
			}
		}
		f.stop()
		<-f.ended
		f.front.Close()
	})
}

// A panic in a function of Events is logged, and no room notices it.
func TestEventsPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{
			Events: Events{
				Loaded:    func(LoadInfo) { panic("Loaded") },
				Turn:      func(TurnInfo) { panic("Turn") },
				Appended:  func(AppendInfo) { panic("Appended") },
				Merged:    func(MergeInfo) { panic("Merged") },
				Compacted: func(CompactInfo) { panic("Compacted") },
				Evicted:   func(string) { panic("Evicted") },
				Failed:    func(FailInfo) { panic("Failed") },
				Clashed:   func(ClashInfo) { panic("Clashed") },
				Joined:    func(JoinInfo) { panic("Joined") },
				Left:      func(LeaveInfo) { panic("Left") },
			},
			Room: func(string) Settings { return Settings{RemoveDelay: time.Second} },
		})
		synctest.Wait()
		f.join("a", 1)
		f.write("a", 1, typed(7, 0))
		f.want("a: 1 SyncStep1", "a: all Update")
		f.write("a", 1, testkit.Typed(7, 0, "x"))
		f.want()
		if _, err := f.store.Store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(9, 0)}); err != nil {
			t.Fatal(err)
		}
		f.write("a", 1, typed(8, 0))
		f.want("a: all Update", "a: all Update")
		f.leave("a", 1)
		time.Sleep(2 * time.Second) // the room is evicted
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		f.store.Set(faulty.Fail(errFault), faulty.Append)
		f.write("a", 1, typed(7, 1))
		f.want("a: 1 Close 1013")
		f.rest()
		log := f.logged()
		for _, name := range []string{"Loaded", "Turn", "Appended", "Merged", "Compacted", "Evicted", "Failed", "Clashed", "Joined", "Left"} {
			if !strings.Contains(log, "panic="+name) {
				t.Errorf("the panic of %s is not logged", name)
			}
		}
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.front.Close()
	})
}

// A room whose awareness is full says so once.
func TestAwarenessFullIsLogged(t *testing.T) {
	settings := Settings{Room: room.Config{Awareness: awareness.Config{RoomSize: 1 << 10}}}
	run(t, settings, func(f *fixture) {
		f.join("doc", 1)
		for clock := range uint64(5) {
			state := testkit.Present(7, clock+1, `"`+strings.Repeat("x", 2<<10)+`"`)
			f.send("doc", message(1, protocol.Awareness, state))
		}
		if got := strings.Count(f.logged(), "raise limits.room_awareness"); got != 1 {
			t.Errorf("it was logged %d times", got)
		}
	})
}
