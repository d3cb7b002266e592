package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

// blocked returns a store whose writer waits for SQLite's lock until free is called.
func blocked(t *testing.T, config sqlitestore.Config) (s *sqlitestore.Store, free func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rooms.db")
	config.LockWait = time.Hour
	s = open(t, path, config)
	add(t, s, room, "first")
	db := database(t, path)
	db.SetMaxOpenConns(1)
	run(t, db, "BEGIN IMMEDIATE")
	free = sync.OnceFunc(func() { db.Exec("COMMIT") })
	t.Cleanup(free)
	return s, free
}

func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestFullQueueBlocks(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityNone} {
		t.Run(level.String(), func(t *testing.T) {
			config := at(level)
			config.Queue = 10_000
			s, free := blocked(t, config)
			// On a slow machine, the context of a call may end before its request is queued. So
			// the queue counts as full when 20 calls in a row have failed.
			data, failed := strings.Repeat("x", 1000), 0
			for calls := 0; calls < 100 && failed < 20; calls++ {
				failed++
				if _, err := s.Append(short(t), room, v1(data)); err == nil {
					failed = 0
				}
			}
			free()
			add(t, s, room, "last")
			if got := len(held(t, s, room)); got < 5 || got > 12 {
				t.Errorf("the room holds %d entries of 1 kB, want what fits into a queue of 10 kB", got)
			}
		})
	}
}

// An entry that is larger than the queue is queued, even while others keep appending
// small ones.
func TestLargerThanQueue(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "rooms.db"), sqlitestore.Config{Queue: 1000})
	ended := make(chan struct{})
	var small sync.WaitGroup
	for range 4 {
		small.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					add(t, s, "small", "x")
				}
			}
		})
	}
	large := strings.Repeat("x", 100_000)
	for range 3 {
		add(t, s, room, large)
	}
	close(ended)
	small.Wait()
	wantHeld(t, s, room, large, large, large)
}

func TestContextEndsWait(t *testing.T) {
	s, _ := blocked(t, sqlitestore.Config{})
	read, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"Append":  func(ctx context.Context) error { _, err := s.Append(ctx, room, v1("a")); return err },
		"Compact": func(ctx context.Context) error { return s.Compact(ctx, room, read, v1("a")) },
		"Create":  func(ctx context.Context) error { _, err := s.Create(ctx, room, v1("a")); return err },
		"Delete":  func(ctx context.Context) error { return s.Delete(ctx, room) },
	} {
		if err := call(short(t)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s returned the error %v, want context.DeadlineExceeded", name, err)
		}
	}
}

func TestClose(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit, store.DurabilityNone} {
		t.Run(level.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rooms.db")
			s := open(t, path, at(level))
			var want []string
			for i := range 100 {
				want = append(want, fmt.Sprint(i))
				add(t, s, room, want[i])
			}
			for range 2 {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			files, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(files) != 1 {
				t.Errorf("there are %v, want the one file: %v", files, err)
			}
			_, appended := s.Append(t.Context(), room, v1("late"))
			_, loaded := s.Load(t.Context(), room)
			for _, err := range []error{appended, loaded, s.Delete(t.Context(), room)} {
				wantAdvice(t, err, "the store is closed")
			}
			wantHeld(t, open(t, path, at(level)), room, want...)
		})
	}
}

func TestCloseUnderLoad(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityNone} {
		t.Run(level.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rooms.db")
			config := at(level)
			config.Queue = 2000
			s := open(t, path, config)
			var mu sync.Mutex
			acknowledged := map[string]store.Position{}
			var using sync.WaitGroup
			begun := make(chan struct{}, 8)
			for w := range 8 {
				using.Go(func() {
					for i := 0; ; i++ {
						data := fmt.Sprint(w, "-", i)
						p, err := s.Append(t.Context(), room, v1(data))
						if err == nil {
							_, err = s.Load(t.Context(), room)
							mu.Lock()
							acknowledged[data] = p
							mu.Unlock()
						}
						if i == 0 {
							begun <- struct{}{}
						}
						if err != nil {
							if !strings.Contains(err.Error(), "closed") {
								t.Errorf("the error is %v", err)
							}
							return
						}
					}
				})
			}
			for range 8 {
				<-begun
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			using.Wait()
			l, err := open(t, path, config).Load(t.Context(), room)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range l.Entries {
				p, ok := acknowledged[string(e.Data)]
				if ok && (p == l.Positions[i] || p == 0 && level == store.DurabilityNone) {
					delete(acknowledged, string(e.Data))
				}
			}
			if len(acknowledged) != 0 {
				t.Errorf("lost: %v", acknowledged)
			}
		})
	}
}

// All requests that wait are written together.
func TestCommitsTogether(t *testing.T) {
	s, free := blocked(t, at(store.DurabilityCommit))
	var adding sync.WaitGroup
	for i := range 100 {
		adding.Go(func() { add(t, s, fmt.Sprint("room ", i), "x") })
	}
	adding.Go(func() {
		if err := s.Delete(t.Context(), "never written"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Delete returned the error %v, want ErrNotFound", err)
		}
	})
	time.Sleep(50 * time.Millisecond) // until they are queued; synctest can't wait for SQLite's lock
	free()
	adding.Wait()
	for i := range 100 {
		wantHeld(t, s, fmt.Sprint("room ", i), "x")
	}
}

// Another process deletes a room while an append to it, for which no call waits, is
// queued.
func TestDeletedElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	s, other := open(t, path, at(store.DurabilityNone)), open(t, path, at(store.DurabilityNone))
	for round := range 2 {
		if _, err := s.Create(t.Context(), room, v1("a")); err != nil {
			t.Fatal(err)
		}
		add(t, s, room, "b")
		wantHeld(t, s, room, "a", "b")
		if err := other.Delete(t.Context(), room); err != nil {
			t.Fatal(err)
		}
		add(t, s, room, "late")
		if _, err := s.Load(t.Context(), room); !errors.Is(err, store.ErrDeleted) {
			t.Errorf("Load returned the error %v, want ErrDeleted", err)
		}
		if round == 0 { // after the second append, the room is created again
			for range 2 {
				if _, err := s.Append(t.Context(), room, v1("later")); !errors.Is(err, store.ErrDeleted) {
					t.Errorf("Append returned the error %v, want ErrDeleted", err)
				}
			}
		}
	}
	if _, err := s.Create(t.Context(), room, v1("again")); err != nil {
		t.Fatal(err)
	}
	add(t, s, room, "c")
	wantHeld(t, s, room, "again", "c")
}

// BenchmarkAppend measures the cost of a level: each writer appends 50 bytes to a room
// of its own. With a webhook, the level is store.DurabilityCommit.
func BenchmarkAppend(b *testing.B) {
	stores := map[string]func(b *testing.B) store.Store{
		"memstore": func(*testing.B) store.Store { return memstore.New() },
	}
	names := []string{"memstore"}
	for _, level := range []store.Durability{store.DurabilityNone, store.DurabilityCommit, store.DurabilityFsync} {
		names = append(names, level.String())
		stores[level.String()] = func(b *testing.B) store.Store {
			b.Helper()
			return open(b, filepath.Join(b.TempDir(), "rooms.db"), at(level))
		}
	}
	names = append(names, "webhook")
	stores["webhook"] = func(b *testing.B) store.Store {
		b.Helper()
		config := at(store.DurabilityCommit)
		config.Webhooks = func(string, store.NoticeKind) []string { return []string{"hook"} }
		return open(b, filepath.Join(b.TempDir(), "rooms.db"), config)
	}
	data := strings.Repeat("x", 50)
	for _, name := range names {
		for _, writers := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%d", name, writers), func(b *testing.B) {
				s := stores[name](b)
				before := writtenBytes()
				b.ReportAllocs()
				b.ResetTimer()
				var adding sync.WaitGroup
				for w := range writers {
					adding.Go(func() {
						for i := w; i < b.N; i += writers {
							add(b, s, fmt.Sprint("room ", w), data)
						}
					})
				}
				adding.Wait()
				if b.N > writers {
					held(b, s, "room 0") // at DurabilityNone, this waits until all is written
				}
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
				b.ReportMetric(float64(writtenBytes()-before)/float64(b.N), "written-B/op")
			})
		}
	}
}

// writtenBytes returns how many bytes the process has passed to write calls, or 0 if
// the system doesn't count them.
func writtenBytes() (n int64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "wchar: ")
	fmt.Sscan(rest, &n)
	return n
}
