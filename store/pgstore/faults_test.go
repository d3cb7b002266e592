package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// query returns the one value of a query.
func query[T any](t testing.TB, url, sql string) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql, pgx.QueryExecModeExec).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func v1(data string) store.Entry { return store.Entry{Encoding: store.V1, Data: []byte(data)} }

// writers append to rooms through several stores, until stop is called. They may fail.
type writers struct {
	t       *testing.T
	ending  atomic.Bool
	ended   sync.WaitGroup
	mu      sync.Mutex
	stored  map[string]map[string]store.Position // by room and word
	failed  int
	longest time.Duration // of a call
}

func startWriters(t *testing.T, stores ...store.Store) *writers {
	w := &writers{t: t, stored: map[string]map[string]store.Position{}}
	for i := range 8 {
		room := fmt.Sprintf("room %d", i/2)
		w.stored[room] = map[string]store.Position{}
		w.ended.Go(func() {
			for n := 0; !w.ending.Load(); n++ {
				word := fmt.Sprintf("%d/%d", i, n)
				began := time.Now()
				p, err := stores[i%len(stores)].Append(t.Context(), room, v1(word))
				w.mu.Lock()
				w.longest = max(w.longest, time.Since(began))
				if err == nil {
					w.stored[room][word] = p
				} else {
					w.failed++
				}
				w.mu.Unlock()
				if err != nil {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	return w
}

// progress waits until each writer can have stored something more.
func (w *writers) progress() {
	count := func() (n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, words := range w.stored {
			n += len(words)
		}
		return n
	}
	for before := count(); count() < before+100; time.Sleep(time.Millisecond) {
		if w.t.Context().Err() != nil {
			return
		}
	}
}

// stop ends the writers, and checks that every confirmed entry is stored at the position
// that was confirmed.
func (w *writers) stop(s store.Store) {
	w.t.Helper()
	w.ending.Store(true)
	w.ended.Wait()
	confirmed := 0
	for room, words := range w.stored {
		l, err := s.Load(w.t.Context(), room)
		if err != nil {
			w.t.Fatal(err)
		}
		at := map[string]store.Position{}
		for i, e := range l.Entries {
			at[string(e.Data)] = l.Positions[i]
			if l.Positions[i] != store.Position(i+1) {
				w.t.Fatalf("%s: entry %d has position %d", room, i+1, l.Positions[i])
			}
		}
		confirmed += len(words)
		for word, p := range words {
			if at[word] != p {
				w.t.Errorf("%s: %s was confirmed at position %d, and is at %d (0: it is lost)", room, word, p, at[word])
			}
		}
	}
	w.t.Logf("%d entries confirmed, %d calls failed, the longest took %v", confirmed, w.failed, w.longest)
	if w.failed == 0 {
		w.t.Error("no call failed: the fault has done nothing")
	}
}

// Crashes of the server lose nothing that was confirmed, whether the connections are
// direct or pooled.
func TestServerCrashes(t *testing.T) {
	server := postgres.Start(t)
	pooler := server.Pool(t, 3)
	database := server.Create(t)
	one, two := open(t, server.URL(database), pgstore.Config{}), open(t, pooler.URL(database), pgstore.Config{})
	w := startWriters(t, one, two)
	for i := range 4 {
		w.progress()
		if i%2 == 0 {
			server.Crash(t)
		} else {
			server.Stop(t)
		}
		server.Restart(t)
	}
	w.progress()
	w.stop(one)
}

// Connections that end at any moment lose nothing, and calls continue on new ones.
func TestConnectionsEnd(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	one, two := open(t, url, pgstore.Config{}), open(t, url, at(store.DurabilityCommit))
	w := startWriters(t, one, two)
	for range 20 {
		w.progress()
		exec(t, server.URL("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yroom'")
	}
	w.progress()
	w.stop(one)
	wantNoDeadlock(t, url)
}

// A server that hangs makes calls fail in time, and answers them once it continues.
func TestServerHangs(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	config := pgstore.Config{Timeout: time.Second}
	s := open(t, url, config)
	w := startWriters(t, s)
	w.progress()
	server.Pause(t)
	time.Sleep(4 * time.Second)
	server.Resume(t)
	w.progress()
	w.stop(s)
	// The timeout, this side's grace, and a second batch that was queued behind the first.
	if most := 6 * time.Second; w.longest > most {
		t.Errorf("a call took %v, want at most %v", w.longest, most)
	}
}

// A large append, which may carry a whole document, may take as long as a Create.
func TestLargeAppend(t *testing.T) {
	const timeout = 3 * time.Second // before it has passed, 33 MiB are copied, which takes long under the race detector
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{Timeout: timeout, Queue: 100 << 20})
	exec(t, url, "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3.5); RETURN NEW; END $$")
	exec(t, url, "CREATE TRIGGER slowly BEFORE INSERT ON yroom.entries FOR EACH ROW EXECUTE FUNCTION slowly()")
	if _, err := s.Append(t.Context(), "small", v1("a")); err == nil || !strings.Contains(err.Error(), "took too long") {
		t.Errorf("a small append returned the error %v, want that it took too long", err)
	}
	if _, err := s.Append(t.Context(), "large", store.Entry{Encoding: store.V1, Data: make([]byte, 33<<20)}); err != nil {
		t.Errorf("a large append: %v", err)
	}
}

// While a server hangs, neither Close nor a queued call waits for the timeouts of all
// batches, one after the other.
func TestQueueEndsWhileServerHangs(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{Timeout: time.Second, Queue: 100 << 20})
	server.Pause(t)
	t.Cleanup(func() { server.Resume(t) })
	const (
		longest = 4 * time.Second // the wait, the timeout, this side's grace, and what a busy machine takes
		alone   = 5 << 20         // larger than a batch of several entries
	)
	began := time.Now()
	var appending sync.WaitGroup
	for i := range 12 {
		appending.Go(func() {
			ctx := t.Context()
			if i%2 == 0 { // a caller that leaves
				bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				ctx = bounded
			}
			if _, err := s.Append(ctx, fmt.Sprint(i), store.Entry{Encoding: store.V1, Data: make([]byte, alone)}); err == nil {
				t.Error("an append has succeeded")
			}
		})
	}
	appending.Wait()
	_ = s.Close()
	if took := time.Since(began); took > longest {
		t.Errorf("the queue was empty after %v, want %v", took, longest)
	}
}

// A change whose outcome is unknown returns an error. The position of the next append
// shows whether the change was stored.
func TestUnknownOutcome(t *testing.T) {
	server := postgres.Start(t)
	database := server.Create(t)
	proxy := listen(t, server)
	s := open(t, proxy.url(database), pgstore.Config{})
	for i := range 3 {
		if p, err := s.Append(t.Context(), "room", v1("a")); p != store.Position(2*i+1) || err != nil {
			t.Fatalf("Append returned position %d and %v, want %d", p, err, 2*i+1)
		}
		proxy.deaf.Store(true) // the server commits, and the answer is lost
		p, err := s.Append(t.Context(), "room", v1("b"))
		if err == nil || p != 0 || !strings.Contains(err.Error(), "may or may not be stored") {
			t.Errorf("Append returned position %d and the error %v, want an unknown outcome", p, err)
		}
		proxy.deaf.Store(false)
	}
	if l, err := s.Load(t.Context(), "room"); err != nil || l.Last() != 6 {
		t.Errorf("Load returned %v, %v, want 6 entries", l.Positions, err)
	}
}

// lockRooms locks the rooms for which the condition holds in a transaction, until unlock is
// called or the test ends.
func lockRooms(t *testing.T, url, condition string) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT FROM yroom.rooms WHERE "+condition+" FOR UPDATE", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}

// If another transaction keeps a room locked, only appends to that room fail.
func TestLockedRoom(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{})
	for i := range 20 {
		if _, err := s.Append(t.Context(), fmt.Sprint(i), v1("a")); err != nil {
			t.Fatal(err)
		}
	}
	unlock := lockRooms(t, url, "name = '7'")
	if err := s.Delete(t.Context(), "7"); err == nil {
		t.Error("the locked room was deleted")
	}
	var appending sync.WaitGroup
	for i := range 20 {
		appending.Go(func() {
			began := time.Now()
			p, err := s.Append(t.Context(), fmt.Sprint(i), v1("b"))
			// A batch waits a fortieth of the timeout, and its divisions wait about as long together.
			if took := time.Since(began); i != 7 && took > 3*time.Second {
				t.Errorf("the append to room %d took %v", i, took)
			}
			switch {
			case i == 7 && (err == nil || !strings.Contains(err.Error(), "another transaction keeps the room or its table locked")):
				t.Errorf("the append to the locked room returned the error %v", err)
			case i != 7 && (err != nil || p != 2):
				t.Errorf("room %d: position %d, %v, want 2", i, p, err)
			}
		})
	}
	appending.Wait()
	unlock()
	if p, err := s.Append(t.Context(), "7", v1("b")); p != 2 || err != nil {
		t.Errorf("after the lock: position %d, %v, want 2", p, err)
	}
}

// Several locked rooms, to which all that wait append again and again, don't slow down
// the appends to other rooms.
func TestLockedRoomsDelayNoOthers(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{})
	const locked = 4
	for i := range 2 * locked {
		if _, err := s.Append(t.Context(), fmt.Sprint(i), v1("a")); err != nil {
			t.Fatal(err)
		}
	}
	usual := appendAgain(t, s, 2*time.Second, 0, 2*locked) // longer on a busy machine
	lockRooms(t, url, "name < '4'")
	// Both goroutines that write may wait for a locked room, and divide a batch.
	if took := appendAgain(t, s, 6*time.Second, locked, 2*locked); took > usual+1500*time.Millisecond {
		t.Errorf("an append to a room that is not locked took %v, and %v before rooms were locked", took, usual)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// appendAgain appends to rooms again and again for a time. The appends to the first rooms
// must fail, because these are locked. It returns how long an append to another room took
// at most.
func appendAgain(t *testing.T, s *pgstore.Store, d time.Duration, locked, rooms int) time.Duration {
	t.Helper()
	var appending sync.WaitGroup
	var longest atomic.Int64
	until := time.Now().Add(d)
	for i := range rooms {
		appending.Go(func() {
			for time.Now().Before(until) {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond) // not all in one batch
				began := time.Now()
				_, err := s.Append(t.Context(), fmt.Sprint(i), v1("b"))
				if (err != nil) != (i < locked) {
					t.Errorf("the append to room %d returned the error %v", i, err)
				}
				if took := int64(time.Since(began)); i >= locked && took > longest.Load() {
					longest.Store(took)
				}
			}
		})
	}
	appending.Wait()
	return time.Duration(longest.Load())
}

// Entries that the database refuses don't make others fail.
func TestRefusedEntries(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{})
	exec(t, url, "ALTER TABLE yroom.entries ADD CHECK (data <> 'bad')")
	exec(t, url, "CREATE FUNCTION damaged() RETURNS trigger LANGUAGE plpgsql AS "+
		"$$ BEGIN RAISE 'as on a damaged page' USING ERRCODE = 'XX001'; END $$")
	exec(t, url, "CREATE TRIGGER damaged BEFORE INSERT ON yroom.entries FOR EACH ROW WHEN (NEW.data = 'damaged') EXECUTE FUNCTION damaged()")
	if _, err := s.Append(t.Context(), "deleted", v1("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	var appending sync.WaitGroup
	for i := range 200 {
		appending.Go(func() {
			room, data := fmt.Sprint(i/2), "good"
			switch i % 50 {
			case 3:
				data = "bad"
			case 4:
				room = "deleted"
			case 5:
				data = strings.Repeat("large", 1<<20)
			case 6:
				data = "damaged"
			}
			_, err := s.Append(t.Context(), room, v1(data))
			switch {
			case room == "deleted":
				if !errors.Is(err, store.ErrDeleted) {
					t.Errorf("the deleted room: %v, want ErrDeleted", err)
				}
			case (err != nil) != (data == "bad" || data == "damaged"):
				t.Errorf("%s entry to room %s: %v", data[:3], room, err)
			}
		})
	}
	appending.Wait()
	if batches := query[int](t, url, "SELECT count(DISTINCT xmin::text) FROM yroom.entries"); batches > 150 {
		t.Errorf("200 appends at once were written in %d transactions", batches)
	}
}

// If no other process takes over rooms, appends at DurabilityNone that follow each other within
// 0.1 s share a transaction.
func TestAlone(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	config := at(store.DurabilityNone)
	config.Alone = true
	s := open(t, url, config)
	began := time.Now()
	for i := range 40 {
		if _, err := s.Append(t.Context(), "room", v1(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := s.Load(t.Context(), "room"); err != nil { // after what waits
		t.Fatal(err)
	}
	took := time.Since(began)
	stored := query[int](t, url, "SELECT count(*) FROM yroom.entries")
	batches := query[int](t, url, "SELECT count(DISTINCT xmin::text) FROM yroom.entries")
	if most := 3 + int(took/(100*time.Millisecond)); stored != 40 || batches > most {
		t.Errorf("%d of 40 appends are stored, in %d transactions, want at most %d in %v", stored, batches, most, took)
	}
}

// At DurabilityNone, appends wait in this process: Close writes them, and a loss is
// reported once to the room.
func TestUnawaited(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, at(store.DurabilityNone))
	for i := range 500 {
		if _, err := s.Append(t.Context(), "room", v1(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), "room", v1("late")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Append to the closed store: %v, want ErrClosed", err)
	}
	if _, err := s.Load(t.Context(), "room"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Load from the closed store: %v, want ErrClosed", err)
	}
	s, err := pgstore.Open(t.Context(), url, at(store.DurabilityNone))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Load(t.Context(), "room")
	if err != nil || len(l.Entries) != 500 {
		t.Fatalf("the room has %d entries (%v), want 500", len(l.Entries), err)
	}
	for i, e := range l.Entries {
		if string(e.Data) != fmt.Sprint(i) {
			t.Fatalf("entry %d is %s: the order has changed", i, e.Data)
		}
	}
	more := func(want error) {
		t.Helper()
		if _, err := s.Append(t.Context(), "room", v1("more")); !errors.Is(err, want) {
			t.Errorf("Append returned the error %v, want %v", err, want)
		}
		_, _ = s.Load(t.Context(), "room") // it waits until the append is written, or has failed
	}
	more(nil) // it waits, because it could be refused
	more(nil)
	server.Crash(t)
	more(nil)
	more(store.ErrLost)
	server.Restart(t)
	more(nil)
	more(nil)
	server.Crash(t)
	more(nil)
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), `an update of room "room" was lost`) {
		t.Errorf("Close returned the error %v", err)
	}
}
