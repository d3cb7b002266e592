package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

func giveUp(t *testing.T, s NoticeStore, n store.Notice) {
	t.Helper()
	if err := s.GiveUpNotice(t.Context(), n, "it answers 500"); err != nil {
		t.Errorf("GiveUpNotice: %v", err)
	}
}

func noticeGivenUp(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	giveUp(t, s, takeOne(t, s, store.NoticeCreated, 1))
	giveUp(t, s, takeOne(t, s, store.NoticeChanged, 1))
	takeNone(t, s)
	wantCounts(t, s, 0, 2)
	first, err := s.ListNotices(t.Context(), hook, 0, 1)
	if err != nil || len(first) != 1 || first[0].Kind != store.NoticeCreated || first[0].Attempts != 1 || first[0].Fault != "it answers 500" {
		t.Fatalf("ListNotices returned %+v and %v, want the creation", first, err)
	}
	rest, err := s.ListNotices(t.Context(), hook, first[0].ID, 10)
	if err != nil || len(rest) != 1 || rest[0].Kind != store.NoticeChanged {
		t.Fatalf("ListNotices returned %+v and %v, want the change", rest, err)
	}
	if n, err := s.ReplayNotices(t.Context(), hook, room+"2"); n != 0 || err != nil {
		t.Errorf("ReplayNotices of another room returned %d and %v", n, err)
	}
	if n, err := s.ReplayNotices(t.Context(), hook, room); n != 2 || err != nil {
		t.Errorf("ReplayNotices returned %d and %v, want 2", n, err)
	}
	wantCounts(t, s, 2, 0)
	n := takeOne(t, s, store.NoticeCreated, 1)
	if n.Attempts != 0 || n.Fault != "" {
		t.Errorf("the notice is %+v, want one without attempts", n)
	}
	if !n.First.Equal(first[0].First) || !n.Last.Equal(first[0].Last) || !first[0].Replayed.IsZero() || n.Replayed.Before(n.Last) {
		t.Errorf("the notice was %+v and is %+v, want the times of the change, and that of the replay", first[0], n)
	}
	removeNotice(t, s, n)
	removeNotice(t, s, takeOne(t, s, store.NoticeChanged, 1))
}

func noticeReplayedOnce(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	removeNotice(t, s, takeOne(t, s, store.NoticeCreated, 1))
	for i := range 2 {
		giveUp(t, s, takeOne(t, s, store.NoticeChanged, store.Position(1+i)))
		appendTo(t, s, room, v1("b"))
	}
	wantCounts(t, s, 1, 2)
	if n, err := s.ReplayNotices(t.Context(), hook, ""); n != 0 || err != nil { // the one that waits stands for them
		t.Errorf("ReplayNotices returned %d and %v, want 0", n, err)
	}
	wantCounts(t, s, 1, 0)
	giveUp(t, s, takeOne(t, s, store.NoticeChanged, 3))
	appendTo(t, s, room, v1("b"))
	giveUp(t, s, takeOne(t, s, store.NoticeChanged, 4))
	if n, err := s.ReplayNotices(t.Context(), hook, ""); n != 1 || err != nil {
		t.Errorf("ReplayNotices returned %d and %v, want 1", n, err)
	}
	removeNotice(t, s, takeOne(t, s, store.NoticeChanged, 4))
	wantCounts(t, s, 0, 0)
}

func noticeReplayedMany(t *testing.T, s NoticeStore) {
	const rooms = 250
	var writers sync.WaitGroup
	for i := range rooms {
		writers.Go(func() {
			if _, err := s.Append(t.Context(), fmt.Sprint(room, i), v1("a")); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	all := taking
	all.Limit = 2 * rooms
	for range 2 {
		for _, n := range take(t, s, all) {
			writers.Go(func() { giveUp(t, s, n) })
		}
		writers.Wait()
	}
	wantCounts(t, s, 0, 2*rooms)
	if n, err := s.ReplayNotices(t.Context(), hook, ""); n != 2*rooms || err != nil {
		t.Errorf("ReplayNotices returned %d and %v, want %d", n, err, 2*rooms)
	}
	wantCounts(t, s, 2*rooms, 0)
}

func noticeGivenUpMeanwhile(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	removeNotice(t, s, takeOne(t, s, store.NoticeCreated, 1))
	n := takeOne(t, s, store.NoticeChanged, 1)
	appendTo(t, s, room, v1("b"))
	giveUp(t, s, n)
	wantCounts(t, s, 1, 0)
	takeOne(t, s, store.NoticeChanged, 2)
}
