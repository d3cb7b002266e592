package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
)

// wantConnections fails the test unless exactly these events of connections arrived about a room, in this order.
func (w *world) wantConnections(room string, want ...string) {
	w.Helper()
	var got []string
	for _, r := range w.receiver.of(room) {
		if r.Data.Connections == nil || r.Data.Position != 0 {
			w.Errorf("an event is %+v, want the number of connections and no position", r)
			continue
		}
		got = append(got, fmt.Sprintf("%s %s of %q at %s, %d", r.Type, r.Data.Connection, r.Data.User, r.Timestamp.Format(time.TimeOnly), *r.Data.Connections))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("room %s: events (-want +got):\n%s", room, diff)
	}
}

// Connections that join and leave are told of in order, with their users and the number of connections.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Connected, Disconnected}
		d, _ := w.run()
		d.Joined("room", 1, "ada")
		time.Sleep(time.Second)
		d.Joined("room", 18446744073709551615, "\xff\x00")
		d.Joined("other", 3, "")
		d.Joined("in memory", 3, "")
		time.Sleep(time.Second)
		d.Left("room", 1, false)
		d.Left("room", 1, false)
		d.Left("other", 3, true) // joins again at another worker
		d.Left("in memory", 3, false)
		time.Sleep(10 * time.Second)
		d.Joined("room", 1, "ada") // again
		time.Sleep(10 * time.Second)
		w.wantConnections("room", `connected 1 of "ada" at 00:00:00, 1`, `connected 18446744073709551615 of "�\x00" at 00:00:01, 2`,
			`disconnected 1 of "ada" at 00:00:02, 1`, `connected 1 of "ada" at 00:00:12, 2`)
		w.wantConnections("other", `connected 3 of "" at 00:00:01, 1`)
		w.wantConnections("in memory")
		w.wantNotices(0, 0)
	})
}

// The events of a room are sent as fast as they are answered.
func TestManyConnectionsOfRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Connected}
		d, _ := w.run()
		const many = 60
		for i := range many {
			d.Joined("room", event.ConnID(i+1), "ada")
		}
		time.Sleep(2 * time.Second)
		if n := len(w.receiver.of("room")); n != many {
			t.Errorf("after two seconds there were %d events, want %d", n, many)
		}
	})
}

// While the receiver fails, the store keeps some events of a room, and the newest in any case. Those that it
// removes are counted and logged.
func TestTooManyConnectionsOfRoom(t *testing.T) {
	testkit.SkipUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Connected}
		var log bytes.Buffer
		w.log = slog.New(slog.NewTextHandler(&log, nil))
		d, end := w.run()
		w.receiver.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		for i := range store.MostNotices + 20 {
			d.Joined("room", event.ConnID(i+1), "")
			if i%recordAtOnce == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(20 * time.Second)
		w.wantNotices(store.MostNotices, 0)
		if s := d.Stats()[0]; s.Removed != 20 {
			t.Errorf("the figures are %+v, want 20 events that were removed", s)
		}
		w.receiver.set(nil)
		time.Sleep(time.Minute)
		all := w.receiver.of("room")
		if len(all) != store.MostNotices || all[0].Data.Connection != "1" || *all[len(all)-1].Data.Connections != store.MostNotices+20 {
			t.Errorf("there were %d events, want %d, the first and the newest", len(all), store.MostNotices)
		}
		end()
		if n := strings.Count(log.String(), "The oldest events of connections were removed"); n < 1 || n > 2 {
			t.Errorf("it was logged %d times that events were removed:\n%s", n, &log)
		}
	})
}

// A webhook that wants only one of the events is told of that one, and one that wants neither costs nothing.
func TestUnwantedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Disconnected}
		d, end := w.run()
		d.Joined("room", 1, "ada")
		time.Sleep(time.Second)
		d.Left("room", 1, false)
		time.Sleep(10 * time.Second)
		w.wantConnections("room", `disconnected 1 of "ada" at 00:00:01, 0`)
		end()
		w.hook.Events = nil
		d, _ = w.run()
		d.Joined("room", 2, "ada")
		for _, r := range d.recorders {
			if len(r.rooms) > 0 {
				t.Error("a connection is kept that no webhook wants to be told of")
			}
		}
	})
}

// failingStore refuses notices while its error is set.
type failingStore struct {
	Store

	fails atomic.Bool
}

// AddNotices implements store.Notices.
func (s *failingStore) AddNotices(ctx context.Context, all []store.Notice) (map[string]int, error) {
	if s.fails.Load() {
		return nil, errors.New("the store fails")
	}
	return s.Store.AddNotices(ctx, all)
}

// Both events of a connection are sent, however short it was, unless many wait for the store.
func TestShortConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Connected, Disconnected}
		failing := &failingStore{Store: w.store}
		w.reads = failing
		d, _ := w.run()
		failing.fails.Store(true)
		d.Joined("room", 1, "ada")
		synctest.Wait() // it waits for the store
		d.Left("room", 1, false)
		failing.fails.Store(false)
		time.Sleep(10 * time.Second)
		w.wantConnections("room", `connected 1 of "ada" at 00:00:00, 1`, `disconnected 1 of "ada" at 00:00:00, 0`)
	})
}

// Events that could not be recorded until the end are logged.
func TestConnectionsLostAtEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Connected, Disconnected}
		var log bytes.Buffer
		w.log = slog.New(slog.NewTextHandler(&log, nil))
		failing := &failingStore{Store: w.store}
		w.reads = failing
		d, end := w.run()
		failing.fails.Store(true)
		d.Joined("room", 1, "ada")
		d.Joined("room", 2, "bob")
		end()
		if !strings.Contains(log.String(), "They are lost. Check the store.\" events=2") {
			t.Errorf("it was not logged that two events are lost:\n%s", &log)
		}
	})
}

// While the store fails, the notices of connections wait in order. What waits grows with the connections
// that there are, and not with time.
func TestConnectionsWhileStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Connected, Disconnected}
		failing := &failingStore{Store: w.store}
		w.reads = failing
		d, end := w.run()
		d.Joined("room", 1, "ada")
		time.Sleep(10 * time.Second)
		failing.fails.Store(true)
		d.Joined("room", 2, "bob")
		synctest.Wait() // it is put back
		d.Left("room", 2, false)
		for i := range 100_000 {
			conn := event.ConnID(10 + i)
			d.Joined("room", conn, "")
			d.Left("room", conn, false)
			if i%10_000 == 0 {
				time.Sleep(time.Second)
			}
		}
		d.Joined("room", 3, "eve")
		d.Left("room", 1, false)
		time.Sleep(time.Minute)
		r := d.recorders[failing]
		r.mu.Lock()
		if n := r.waiting.Len(); n > 2*recordAtOnce+3 {
			t.Errorf("%d notices wait", n)
		}
		r.mu.Unlock()
		failing.fails.Store(false)
		time.Sleep(20 * time.Second)
		all := w.receiver.of("room")
		if len(all) < 3 || all[0].Data.User != "ada" || all[len(all)-1].Data.User != "ada" || all[len(all)-2].Data.User != "eve" || all[len(all)-1].Type != Disconnected {
			t.Errorf("there were the events %+v", all)
		}

		d.Joined("room", 4, "ann") // the end adds what waits
		end()
		w.wantNotices(1, 0)
	})
}
