package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

// Notices that wait for another one of their room are not read by TakeNotices while that pauses.
func TestNoticesWaitForAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	config := at(store.DurabilityCommit)
	config.Webhooks = func(string, store.NoticeKind) []string { return []string{"hook"} }
	s := open(t, path, config)
	const rooms = 20
	for i := range rooms {
		add(t, s, fmt.Sprint("room ", i), "a")
	}
	taken, err := s.TakeNotices(t.Context(), store.Taking{Webhook: "hook", Limit: rooms, Lease: time.Hour})
	if err != nil || len(taken) != rooms {
		t.Fatalf("TakeNotices returned %d notices and %v, want %d", len(taken), err, rooms)
	}
	for _, n := range taken {
		if err := s.RetryNotice(t.Context(), n, "it answered 500", time.Hour); err != nil {
			t.Fatal(err)
		}
		added := store.Notice{Webhook: "hook", Room: n.Room, Kind: store.NoticeConnected, Last: time.Now()}
		if _, err := s.AddNotices(t.Context(), []store.Notice{added}); err != nil {
			t.Fatal(err)
		}
	}
	db := database(t, path)
	defer db.Close()
	var ready int
	if err := db.QueryRow("SELECT count(*) FROM notices WHERE ready_at <= datetime('now', '+1 minute')").Scan(&ready); err != nil || ready != 0 {
		t.Errorf("%d notices are ready while those before them pause (%v)", ready, err)
	}
}

// The writer may carry out a call that has ended. The race detector finds what both set then.
func TestAddNoticesThatHasEnded(t *testing.T) {
	config := at(store.DurabilityCommit)
	config.Webhooks = func(string, store.NoticeKind) []string { return []string{"hook"} }
	s, free := blocked(t, config)
	added := store.Notice{Webhook: "hook", Room: room, Kind: store.NoticeConnected, Last: time.Now()}
	ctx := short(t)
	freed := make(chan struct{})
	go func() { // which doesn't order the writer behind the return of the call
		defer close(freed)
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond)
		free()
	}()
	if _, err := s.AddNotices(ctx, []store.Notice{added}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("AddNotices returned %v, want %v", err, context.DeadlineExceeded)
	}
	<-freed
	time.Sleep(50 * time.Millisecond)
	if _, err := s.AddNotices(t.Context(), []store.Notice{added}); err != nil {
		t.Fatal(err)
	}
}
