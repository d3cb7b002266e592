package main

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
)

const (
	roomsShown = 200  // in a page of the list
	roomsRead  = 5000 // how many rooms a list is sorted and searched among
)

// listing selects the rooms that the page /rooms shows, and their order.
type listing struct {
	after      string // rooms with later names are read
	search     string // a part of the names, without regard to case
	show       string // "open", "stored" or "failed"; anything else means all
	sort       string // a key of orders; anything else means by name
	descending bool
	skip       int // how many rooms come before the page that is shown
}

func listingOf(query url.Values) listing {
	skip, _ := strconv.Atoi(query.Get("skip")) // anything else is 0
	return listing{
		after: query.Get("after"), search: query.Get("search"), show: query.Get("show"),
		sort: query.Get("sort"), descending: query.Get("order") == "descending", skip: max(skip, 0),
	}
}

// listed is a page of the list of rooms.
type listed struct {
	Rooms []api.Room `json:"rooms"`
	Skip  int        `json:"skip"` // how many rooms come before
	Page  int        `json:"page"` // how many rooms a page has

	// The rooms that were read and match the search, whatever their state.
	Found       int `json:"found"`
	Open        int `json:"open"`   // in memory
	Stored      int `json:"stored"` // in the store, and not in memory
	Failed      int `json:"failed"`
	People      int `json:"people"`
	Connections int `json:"connections"`
	Bytes       int `json:"bytes"`
	Pending     int `json:"pending"`

	Matching int    `json:"matching"`       // how many of them are in the state that is shown
	Next     string `json:"next,omitempty"` // the value of after with which further rooms are read; absent if there are none
	Read     int    `json:"read"`           // how many rooms were read
	Consumer string `json:"consumer"`       // the name of the process that answers
}

// list lists rooms for the page.
func (d *roomData) list(ctx context.Context, l listing) (status int, body any) {
	rooms, next, err := d.read(ctx, "", l.after)
	if err == nil && next != "" && l.search != "" {
		// Of the rooms that were not read, those are found that begin with the search.
		var more []event.RoomInfo
		more, _, err = d.read(ctx, l.search, next)
		rooms = append(rooms, more...)
	}
	if err != nil {
		return failed(err)
	}
	answer := listed{Rooms: []api.Room{}, Page: roomsShown, Next: next, Read: len(rooms), Consumer: d.consumer}
	search := strings.ToLower(l.search)
	rooms = slices.DeleteFunc(rooms, func(r event.RoomInfo) bool {
		if !strings.Contains(strings.ToLower(r.Name), search) || onlyLookedInto(r) {
			return true
		}
		answer.count(r)
		return !shows(l.show, r)
	})
	answer.Matching = len(rooms)
	slices.SortFunc(rooms, l.compare)
	answer.Skip = min(l.skip, len(rooms))
	for _, r := range rooms[answer.Skip:min(answer.Skip+roomsShown, len(rooms))] {
		answer.Rooms = append(answer.Rooms, api.RoomOf(r))
	}
	return http.StatusOK, answer
}

// read returns up to roomsRead rooms, and the last of their names if there are more.
func (d *roomData) read(ctx context.Context, prefix, after string) (rooms []event.RoomInfo, next string, err error) {
	for {
		part, err := d.documents.Rooms(ctx, document.ListOptions{Prefix: prefix, After: after, Limit: min(api.MaxRooms, roomsRead-len(rooms))})
		if err != nil {
			return nil, "", err
		}
		rooms = append(rooms, part.Rooms...)
		if after = part.Next; after == "" || len(rooms) >= roomsRead {
			return rooms, after, nil
		}
	}
}

// onlyLookedInto reports whether a room is in memory only because a client has opened it,
// which has left and wrote nothing. Nothing of it is stored, so it isn't listed. Not every
// store lists its rooms, so the document in memory has to be empty, too.
func onlyLookedInto(r event.RoomInfo) bool {
	return r.State == event.RoomOpen && r.Summary.Conns == 0 && r.Summary.Size == 0 && r.StoredAt.IsZero()
}

func isOpen(r event.RoomInfo) bool {
	return r.State != event.RoomStored && r.State != event.RoomFailed
}

// shows reports whether a room is in the state that is to be shown.
func shows(state string, r event.RoomInfo) bool {
	switch state {
	case "open":
		return isOpen(r)
	case "stored":
		return r.State == event.RoomStored
	case "failed":
		return r.State == event.RoomFailed
	}
	return true
}

// count adds a room to the totals.
func (l *listed) count(r event.RoomInfo) {
	l.Found++
	switch {
	case isOpen(r):
		l.Open++
	case r.State == event.RoomStored:
		l.Stored++
	default:
		l.Failed++
	}
	l.People += r.Summary.Clients
	l.Connections += r.Summary.Conns
	l.Bytes += sizeOf(r)
	l.Pending += r.Summary.Pending
}

// sizeOf returns the size of a room as api.RoomOf describes it.
func sizeOf(r event.RoomInfo) int {
	if r.State == event.RoomStored {
		return r.StoredBytes
	}
	return r.Summary.Size
}

// orders are the comparisons of rooms by the names of the columns.
var orders = map[string]func(a, b event.RoomInfo) int{
	"state":       func(a, b event.RoomInfo) int { return strings.Compare(a.State.String(), b.State.String()) },
	"people":      func(a, b event.RoomInfo) int { return cmp.Compare(a.Summary.Clients, b.Summary.Clients) },
	"connections": func(a, b event.RoomInfo) int { return cmp.Compare(a.Summary.Conns, b.Summary.Conns) },
	"size":        func(a, b event.RoomInfo) int { return cmp.Compare(sizeOf(a), sizeOf(b)) },
	"edits":       func(a, b event.RoomInfo) int { return cmp.Compare(a.Summary.Edits, b.Summary.Edits) },
	"pending":     func(a, b event.RoomInfo) int { return cmp.Compare(a.Summary.Pending, b.Summary.Pending) },
	"changed":     func(a, b event.RoomInfo) int { return changedAt(a).Compare(changedAt(b)) },
	"worker":      func(a, b event.RoomInfo) int { return strings.Compare(a.Summary.Worker, b.Summary.Worker) },
}

// changedAt returns when a room last changed or, if that isn't known, was last stored.
func changedAt(r event.RoomInfo) time.Time {
	if r.Summary.Changed.IsZero() {
		return r.StoredAt
	}
	return r.Summary.Changed
}

// compare compares two rooms by the order of the listing. Equal ones are in the order of
// their names.
func (l listing) compare(a, b event.RoomInfo) int {
	byName := strings.Compare(a.Name, b.Name)
	order := 0
	if by := orders[l.sort]; by != nil {
		order = by(a, b)
	} else if l.descending {
		return -byName
	}
	if l.descending {
		order = -order
	}
	return cmp.Or(order, byName)
}
