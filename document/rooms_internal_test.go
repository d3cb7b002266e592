package document

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

var storedAt = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// roomOf reads a room such as "a open", "b stored", or "c deleted".
func roomOf(text string) event.RoomInfo {
	name, state, _ := strings.Cut(text, " ")
	info := event.RoomInfo{Name: name}
	for s := event.RoomStored; s <= event.RoomBusy; s++ {
		if s.String() == state {
			info.State = s
		}
	}
	switch state {
	case "stored":
		info.StoredBytes, info.StoredAt = 7, storedAt
	case "deleted":
		info.State, info.Failure = event.RoomFailed, &protocol.CloseError{Code: protocol.CloseDeleted}
	case "failed":
		info.Failure = &protocol.CloseError{Code: protocol.CloseTryLater}
	}
	return info
}

// lists is a layer whose workers have these rooms.
func lists(workers ...[]string) func(l *fakeLayer, in layer.Input) error {
	return func(l *fakeLayer, in layer.Input) error {
		l.workers = len(workers)
		q := in.Request
		for _, rooms := range workers {
			var r event.Response
			for _, text := range rooms {
				info := roomOf(text)
				if strings.HasPrefix(info.Name, q.Prefix) && info.Name > q.After && len(r.Rooms) < q.Limit {
					r.Rooms = append(r.Rooms, info)
				}
				if info.State != event.RoomStored {
					r.Open++
				}
			}
			l.respond(in, r)
		}
		return nil
	}
}

func TestRoomsOfSeveralWorkers(t *testing.T) {
	workers := [][]string{
		{"a stored", "b open", "c stored", "d deleted", "e stored", "f loading", "x stored"},
		{"a open", "b stored", "c stored", "dd failed", "e busy", "g open", "x stored"},
		{},
	}
	want := "a open, b open, c stored, dd failed, e busy, f loading, g open, x stored"
	c, _ := newFake(t, lists(workers...))
	for limit := range 12 {
		var got []string
		pages := 0
		for after := ""; pages < 20; pages++ {
			list, err := c.Rooms(t.Context(), ListOptions{After: after, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			if list.Open != 7 || limit > 0 && len(list.Rooms) > limit {
				t.Errorf("%d open, %d rooms with the limit %d", list.Open, len(list.Rooms), limit)
			}
			for _, r := range list.Rooms {
				got = append(got, fmt.Sprint(r.Name, " ", r.State))
				if slices.Contains([]string{"a", "b", "c", "e", "x"}, r.Name) && (r.StoredBytes != 7 || !r.StoredAt.Equal(storedAt)) {
					t.Errorf("%+v lacks what the other worker says of it", r)
				}
			}
			if after = list.Next; after == "" {
				break
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("in parts of %d (-want +got)\n%s", limit, diff)
		}
	}
	if list, err := c.Rooms(t.Context(), ListOptions{Prefix: "d"}); err != nil || len(list.Rooms) != 1 || list.Next != "" {
		t.Errorf("with the prefix d: %+v, %v", list, err)
	}
}

// A list is requested again from all workers when one of them is lost.
func TestRoomsWithLostWorker(t *testing.T) {
	whole := lists([]string{"a open"}, []string{"b open"})
	tries := 0
	c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
		if tries++; tries > 1 {
			return whole(l, in)
		}
		l.workers = 2
		l.respond(in, event.Response{Rooms: []event.RoomInfo{{Name: "old", State: event.RoomOpen}}})
		l.lose()
		return nil
	})
	list, err := c.Rooms(t.Context(), ListOptions{})
	if err != nil || len(list.Rooms) != 2 || list.Rooms[0].Name != "a" || list.Rooms[1].Name != "b" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRoomsAreRefused(t *testing.T) {
	c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
		l.workers = 2
		l.respond(in, event.Response{})
		l.respond(in, event.Response{Refusal: event.Refusal{Cause: event.CauseClosed, Code: protocol.CloseTryLater, Reason: "The store has failed."}})
		return nil
	})
	_, err := c.Rooms(t.Context(), ListOptions{})
	wantClose(t, "Rooms", err)
	if errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
}
