package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

func noticeCreated(t *testing.T, s NoticeStore) {
	before := time.Now().Add(-time.Second)
	appendTo(t, s, room, v1("a"))
	n := takeOne(t, s, store.NoticeCreated, 1)
	if n.First.Before(before) || n.Last.Before(n.First) || n.Until.Sub(n.Taken) < 59*time.Minute || n.Attempts != 0 || n.Fault != "" {
		t.Errorf("the notice is %+v", n)
	}
	removeNotice(t, s, n)
	removeNotice(t, s, takeOne(t, s, store.NoticeChanged, 1))
	takeNone(t, s)
	if _, err := s.Create(t.Context(), room+"2", v1("b")); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, tell(t, s), store.NoticeCreated, store.NoticeChanged)
	wantCounts(t, s, 0, 0)
}

func noticeEmptyCompact(t *testing.T, s NoticeStore) {
	if err := s.Compact(t.Context(), room, store.Log{}, v1("a")); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, tell(t, s), store.NoticeCreated, store.NoticeChanged)
	if err := s.Compact(t.Context(), room, store.Log{}, v1("b")); err != nil {
		t.Fatal(err)
	}
	takeOne(t, s, store.NoticeChanged, 2)
}

func noticeEdits(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	tell(t, s)
	for range 5 {
		appendTo(t, s, room, v1("b"))
	}
	n := takeOne(t, s, store.NoticeChanged, 6)
	if n.Last.Before(n.First) {
		t.Errorf("the first change was at %v and the last at %v", n.First, n.Last)
	}
	removeNotice(t, s, n)
	takeNone(t, s)
}

func noticeRefused(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	tell(t, s)
	l, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), room, l, v1("ab")); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), room, l, v1("ab")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Compact returned %v, want ErrConflict", err)
	}
	if _, err := s.Create(t.Context(), room, v1("c")); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create returned %v, want ErrExists", err)
	}
	if err := s.Delete(t.Context(), room+"2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Delete returned %v, want ErrNotFound", err)
	}
	takeNone(t, s)
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, tell(t, s), store.NoticeDeleted)
	if _, err := s.Append(t.Context(), room, v1("c")); !errors.Is(err, store.ErrDeleted) {
		t.Errorf("Append returned %v, want ErrDeleted", err)
	}
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	takeNone(t, s)
}

func noticeCut(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	removeNotice(t, s, takeOne(t, s, store.NoticeCreated, 1))
	n := takeOne(t, s, store.NoticeChanged, 2)
	l, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := v1("a")
	snapshot.Cut = true
	if err := s.Compact(t.Context(), room, l, snapshot); err != nil {
		t.Fatal(err)
	}
	removeNotice(t, s, n)
	again := takeOne(t, s, store.NoticeChanged, 2)
	if again.ID == n.ID && again.Revision == n.Revision {
		t.Errorf("a notice of another change has the ID and the revision of %+v", n)
	}
	removeNotice(t, s, again)
	if l, err = s.Load(t.Context(), room); err != nil || l.Entries[0].Cut {
		t.Errorf("Load returned %+v and %v, want an entry without Cut", l, err)
	}
	if err := s.Compact(t.Context(), room, store.Log{}, snapshot); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Compact returned %v, want ErrConflict", err)
	}
	takeNone(t, s)
}

func noticeWebhooks(t *testing.T, s NoticeStore) {
	appendTo(t, s, "quiet", v1("a"))
	takeNone(t, s)
	if err := s.Delete(t.Context(), "quiet"); err != nil {
		t.Fatal(err)
	}
	takeNone(t, s)
	appendTo(t, s, room, v1("a"))
	wantKinds(t, tell(t, s), store.NoticeCreated, store.NoticeChanged)
	other := taking
	other.Webhook = otherHook
	if taken := take(t, s, other); len(taken) != 1 || taken[0].Kind != store.NoticeCreated || taken[0].Webhook != otherHook {
		t.Errorf("TakeNotices for another webhook returned %+v, want one of the creation", taken)
	}
}

func noticeKinds(t *testing.T, s NoticeStore) {
	for i, add := range []func(room string) error{
		func(room string) error { _, err := s.Append(t.Context(), room, v1("a")); return err },
		func(room string) error { _, err := s.Create(t.Context(), room, v1("a")); return err },
		func(room string) error { return s.Compact(t.Context(), room, store.Log{}, v1("a")) },
	} {
		for _, kind := range []store.NoticeKind{store.NoticeCreated, store.NoticeChanged, store.NoticeDeleted} {
			room := fmt.Sprint(kind, " only", i)
			if err := add(room); err != nil {
				t.Fatal(err)
			}
			told := tell(t, s)
			if err := s.Delete(t.Context(), room); err != nil {
				t.Fatal(err)
			}
			wantKinds(t, append(told, tell(t, s)...), kind)
		}
	}
}

func noticeDeleted(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	removeNotice(t, s, takeOne(t, s, store.NoticeCreated, 1))
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	removeNotice(t, s, takeOne(t, s, store.NoticeDeleted, 2))
	takeNone(t, s)
}

func noticeDeletedMeanwhile(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	removeNotice(t, s, takeOne(t, s, store.NoticeCreated, 1))
	n := takeOne(t, s, store.NoticeChanged, 1)
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	takeNone(t, s) // the deletion has to wait until the notice of the change is removed
	removeNotice(t, s, n)
	removeNotice(t, s, takeOne(t, s, store.NoticeDeleted, 2))
	takeNone(t, s)
}

func noticeUnwantedDeletion(t *testing.T, s NoticeStore) {
	const room = "changed only"
	appendTo(t, s, room, v1("a"))
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), room, v1("b")); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, tell(t, s), store.NoticeDeleted, store.NoticeChanged)
}

func noticeCreatedAgain(t *testing.T, s NoticeStore) {
	appendTo(t, s, room, v1("a"))
	for i := range 2 {
		if err := s.Delete(t.Context(), room); err != nil {
			t.Fatal(err)
		}
		if p, err := s.Create(t.Context(), room, v1("b")); err != nil || p != store.Position(3+2*i) {
			t.Fatalf("Create returned %d, %v", p, err)
		}
	}
	appendTo(t, s, room, v1("c"))
	// What happens to the room later has a larger position, so that a receiver can tell what is late.
	for _, want := range []struct {
		kind store.NoticeKind
		at   store.Position
	}{
		{store.NoticeCreated, 1},
		{store.NoticeDeleted, 2},
		{store.NoticeCreated, 3},
		{store.NoticeDeleted, 4},
		{store.NoticeCreated, 5},
		{store.NoticeChanged, 6},
	} {
		removeNotice(t, s, takeOne(t, s, want.kind, want.at))
	}
	takeNone(t, s)
}
