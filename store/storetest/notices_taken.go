package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

func noticeOrder(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	n := takeOne(t, s, store.NoticeCreated, 1)
	takeNone(t, s) // the change has to wait
	removeNotice(t, s, n)
	n = takeOne(t, s, store.NoticeChanged, 1)
	appendTo(t, s, room, v1("b"))
	takeNone(t, s)
	appendTo(t, s, room+"2", v1("a"))
	if taken := take(t, s, taking); len(taken) != 1 || taken[0].Room != room+"2" {
		t.Errorf("TakeNotices returned %+v, want the notice of the other room", taken)
	}
	removeNotice(t, s, n)
}

func noticeTakenOnce(t *testing.T, s NoticeStore) {
	const rooms = 30
	for i := range rooms {
		appendTo(t, s, fmt.Sprint(room, i), v1("a"))
	}
	some := taking
	some.Limit = 4
	var takers sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 6 {
		takers.Go(func() {
			for {
				taken, err := s.TakeNotices(t.Context(), some)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, n := range taken {
					seen[n.Room]++
				}
				all := len(seen) == rooms
				mu.Unlock()
				if len(taken) > some.Limit {
					t.Errorf("TakeNotices returned %d notices, want %d at most", len(taken), some.Limit)
				}
				if all || err != nil {
					return
				}
			}
		})
	}
	takers.Wait()
	for room, n := range seen {
		if n != 1 {
			t.Errorf("a notice of %s was taken %d times", room, n)
		}
	}
	takeNone(t, s)
}

func noticeQuiet(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	calm := store.Taking{Webhook: hook, Limit: 100, Lease: time.Hour, Quiet: time.Hour, Longest: time.Hour}
	created := take(t, s, calm)
	if len(created) != 1 || created[0].Kind != store.NoticeCreated {
		t.Fatalf("TakeNotices returned %+v, want the creation, which waits for nothing", created)
	}
	removeNotice(t, s, created[0])
	if taken := take(t, s, calm); len(taken) > 0 {
		t.Errorf("TakeNotices returned %+v although the room was just changed", taken)
	}
	calm.Longest = 0
	if taken := take(t, s, calm); len(taken) != 1 || taken[0].Kind != store.NoticeChanged {
		t.Errorf("TakeNotices returned %+v, want the change, which has waited for long enough", taken)
	}
}

func noticeChangedMeanwhile(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	removeNotice(t, s, takeOne(t, s, store.NoticeCreated, 1))
	n := takeOne(t, s, store.NoticeChanged, 1)
	appendTo(t, s, room, v1("b"))
	removeNotice(t, s, n)
	n = takeOne(t, s, store.NoticeChanged, 2)
	removeNotice(t, s, n)
	takeNone(t, s)
	wantCounts(t, s, 0, 0)
	removeNotice(t, s, n) // nothing
}

func noticeRetry(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	n := takeOne(t, s, store.NoticeCreated, 1)
	if err := s.RetryNotice(t.Context(), n, "it answered 500", 0); err != nil {
		t.Fatal(err)
	}
	n = takeOne(t, s, store.NoticeCreated, 1)
	if n.Attempts != 1 || n.Fault != "it answered 500" {
		t.Errorf("the notice is %+v, want one attempt with its fault", n)
	}
	if err := s.RetryNotice(t.Context(), n, "", 0); err != nil {
		t.Fatal(err)
	}
	n = takeOne(t, s, store.NoticeCreated, 1)
	if n.Attempts != 1 || n.Fault != "it answered 500" {
		t.Errorf("the notice is %+v, want it as before, because nothing was attempted", n)
	}
	if err := s.RetryNotice(t.Context(), n, "it answered 501", time.Hour); err != nil {
		t.Fatal(err)
	}
	takeNone(t, s)
	wantCounts(t, s, 2, 0)
}

func noticeLease(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	short := taking
	short.Lease = time.Millisecond
	first := take(t, s, short)
	var second []store.Notice
	for began := time.Now(); len(second) == 0; second = take(t, s, taking) {
		if time.Since(began) > time.Minute {
			t.Fatal("a notice whose lease has ended was not taken again")
		}
	}
	removeNotice(t, s, first[0])
	if err := s.RetryNotice(t.Context(), first[0], "late", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.GiveUpNotice(t.Context(), first[0], "late"); err != nil {
		t.Fatal(err)
	}
	takeNone(t, s)
	wantCounts(t, s, 2, 0)
	removeNotice(t, s, second[0])
	takeOne(t, s, store.NoticeChanged, 1)
}

func noticeConcurrent(t *testing.T, s NoticeStore) {
	const rooms, edits = 8, 20
	var writers sync.WaitGroup
	for i := range rooms {
		for range 2 {
			writers.Go(func() {
				for range edits {
					if _, err := s.Append(t.Context(), fmt.Sprint(room, i), v1("a")); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	told := map[string]store.Position{}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for last := false; ; {
		taken := take(t, s, taking)
		if len(taken) == 0 && last {
			break
		}
		for _, n := range taken {
			if _, known := told[n.Room]; known == (n.Kind == store.NoticeCreated) || n.Position < told[n.Room] {
				t.Errorf("a notice %+v after one at position %d", n, told[n.Room])
			}
			told[n.Room] = n.Position
			removeNotice(t, s, n)
		}
		if len(taken) == 0 {
			select {
			case <-done:
				last = true
			default:
			}
		}
	}
	for i := range rooms {
		if at := told[fmt.Sprint(room, i)]; at != 2*edits {
			t.Errorf("the last notice of room %d is at position %d, want %d", i, at, 2*edits)
		}
	}
}
