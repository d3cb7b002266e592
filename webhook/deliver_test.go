package webhook

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
)

// Whatever a receiver does for an hour, every event arrives afterwards, in order for each room.
func TestReceiverFailsForAnHour(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, answer := range map[string]http.HandlerFunc{
		"500":   status(http.StatusInternalServerError),
		"hangs": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cuts":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:8000/other", http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { failsForAnHour(newWorld(t), answer) })
		})
	}
}

func failsForAnHour(w *world, answer http.HandlerFunc) {
	w.Helper()
	d, end := w.run()
	w.edit("before")
	time.Sleep(time.Minute)
	w.wantTold("before", Created, Changed)

	w.receiver.set(answer)
	const rooms = 20
	minutes := 60
	if testkit.UnderRace { // which makes each read of the store take ten times as long
		minutes = 5
	}
	room := func(i int) string { return fmt.Sprint("room ", i) }
	for range minutes {
		for i := range rooms {
			w.edit(room(i))
		}
		time.Sleep(time.Minute)
	}
	w.delete(room(0))
	w.delete(room(1))
	w.edit(room(1))
	if s := d.Stats()[0]; s.Failed < rooms || s.Waiting < 2*rooms || s.GivenUp != 0 || time.Since(s.Oldest) < time.Duration(minutes-1)*time.Minute {
		w.Errorf("after %d minutes, the figures are %+v", minutes, s)
	}
	end() // the process ends, and another one begins
	d, _ = w.run()
	w.receiver.set(nil)
	time.Sleep(15 * time.Minute)
	w.wantTold(room(0), Created, Deleted)
	w.wantTold(room(1), Created, Deleted, Created, Changed)
	for i := 2; i < rooms; i++ {
		w.wantTold(room(i), Created, Changed)
	}
	w.wantNotices(0, 0)
	if s := d.Stats()[0]; s.Delivered != 2*rooms+2 || s.Waiting != 0 || !s.Oldest.IsZero() {
		w.Errorf("at the end, the figures are %+v", s)
	}
	if w.receiver.most > atOnce {
		w.Errorf("there were %d requests at once, want %d at most", w.receiver.most, atOnce)
	}
	// While all attempts fail, they are rare: one in ten seconds, and some at once.
	if most := minutes*60/10*2 + 100 + 2*rooms; w.receiver.tried > most {
		w.Errorf("there were %d requests, want %d at most", w.receiver.tried, most)
	}
}

// A receiver that is slow is told of everything, without more requests at once.
func TestSlowReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Content = ContentNone
		w.run()
		w.receiver.set(func(http.ResponseWriter, *http.Request) { time.Sleep(9 * time.Second) })
		for i := range 20 {
			w.edit(fmt.Sprint(i))
		}
		time.Sleep(5 * time.Minute)
		w.wantNotices(0, 0)
		if w.receiver.most > atOnce {
			t.Errorf("there were %d requests at once", w.receiver.most)
		}
		if w.receiver.tried != 40 {
			t.Errorf("there were %d requests, want one for each event", w.receiver.tried)
		}
	})
}

// While people type, a room is reported after ten delays, and once more when they pause.
func TestChangesAreDebounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		for range 30 { // for 30 seconds, with a delay of 2
			w.edit("room")
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		w.wantTold("room", Created, Changed)
		if n := len(w.receiver.of("room")); n != 3 {
			t.Errorf("there were %d events, want the creation and two changes: %+v", n, w.receiver.of("room"))
		}
	})
}

// Two processes tell a receiver of each event once, and never two of a room at once.
func TestTwoDeliverers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		w.reads = open(t, w.path) // as another process does
		w.run()
		for range 10 {
			for i := range 10 {
				w.edit(fmt.Sprint(i))
			}
			time.Sleep(10 * time.Second)
		}
		for i := range 10 {
			w.wantTold(fmt.Sprint(i), Created, Changed)
		}
		if w.receiver.tried != 10*11 {
			t.Errorf("there were %d requests, want one for each creation and each pause", w.receiver.tried)
		}
	})
}

// A process that is killed while it tells of events leaves them to the next one.
func TestKilledDeliverer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.edit("room")
		if _, err := w.store.TakeNotices(t.Context(), takingOf(w.hook.withDefaults())); err != nil { // as one that was killed has done
			t.Fatal(err)
		}
		w.run()
		time.Sleep(20 * time.Second)
		if all := w.receiver.of("room"); len(all) > 0 {
			t.Errorf("there were the events %+v, although another process may still send them", all)
		}
		time.Sleep(20 * time.Second)
		w.wantTold("room", Created, Changed)
	})
}

// An event that could not be delivered for long is given up, and delivered once it is replayed.
func TestGiveUp(t *testing.T) {
	testkit.SkipUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.GiveUpAfter = 2 * time.Hour
		w.run()
		w.receiver.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		w.edit("room")
		time.Sleep(110 * time.Minute)
		w.wantNotices(2, 0)
		time.Sleep(40 * time.Minute)
		w.wantNotices(0, 2)
		w.receiver.set(nil)
		w.edit("room")
		time.Sleep(time.Minute)
		w.wantTold("room", Changed)
		given, err := w.store.ListNotices(t.Context(), hookName, 0, 10)
		if err != nil || len(given) != 2 || given[0].Fault != "it answered with the status 418" || given[0].Attempts < 15 {
			t.Errorf("the store has given up %+v (%v)", given, err)
		}
		if n, err := w.store.ReplayNotices(t.Context(), hookName, ""); n != 2 || err != nil {
			t.Errorf("ReplayNotices returned %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		if got := told(w.receiver.of("room")); !slices.Equal(got, []Event{Changed, Created, Changed}) {
			t.Errorf("there were the events %v, and want those that were replayed after the others", got)
		}
		w.wantNotices(0, 0)
	})
}

// Of a room that was deleted before the receiver was told of a change, only the deletion is told.
func TestDeletedBeforeChangeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Changed, Deleted}
		w.run()
		w.edit("room")
		w.delete("room")
		w.edit("room")
		time.Sleep(time.Minute)
		w.wantTold("room", Deleted, Changed)
	})
}

// The pauses are those of docs/webhooks.md.
func TestRetryPauses(t *testing.T) {
	for failed, want := range []time.Duration{
		5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 320 * time.Second,
		10 * time.Minute, 10 * time.Minute,
	} {
		if got := retryPause(failed); got != want {
			t.Errorf("after %d failures the pause is %v, want %v", failed, got, want)
		}
	}
	if got := retryPause(1000); got != lastPause {
		t.Errorf("after 1000 failures the pause is %v", got)
	}
}

// slowStore is a store that takes its time to read.
type slowStore struct {
	Store

	takes atomic.Int64 // nanoseconds
}

// LoadAfter implements store.Store.
func (s *slowStore) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	time.Sleep(time.Duration(s.takes.Load()))
	return s.Store.LoadAfter(ctx, room, after)
}

// A request that could outlast the lease isn't sent: another process may send the same then.
func TestSlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Events = []Event{Changed}
		slow := &slowStore{Store: w.store}
		slow.takes.Store(int64(21 * time.Second))
		w.reads = slow
		w.run()
		w.edit("room")
		time.Sleep(time.Minute)
		if w.receiver.tried > 0 {
			t.Errorf("there were %d requests", w.receiver.tried)
		}
		slow.takes.Store(int64(19 * time.Second))
		time.Sleep(2 * time.Minute)
		w.wantTold("room", Changed)
	})
}

// The rooms of two stores share the requests to a webhook, so that none waits for a connection until it is late.
func TestSlowReceiverOfTwoStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Content = ContentNone
		other := open(t, filepath.Join(t.TempDir(), "other.db"))
		w.stores = []Store{other}
		for i := range 20 {
			w.edit(fmt.Sprint(i))
			if _, err := other.Create(t.Context(), fmt.Sprint("other ", i), store.Entry{Encoding: store.V1, Data: testkit.Typed(1, 0, "a")}); err != nil {
				t.Fatal(err)
			}
		}
		d, _ := w.run()
		w.receiver.set(func(http.ResponseWriter, *http.Request) { time.Sleep(9 * time.Second) })
		time.Sleep(10 * time.Minute)
		if s := d.Stats()[0]; s.Failed != 0 || s.Delivered != 80 {
			t.Errorf("the figures are %+v, want each event delivered by one request", s)
		}
	})
}
