package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
)

// MaxRooms is the largest number of rooms in a list. The default limit of a request is
// 100.
const MaxRooms = 1000

const (
	defaultRooms = 100
	listTimeout  = 5 * time.Second // how long a list waits for the workers
)

// Room describes a room in a list, as JSON.
type Room struct {
	Name        string     `json:"name"`
	State       string     `json:"state"`             // of event.RoomState
	Reason      string     `json:"reason,omitempty"`  // why it failed
	Connections int        `json:"connections"`       //
	People      int        `json:"people"`            // awareness states
	Bytes       int        `json:"bytes"`             // size of the document, approximately
	Pending     int        `json:"pending"`           // how many of these bytes are pending
	Edits       float64    `json:"edits_per_second"`  // how many updates a second have changed the document, as a mean of about the last ten seconds
	Changed     *time.Time `json:"changed,omitempty"` // absent if it hasn't changed since the room was opened
	Stored      *time.Time `json:"stored,omitempty"`  // when the newest entry was stored, which may be a snapshot
	Worker      string     `json:"worker,omitempty"`  // the name of the worker that has it in memory
}

// RoomOf returns the description of a room.
func RoomOf(r event.RoomInfo) Room {
	shown := Room{
		Name: r.Name, State: r.State.String(), Stored: moment(r.StoredAt),
		Connections: r.Summary.Conns, People: r.Summary.Clients, Bytes: r.Summary.Size, Changed: moment(r.Summary.Changed), Worker: r.Summary.Worker,
		Pending: r.Summary.Pending, Edits: float64(r.Summary.Edits) / event.EditsTime.Seconds(),
	}
	if r.State == event.RoomStored {
		shown.Bytes = r.StoredBytes
	}
	if r.Failure != nil {
		shown.Reason = r.Failure.Reason
	}
	return shown
}

// moment returns t in UTC and to the millisecond; nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// List is a part of the list of rooms, as JSON.
type List struct {
	Rooms []Room `json:"rooms"`
	Open  int    `json:"open"`           // how many rooms of the prefix are in memory
	Next  string `json:"next,omitempty"` // the parameter after of the request for the next part; absent at the end
}

// ListOf returns a part of the list of rooms.
func ListOf(l document.List) List {
	part := List{Rooms: make([]Room, len(l.Rooms)), Open: l.Open, Next: l.Next}
	for i, r := range l.Rooms {
		part.Rooms[i] = RoomOf(r)
	}
	return part
}

// list lists rooms.
func (a *Handler) list(w http.ResponseWriter, r *http.Request, _ string) error {
	query, err := parameters(r, "prefix", "after", "limit")
	if err != nil {
		return err
	}
	limit := defaultRooms
	if query.Has("limit") {
		if limit, err = strconv.Atoi(query.Get("limit")); err != nil || limit < 1 || limit > MaxRooms {
			return badParameter.because(fmt.Sprintf("limit is a number from 1 to %d.", MaxRooms))
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), listTimeout)
	defer cancel()
	part, err := a.documents.Rooms(ctx, document.ListOptions{Prefix: query.Get("prefix"), After: query.Get("after"), Limit: limit})
	if err != nil {
		return err
	}
	body, err := json.Marshal(ListOf(part))
	if err != nil {
		return err
	}
	return answer(w, r, "application/json", hashTag(body), body)
}
