package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

// NoticeStore is a store that records what happens to its rooms.
type NoticeStore interface {
	store.Store
	store.Notices
}

// The webhooks of the rooms in RunNotices. Rooms whose names begin with "quiet" have none, and those
// whose names begin with a kind and " only" have two that want notices of this kind only.
const (
	hook      = "hook"
	otherHook = "other"
)

func webhooksOf(room string, kind store.NoticeKind) []string {
	only, _, single := strings.Cut(room, " only")
	if strings.HasPrefix(room, "quiet") || single && only != string(kind) {
		return nil
	}
	return []string{hook, otherHook, hook} // as a configuration may do by mistake
}

// RunNotices checks stores that record what happens to their rooms, for the webhooks that the
// func returns. Each subtest calls open once and expects an empty store.
func RunNotices(t *testing.T, open func(t *testing.T, webhooks store.Webhooks) NoticeStore) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*testing.T, NoticeStore)
	}{
		{"of a room that is created are of that and of the change", noticeCreated},
		{"of an empty compaction are as those of an append", noticeEmptyCompact},
		{"of many edits is one", noticeEdits},
		{"are not of what is refused, and not of compactions", noticeRefused},
		{"are of compactions that set a room back", noticeCut},
		{"are for the webhooks of the room", noticeWebhooks},
		{"are of the kinds that a webhook wants", noticeKinds},
		{"of a change become one of the deletion even if only changes are wanted", noticeUnwantedDeletion},
		{"of a room are taken one after the other", noticeOrder},
		{"are taken by one call each", noticeTakenOnce},
		{"are due when the room is quiet, or after the longest time", noticeQuiet},
		{"of a room that was changed after they were taken stay", noticeChangedMeanwhile},
		{"are taken again after a pause", noticeRetry},
		{"are taken again after the lease, and only the last call has them", noticeLease},
		{"of a change become one of the deletion", noticeDeleted},
		{"of a deletion follow that of a change that is taken", noticeDeletedMeanwhile},
		{"of rooms that are deleted and created again are in order", noticeCreatedAgain},
		{"that were given up are listed, waited for by none, and replayed", noticeGivenUp},
		{"that were given up are replayed once a room", noticeReplayedOnce},
		{"that were given up are all replayed if they are many", noticeReplayedMany},
		{"that were given up while the room was changed are due again", noticeGivenUpMeanwhile},
		{"of connections are in order, with their data", noticeConnections},
		{"of many rooms that are edited at the same time are complete", noticeConcurrent},
	} {
		t.Run("Notices/"+rule.name, func(t *testing.T) { rule.check(t, open(t, webhooksOf)) })
	}
}

// taking takes all that is due, for long.
var taking = store.Taking{Webhook: hook, Limit: 100, Lease: time.Hour}

func take(t *testing.T, s NoticeStore, with store.Taking) []store.Notice {
	t.Helper()
	taken, err := s.TakeNotices(t.Context(), with)
	if err != nil {
		t.Fatalf("TakeNotices: %v", err)
	}
	return taken
}

// takeOne takes the one notice that is due, which has to be of this kind and position.
func takeOne(t *testing.T, s NoticeStore, kind store.NoticeKind, at store.Position) store.Notice {
	t.Helper()
	taken := take(t, s, taking)
	if len(taken) != 1 || taken[0].Kind != kind || taken[0].Position != at || taken[0].Webhook != hook || taken[0].Room != room {
		t.Fatalf("TakeNotices returned %+v, want one of %s at position %d", taken, kind, at)
	}
	return taken[0]
}

func takeNone(t *testing.T, s NoticeStore) {
	t.Helper()
	if taken := take(t, s, taking); len(taken) > 0 {
		t.Fatalf("TakeNotices returned %+v, want none", taken)
	}
}

func removeNotice(t *testing.T, s NoticeStore, n store.Notice) {
	t.Helper()
	if err := s.RemoveNotice(t.Context(), n); err != nil {
		t.Fatalf("RemoveNotice: %v", err)
	}
}

// tell takes and removes all notices of the hook, one by one, and returns their kinds.
func tell(t *testing.T, s NoticeStore) (kinds []store.NoticeKind) {
	t.Helper()
	for {
		taken := take(t, s, taking)
		if len(taken) == 0 {
			return kinds
		}
		for _, n := range taken {
			kinds = append(kinds, n.Kind)
			removeNotice(t, s, n)
		}
	}
}

func wantKinds(t *testing.T, got []store.NoticeKind, want ...store.NoticeKind) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("there were notices of %v, want %v", got, want)
	}
}

func wantCounts(t *testing.T, s NoticeStore, waiting, givenUp int) {
	t.Helper()
	c, err := s.CountNotices(t.Context(), hook)
	if err != nil || c.Waiting != waiting || c.GivenUp != givenUp || c.Oldest.IsZero() != (waiting == 0) {
		t.Errorf("CountNotices returned %+v and %v, want %d that wait and %d that were given up", c, err, waiting, givenUp)
	}
}
