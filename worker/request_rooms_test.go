package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// requestRooms requests a list of rooms.
func (f *fixture) requestRooms(prefix, after string, limit int) *request {
	f.t.Helper()
	return f.request("", event.Request{Kind: event.RequestRooms, Prefix: prefix, After: after, Limit: limit})
}

// list returns a list of rooms.
func (f *fixture) list(prefix, after string, limit int) []event.RoomInfo {
	f.t.Helper()
	return f.requestRooms(prefix, after, limit).response().Rooms
}

// listed returns the names and states in a list.
func listed(rooms []event.RoomInfo) (lines []string) {
	for _, info := range rooms {
		lines = append(lines, info.Name+" "+info.State.String())
	}
	return lines
}

func TestRoomsAreListed(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		if got := f.list("", "", 10); len(got) > 0 {
			t.Errorf("rooms %+v before a connection joined", got)
		}
		began := time.Now()
		f.pair("b")
		f.join("a/ä", 3)
		f.want("a/ä: 3 SyncStep1")
		time.Sleep(time.Second)
		f.write("b", 1, typed(7, 0))
		f.send("b", message(2, protocol.Awareness, testkit.Present(8, 1, "{}")))
		synctest.Wait()
		stored, err := f.store.Store.Load(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		got := f.list("", "", 10)
		for i := range got {
			got[i].Summary.Size = min(got[i].Summary.Size, 1)
			if got[i].StoredAt.IsZero() != (got[i].StoredBytes == 0) {
				t.Errorf("%+v: one of StoredBytes and StoredAt", got[i])
			}
			got[i].StoredAt = time.Time{}
		}
		want := []event.RoomInfo{
			{Name: "a/ä", State: event.RoomOpen, Summary: event.Summary{Conns: 1, Worker: workerName}},
			{
				Name: "b", State: event.RoomOpen, StoredBytes: len(stored.Entries[0].Data),
				Summary: event.Summary{Conns: 2, Clients: 1, Size: 1, Edits: 1, Changed: began.Add(time.Second), Worker: workerName},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A list merges the rooms in memory and those in the store, page by page.
func TestListMergesMemoryAndStore(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		for _, name := range []string{"a1", "a3", "a4", "b"} {
			if _, err := f.store.Append(t.Context(), name, store.Entry{Encoding: store.V1, Data: typed(7, 0)}); err != nil {
				t.Fatal(err)
			}
		}
		f.join("a0", 1)
		f.join("a3", 1)
		f.join("c", 1)
		synctest.Wait()
		all := []string{"a0 open", "a1 stored", "a3 open", "a4 stored", "b stored", "c open"}
		if diff := cmp.Diff(all, listed(f.list("", "", 100))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for limit := 1; limit <= len(all); limit++ {
			var got []string
			for after := ""; ; {
				page := f.list("", after, limit)
				if len(page) == 0 {
					break
				}
				if len(page) < limit && len(got)+len(page) != len(all) {
					t.Errorf("a page has %d rooms, want %d", len(page), limit)
				}
				got = append(got, listed(page)...)
				after = page[len(page)-1].Name
			}
			if diff := cmp.Diff(all, got); diff != "" {
				t.Errorf("with pages of %d: (-want +got)\n%s", limit, diff)
			}
		}
		response := f.requestRooms("a", "a1", 2).response()
		if diff := cmp.Diff([]string{"a3 open", "a4 stored"}, listed(response.Rooms)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if response.Open != 2 {
			t.Errorf("%d open rooms, want 2: a0 and a3", response.Open)
		}
		if got := f.list("", "", 0); len(got) > 0 {
			t.Errorf("%+v in a list of none", got)
		}
	})
}

// A list that is longer than a page of the store takes several pages.
func TestListOfManyStoredRooms(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		const rooms = 2*listPage + 10
		for i := range rooms {
			if _, err := f.store.Append(t.Context(), fmt.Sprintf("%05d", i), store.Entry{Encoding: store.V1, Data: []byte{0, 0}}); err != nil {
				t.Fatal(err)
			}
		}
		got := f.list("", "", 2*rooms)
		if len(got) != rooms || got[rooms-1].Name != fmt.Sprintf("%05d", rooms-1) {
			t.Errorf("%d rooms, want %d", len(got), rooms)
		}
	})
}

// startTurn starts a turn of the test's only room. The turn ends when the test sends to
// the channel.
func (f *fixture) startTurn(name string) chan<- bool {
	f.t.Helper()
	began, end := make(chan bool), make(chan bool)
	step := f.step
	f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
		began <- true
		<-end
		return step(r, now, ins)
	}
	f.write(name, 1, typed(7, 0))
	<-began
	return end
}

func TestListWaitsASecondForABusyRoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("busy")
		f.pair("idle")
		end := f.startTurn("busy")
		q := f.requestRooms("", "", 10)
		q.waits()
		time.Sleep(describeTime - 1)
		q.waits()
		time.Sleep(time.Nanosecond)
		want := []event.RoomInfo{
			{Name: "busy", State: event.RoomBusy, Summary: event.Summary{Worker: workerName}},
			{Name: "idle", State: event.RoomOpen, Summary: event.Summary{Conns: 2, Worker: workerName}},
		}
		if diff := cmp.Diff(want, q.response().Rooms); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		end <- true
		f.want("busy: all Update")
		q.waits() // the late answer doesn't cause a second response
	})
}

func TestListOfARoomThatLoadsOrFailed(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.join("a", 1)
		if got := f.list("", "", 10); len(got) != 1 || got[0].State != event.RoomLoading || got[0].Summary.Worker != workerName {
			t.Errorf("while it loads: %+v", got)
		}
		early := f.query("a", event.Mark{})
		early.waits() // for the load
		gate.Release <- errFault
		f.want("a: 1 Close 1013")
		early.wantClosed(protocol.CloseTryLater)
		if got := f.list("", "", 10); len(got) != 1 || got[0].State != event.RoomFailed || got[0].Failure == nil || got[0].Summary.Worker != workerName {
			t.Errorf("when it has failed: %+v", got)
		}
		f.query("a", event.Mark{}).wantClosed(protocol.CloseTryLater)
		f.logged()
		f.rest()
		f.query("a", event.Mark{}).waits() // for the store
		gate.Release <- errFault
		f.store.Set(nil, faulty.Load)
		f.query("a", event.Mark{}).refused(event.CauseNotFound)
		f.logged()
	})
}

func TestListOfASpoiledRoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.find("a").room = &room.Room{}
		q := f.requestRooms("", "", 10)
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		time.Sleep(describeTime)
		if diff := cmp.Diff([]string{"a busy"}, listed(q.response().Rooms)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		f.logged()
	})
}

// listStore returns an error from List.
type listStore struct {
	store.Store

	err error
}

func (s listStore) List(context.Context, string, string, int) ([]store.Listed, error) {
	return nil, s.err
}

func TestListWithoutTheStore(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want event.Cause
		logs bool
	}{
		"it can't list": {errors.ErrUnsupported, 0, false},
		"it fails":      {errFault, event.CauseClosed, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := start(t, Config{Store: listStore{memstore.New(), test.err}})
				synctest.Wait()
				f.pair("a")
				response := f.requestRooms("", "", 10).refused(test.want)
				if test.want == 0 {
					if diff := cmp.Diff([]string{"a open"}, listed(response.Rooms)); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
				}
				if log := f.logged(); (log != "") != test.logs {
					t.Errorf("logged %q", log)
				}
				f.stop()
				<-f.ended
				f.front.Close()
			})
		})
	}
}

// The number of lists that wait for the store is bounded like that of other reads.
func TestListsThatWaitAreBounded(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		for i := range readsAtOnce + readsWaiting {
			f.send("a", nthQuery(i))
		}
		full := f.trySend("", event.Input{Kind: event.InputRequest, Conn: 1, Request: &event.Request{Kind: event.RequestRooms}})
		if !errors.Is(full, layer.ErrFull) {
			t.Errorf("Send returned %v, want ErrFull", full)
		}
		close(gate.Release)
		synctest.Wait()
	})
}

func TestDrainAnswersLists(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("busy")
		end := f.startTurn("busy")
		q := f.requestRooms("", "", 10)
		q.waits()
		f.stop()
		time.Sleep(describeTime)
		if diff := cmp.Diff([]string{"busy busy"}, listed(q.response().Rooms)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		end <- true
		if err := <-f.ended; err != nil {
			t.Error(err)
		}
	})
}
