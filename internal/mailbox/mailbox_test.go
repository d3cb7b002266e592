package mailbox_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// steps is an executor that holds turns until next runs the first one.
type steps []func()

func (s *steps) add(f func()) { *s = append(*s, f) }

func (s *steps) next(t *testing.T) {
	t.Helper()
	if len(*s) == 0 {
		t.Fatal("no turn is due")
	}
	f := (*s)[0]
	*s = (*s)[1:]
	f()
}

// record returns a function that collects batches. It copies them, because they are
// borrowed.
func record[T any](batches *[][]T) func([]T) mailbox.Func {
	return func(batch []T) mailbox.Func {
		*batches = append(*batches, append([]T{}, batch...))
		return nil
	}
}

func ignore([]int) mailbox.Func { return nil }

// one is the size of each item.
func one(int) int { return 1 }

func put(t *testing.T, m *mailbox.Mailbox[int], items ...int) {
	t.Helper()
	for _, item := range items {
		if err := m.Put(item); err != nil {
			t.Fatalf("Put(%d): %v", item, err)
		}
	}
}

func TestTurnTakesAllThatWaits(t *testing.T) {
	var due steps
	var got [][]int
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 10, Go: due.add, Turn: record(&got)})
	put(t, m, 1, 2, 3)
	if len(due) != 1 {
		t.Fatalf("%d runs for one mailbox", len(due))
	}
	due.next(t)
	if len(due) != 0 {
		t.Fatal("an empty mailbox is run again")
	}
	put(t, m, 4)
	due.next(t)
	if diff := cmp.Diff([][]int{{1, 2, 3}, {4}}, got); diff != "" {
		t.Error(diff)
	}
}

// Limit divides what waits into turns. What is left counts towards the limits.
func TestLimitedTurns(t *testing.T) {
	var due steps
	var got [][]int
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 5, Go: due.add, Turn: record(&got)})
	m.Limit(2)
	put(t, m, 1, 2, 3, 4, 5)
	due.next(t)
	put(t, m, 6, 7)
	if err := m.Put(8); !errors.Is(err, mailbox.ErrFull) {
		t.Errorf("an item past the limit: %v", err)
	}
	due.next(t)
	m.Limit(0)
	put(t, m, 8)
	due.next(t)
	put(t, m, 9)
	due.next(t)
	if diff := cmp.Diff([][]int{{1, 2}, {3, 4}, {5, 6, 7, 8}, {9}}, got); diff != "" {
		t.Error(diff)
	}
	if len(due) != 0 {
		t.Error("an empty mailbox is run again")
	}
}

func TestEachTurnReleasesTheExecutor(t *testing.T) {
	var due steps
	var got [][]int
	keep := record(&got)
	var m *mailbox.Mailbox[int]
	next := 1
	m = mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 10, Go: due.add, Turn: func(batch []int) mailbox.Func {
		keep(batch)
		if next < 6 {
			put(t, m, next, next+1)
			next += 2
		}
		return nil
	}})
	put(t, m, 0)
	for range 4 {
		due.next(t) // each turn was started by itself
	}
	if diff := cmp.Diff([][]int{{0}, {1, 2}, {3, 4}, {5, 6}}, got); diff != "" {
		t.Error(diff)
	}
	if len(due) != 0 {
		t.Error("an empty mailbox is run again")
	}
}

func TestLimits(t *testing.T) {
	for _, tc := range []struct {
		name         string
		items, bytes int
		sizes        []int
		want         []error
	}{
		{"items", 2, 100, []int{1, 1, 1}, []error{nil, nil, mailbox.ErrFull}},
		{"bytes", 100, 10, []int{6, 5, 4, 1}, []error{nil, mailbox.ErrFull, nil, mailbox.ErrFull}},
		{"one that is too big goes alone", 100, 10, []int{11, 0}, []error{nil, mailbox.ErrFull}},
		{"one that is too big waits", 100, 10, []int{1, 11}, []error{nil, mailbox.ErrFull}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var due steps
			m := mailbox.New(mailbox.Config[int]{Size: func(size int) int { return size }, Items: tc.items, Bytes: tc.bytes, Go: due.add, Turn: ignore})
			for range 2 { // a turn empties the mailbox
				for i, size := range tc.sizes {
					if err := m.Put(size); !errors.Is(err, tc.want[i]) {
						t.Errorf("Put %d of size %d: %v, want %v", i, size, err, tc.want[i])
					}
				}
				due.next(t)
			}
		})
	}
}

func TestForcePassesTheLimits(t *testing.T) {
	var due steps
	var got [][]int
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 1, Bytes: 1, Go: due.add, Turn: record(&got)})
	put(t, m, 1)
	if err := m.Force(2); err != nil {
		t.Fatal(err)
	}
	due.next(t)
	if diff := cmp.Diff([][]int{{1, 2}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeldItemsWaitAndPostedCallsDoNot(t *testing.T) {
	var due steps
	var got [][]int
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 2, Bytes: 10, Go: due.add, Turn: record(&got), Held: true})
	put(t, m, 1, 2)
	if len(due) != 0 {
		t.Fatal("a held mailbox is run for an item")
	}
	if err := m.Put(3); !errors.Is(err, mailbox.ErrFull) {
		t.Fatalf("held items don't count: %v", err)
	}
	posted := 0
	m.Post(func() { posted++ })
	due.next(t)
	if posted != 1 {
		t.Fatalf("posted call ran %d times", posted)
	}
	m.Post(m.Release) // takes effect in the same turn
	due.next(t)
	m.Hold()
	put(t, m, 4)
	if len(due) != 0 {
		t.Fatal("a held mailbox is run for an item")
	}
	m.Release()
	due.next(t)
	if diff := cmp.Diff([][]int{{}, {1, 2}, {4}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPostedCallsRunFirstAndInOrder(t *testing.T) {
	var due steps
	var got []int
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 10, Go: due.add, Turn: func(batch []int) mailbox.Func {
		got = append(got, batch...)
		return nil
	}})
	put(t, m, 3)
	m.Post(func() { got = append(got, 1) })
	m.Post(func() { got = append(got, 2) })
	due.next(t)
	if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
}

// What a turn returns follows it, and other turns may run before it has ended.
func TestFollowingFunction(t *testing.T) {
	var due steps
	var got []string
	var m *mailbox.Mailbox[int]
	m = mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 10, Go: due.add, Turn: func(batch []int) mailbox.Func {
		got = append(got, fmt.Sprint("turn ", batch))
		if len(batch) == 0 {
			return nil
		}
		first := batch[0]
		return func() mailbox.Func {
			if first == 2 {
				put(t, m, 3)
			}
			got = append(got, fmt.Sprint("after ", first))
			return m.PostLast(func() { got = append(got, fmt.Sprint("posted ", first)) })
		}
	}})
	put(t, m, 1)
	due.next(t) // with the turn of what is posted, because none is due
	put(t, m, 2)
	due.next(t)
	due.next(t) // the turn of 3, which has what was posted before
	want := []string{
		"turn [1]", "after 1", "posted 1", "turn []",
		"turn [2]", "after 2", "posted 2", "turn [3]", "after 3", "posted 3", "turn []",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(due) != 0 {
		t.Error("an empty mailbox is run again")
	}
}

// Run calls a function and all that follow it.
func TestRun(t *testing.T) {
	calls := 0
	var f mailbox.Func
	f = func() mailbox.Func {
		if calls++; calls == 3 {
			return nil
		}
		return f
	}
	f.Run()
	if calls != 3 {
		t.Errorf("%d calls, want 3", calls)
	}
}

func TestClose(t *testing.T) {
	var due steps
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 10, Go: due.add, Turn: ignore})
	put(t, m, 1)
	if m.Close() {
		t.Fatal("closed although an item waits")
	}
	due.next(t)
	if !m.Post(func() {}) {
		t.Fatal("a call was dropped")
	}
	if m.Close() {
		t.Fatal("closed although a call waits")
	}
	due.next(t)
	if !m.Close() {
		t.Fatal("not closed although nothing waits")
	}
	if m.Close() {
		t.Fatal("closed twice")
	}
	if err := m.Put(1); !errors.Is(err, mailbox.ErrClosed) {
		t.Errorf("Put: %v", err)
	}
	if err := m.Force(1); !errors.Is(err, mailbox.ErrClosed) {
		t.Errorf("Force: %v", err)
	}
	if m.Post(func() { t.Error("ran after Close") }) {
		t.Error("Post: a closed mailbox accepted a call")
	}
	m.Release()
	if len(due) != 0 {
		t.Error("a closed mailbox is run")
	}
}

func TestManyWriters(t *testing.T) {
	const writers, each = 8, 200
	var inTurn sync.Mutex
	next := make([]int, writers)
	total := 0
	done := make(chan struct{})
	m := mailbox.New(mailbox.Config[[2]int]{Size: func([2]int) int { return 1 }, Items: 64, Bytes: 1 << 20, Turn: func(batch [][2]int) mailbox.Func {
		if !inTurn.TryLock() {
			t.Error("two turns at once")
			return nil
		}
		defer inTurn.Unlock()
		for _, item := range batch {
			if next[item[0]] != item[1] {
				t.Errorf("writer %d: item %d arrived, want %d", item[0], item[1], next[item[0]])
			}
			next[item[0]] = item[1] + 1
			if total++; total == writers*each {
				close(done)
			}
		}
		return nil
	}})
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := 0; i < each; {
				switch err := m.Put([2]int{w, i}); {
				case err == nil:
					i++
				case errors.Is(err, mailbox.ErrFull):
					runtime.Gosched()
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	<-done
}

func TestPutAllocates(t *testing.T) {
	var due steps = make([]func(), 0, 1)
	m := mailbox.New(mailbox.Config[int]{Size: one, Items: 10, Bytes: 10, Go: due.add, Turn: ignore})
	got := testing.AllocsPerRun(100, func() {
		_ = m.Put(1)
		due[0]()
		due = due[:0]
	})
	if got > 1 {
		t.Errorf("a turn of an idle mailbox makes %v allocations, want 1: the batch", got)
	}
}

// A paused mailbox has turns for posted calls, for the first item that waits, which the turn
// doesn't take, and for items once they take half of it.
func TestPause(t *testing.T) {
	for name, limits := range map[string]mailbox.Config[int]{
		"items": {Items: 6, Bytes: 100},
		"bytes": {Items: 100, Bytes: 6},
	} {
		t.Run(name, func(t *testing.T) {
			var due steps
			var got [][]int
			limits.Size, limits.Go, limits.Turn = one, due.add, record(&got)
			m := mailbox.New(limits)
			m.Pause()
			put(t, m, 1)
			m.Post(func() {})
			due.next(t)
			put(t, m, 2)
			if len(due) != 0 {
				t.Fatal("a paused mailbox is run for two of six items")
			}
			put(t, m, 3)
			due.next(t)
			put(t, m, 4)
			due.next(t)
			m.Hold()
			m.Resume()
			if len(due) != 0 {
				t.Fatal("Resume has released a held mailbox")
			}
			m.Pause()
			m.Release()
			due.next(t)
			if len(due) != 0 {
				t.Fatal("Release has resumed a paused mailbox")
			}
			m.Resume()
			due.next(t)
			if diff := cmp.Diff([][]int{{}, {1, 2, 3}, {}, {}, {4}}, got); diff != "" {
				t.Error(diff)
			}
			if len(due) != 0 {
				t.Error("an empty mailbox is run again")
			}
		})
	}
}

// The owner of a paused mailbox is asked in each turn in which items wait, and can end the pause.
func TestPaused(t *testing.T) {
	var due steps
	var got [][]int
	asked, over := 0, false
	var m *mailbox.Mailbox[int]
	m = mailbox.New(mailbox.Config[int]{Items: 10, Bytes: 10, Size: one, Go: due.add, Turn: record(&got), Paused: func() {
		if asked++; over {
			m.Resume()
		}
	}})
	m.Pause()
	m.Post(func() {})
	due.next(t)
	put(t, m, 1)
	due.next(t)
	over = true
	m.Post(func() {})
	due.next(t)
	if diff := cmp.Diff([][]int{{}, {}, {1}}, got); diff != "" || asked != 2 || len(due) != 0 {
		t.Errorf("the owner was asked %d times, want 2; %d turns are due, want none; turns (-want +got):\n%s", asked, len(due), diff)
	}
}
