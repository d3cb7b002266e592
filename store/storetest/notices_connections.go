package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

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
