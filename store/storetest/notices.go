package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
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

func noticeConnections(t *testing.T, s NoticeStore) {
	at := time.Date(2026, 5, 6, 7, 8, 9, 123_000_000, time.UTC)
	added := []store.Notice{
		{Webhook: hook, Room: room, Kind: store.NoticeConnected, Last: at, Data: `{"user":"ada"}`},
		{Webhook: hook, Room: "never written to", Kind: store.NoticeConnected, Last: at.Add(time.Second)},
		{Webhook: otherHook, Room: room, Kind: store.NoticeConnected, Last: at},
		{Webhook: hook, Room: room, Kind: store.NoticeDisconnected, Last: at.Add(time.Minute), Data: "é"},
	}
	addNotices(t, s, added)
	appendTo(t, s, room, v1("a"))
	addNotices(t, s, added[:1])
	addNotices(t, s, nil)
	patient := taking // a room that is being edited delays no connections before the edit
	patient.Quiet, patient.Longest = time.Hour, time.Hour
	taken := take(t, s, patient)
	if len(taken) != 2 {
		t.Fatalf("TakeNotices returned %+v, want the first of each room", taken)
	}
	for _, n := range taken {
		want := added[0]
		if n.Room != room {
			want = added[1]
		}
		if n.Kind != want.Kind || n.Data != want.Data || n.Position != 0 || !n.First.Equal(want.Last) || !n.Last.Equal(want.Last) || n.Until.Before(n.Taken) {
			t.Errorf("TakeNotices returned %+v, want what was added: %+v", n, want)
		}
		removeNotice(t, s, n)
	}
	n := takeOne(t, s, store.NoticeDisconnected, 0)
	if n.Data != "é" {
		t.Errorf("the data is %q", n.Data)
	}
	giveUp(t, s, n)
	if n, err := s.ReplayNotices(t.Context(), hook, room); n != 1 || err != nil {
		t.Errorf("ReplayNotices returned %d and %v, want 1", n, err)
	}
	wantKinds(t, tell(t, s), store.NoticeDisconnected, store.NoticeCreated, store.NoticeChanged, store.NoticeConnected)
	wantCounts(t, s, 0, 0)
}

// addNotices adds notices of connections, and returns how many were removed for the hook.
func addNotices(t *testing.T, s NoticeStore, all []store.Notice) int {
	t.Helper()
	removed, err := s.AddNotices(t.Context(), all)
	if err != nil {
		t.Fatalf("AddNotices: %v", err)
	}
	if len(removed) > 1 || len(removed) == 1 && removed[hook] == 0 {
		t.Errorf("AddNotices has removed %v, want some of %s only", removed, hook)
	}
	return removed[hook]
}

// RunManyNotices checks that a store bounds the notices of connections: those that wait, and those
// that were given up. A store with slow transactions has a giveUpMany that gives up the oldest n notices
// that wait, all at once, where GiveUpNotice would do it in n transactions; otherwise it is nil.
func RunManyNotices(t *testing.T, open func(t *testing.T, webhooks store.Webhooks) NoticeStore, giveUpMany func(n int)) {
	t.Helper()
	s := open(t, webhooksOf)
	const added = 3 * store.MostNotices / 2
	other := store.Notice{Webhook: otherHook, Room: room, Kind: store.NoticeConnected, Last: time.Now()}
	addNotices(t, s, []store.Notice{other})
	removed := 0
	add := func(from, to int) {
		var some []store.Notice
		for i := from; i < to; i++ {
			some = append(some, store.Notice{Webhook: hook, Room: room, Kind: store.NoticeDisconnected, Last: time.Now(), Data: strconv.Itoa(i)})
		}
		removed += addNotices(t, s, some)
	}
	add(0, 100)
	first := takeOne(t, s, store.NoticeDisconnected, 0)
	appendTo(t, s, room, v1("a"))
	const ofAppend = 2 // they stay
	for i := 100; i < added; i += 100 {
		add(i, i+100)
	}
	if removed != added-store.MostNotices {
		t.Errorf("AddNotices has removed %d notices of %d, want all but %d", removed, added, store.MostNotices)
	}
	wantCounts(t, s, store.MostNotices+ofAppend, 0)
	takeNone(t, s) // the first is still taken
	giveUp(t, s, first)
	giveUp(t, s, takeOne(t, s, store.NoticeCreated, 1))
	giveUp(t, s, takeOne(t, s, store.NoticeChanged, 1))
	from := added - store.MostNotices + 1
	if giveUpMany != nil {
		n := added - 10 - from
		giveUpMany(n)
		from += n
	}
	for i := from; i < added+10; i++ {
		if i == added {
			add(added, added+10)
		}
		n := takeOne(t, s, store.NoticeDisconnected, 0)
		if want := strconv.Itoa(i); n.Data != want {
			t.Fatalf("a notice that was kept has the data %s, want %s", n.Data, want)
		}
		giveUp(t, s, n)
	}
	wantCounts(t, s, 0, store.MostNotices+ofAppend)
	given, err := s.ListNotices(t.Context(), hook, 0, ofAppend+2)
	if err != nil || len(given) != ofAppend+2 || given[0].ID != first.ID || given[ofAppend+1].Data != strconv.Itoa(added-store.MostNotices+11) {
		t.Errorf("ListNotices returned %+v and %v, want the first, those of the change and the newest", given, err)
	}
	taken, err := s.TakeNotices(t.Context(), store.Taking{Webhook: otherHook, Limit: 1, Lease: time.Hour})
	if err != nil || len(taken) != 1 || taken[0].Kind != other.Kind {
		t.Errorf("TakeNotices for another webhook returned %+v and %v, want the one that was added", taken, err)
	}
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
